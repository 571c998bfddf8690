// One simulated node at the real API server: registers itself, renews its lease, and does what its kubelet model decides, woken by
// watch events and by the model's own times.

import { ApiError, type Api } from '../../kubernetes/api.ts';
import { csiNodes, leases, nodes, pods, volumeAttachments, type Lease, type Node, type Pod } from '../../kubernetes/objects.ts';
import { timestamp, type Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Behaviour } from '../kubelet/behaviour.ts';
import { KubeletModel, type Outcome, type Work } from '../kubelet/model.ts';
import { podStatus, type ContainerSpec, type CurrentStatus } from '../kubelet/pod-status.ts';
import type { KubeletRecords } from '../kubelet/records.ts';
import { csiNodeObject, instanceIdOf, leaseObject, NODE_LEASE_NAMESPACE, nodeObject, readyCondition, type NodeSpec } from '../kubelet/registration.ts';
import type { PodIdentity } from '../kubelet/view.ts';
import type { PodDisk } from '../kubelet/volumes.ts';
import type { SimulatedCloud } from './cloud.ts';
import { Guests } from './guests.ts';
import { isAttached, type WatchedCluster } from './watched-cluster.ts';

export interface NodeAgentOptions {
  spec: NodeSpec;
  api: Api;
  cluster: WatchedCluster;
  cloud: SimulatedCloud;
  clock: Clock;
  behaviour: Behaviour;
  records: KubeletRecords;
  log: Log;
  /** IPv4 of the node. */
  hostIP: string;
  /** Another one for every pod. */
  nextPodIP: () => string;
  /** Whether it renews its lease, as somebody must who is watched by a real node controller. Default true. */
  renewsLease?: boolean | undefined;
}

/** A quarter of the lease's duration, as the kubelet renews it. */
const RENEW_MS = 10_000;
/** Timers cannot sleep for ever; waking for nothing is harmless. */
const LONGEST_SLEEP_MS = 60_000;

export class NodeAgent {
  readonly spec: NodeSpec;
  readonly instanceId: string;
  readonly #options: NodeAgentOptions;
  readonly #model: KubeletModel;
  readonly #guests: Guests;
  readonly #end = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #podIPs = new Map<string, string>();
  #sleep = new AbortController();
  #loops: Promise<void>[] = [];
  #detach: (() => void)[] = [];
  #uid = '';
  #silent = false;
  #complaint = '';

  constructor(options: NodeAgentOptions) {
    const { spec, clock, behaviour, records, cloud } = options;
    this.spec = spec;
    this.instanceId = instanceIdOf(spec);
    this.#options = options;
    this.#model = new KubeletModel({ node: spec.name, zone: spec.zone, clock, behaviour, records });
    this.#guests = new Guests({ cloud, records, node: spec.name, instanceId: this.instanceId });
  }

  /** Resolves when Node, CSINode, lease and machine are there and the kubelet works. */
  async start(): Promise<void> {
    const { spec, cluster, cloud, behaviour } = this.#options;
    await cloud.addInstance({ id: this.instanceId, zone: spec.zone });
    await this.#register();
    const wake = (): void => this.#wake();
    this.#detach = [cluster.listen({ node: spec.name, wake, waits: () => this.#model.waiting().length > 0 }), behaviour.onChange(wake)];
    this.#loops = [this.#work(), ...(this.#options.renewsLease === false ? [] : [this.#renew()])];
  }

  /** Ends the process; the node, and what runs on it as far as the cluster knows, stay. */
  async stop(): Promise<void> {
    this.#end.abort();
    for (const detach of this.#detach) detach();
    this.#wake();
    await Promise.all(this.#loops);
    await Promise.all(this.#underWay);
  }

  /** Pods that do not start, with what they wait for. */
  waiting(): { pod: string; reason: string }[] {
    return this.#model.waiting();
  }

  /** The kubelet dies, its containers run on: NotReady at once, as the node controller would say after a minute. */
  async silence(): Promise<void> {
    this.#silent = true;
    await this.#showReady('Unknown');
  }

  /** It is back. */
  async speak(): Promise<void> {
    await this.#showReady('True');
    this.#silent = false;
    this.#wake();
  }

  // ── registration ──

  async #register(): Promise<void> {
    const { api, spec, clock } = this.#options;
    const node = await this.#createOrUpdateNode();
    this.#uid = node.metadata.uid ?? '';
    const csiNode = csiNodeObject(spec, this.#uid);
    await ignoring('AlreadyExists', api.create(csiNodes, csiNode));
    await api.mergePatch(csiNodes, { name: spec.name }, csiNode);
    await ignoring('AlreadyExists', api.create(leases, leaseObject(spec, this.#uid, microTime(clock)) as Lease));
  }

  async #createOrUpdateNode(): Promise<Node> {
    const { api, spec } = this.#options;
    const wanted = this.#nodeObject() as Node;
    const made = await ignoring('AlreadyExists', api.create(nodes, wanted));
    if (made !== undefined) return made;
    await api.mergePatch(nodes, { name: spec.name }, { metadata: wanted.metadata, spec: wanted.spec });
    return api.mergePatch(nodes, { name: spec.name }, { status: wanted.status }, { subresource: 'status' });
  }

  #nodeObject() {
    const { spec, cloud, hostIP, clock } = this.#options;
    return nodeObject(spec, { region: cloud.region, hostIP, now: timestamp(clock) });
  }

  async #showReady(status: 'True' | 'Unknown'): Promise<void> {
    const { api, spec, clock } = this.#options;
    const node = await api.get(nodes, { name: spec.name });
    const others = (node?.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    const conditions = [...others, readyCondition(status, timestamp(clock))];
    await api.mergePatch(nodes, { name: spec.name }, { status: { conditions } }, { subresource: 'status' });
  }

  async #renew(): Promise<void> {
    const { api, clock, spec } = this.#options;
    while (!this.#end.signal.aborted) {
      await clock.sleep(RENEW_MS, this.#end.signal);
      if (this.#silent || this.#end.signal.aborted) continue;
      const patch = { spec: { holderIdentity: spec.name, renewTime: microTime(clock) } };
      await this.#complaining('renew its lease', api.mergePatch(leases, { namespace: NODE_LEASE_NAMESPACE, name: spec.name }, patch));
    }
  }

  // ── the kubelet's loop ──

  async #work(): Promise<void> {
    const { cluster, clock, spec } = this.#options;
    while (!this.#end.signal.aborted) {
      this.#sleep = new AbortController();
      const { work, wakeAt } = this.#model.decide(cluster.viewOf(spec.name), { silent: this.#silent });
      for (const item of work) this.#begin(item);
      // What was begun changes when to wake.
      if (work.length === 0) await clock.sleep(Math.min(Math.max(0, wakeAt - clock.monotonic()), LONGEST_SLEEP_MS), this.#sleep.signal);
    }
  }

  #wake(): void {
    // A reason of its own: making the default one, an exception with its stack, costs more than everything else here.
    this.#sleep.abort('woken');
  }

  #begin(work: Work): void {
    this.#model.begun(work);
    const done = this.#finish(work);
    this.#underWay.add(done);
    void done.finally(() => this.#underWay.delete(done));
  }

  async #finish(work: Work): Promise<void> {
    const outcome = await this.#do(work);
    this.#model.finished(work, outcome);
    this.#wake();
  }

  async #do(work: Work): Promise<Outcome> {
    try {
      return await this.#perform(work);
    } catch (cause) {
      this.#complain(`${work.kind}${work.kind === 'report' ? '' : ` ${work.pod.name}`}`, cause);
      return 'failed';
    }
  }

  async #perform(work: Work): Promise<Outcome> {
    if (work.kind === 'report') return this.#report(work.volumesInUse);
    if (work.kind === 'show') return this.#show(work);
    if (work.kind === 'delete') return this.#delete(work.pod);
    return (await this.#onDisks(work)) ? 'done' : 'failed';
  }

  async #onDisks({ kind, pod, disks }: Extract<Work, { disks: PodDisk[] }>): Promise<boolean> {
    if (kind === 'mount') return this.#areAttached(disks);
    return kind === 'start' ? this.#guests.start(pod, disks) : this.#guests.write(pod, disks, kind === 'stop' ? 'stop' : 'run');
  }

  async #report(volumesInUse: string[]): Promise<Outcome> {
    const { api, spec } = this.#options;
    await api.mergePatch(nodes, { name: spec.name }, { status: { volumesInUse: volumesInUse.length === 0 ? null : volumesInUse } }, { subresource: 'status' });
    return 'done';
  }

  /** Live, as the kubelet asks: a cache may still show what is being detached. */
  async #areAttached(disks: PodDisk[]): Promise<boolean> {
    const { api, spec, cluster } = this.#options;
    const [node, ...attachments] = await Promise.all([
      api.get(nodes, { name: spec.name }),
      ...disks.map(({ volumeName }) => api.get(volumeAttachments, { name: cluster.attachment(spec.name, volumeName)?.metadata.name ?? '-' })),
    ]);
    const attached = new Set(node?.status?.volumesAttached?.map(({ name }) => name));
    return attachments.every(isAttached) && disks.every(({ uniqueName }) => attached.has(uniqueName));
  }

  async #show({ pod, shown }: Extract<Work, { kind: 'show' }>): Promise<Outcome> {
    const { api, cluster, spec, clock, hostIP } = this.#options;
    const watched = cluster.pod(spec.name, pod.uid)?.pod;
    if (watched === undefined) return 'gone';
    const status = podStatus({
      shown,
      now: timestamp(clock),
      containers: containersOf(watched, 'containers'),
      initContainers: containersOf(watched, 'initContainers'),
      readinessGates: ((watched.spec['readinessGates'] ?? []) as { conditionType: string }[]).map(({ conditionType }) => conditionType),
      generation: watched.metadata.generation,
      current: currentOf(watched),
      podIP: this.#podIP(pod.uid),
      hostIP,
      uid: pod.uid,
    });
    return this.#onPod(pod, async () => {
      await api.mergePatch(pods, pod, { metadata: { uid: pod.uid }, status }, { subresource: 'status' });
    });
  }

  async #delete(pod: PodIdentity): Promise<Outcome> {
    this.#podIPs.delete(pod.uid);
    return this.#onPod(pod, async () => {
      await this.#options.api.delete(pods, pod, { uid: pod.uid }, { gracePeriodSeconds: 0 });
    });
  }

  /** A refusal may mean that there is another pod of that name, or none. */
  async #onPod(pod: PodIdentity, write: () => Promise<void>): Promise<Outcome> {
    try {
      await write();
      return 'done';
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      const live = await this.#options.api.get(pods, pod);
      if (live?.metadata.uid !== pod.uid) return 'gone';
      throw cause;
    }
  }

  #podIP(uid: string): string {
    const known = this.#podIPs.get(uid) ?? this.#options.nextPodIP();
    this.#podIPs.set(uid, known);
    return known;
  }

  // ── complaints ──

  async #complaining(what: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (cause) {
      this.#complain(what, cause);
    }
  }

  /** Once for the same trouble in a row. */
  #complain(what: string, cause: unknown): void {
    const complaint = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
    if (complaint === this.#complaint || this.#end.signal.aborted) return;
    this.#complaint = complaint;
    this.#options.log.warn(`node ${this.spec.name} could not ${complaint}`, { error: cause });
  }
}

async function ignoring<T>(reason: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof ApiError && cause.reason === reason) return undefined;
    throw cause;
  }
}

function containersOf(pod: Pod, field: 'containers' | 'initContainers'): ContainerSpec[] {
  const containers = (pod.spec[field] ?? []) as Record<string, unknown>[];
  return containers.map(({ name, image }) => ({ name: String(name), image: String(image) }));
}

function currentOf({ status = {} }: Pod): CurrentStatus {
  const { conditions, containerStatuses } = status;
  return {
    ...(typeof status['startTime'] === 'string' ? { startTime: status['startTime'] } : {}),
    ...(conditions === undefined ? {} : { conditions }),
    ...(containerStatuses === undefined ? {} : { containerStatuses }),
  };
}

/** RFC 3339 with microseconds, which Leases insist on. */
function microTime(clock: Clock): string {
  return timestamp(clock).replace(/Z$/, '000Z');
}
