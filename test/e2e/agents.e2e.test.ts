// The simulated nodes, pods and disks on the real control plane with the real CSI sidecars: what a StatefulSet gets on Alibaba Cloud is
// what it gets here, from its first disk to its last.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import type { Api } from '../../src/kubernetes/api.ts';
import { namespaces, nodes, pods, type Pod } from '../../src/kubernetes/objects.ts';
import { conditionOf } from '../../src/kubernetes/reading.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { systemRandom } from '../../src/ports/random.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { startAgents, tolerationOf, type Agents } from '../../src/simulation/nodes/agents.ts';
import { startSidecars, type Sidecars } from '../controlplane/sidecars.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { FakeLog } from '../fakes/log.ts';
import { AGENTS, bornInTheZonesOfItsNodes, NODES, REGION, ZONES, type Ground } from './scenarios/agents.ts';

const WAIT = { timeout: 30_000, interval: 10 };

let controlPlane: ControlPlane;
let sidecars: Sidecars;
let connection: ClusterConnection;
let api: Api;
let ecs: EcsModel;
let agents: Agents;
let ground: Ground;
const log = new FakeLog();

beforeAll(async () => {
  controlPlane = await startControlPlane();
  connection = loadCluster({ kubeconfig: controlPlane.kubeconfig });
  api = createApi({ http: connection.http });
  ecs = new EcsModel({
    clock: systemClock,
    random: systemRandom,
    region: REGION,
    zones: ZONES.map((id) => ({ id, onSale: [{ category: 'cloud_essd' }, { category: 'cloud_auto' }] })),
    timings: { createDiskMs: 0, attachMs: 0, detachMs: 0, snapshotAvailableMs: 0, snapshotUploadMs: 0 },
  });
  agents = await startAgents({
    cluster: connection,
    cloud: ecs,
    nodes: NODES,
    timings: { writeMs: 50 },
    csi: { pollMs: 5 },
    folder: controlPlane.directory,
    log,
  });
  sidecars = await startSidecars({ controlPlane, socketPath: agents.driverSocket });
  ground = {
    clock: systemClock,
    random: systemRandom,
    api,
    cloud: ecs,
    kubelets: agents,
    makeNamespace,
    addNode: (node) => agents.addNode(node),
    deleteNode: (name) => agents.deleteNode(name),
    silenceNode: (name) => agents.silenceNode(name),
  };
});

afterAll(async () => {
  await agents?.stop();
  await sidecars?.stop();
  await controlPlane?.stop();
  await connection?.close();
});

async function makeNamespace(name: string): Promise<void> {
  await api.create(namespaces, { metadata: { name } });
  // Its service account, without which pods are refused, follows a moment later; the StatefulSet controller retries, but not at once.
  await expect.poll(async () => (await controlPlane.kubectl(['get', 'serviceaccount', '-n', name, '-o', 'name'])).trim(), WAIT).toBe('serviceaccount/default');
}

describe('a StatefulSet', () => {
  for (const { name, run } of AGENTS) it(`${name} (real control plane)`, () => run(ground));
});

describe('a driver that is started anew', () => {
  it('goes on where the last one was', async () => {
    await agents.restartDriver();
    await bornInTheZonesOfItsNodes(ground);
  });
});

describe('tainted nodes, for a cluster that is not only ours', () => {
  it('take the pods that tolerate them, and leave with us', async () => {
    const taint = { key: 'zonespread.io/simulated', effect: 'NoSchedule' };
    const ns = 'tainted';
    await makeNamespace(ns);
    const guests = await startAgents({ cluster: connection, cloud: ecs, nodes: [{ name: 'tainted', zone: `${REGION}-a` }], taint, log });
    try {
      const pod = (name: string, tolerations: Record<string, unknown>[]): Pod => ({
        metadata: { name, namespace: ns },
        spec: { nodeSelector: { 'kubernetes.io/hostname': 'tainted' }, tolerations, containers: [{ name: 'c', image: 'c:1' }] },
      });
      await api.create(pods, pod('stranger', []));
      await api.create(pods, pod('ours', [tolerationOf(taint)]));
      await expect.poll(async () => conditionOf((await api.get(pods, { namespace: ns, name: 'ours' })) ?? {}, 'Ready')?.status, WAIT).toBe('True');
      const stranger = await api.get(pods, { namespace: ns, name: 'stranger' });
      expect(stranger?.status?.conditions?.find(({ type }) => type === 'PodScheduled')).toMatchObject({ status: 'False', reason: 'Unschedulable' });
      await api.delete(pods, { namespace: ns, name: 'ours' });
      await expect.poll(() => api.get(pods, { namespace: ns, name: 'ours' }), WAIT).toBeUndefined();
      await guests.removeNodes();
      expect(await api.get(nodes, { name: 'tainted' })).toBeUndefined();
    } finally {
      await guests.stop();
    }
  });
});

describe('the cost', () => {
  it('is small', () => {
    console.info(`memory of this process: ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB, heap ${Math.round(process.memoryUsage().heapUsed / 2 ** 20)} MB`);
    expect(log.messages('error')).toEqual([]);
  });
});
