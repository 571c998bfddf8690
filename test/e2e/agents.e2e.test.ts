// The simulated nodes, pods and disks on the real control plane with the real CSI sidecars: what a StatefulSet gets on Alibaba Cloud is
// what it gets here, from its first disk to its last.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import type { Api } from '../../src/kubernetes/api.ts';
import {
  claims,
  namespaces,
  nodes,
  pods,
  statefulSets,
  storageClasses,
  volumeAttachments,
  volumes,
  type PersistentVolume,
  type Pod,
  type StatefulSet,
} from '../../src/kubernetes/objects.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { systemRandom } from '../../src/ports/random.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { startAgents, tolerationOf, type Agents } from '../../src/simulation/nodes/agents.ts';
import { storageClass } from '../../src/simulation/nodes/storage-class.ts';
import { startSidecars, type Sidecars } from '../controlplane/sidecars.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { FakeLog } from '../fakes/log.ts';

const ZONES = ['cn-beijing-a', 'cn-beijing-b', 'cn-beijing-c'] as const;
const DRIVER_ZONE = 'topology.diskplugin.csi.alibabacloud.com/zone';
const WAIT = { timeout: 30_000, interval: 10 };

let controlPlane: ControlPlane;
let sidecars: Sidecars;
let connection: ClusterConnection;
let api: Api;
let ecs: EcsModel;
let agents: Agents;
const log = new FakeLog();

beforeAll(async () => {
  controlPlane = await startControlPlane();
  connection = loadCluster({ kubeconfig: controlPlane.kubeconfig });
  api = createApi({ http: connection.http });
  ecs = new EcsModel({
    clock: systemClock,
    random: systemRandom,
    region: 'cn-beijing',
    zones: ZONES.map((id) => ({ id, onSale: [{ category: 'cloud_essd' }, { category: 'cloud_auto' }] })),
    timings: { createDiskMs: 0, attachMs: 0, detachMs: 0, snapshotAvailableMs: 0, snapshotUploadMs: 0 },
  });
  agents = await startAgents({
    cluster: connection,
    cloud: ecs,
    nodes: ZONES.map((zone) => ({ name: `node-${zone.at(-1) ?? ''}`, zone })),
    timings: { writeMs: 50 },
    csi: { pollMs: 5 },
    folder: controlPlane.directory,
    log,
  });
  sidecars = await startSidecars({ controlPlane, socketPath: agents.driverSocket });
  await api.create(storageClasses, storageClass());
  await api.create(storageClasses, storageClass({ name: 'immediate', volumeBindingMode: 'Immediate', zoneIds: ['cn-beijing-c', 'cn-beijing-b'] }));
  await api.create(storageClasses, storageClass({ name: 'auto-encrypted', type: 'cloud_ssd,cloud_auto', encrypted: true, kmsKeyId: 'key-1', reclaimPolicy: 'Retain' }));
});

afterAll(async () => {
  await agents?.stop();
  await sidecars?.stop();
  await controlPlane?.stop();
  await connection?.close();
});

function statefulSet(namespace: string, overrides: { replicas?: number; storageClassName?: string; sizeGiB?: number } = {}): StatefulSet {
  const { replicas = 2, storageClassName = 'alicloud-disk-essd', sizeGiB = 20 } = overrides;
  return {
    metadata: { name: 'web', namespace },
    spec: {
      replicas,
      serviceName: 'web',
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          terminationGracePeriodSeconds: 10,
          containers: [{ name: 'web', image: 'web:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: `${sizeGiB}Gi` } } } }],
    },
  };
}

async function makeNamespace(name: string): Promise<string> {
  await api.create(namespaces, { metadata: { name } });
  // Its service account, without which pods are refused, follows a moment later; the StatefulSet controller retries, but not at once.
  await expect.poll(async () => (await controlPlane.kubectl(['get', 'serviceaccount', '-n', name, '-o', 'name'])).trim(), WAIT).toBe('serviceaccount/default');
  return name;
}

function isReady(pod: Pod | undefined): boolean {
  return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

async function readyPods(inNamespace: string): Promise<Pod[]> {
  return (await api.list(pods, { namespace: inNamespace })).filter(isReady);
}

async function awaitReady(inNamespace: string, count: number): Promise<Pod[]> {
  try {
    await expect.poll(async () => (await readyPods(inNamespace)).length, WAIT).toBe(count);
  } catch (cause) {
    throw new Error(`${count} pods should be Ready in ${inNamespace}:\n${await situation(inNamespace)}`, { cause });
  }
  return readyPods(inNamespace);
}

/** For whoever reads a failure. */
async function situation(inNamespace: string): Promise<string> {
  const shown = await Promise.all(['pods,pvc,events', 'pv,volumeattachments,nodes'].map((what) => controlPlane.kubectl(['get', what, '-o', 'wide', '-n', inNamespace])));
  return [...shown, JSON.stringify({ waiting: agents.waiting(), log: log.lines }, undefined, 1)].join('\n');
}

async function volumeOf(inNamespace: string, claimName: string): Promise<PersistentVolume> {
  const claim = await api.get(claims, { namespace: inNamespace, name: claimName });
  const volume = await api.get(volumes, { name: claim?.spec.volumeName ?? '' });
  if (volume === undefined) throw new Error(`claim ${claimName} has no volume`);
  return volume;
}

function diskOf(volume: PersistentVolume): string {
  return volume.spec.csi?.volumeHandle ?? '';
}

async function zoneOfNode(name: string | undefined): Promise<string | undefined> {
  return (await api.get(nodes, { name: name ?? '' }))?.metadata.labels?.['topology.kubernetes.io/zone'];
}

describe('a StatefulSet with two replicas', () => {
  const ns = 'two-replicas';

  it('gets disks in the zones of its nodes, as the disk driver makes them', async () => {
    await makeNamespace(ns);
    const begun = performance.now();
    await api.create(statefulSets, statefulSet(ns));
    const running = await awaitReady(ns, 2);
    console.info(`create to both Ready: ${Math.round(performance.now() - begun)} ms`);
    for (const pod of running) {
      const volume = await volumeOf(ns, `data-${pod.metadata.name}`);
      const zone = (await zoneOfNode(pod.spec.nodeName)) ?? '';
      await expect.poll(async () => (await volumeOf(ns, `data-${pod.metadata.name}`)).metadata.labels, WAIT).toMatchObject({
        'csi.alibabacloud.com/disktype': 'cloud_essd.PL1',
        'topology.diskplugin.csi.alibabacloud.com/region': 'cn-beijing',
        [DRIVER_ZONE]: zone,
      });
      const dressed = await volumeOf(ns, `data-${pod.metadata.name}`);
      expect(dressed.metadata.name).toMatch(/^disk-[0-9a-f-]{36}$/);
      expect(dressed.metadata.annotations?.['csi.alibabacloud.com/volume-topology']).toContain('node.csi.alibabacloud.com/disktype.cloud_essd');
      expect(dressed.metadata.annotations?.['pv.kubernetes.io/provisioned-by']).toBe('diskplugin.csi.alibabacloud.com');
      expect(volume.spec.nodeAffinity?.required?.nodeSelectorTerms).toEqual([{ matchExpressions: [{ key: DRIVER_ZONE, operator: 'In', values: [zone] }] }]);
      expect(volume.metadata.finalizers?.toSorted()).toEqual([
        'external-attacher/diskplugin-csi-alibabacloud-com',
        'external-provisioner.volume.kubernetes.io/finalizer',
        'kubernetes.io/pv-protection',
      ]);
      const { 'storage.kubernetes.io/csiProvisionerIdentity': provisioner, ...attributes } = volume.spec.csi?.volumeAttributes ?? {};
      expect(provisioner).toBeDefined();
      expect(attributes).toEqual({ type: 'cloud_essd' });
      const disk = ecs.disk(diskOf(volume));
      expect(disk).toMatchObject({ zone, status: 'In_use', sizeGiB: 20, category: 'cloud_essd', performanceLevel: 'PL1' });
      expect(disk?.tags).toMatchObject({ 'kubernetes.io/created-for/pvc/name': `data-${pod.metadata.name}`, 'kubernetes.io/created-for/pv/name': volume.metadata.name });
    }
  });

  it('writes to them, from its start on', async () => {
    const disk = diskOf(await volumeOf(ns, 'data-web-1'));
    const uid = (await api.get(pods, { namespace: ns, name: 'web-1' }))?.metadata.uid ?? '';
    await expect.poll(() => ecs.contents(disk).length, WAIT).toBeGreaterThan(3);
    expect(ecs.contents(disk)[0]).toMatchObject({ writer: `${ns}/web-1`, text: `started ${uid}` });
    expect(ecs.contents(disk)[2]).toMatchObject({ writer: `${ns}/web-1`, text: `running ${uid}` });
  });

  it('comes back on the same disk when a pod is evicted, with everything that was written', async () => {
    const before = await api.get(pods, { namespace: ns, name: 'web-1' });
    const uid = before?.metadata.uid ?? '';
    const volume = await volumeOf(ns, 'data-web-1');
    const begun = performance.now();
    await api.evict({ namespace: ns, name: 'web-1', uid });
    await expect.poll(async () => (await api.get(pods, { namespace: ns, name: 'web-1' }))?.metadata.uid, WAIT).not.toBe(uid);
    await awaitReady(ns, 2);
    console.info(`eviction to Ready on the same disk: ${Math.round(performance.now() - begun)} ms`);
    expect((await volumeOf(ns, 'data-web-1')).metadata.name).toBe(volume.metadata.name);
    const writes = ecs.contents(diskOf(volume)).filter(({ text }) => text?.startsWith('running') !== true);
    expect(writes.map(({ text }) => text?.split(' ')[0])).toEqual(['started', 'stopped', 'started']);
    const start = agents.records.starts.findLast(({ pod }) => pod === `${ns}/web-1`);
    expect(start).toMatchObject({ diskId: diskOf(volume), lastWriter: `${ns}/web-1`, lastText: `stopped ${uid}` });
    expect(start?.lastSequence).toBe(start?.contentsLength);
    expect(agents.records.lost).toEqual([]);
    expect(agents.records.failures).toEqual([]);
  });

  it('is detached once nothing holds the disk any more: object gone, volume out of use, disk free', async () => {
    const volume = await volumeOf(ns, 'data-web-1');
    const uid = (await api.get(pods, { namespace: ns, name: 'web-1' }))?.metadata.uid ?? '';
    await api.mergePatch(statefulSets, { namespace: ns, name: 'web' }, { spec: { replicas: 1 } });
    const begun = performance.now();
    await expect.poll(() => ecs.disk(diskOf(volume))?.status, WAIT).toBe('Available');
    console.info(`scale-down to detached: ${Math.round(performance.now() - begun)} ms`);
    const inUse = (await api.list(nodes)).flatMap((node) => node.status?.volumesInUse ?? []);
    expect(inUse).toHaveLength(1);
    await expect.poll(async () => (await api.list(volumeAttachments)).length, WAIT).toBe(1);
    const { killedAt = 0, stoppedAt = 0, goneAt = 0, unmountedAt = 0 } = agents.records.timeline(uid) ?? {};
    expect([killedAt <= stoppedAt, stoppedAt <= goneAt, stoppedAt <= unmountedAt, killedAt > 0]).toEqual([true, true, true, true]);
    await api.mergePatch(statefulSets, { namespace: ns, name: 'web' }, { spec: { replicas: 2 } });
    await awaitReady(ns, 2);
  });

  it('takes PVs and disks along when it and its claims are deleted', async () => {
    const disks = await Promise.all(['data-web-0', 'data-web-1'].map(async (name) => diskOf(await volumeOf(ns, name))));
    await api.delete(statefulSets, { namespace: ns, name: 'web' });
    await Promise.all(['data-web-0', 'data-web-1'].map((name) => api.delete(claims, { namespace: ns, name })));
    await expect.poll(() => disks.map((id) => ecs.disk(id)?.status), WAIT).toEqual(['Deleted', 'Deleted']);
    await expect.poll(async () => (await api.list(volumes)).length, WAIT).toBe(0);
    expect((await api.list(pods, { namespace: ns })).length).toBe(0);
  });
});

describe('an Immediate class', () => {
  it('makes disks before pods are placed, in the zones of the class in turn, and pods follow', async () => {
    const ns = await makeNamespace('immediate');
    await api.create(statefulSets, statefulSet(ns, { storageClassName: 'immediate' }));
    const running = await awaitReady(ns, 2);
    const zones = await Promise.all(running.map(({ spec }) => zoneOfNode(spec.nodeName)));
    expect(new Set(zones)).toEqual(new Set(['cn-beijing-b', 'cn-beijing-c']));
  });
});

describe('a class with a list of types, encryption and Retain', () => {
  it('takes the first type that the node has, and keeps the disk when the claim goes', async () => {
    const ns = await makeNamespace('retained');
    await api.create(statefulSets, statefulSet(ns, { storageClassName: 'auto-encrypted', replicas: 1, sizeGiB: 5 }));
    await awaitReady(ns, 1);
    const volume = await volumeOf(ns, 'data-web-0');
    expect(ecs.disk(diskOf(volume))).toMatchObject({ category: 'cloud_auto', sizeGiB: 5, encrypted: true, kmsKeyId: 'key-1' });
    expect(volume.spec.csi?.volumeAttributes).toMatchObject({ type: 'cloud_auto', encrypted: 'true', kmsKeyId: 'key-1' });
    await api.delete(statefulSets, { namespace: ns, name: 'web' });
    await api.delete(claims, { namespace: ns, name: 'data-web-0' });
    await expect.poll(() => ecs.disk(diskOf(volume))?.status, WAIT).toBe('Available');
    await expect.poll(async () => (await api.get(volumes, { name: volume.metadata.name }))?.status?.phase, WAIT).toBe('Released');
  });
});

describe('what can go wrong', () => {
  const ns = 'trouble';

  it('never Ready in a zone, until it is healed', async () => {
    await makeNamespace(ns);
    const heals = ZONES.map((zone) => agents.behaviour.neverReady({ zone }));
    await api.create(statefulSets, statefulSet(ns, { replicas: 1 }));
    await expect.poll(async () => (await api.get(pods, { namespace: ns, name: 'web-0' }))?.status?.phase, WAIT).toBe('Running');
    expect(isReady(await api.get(pods, { namespace: ns, name: 'web-0' }))).toBe(false);
    for (const heal of heals) heal();
    await awaitReady(ns, 1);
  });

  it('a volume that stays in use keeps the disk attached after the pod is gone', async () => {
    const pod = await api.get(pods, { namespace: ns, name: 'web-0' });
    const disk = diskOf(await volumeOf(ns, 'data-web-0'));
    const heal = agents.behaviour.keepsVolumesInUse({ node: pod?.spec.nodeName ?? '' });
    await api.mergePatch(statefulSets, { namespace: ns, name: 'web' }, { spec: { replicas: 0 } });
    await expect.poll(() => agents.records.timeline(pod?.metadata.uid ?? '')?.goneAt, WAIT).toBeDefined();
    const node = await api.get(nodes, { name: pod?.spec.nodeName ?? '' });
    expect(node?.status?.volumesInUse).toEqual([`kubernetes.io/csi/diskplugin.csi.alibabacloud.com^${disk}`]);
    expect(ecs.disk(disk)?.status).toBe('In_use');
    heal();
    await expect.poll(() => ecs.disk(disk)?.status, WAIT).toBe('Available');
    await api.mergePatch(statefulSets, { namespace: ns, name: 'web' }, { spec: { replicas: 1 } });
    await awaitReady(ns, 1);
  });

  it('a dead kubelet neither stops a pod nor lets its disk go, and its containers write on', async () => {
    const pod = await api.get(pods, { namespace: ns, name: 'web-0' });
    const disk = diskOf(await volumeOf(ns, 'data-web-0'));
    const revive = await agents.silenceNode(pod?.spec.nodeName ?? '');
    const node = await api.get(nodes, { name: pod?.spec.nodeName ?? '' });
    expect(node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('Unknown');
    await api.delete(pods, { namespace: ns, name: 'web-0' });
    const written = ecs.contents(disk).length;
    await expect.poll(() => ecs.contents(disk).length, WAIT).toBeGreaterThan(written + 2);
    expect((await api.get(pods, { namespace: ns, name: 'web-0' }))?.metadata.uid).toBe(pod?.metadata.uid);
    await revive();
    await expect.poll(async () => (await api.get(pods, { namespace: ns, name: 'web-0' }))?.metadata.uid, WAIT).not.toBe(pod?.metadata.uid);
    await awaitReady(ns, 1);
    expect(agents.records.lost).toEqual([]);
  });

  it('a node that is lost with its machine frees the disk at the cloud, and the pod is nobody’s', async () => {
    const pod = await api.get(pods, { namespace: ns, name: 'web-0' });
    const lostNode = pod?.spec.nodeName ?? '';
    const zone = (await zoneOfNode(lostNode)) ?? '';
    const disk = diskOf(await volumeOf(ns, 'data-web-0'));
    await agents.deleteNode(lostNode);
    expect(ecs.disk(disk)).toMatchObject({ status: 'Available', attachments: [] });
    const written = ecs.contents(disk).length;
    await api.delete(pods, { namespace: ns, name: 'web-0' });
    expect((await api.get(pods, { namespace: ns, name: 'web-0' }))?.metadata.uid).toBe(pod?.metadata.uid);
    expect(ecs.contents(disk)).toHaveLength(written);
    await agents.addNode({ name: `${lostNode}-again`, zone });
    await api.delete(pods, { namespace: ns, name: 'web-0' }, {}, { gracePeriodSeconds: 0 });
    await expect.poll(async () => (await api.get(pods, { namespace: ns, name: 'web-0' }))?.spec.nodeName, WAIT).toBe(`${lostNode}-again`);
  });
});

describe('a driver that is started anew', () => {
  it('goes on where the last one was', async () => {
    await agents.restartDriver();
    const ns = await makeNamespace('restarted');
    await api.create(statefulSets, statefulSet(ns));
    await awaitReady(ns, 2);
    await expect.poll(async () => (await volumeOf(ns, 'data-web-1')).metadata.labels?.['csi.alibabacloud.com/disktype'], WAIT).toBe('cloud_essd.PL1');
  });
});

describe('tainted nodes, for a cluster that is not only ours', () => {
  it('take the pods that tolerate them, and leave with us', async () => {
    const taint = { key: 'zonespread.io/simulated', effect: 'NoSchedule' };
    const ns = await makeNamespace('tainted');
    const guests = await startAgents({ cluster: connection, cloud: ecs, nodes: [{ name: 'tainted', zone: ZONES[0] }], taint, log });
    try {
      const pod = (name: string, tolerations: Record<string, unknown>[]): Pod => ({
        metadata: { name, namespace: ns },
        spec: { nodeSelector: { 'kubernetes.io/hostname': 'tainted' }, tolerations, containers: [{ name: 'c', image: 'c:1' }] },
      });
      await api.create(pods, pod('stranger', []));
      await api.create(pods, pod('ours', [tolerationOf(taint)]));
      await expect.poll(async () => isReady(await api.get(pods, { namespace: ns, name: 'ours' })), WAIT).toBe(true);
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
