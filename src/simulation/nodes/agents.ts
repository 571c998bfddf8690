// Everything that a cluster has beside its control plane when it runs on Alibaba Cloud, simulated: nodes with their kubelets and pods,
// and the disk CSI driver (its real sidecars are started by whoever has them, at `driverSocket`).

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError, type Api } from '../../kubernetes/api.ts';
import { createApi } from '../../kubernetes/client.ts';
import type { ClusterConnection } from '../../kubernetes/config.ts';
import { claims, csiNodes, leases, nodes, type Resource } from '../../kubernetes/objects.ts';
import { systemClock, type Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { systemRandom } from '../../ports/random.ts';
import { DiskController, emptyJournal, type DiskControllerOptions } from '../csi/controller.ts';
import { serveCsi, type CsiServer } from '../csi/grpc-server.ts';
import { DISK_DRIVER, NODE_DISK_TYPE_PREFIX, SELECTED_NODE_ANNOTATION } from '../csi/names.ts';
import { Behaviour, type Timings } from '../kubelet/behaviour.ts';
import { KubeletRecords } from '../kubelet/records.ts';
import { NODE_LEASE_NAMESPACE, type NodeSpec, type Taint } from '../kubelet/registration.ts';
import type { SimulatedCloud } from './cloud.ts';
import { NodeAgent } from './node-agent.ts';
import { watchCluster, type ClusterWatch } from './watch.ts';
import { dressVolumes, type VolumeDresser } from './volume-dresser.ts';
import { WatchedCluster } from './watched-cluster.ts';

export interface AgentsOptions {
  /** An administrator's. */
  cluster: Pick<ClusterConnection, 'http'>;
  /** An EcsModel, or what stands for one. */
  cloud: SimulatedCloud;
  nodes: NodeSpec[];
  /** Of all pods; see `behaviour` for exceptions. */
  timings?: Partial<Timings>;
  /** On every node: keeps pods of others away on a cluster that is not only ours. The tests' pods need `tolerationOf(taint)`. */
  taint?: Taint;
  csi?: Omit<DiskControllerOptions, 'ecs' | 'clock' | 'region' | 'journal'>;
  /** For the driver's socket: a folder that somebody else removes. Default: a temporary one that `stop` removes. */
  folder?: string;
  log: Log;
  clock?: Clock;
}

export interface Agents {
  /** What pods and nodes do otherwise than usual; can be changed at any time. */
  readonly behaviour: Behaviour;
  /** What pods found and wrote, and when. */
  readonly records: KubeletRecords;
  readonly controller: DiskController;
  /** Where the CSI driver listens. */
  readonly driverSocket: string;
  nodeNames(): string[];
  /** Pods that do not start, with what they wait for. */
  waiting(): { node: string; pod: string; reason: string }[];
  /** Resolves when the node can take pods. */
  addNode(node: NodeSpec): Promise<void>;
  /**
   * The Node object goes, as an autoscaler takes it; with `machine: true` (default) its instance and what runs there too. Where volumes
   * were still in use there, the attach-detach controller waits six minutes before it lets other nodes have them.
   */
  deleteNode(name: string, options?: { machine?: boolean }): Promise<void>;
  /** The kubelet dies and its containers run on; @returns what brings it back. */
  silenceNode(name: string): Promise<() => Promise<void>>;
  /** The driver's process dies, with every call under way, and a new one starts at the same socket. */
  restartDriver(): Promise<void>;
  /** Takes the nodes off a cluster that goes on without us; pods on them must be gone. */
  removeNodes(): Promise<void>;
  stop(): Promise<void>;
}

/** What pods need to land on the nodes of `startAgents({ taint })`. */
export function tolerationOf(taint: Taint): { key: string; operator: 'Exists'; effect: string } {
  return { key: taint.key, operator: 'Exists', effect: taint.effect };
}

/** Real control planes take about a second. */
const NODES_READY_MS = 30_000;

/** Resolves when every node can take pods. @throws Error naming the nodes that cannot after 30 s. */
export async function startAgents(options: AgentsOptions): Promise<Agents> {
  const agents = new RunningAgents(options, options.folder ?? (await mkdtemp(join(tmpdir(), 'zs-csi-'))));
  try {
    await agents.start();
  } catch (cause) {
    await agents.stop();
    throw cause;
  }
  return agents;
}

class RunningAgents implements Agents {
  readonly behaviour: Behaviour;
  readonly records: KubeletRecords;
  readonly driverSocket: string;
  readonly #options: AgentsOptions;
  readonly #clock: Clock;
  readonly #api: Api;
  readonly #folder: string;
  readonly #cluster = new WatchedCluster();
  readonly #kubelets = new Map<string, NodeAgent>();
  readonly #journal = emptyJournal();
  #controller: DiskController;
  #server: CsiServer | undefined;
  #dresser: VolumeDresser | undefined;
  #watch: ClusterWatch | undefined;
  #podIPs = 0;
  #hostIPs = 0;

  constructor(options: AgentsOptions, folder: string) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#folder = folder;
    this.#api = createApi({ http: options.cluster.http, userAgent: 'simulated-kubelet', fieldManager: 'kubelet' });
    this.behaviour = new Behaviour(options.timings);
    this.records = new KubeletRecords(this.#clock);
    this.driverSocket = join(folder, 'csi.sock');
    this.#controller = this.#newController();
  }

  get controller(): DiskController {
    return this.#controller;
  }

  async start(): Promise<void> {
    await this.#declareDriver();
    await this.#serve();
    this.#watch = await watchCluster({ http: this.#options.cluster.http, clock: this.#clock, random: systemRandom, log: this.#options.log, cluster: this.#cluster });
    await Promise.all(this.#options.nodes.map((node) => this.addNode(node)));
  }

  nodeNames(): string[] {
    return [...this.#kubelets.keys()];
  }

  waiting(): { node: string; pod: string; reason: string }[] {
    return [...this.#kubelets].flatMap(([node, kubelet]) => kubelet.waiting().map(({ pod, reason }) => ({ node, pod, reason })));
  }

  async addNode(node: NodeSpec): Promise<void> {
    const { taint, cloud, log } = this.#options;
    const spec = taint === undefined ? node : { ...node, taints: [...(node.taints ?? []), taint] };
    const { behaviour, records } = this;
    const shared = { api: this.#api, cluster: this.#cluster, cloud, clock: this.#clock, behaviour, records, log };
    const kubelet = new NodeAgent({ ...shared, spec, hostIP: this.#nextHostIP(), nextPodIP: () => this.#nextPodIP() });
    this.#kubelets.set(node.name, kubelet);
    await kubelet.start();
    await this.#awaitSchedulable(node.name);
  }

  async deleteNode(name: string, { machine = true }: { machine?: boolean } = {}): Promise<void> {
    const kubelet = this.#kubelet(name);
    if (machine) {
      await kubelet.stop();
      this.#kubelets.delete(name);
      await this.#options.cloud.removeInstance(kubelet.instanceId);
    }
    await this.#api.delete(nodes, { name });
  }

  async silenceNode(name: string): Promise<() => Promise<void>> {
    const kubelet = this.#kubelet(name);
    await kubelet.silence();
    return () => kubelet.speak();
  }

  async restartDriver(): Promise<void> {
    await this.#server?.stop();
    await this.#dresser?.stop();
    this.#controller = this.#newController();
    await this.#serve();
  }

  async removeNodes(): Promise<void> {
    await Promise.all(
      [...this.#kubelets].map(async ([name, kubelet]) => {
        await kubelet.stop();
        this.#kubelets.delete(name);
        await this.#api.delete(nodes, { name });
        await this.#api.delete(csiNodes, { name });
        await this.#api.delete(leases, { namespace: NODE_LEASE_NAMESPACE, name });
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#kubelets.values()].map((kubelet) => kubelet.stop()));
    await this.#watch?.stop();
    await this.#dresser?.stop();
    await this.#server?.stop();
    if (this.#options.folder === undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  // ── the driver ──

  #newController(): DiskController {
    const { cloud, csi } = this.#options;
    const given = { ecs: cloud, clock: this.#clock, region: cloud.region, journal: this.#journal };
    return new DiskController({ supportedCategories: (claim) => this.#supportedCategories(claim), ...csi, ...given });
  }

  async #serve(): Promise<void> {
    const { log } = this.#options;
    const controller = this.#controller;
    this.#dresser = dressVolumes({ api: this.#api, cluster: this.#cluster, controller, log });
    this.#server = await serveCsi({ controller, socketPath: this.driverSocket, log: (line) => log.info(`csi: ${line}`) });
  }

  async #declareDriver(): Promise<void> {
    const driver = { metadata: { name: DISK_DRIVER }, spec: { attachRequired: true, podInfoOnMount: true, volumeLifecycleModes: ['Persistent'] } };
    try {
      await this.#api.create(csiDrivers, driver);
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.reason !== 'AlreadyExists') throw cause;
    }
  }

  /** By the labels of the node that the scheduler chose for the claim. */
  async #supportedCategories(claim: { namespace: string; name: string }): Promise<ReadonlySet<string> | undefined> {
    const object = await this.#api.get(claims, claim);
    const nodeName = object?.metadata.annotations?.[SELECTED_NODE_ANNOTATION];
    const node = nodeName === undefined ? undefined : await this.#api.get(nodes, { name: nodeName });
    if (node === undefined) return undefined;
    const labels = Object.keys(node.metadata.labels ?? {}).filter((key) => key.startsWith(NODE_DISK_TYPE_PREFIX));
    return new Set(labels.map((key) => key.slice(NODE_DISK_TYPE_PREFIX.length)));
  }

  // ── nodes ──

  #kubelet(name: string): NodeAgent {
    const kubelet = this.#kubelets.get(name);
    if (kubelet === undefined) throw new Error(`There is no simulated node "${name}": there are ${this.nodeNames().join(', ')}`);
    return kubelet;
  }

  /** Until the controllers have taken the taints of a new node off, nothing lands there. */
  async #awaitSchedulable(name: string): Promise<void> {
    const deadline = this.#clock.monotonic() + NODES_READY_MS;
    while (!this.#isSchedulable(name)) {
      const left = deadline - this.#clock.monotonic();
      if (left <= 0) throw new Error(`Node ${name} cannot take pods after ${NODES_READY_MS / 1000} s: ${this.#obstacle(name)}. Does a controller manager run?`);
      const changed = new AbortController();
      const end = this.#cluster.onNodes(() => changed.abort());
      await this.#clock.sleep(left, changed.signal);
      end();
    }
  }

  #isSchedulable(name: string): boolean {
    const node = this.#cluster.node(name);
    return node !== undefined && !(node.spec.taints ?? []).some(({ key }) => key.startsWith('node.kubernetes.io/'));
  }

  #obstacle(name: string): string {
    const node = this.#cluster.node(name);
    return node === undefined ? 'it is not there' : `it has the taints ${(node.spec.taints ?? []).map(({ key }) => key).join(', ')}`;
  }

  #nextHostIP(): string {
    this.#hostIPs += 1;
    return `192.168.${Math.floor(this.#hostIPs / 250)}.${(this.#hostIPs % 250) + 1}`;
  }

  #nextPodIP(): string {
    this.#podIPs += 1;
    return `10.${64 + (Math.floor(this.#podIPs / 62_500) % 64)}.${Math.floor(this.#podIPs / 250) % 250}.${(this.#podIPs % 250) + 1}`;
  }
}

const csiDrivers: Resource = { group: 'storage.k8s.io', version: 'v1', plural: 'csidrivers', kind: 'CSIDriver', namespaced: false };
