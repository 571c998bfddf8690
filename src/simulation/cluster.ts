// A whole simulated cluster in one process and in virtual time: API server, controllers, scheduler, CSI driver with its sidecars, nodes
// with their kubelets, on the ECS model that it is given. One seed, one history.

import { claims, nodes, type Resource } from '../kubernetes/objects.ts';
import type { Http } from '../ports/http.ts';
import type { Random } from '../ports/random.ts';
import { ADMIN, type ApiServer, type ApiServerOptions, type Client, type UserInfo } from './apiserver/contract.ts';
import { createApiServer } from './apiserver/server.ts';
import { AttachDetachController } from './controllers/attach-detach.ts';
import { Attacher } from './controllers/attacher.ts';
import { SimulatedNodes } from './controllers/agents.ts';
import { BinderController } from './controllers/binder/controller.ts';
import { DisruptionController } from './controllers/disruption.ts';
import { EphemeralVolumeController } from './controllers/ephemeral-volume.ts';
import { GarbageCollector } from './controllers/garbage-collector.ts';
import { NamespaceController } from './controllers/namespace.ts';
import { NodeLifecycleController } from './controllers/node-lifecycle.ts';
import { CALM, Pace, type PaceSettings } from './controllers/pace.ts';
import { ClaimProtectionController, VolumeProtectionController } from './controllers/protection.ts';
import { Provisioner } from './controllers/provisioner.ts';
import { QuotaController } from './controllers/quota.ts';
import { Resizer } from './controllers/resizer.ts';
import { Scheduler } from './controllers/scheduler/scheduler.ts';
import type { Setting } from './controllers/setting.ts';
import { StatefulSetController } from './controllers/stateful-set/controller.ts';
import type { Tasks } from './controllers/tasks.ts';
import { DiskController, type DiskControllerOptions } from './csi/controller.ts';
import { DISK_DRIVER, NODE_DISK_TYPE_PREFIX, SELECTED_NODE_ANNOTATION } from './csi/names.ts';
import type { EcsModel } from './ecs/model.ts';
import { Behaviour, type Timings } from './kubelet/behaviour.ts';
import { KubeletRecords } from './kubelet/records.ts';
import type { NodeSpec } from './kubelet/registration.ts';

export interface SimulatedClusterOptions extends Omit<ApiServerOptions, 'clock' | 'random'> {
  clock: Tasks;
  /** Every draw of the cluster: with the clock's it makes the seed. */
  random: Random;
  ecs: EcsModel;
  nodes: NodeSpec[];
  /** How fast it reacts; `cluster.pace.settings` changes it on the way. */
  pace?: PaceSettings;
  /** 1.30: a binding that lost its race waits for the resync, an unschedulable pod for its back-off. Default 1.36. */
  kubernetes?: '1.30' | '1.36';
  /** Of all pods; `cluster.behaviour` for exceptions. */
  timings?: Partial<Timings>;
  csi?: Omit<DiskControllerOptions, 'ecs' | 'clock' | 'region'>;
  /** Whether nodes renew their leases, every ten seconds each; nothing in here looks at them. Default true. */
  nodeLeases?: boolean;
  /** Until a quota shows that something was given back, in ms. Default 0. */
  quotaFreeingMs?: number;
}

export interface Controllers {
  statefulSet: StatefulSetController;
  binder: BinderController;
  claimProtection: ClaimProtectionController;
  volumeProtection: VolumeProtectionController;
  provisioner: Provisioner;
  attacher: Attacher;
  resizer: Resizer;
  attachDetach: AttachDetachController;
  ephemeralVolume: EphemeralVolumeController;
  scheduler: Scheduler;
  disruption: DisruptionController;
  quota: QuotaController;
  namespace: NamespaceController;
  garbageCollector: GarbageCollector;
  nodeLifecycle: NodeLifecycleController;
}

export interface SimulatedCluster {
  readonly server: ApiServer;
  readonly clock: Tasks;
  readonly ecs: EcsModel;
  readonly pace: Pace;
  readonly controllers: Controllers;
  readonly driver: DiskController;
  /** What pods and nodes do otherwise than usual. */
  readonly behaviour: Behaviour;
  /** What pods found and wrote, and which write was lost. */
  readonly records: KubeletRecords;
  /** What the product's transport reaches. */
  http(user: UserInfo): Http;
  client(user: UserInfo): Client;
  /** Lets virtual time pass until it holds. @throws after `limitMs` (default an hour), and what went wrong in the simulation itself. */
  run(until: () => boolean, limitMs?: number): Promise<void>;
  /** Lets so much virtual time pass. */
  pass(ms: number): Promise<void>;
  /** Lets virtual time pass until the promise settles: for calls of a test or of the product. */
  settle<T>(promise: Promise<T>, limitMs?: number): Promise<T>;
  nodeNames(): string[];
  /** Pods that do not start, with what they wait for. */
  waiting(): { node: string; pod: string; reason: string }[];
  /** Resolves when the node can take pods. Time has to pass for it. */
  addNode(node: NodeSpec): Promise<void>;
  /** The Node object goes; with `machine: true` (default) its instance and what runs there too. Time has to pass for it. */
  deleteNode(name: string, options?: { machine?: boolean }): Promise<void>;
  /** The kubelet dies and its containers run on. Gives back what brings it back. Time has to pass for both. */
  silenceNode(name: string): Promise<() => Promise<void>>;
}

const csiDrivers: Resource = { group: 'storage.k8s.io', version: 'v1', plural: 'csidrivers', kind: 'CSIDriver', namespaced: false };

/** Resolves when its nodes can take pods; lets the virtual time pass that this takes. */
export async function createSimulatedCluster(options: SimulatedClusterOptions): Promise<SimulatedCluster> {
  const { clock, random, ecs, nodes: specs, pace: settings = CALM, timings, csi, kubernetes, quotaFreeingMs, nodeLeases, ...serverOptions } = options;
  const server = createApiServer({ clock, random, ...serverOptions });
  const pace = new Pace(random, settings);
  const setting: Setting = { server, tasks: clock, random, pace };
  const behaviour = new Behaviour(timings);
  const records = new KubeletRecords(clock);
  const driver = new DiskController({ supportedCategories: (claim) => Promise.resolve(categoriesFor(server, claim)), ...csi, ecs, clock, region: ecs.region });
  const machines = new SimulatedNodes({ setting, cloud: ecs, behaviour, records, nodeLeases });
  const admin = server.client(ADMIN);
  const controllers: Controllers = {
    statefulSet: new StatefulSetController(setting),
    binder: new BinderController(setting, { retriesConflicts: kubernetes !== '1.30' }),
    claimProtection: new ClaimProtectionController(setting),
    volumeProtection: new VolumeProtectionController(setting),
    provisioner: new Provisioner(setting, driver),
    attacher: new Attacher(setting, driver),
    resizer: new Resizer(setting, ecs),
    attachDetach: new AttachDetachController(setting),
    ephemeralVolume: new EphemeralVolumeController(setting),
    scheduler: new Scheduler(setting, { waitsForBackOff: kubernetes === '1.30' }),
    disruption: new DisruptionController(setting),
    quota: new QuotaController(setting, quotaFreeingMs === undefined ? {} : { freeingMs: quotaFreeingMs }),
    namespace: new NamespaceController(setting),
    garbageCollector: new GarbageCollector(setting),
    nodeLifecycle: new NodeLifecycleController(setting),
  };
  const cluster: SimulatedCluster = {
    server,
    clock,
    ecs,
    pace,
    controllers,
    driver,
    behaviour,
    records,
    http: (user) => server.http(user),
    client: (user) => server.client(user),
    run: (until, limitMs) => clock.until(until, limitMs),
    pass: (ms) => clock.pass(ms),
    settle: (promise, limitMs) => clock.settle(promise, limitMs),
    nodeNames: () => machines.names(),
    waiting: () => machines.waiting(),
    addNode: (node) => machines.add(node),
    async deleteNode(name, { machine = true } = {}) {
      if (machine) await machines.removeMachine(name);
      await admin.delete(nodes, { name });
    },
    async silenceNode(name) {
      const kubelet = machines.kubelet(name);
      await kubelet.silence();
      return () => kubelet.speak();
    },
  };
  await clock.settle(
    Promise.all([
      admin.create(csiDrivers, { metadata: { name: DISK_DRIVER }, spec: { attachRequired: true, podInfoOnMount: true, volumeLifecycleModes: ['Persistent'] } }),
      ...specs.map((spec) => machines.add(spec)),
    ]),
  );
  return cluster;
}

/** Of the node that the scheduler chose for the claim; undefined while it has chosen none. */
function categoriesFor(server: ApiServer, claim: { namespace: string; name: string }): ReadonlySet<string> | undefined {
  const chosen = server.read(claims, claim)?.metadata.annotations?.[SELECTED_NODE_ANNOTATION];
  const node = chosen === undefined ? undefined : server.read(nodes, { name: chosen });
  if (node === undefined) return undefined;
  const labels = Object.keys(node.metadata.labels ?? {}).filter((key) => key.startsWith(NODE_DISK_TYPE_PREFIX));
  return new Set(labels.map((key) => key.slice(NODE_DISK_TYPE_PREFIX.length)));
}
