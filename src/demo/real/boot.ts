// Everything that the demo runs on, started in the order in which a cluster grows: a real control plane, a simulated cloud behind the
// real SDK's wire, nodes with the real CSI sidecars, the product as processes. What was started is ended by whoever holds the ClosingTime.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createApi } from '../../kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../kubernetes/config.ts';
import { systemClock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { systemRandom } from '../../ports/random.ts';
import { everythingOnSale } from '../../simulation/ecs/categories.ts';
import { EcsModel } from '../../simulation/ecs/model.ts';
import { DEFAULT_ACCESS_KEY_ID, startEcsServer, type EcsServer } from '../../simulation/ecs/server.ts';
import { startAgents, type Agents } from '../../simulation/nodes/agents.ts';
import { buildControlPlane } from '../../../test/controlplane/build.ts';
import { freePorts } from '../../../test/controlplane/ports.ts';
import { obituary, type Program } from '../../../test/controlplane/program.ts';
import { startSidecars } from '../../../test/controlplane/sidecars.ts';
import { startControlPlane, type ControlPlane } from '../../../test/controlplane/start.ts';
import type { Write } from '../../../test/controlplane/audit.ts';
import type { Announcer } from '../announcer.ts';
import type { ClosingTime } from '../closing-time.ts';
import { installProduct, OWN_NAMESPACE, type ProductIdentities } from './installation.ts';
import { startProduct, untilRegistered } from './product.ts';
import { keepFiles, type RecentLines } from '../logs.ts';
import { several } from '../../standing/amounts.ts';
import { DEMO_MANAGER } from '../workload.ts';
import type { World } from '../world.ts';
import { FIRST_ZONE, nodesOf, NODES_PER_ZONE, REGION, ZONES } from '../zones.ts';

/** About what a small ESSD takes; the upload goes on while the pod runs again. */
const CLOUD_TIMINGS = { createDiskMs: 2_000, attachMs: 2_000, detachMs: 2_000, snapshotAvailableMs: 2_000, snapshotUploadMs: 15_000 };
/** A program that ends politely and starts quickly. */
const KUBELET_TIMINGS = { stopMs: 1_000, unmountMs: 300, bootMs: 1_500, readyMs: 1_000, writeMs: 200 };
/** interface.md allows ten seconds; a cluster that is thrown away has less patience. */
const STOP_GRACE_MS = 5_000;
/** The driver looks at a disk that is changing this often. */
const CSI = { pollMs: 20, deleteRetryMs: 500 };

/** A world on a real control plane, in our own time. */
export interface Stage extends World {
  controlPlane: ControlPlane;
  connection: ClusterConnection;
  cloud: EcsModel;
  agents: Agents;
  identities: ProductIdentities;
}

/** The part of the stage that has logs. */
export type Begun = Pick<Stage, 'controlPlane' | 'cloud'>;

export interface BootOptions {
  closing: ClosingTime;
  /** Aborts what can be left out. */
  signal: AbortSignal;
  log: Log;
  /** Gets what a program says that ended by itself. */
  died: (obituary: string) => void;
  announce: Announcer;
  /** Gets what has logs as soon as there is any. */
  started: (begun: Begun) => void;
}

export async function boot(options: BootOptions): Promise<Stage> {
  const { closing, signal, log, died, announce, started } = options;
  await buildControlPlane({ signal });
  signal.throwIfAborted();

  announce.coming('control plane');
  const controlPlane = await startControlPlane({ log: died });
  closing.add('the control plane', () => controlPlane.stop());
  const cloud = makeCloud();
  started({ controlPlane, cloud });
  signal.throwIfAborted();
  announce.up('control plane', 'the real etcd, API server, controllers and scheduler');

  const connection = loadCluster({ kubeconfig: controlPlane.kubeconfig });
  closing.add('the connection to it', () => connection.close());
  const ecs = await startEcsServer({ model: cloud });
  closing.add('the cloud', () => ecs.close());
  announce.up('cloud', 'an ECS simulator for the real SDK; 2 s for each disk step');
  announce.coming('nodes');

  const [agents, identities] = await together([bootNodes({ closing, log }, { controlPlane, connection, cloud }), installProduct(controlPlane)]);
  signal.throwIfAborted();
  announce.up('nodes', `${several(NODES_PER_ZONE, 'simulated one')} in ${FIRST_ZONE}, the real CSI sidecars`);
  announce.coming('zonespread');

  const { http } = connection;
  const api = createApi({ http, userAgent: DEMO_MANAGER, fieldManager: DEMO_MANAGER });
  const users = new Set([identities.controller.user, identities.webhook.user]);
  const productWritesToSets = async (): Promise<Write[]> => (await controlPlane.writes()).filter(({ user, resource }) => users.has(user) && resource === 'statefulsets');
  const books = { records: agents.records, cloud, productWritesToSets };
  const stage: Stage = { clock: systemClock, random: systemRandom, http, api, log, books, controlPlane, connection, cloud, agents, identities };
  await bootProduct(options, stage, ecs);
  signal.throwIfAborted();
  announce.up('zonespread', 'controller and webhook, as processes of their own');
  return stage;
}

/** The cluster grows: nodes in the other zones. */
export async function growOverZones({ agents }: Stage): Promise<void> {
  await Promise.all(ZONES.filter((zone) => zone !== FIRST_ZONE).flatMap((zone) => nodesOf(zone).map((node) => agents.addNode(node))));
}

/** Copies of all logs and the cloud's history. @returns the path of their folder. */
export async function keepLogs({ controlPlane, cloud }: Begun, ownLog: RecentLines): Promise<string> {
  const names = (await readdir(controlPlane.directory)).filter((name) => name.endsWith('.log'));
  const logs = await Promise.all(names.map(async (name) => [name, await readFile(join(controlPlane.directory, name), 'utf8')] as const));
  return keepFiles({ ...Object.fromEntries(logs), 'demo.log': ownLog.text(), 'cloud.json': JSON.stringify(cloud.history(), undefined, 1) });
}

function makeCloud(): EcsModel {
  return new EcsModel({
    clock: systemClock,
    random: systemRandom,
    region: REGION,
    zones: ZONES.map((id) => ({ id, onSale: everythingOnSale() })),
    timings: CLOUD_TIMINGS,
  });
}

async function bootNodes({ closing, log }: Pick<BootOptions, 'closing' | 'log'>, on: Pick<Stage, 'controlPlane' | 'connection' | 'cloud'>): Promise<Agents> {
  const { controlPlane, connection, cloud } = on;
  const agents = await startAgents({ cluster: connection, cloud, nodes: nodesOf(FIRST_ZONE), timings: KUBELET_TIMINGS, csi: CSI, folder: controlPlane.directory, log });
  closing.add('the nodes', () => agents.stop());
  const { directory, binaries } = controlPlane;
  // One that ends is started again: no reason to end the demo.
  const cluster = { directory, binaries, kubectl: (args: readonly string[], input?: string) => controlPlane.kubectl(args, input), log: (text: string) => log.warn(text) };
  const sidecars = await startSidecars({ controlPlane: cluster, socketPath: agents.driverSocket });
  closing.add('the CSI sidecars', () => sidecars.stop());
  return agents;
}

async function bootProduct({ closing, died }: BootOptions, stage: Stage, ecs: EcsServer): Promise<void> {
  const { controlPlane, api, identities } = stage;
  const { directory } = controlPlane;
  const own = (part: 'controller' | 'webhook'): Record<string, string> => ({ kubeconfig: identities[part].kubeconfig, 'lease-namespace': OWN_NAMESPACE });
  const [https = 0] = await freePorts(1);
  const address = `127.0.0.1:${https}`;
  const watched = async (starting: Promise<Program>): Promise<Program> => {
    const program = await starting;
    closing.add(program.name, () => program.stop({ graceMs: STOP_GRACE_MS }));
    void program.ended.then(({ asked }) => {
      if (!asked) died(obituary(program));
    });
    return program;
  };
  const [webhook] = await together([
    watched(startProduct({ part: 'webhook', directory, flags: { ...own('webhook'), https: address, url: `https://${address}`, 'controller-user': identities.controller.user } })),
    watched(
      startProduct({
        part: 'controller',
        directory,
        flags: { ...own('controller'), region: REGION, 'ecs-endpoint': ecs.endpoint, 'ecs-protocol': 'HTTP' },
        environment: { ALIBABA_CLOUD_ACCESS_KEY_ID: DEFAULT_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'simulated', ALIBABA_CLOUD_SECURITY_TOKEN: '' },
      }),
    ),
  ]);
  await untilRegistered(api, webhook);
}

/** Like Promise.all, but nothing is left under way when it throws: what starts late is known to the ClosingTime by then. */
async function together<T extends readonly Promise<unknown>[]>(all: readonly [...T]): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(all);
  return Promise.all(all);
}
