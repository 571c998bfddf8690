// The scheduler: one pod at a time, the node with the most room among those that pass every filter; volumes that wait for their first
// consumer are bound or asked for before the pod is. A pod that fits nowhere waits for something to change, and for its back-off.

import { claims, csiNodes, nodes, pods, storageClasses, volumes, type Node, type PersistentVolume, type PersistentVolumeClaim, type Pod, type StorageClass } from '../../../kubernetes/objects.ts';
import { conditionOf, isScheduled, isTerminating, uidOf } from '../../../kubernetes/reading.ts';
import { timestamp } from '../../../ports/clock.ts';
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, freeVolume, SELECTED_NODE } from '../binder/match.ts';
import { EventWriter, wholeSeconds } from '../events.ts';
import { keyOf, namespacedRefOf } from '../informer.ts';
import { claimNamesOf } from '../protection.ts';
import { ifThere, unless } from '../refusals.ts';
import { Controller, type Setting } from '../setting.ts';
import { judgeNode, unschedulableMessage, type Verdict } from './filters.ts';
import { priorityOf, victimsOn } from './preemption.ts';
import { reaches, type NodeView, type OpenClaim, type Question } from './view.ts';

export interface SchedulerOptions {
  /** Before 1.33 a pod's back-off was waited out even when the scheduler had nothing else to do. Default false. */
  waitsForBackOff?: boolean;
}

const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 10_000;
/** How long a pod's volumes may take to get bound once a node was chosen. */
const BIND_TIMEOUT_MS = 600_000;

/** A node chosen for a pod whose volumes are not bound yet. */
interface Reservation {
  uid: string;
  node: string;
  until: number;
}

/** A pod that fitted nowhere. */
interface Waiting {
  attempts: number;
  /** Not before: its back-off. */
  notBefore: number;
}

/** Why the pod must wait, whatever the node. */
interface NotYet {
  kind: 'not yet';
  message: string;
}

type Volumes = { kind: 'ready'; bound: PersistentVolume[]; open: OpenClaim[] } | NotYet;

/** Of one claim. */
type One = { kind: 'bound'; volume: PersistentVolume } | ({ kind: 'open' } & OpenClaim) | NotYet;

export class Scheduler extends Controller {
  readonly #pods = this.informer(pods);
  readonly #nodes = this.informer(nodes);
  readonly #csiNodes = this.informer(csiNodes);
  readonly #claims = this.informer(claims);
  readonly #volumes = this.informer(volumes);
  readonly #classes = this.informer(storageClasses);
  readonly #events: EventWriter;
  readonly #queue = this.worker({ reconcile: (key) => this.#schedule(key), retry: { firstMs: FIRST_BACK_OFF_MS, longestMs: LONGEST_BACK_OFF_MS } });
  /** By pod key. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #reserved = new Map<string, Reservation>();
  /** Nodes that we put on claims (UID) and that the cache does not show yet. */
  readonly #selected = new Map<string, string>();
  /** Bound by us, not yet shown by the cache: pod UID → node. */
  readonly #assumed = new Map<string, string>();

  /** Room that was made by preemption, or that somebody else has nominated the pod for, by pod key: nobody of lower priority may take it. */
  readonly #nominated = new Map<string, { pod: Pod; node: string }>();
  readonly #waitsForBackOff: boolean;

  constructor(setting: Setting, { waitsForBackOff = false }: SchedulerOptions = {}) {
    super(setting, { username: 'system:kube-scheduler', groups: ['system:authenticated'] });
    this.#events = new EventWriter(setting, this.client, 'default-scheduler');
    this.#waitsForBackOff = waitsForBackOff;
    this.#pods.onChange(({ type, object }) => this.#podChanged(type === 'DELETED', object));
    this.#claims.onChange(({ type, object }) => {
      if (type === 'DELETED' || object.metadata.annotations?.[SELECTED_NODE] !== undefined) this.#selected.delete(uidOf(object));
    });
    for (const informer of [this.#nodes, this.#csiNodes, this.#claims, this.#volumes, this.#classes]) informer.onChange(() => this.#somethingChanged());
  }

  #podChanged(gone: boolean, pod: Pod): void {
    const key = keyOf(pod);
    if (gone || isScheduled(pod)) this.#settled(key, pod);
    else this.#isToBeScheduled(key, pod);
    if (gone || isScheduled(pod) || isTerminating(pod)) this.#somethingChanged();
  }

  /** A nomination counts for gated ones, too. */
  #isToBeScheduled(key: string, pod: Pod): void {
    const node = nominationOf(pod);
    if (node !== undefined) this.#nominated.set(key, { pod, node });
    if (isOurs(pod) && !this.#waiting.has(key)) this.#queue.add(key);
  }

  /** There is nothing to schedule about it any more. */
  #settled(key: string, pod: Pod): void {
    this.#nominated.delete(key);
    this.#waiting.delete(key);
    this.#assumed.delete(uidOf(pod));
    if (this.#reserved.get(key)?.uid === uidOf(pod)) this.#reserved.delete(key);
  }

  /** Everybody who waits may try again; a scheduler that has nothing else to do lets nobody sit out a back-off. */
  #somethingChanged(): void {
    const now = this.setting.tasks.monotonic();
    for (const [key, { notBefore }] of this.#waiting) {
      if (notBefore <= now || !this.#waitsForBackOff) this.#queue.add(key);
      else this.#queue.addAfter(key, notBefore - now);
    }
    for (const key of this.#reserved.keys()) this.#queue.add(key);
  }

  async #schedule(key: string): Promise<number | void> {
    const pod = this.#pods.get(namespacedRefOf(key));
    if (pod === undefined || !isOurs(pod) || this.#assumed.has(uidOf(pod)) || this.#mustWait(key)) return;
    const found = this.#volumesOf(pod);
    const reserved = this.#reservedNode(pod);
    if (reserved !== undefined) return this.#carryOn(pod, found, reserved);
    if (found.kind === 'not yet') return this.#unschedulable(pod, this.#nowhere(found.message));
    const question = this.#question(pod, found);
    const verdicts = question.nodes.map((view) => judgeNode(view, question));
    const fitting = verdicts.filter(({ reasons }) => reasons.length === 0);
    const best = fitting.find(({ view }) => view.node.metadata.name === nominationOf(pod)) ?? this.#best(fitting);
    if (best === undefined) return this.#preemptOrWait(question, verdicts);
    await this.#land(question, best.view);
  }

  #mustWait(key: string): boolean {
    return this.#waitsForBackOff && (this.#waiting.get(key)?.notBefore ?? 0) > this.setting.tasks.monotonic();
  }

  #nowhere(message: string): string {
    const count = this.#nodes.list().length;
    return `0/${count} nodes are available: ${message}. preemption: 0/${count} nodes are available: ${count} Preemption is not helpful for scheduling.`;
  }

  // ── what it goes by ──

  #volumesOf(pod: Pod): Volumes {
    const bound: PersistentVolume[] = [];
    const open: OpenClaim[] = [];
    for (const name of claimNamesOf(pod)) {
      const claim = this.#claims.get({ namespace: pod.metadata.namespace ?? '', name });
      const one = claim === undefined ? notYet(`persistentvolumeclaim "${name}" not found`) : (ofAnother(pod, claim) ?? this.#volumeOf(claim));
      if (one.kind === 'not yet') return one;
      if (one.kind === 'open') open.push(one);
      else bound.push(one.volume);
    }
    return { kind: 'ready', bound, open };
  }

  #volumeOf(claim: PersistentVolumeClaim): One {
    const { name } = claim.metadata;
    if (isTerminating(claim)) return notYet(`persistentvolumeclaim "${name}" is being deleted`);
    const { volumeName = '', storageClassName = '' } = claim.spec;
    if (claim.status?.phase === 'Lost') return notYet(`persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"`);
    if (isBound(claim)) {
      const volume = this.#volumes.get({ name: volumeName });
      return volume === undefined ? notYet('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)') : { kind: 'bound', volume };
    }
    const storageClass = volumeName === '' ? this.#waitingClass(storageClassName) : undefined;
    return storageClass === undefined ? notYet('pod has unbound immediate PersistentVolumeClaims') : { kind: 'open', claim, storageClass, selectedNode: this.#selectedNodeOf(claim) };
  }

  /** If it waits for its first consumer. */
  #waitingClass(name: string): StorageClass | undefined {
    const storageClass = this.#classes.get({ name });
    return storageClass?.volumeBindingMode === 'WaitForFirstConsumer' ? storageClass : undefined;
  }

  /** As the cache has it, or as we wrote it and the cache does not show yet. */
  #selectedNodeOf(claim: PersistentVolumeClaim): string | undefined {
    return claim.metadata.annotations?.[SELECTED_NODE] ?? this.#selected.get(uidOf(claim));
  }

  #question(pod: Pod, { bound, open }: { bound: PersistentVolume[]; open: OpenClaim[] }): Question {
    return { pod, bound, open, volumes: this.#volumes.list(), nodes: this.#views(pod), volumeOf: (other) => this.#volumeNamesOf(other) };
  }

  #views(incoming: Pod): NodeView[] {
    const byNode = new Map<string, Pod[]>();
    const add = (node: string, pod: Pod): unknown => byNode.get(node)?.push(pod) ?? byNode.set(node, [pod]);
    for (const { pod, node } of this.#nominated.values()) {
      if (keyOf(pod) !== keyOf(incoming) && priorityOf(pod) >= priorityOf(incoming)) add(node, pod);
    }
    for (const pod of this.#pods.list()) {
      const node = this.#placeOf(pod);
      if (node !== undefined) add(node, pod);
    }
    return this.#nodes.list().map((node) => ({ node, csi: this.#csiNodes.get({ name: node.metadata.name }), pods: byNode.get(node.metadata.name) ?? [] }));
  }

  /** Where it takes room: bound there, or about to be. */
  #placeOf(pod: Pod): string | undefined {
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return undefined;
    return pod.spec.nodeName ?? this.#assumed.get(uidOf(pod)) ?? this.#reserved.get(keyOf(pod))?.node;
  }

  /** One that is not made yet counts by its claim. */
  #volumeNamesOf(pod: Pod): string[] {
    const namespace = pod.metadata.namespace ?? '';
    return claimNamesOf(pod).map((name) => this.#claims.get({ namespace, name })?.spec.volumeName ?? `${namespace}/${name}`);
  }

  /** Few pods first, then chance, as a scheduler's scores come out on equal nodes. */
  #best(verdicts: readonly Verdict[]): Verdict | undefined {
    const fewest = Math.min(...verdicts.map(({ view }) => view.pods.length));
    const best = verdicts.filter(({ view }) => view.pods.length === fewest);
    return best[Math.floor(this.setting.random.next() * best.length)];
  }

  // ── landing ──

  async #land(question: Question, { node }: NodeView): Promise<number | void> {
    const { pod, open } = question;
    if (open.length === 0) return this.#bind(pod, node.metadata.name);
    const until = this.setting.tasks.monotonic() + BIND_TIMEOUT_MS;
    this.#reserved.set(keyOf(pod), { uid: uidOf(pod), node: node.metadata.name, until });
    try {
      await this.#prepareVolumes(question, node);
    } catch (error) {
      // Somebody else wrote to a claim or a volume: the pod is tried again from the beginning.
      this.#reserved.delete(keyOf(pod));
      throw error;
    }
    return BIND_TIMEOUT_MS;
  }

  async #prepareVolumes({ open, volumes: all }: Question, node: Node): Promise<void> {
    const chosen: PersistentVolume[] = [];
    for (const { claim, selectedNode } of open) {
      if (selectedNode !== undefined) continue;
      const free = freeVolume(claim, all, (volume) => reaches(node, volume) && !chosen.includes(volume));
      if (free !== undefined) chosen.push(free);
      await (free === undefined ? this.#selectNode(claim, node.metadata.name) : this.#claimVolume(free, claim));
    }
  }

  async #selectNode(claim: PersistentVolumeClaim, node: string): Promise<void> {
    await this.client.update(claims, this.edited(claim, ({ metadata }) => (metadata.annotations = { ...metadata.annotations, [SELECTED_NODE]: node })));
    this.#selected.set(uidOf(claim), node);
  }

  /** The PV controller does the rest. */
  async #claimVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const { namespace = '', name, resourceVersion = '' } = claim.metadata;
    const bound = this.edited(volume, ({ metadata, spec }) => {
      spec.claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid: uidOf(claim), resourceVersion };
      metadata.annotations = { ...metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' };
    });
    await this.client.update(volumes, bound);
  }

  #reservedNode(pod: Pod): Reservation | undefined {
    const reservation = this.#reserved.get(keyOf(pod));
    return reservation?.uid === uidOf(pod) ? reservation : undefined;
  }

  /** Its volumes get bound meanwhile; the provisioner may have taken the node's name off the claim: then another node is chosen. */
  async #carryOn(pod: Pod, found: Volumes, { node, until }: Reservation): Promise<void> {
    const late = this.setting.tasks.monotonic() >= until;
    if (!late && found.kind === 'not yet') return;
    if (!late && found.kind === 'ready' && this.#stillFits(found, node)) {
      if (found.open.length === 0) await this.#bind(pod, node);
      return;
    }
    this.#reserved.delete(keyOf(pod));
    await this.#unschedulable(pod, `running PreBind plugin "VolumeBinding": binding volumes: ${late ? 'context deadline exceeded' : 'selectedNode annotation was reset for PVC'}`);
  }

  #stillFits({ open, bound }: { open: OpenClaim[]; bound: PersistentVolume[] }, name: string): boolean {
    const node = this.#nodes.get({ name });
    const dropped = open.some(({ claim, selectedNode }) => selectedNode !== name && !this.#isTaken(claim));
    return node !== undefined && !dropped && bound.every((volume) => reaches(node, volume));
  }

  #isTaken(claim: PersistentVolumeClaim): boolean {
    return this.#volumes.list().some(({ spec }) => spec.claimRef?.uid === uidOf(claim));
  }

  async #bind(pod: Pod, node: string): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    this.#assumed.set(uidOf(pod), node);
    try {
      await this.client.bind({ namespace, name, uid: uidOf(pod) }, node);
    } catch (error) {
      this.#assumed.delete(uidOf(pod));
      throw error;
    } finally {
      this.#reserved.delete(keyOf(pod));
    }
    this.#waiting.delete(keyOf(pod));
    this.#events.write(pods, pod, { type: 'Normal', reason: 'Scheduled', message: `Successfully assigned ${namespace}/${name} to ${node}` });
  }

  // ── waiting ──

  async #preemptOrWait(question: Question, verdicts: readonly Verdict[]): Promise<void> {
    const { pod } = question;
    const victims = victimsOn(question, verdicts);
    if (victims !== undefined) this.#nominated.set(keyOf(pod), { pod, node: victims.node });
    await this.#unschedulable(pod, unschedulableMessage(verdicts), victims?.node);
    for (const victim of victims?.pods ?? []) {
      const { namespace = '', name } = victim.metadata;
      await this.client.delete(pods, { namespace, name }, { preconditions: { uid: uidOf(victim) } });
      this.#events.write(pods, victim, { type: 'Normal', reason: 'Preempted', message: `Preempted by pod ${uidOf(pod)} on node ${victims?.node ?? ''}` });
    }
  }

  /** `nominated`: the node where room is being made for it. */
  async #unschedulable(pod: Pod, message: string, nominated?: string): Promise<void> {
    const key = keyOf(pod);
    const attempts = (this.#waiting.get(key)?.attempts ?? 0) + 1;
    const backOffMs = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (attempts - 1));
    this.#waiting.set(key, { attempts, notBefore: this.setting.tasks.monotonic() + backOffMs });
    this.#events.write(pods, pod, { type: 'Warning', reason: 'FailedScheduling', message });
    await this.#showUnschedulable(pod, message, nominated);
  }

  async #showUnschedulable(pod: Pod, message: string, nominated: string | undefined): Promise<void> {
    const before = conditionOf(pod, 'PodScheduled');
    const known = before?.reason === 'Unschedulable' && before.message === message;
    if (known && nominated === undefined) return;
    const now = wholeSeconds(timestamp(this.setting.tasks));
    const status = { ...withUnschedulable(pod, message, now), ...(nominated === undefined ? {} : { nominatedNodeName: nominated }) };
    const { namespace = '', name } = pod.metadata;
    await unless('Conflict', ifThere(this.client.mergePatch(pods, { namespace, name }, { metadata: { uid: uidOf(pod) }, status }, { subresource: 'status' })));
  }
}

/** As the scheduler sees it: by the annotation, which comes before the phase. */
function isBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (spec.volumeName ?? '') !== '' && metadata.annotations?.[BIND_COMPLETED] !== undefined;
}

function isOurs(pod: Pod): boolean {
  const gated = (pod.spec.schedulingGates ?? []).length > 0;
  return !isScheduled(pod) && !isTerminating(pod) && !gated && (pod.spec.schedulerName ?? 'default-scheduler') === 'default-scheduler';
}

/** The node that it is looked at for first. */
function nominationOf({ status }: Pod): string | undefined {
  const node = status?.['nominatedNodeName'];
  return typeof node === 'string' && node !== '' ? node : undefined;
}

/** `now`: RFC 3339. */
function withUnschedulable(pod: Pod, message: string, now: string): { conditions: object[] } {
  const before = conditionOf(pod, 'PodScheduled');
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : now;
  return { conditions: [...others, { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastProbeTime: null, lastTransitionTime }] };
}

function notYet(message: string): One {
  return { kind: 'not yet', message };
}

/** The claim of a generic ephemeral volume is its pod's alone: one of a pod that had this name before is about to go. */
function ofAnother(pod: Pod, claim: PersistentVolumeClaim): One | undefined {
  const { namespace = '', name } = claim.metadata;
  const ephemeral = (pod.spec.volumes ?? []).some((volume) => volume.ephemeral !== undefined && name === `${pod.metadata.name}-${volume.name}`);
  if (!ephemeral || (claim.metadata.ownerReferences ?? []).some(({ uid, controller }) => uid === pod.metadata.uid && controller === true)) return undefined;
  return notYet(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
}
