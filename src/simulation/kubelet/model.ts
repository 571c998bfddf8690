// One node's kubelet as a model: it looks at a view and says what is to be done now, and when it wants to look again. The shell does it
// and says how it went. Nothing here waits or calls.
//
//   waiting ──disks bound, reported in use, attached──► starting ──bootMs──► running ──deleted──► stopping ──stopMs──► stopped ──► forgotten
//      │                                                   │                  │ │ Ready after readyMs                     ▲
//      └──deleted: nothing ran────────────────────────────┴──────────────────┼─┴──completes──────────────────────────────┘
//                                                                             └ writes every writeMs until the last write at the stop
//
// As the real one does: a volume is reported in `volumesInUse` before it is attached, and until it is unmounted, which may be after the
// pod's object is gone.

import type { Clock } from '../../ports/clock.ts';
import type { Behaviour, Place, Timings } from './behaviour.ts';
import type { KubeletRecords } from './records.ts';
import { nameOf, type KubeletView, type PodIdentity, type PodView } from './view.ts';
import { resolveDisks, type PodDisk } from './volumes.ts';

/** What the pod's status says: containers being created; running; and Ready; all ended with success. */
export type Shown = 'creating' | 'running' | 'ready' | 'ended';

export type Work = { key: string } & (
  | { kind: 'report'; volumesInUse: string[] }
  /** Make sure, live, that the disks are attached. */
  | { kind: 'mount'; pod: PodIdentity; disks: PodDisk[] }
  /** Containers start: look at what is on the disks, then write. */
  | { kind: 'start'; pod: PodIdentity; disks: PodDisk[] }
  | { kind: 'write'; pod: PodIdentity; disks: PodDisk[] }
  /** The last write. */
  | { kind: 'stop'; pod: PodIdentity; disks: PodDisk[] }
  | { kind: 'show'; pod: PodIdentity; shown: Shown }
  /** From the API server, with grace 0 and the UID. */
  | { kind: 'delete'; pod: PodIdentity }
);

/** `gone`: the API server has no such pod any more. */
export type Outcome = 'done' | 'failed' | 'gone';

export interface Decision {
  /** All of them may be done at once. */
  work: Work[];
  /** On the monotonic clock; Infinity when only the cluster can change anything. */
  wakeAt: number;
}

export interface KubeletModelOptions {
  node: string;
  zone: string;
  clock: Clock;
  behaviour: Behaviour;
  records: KubeletRecords;
}

type Stage = 'waiting' | 'starting' | 'running' | 'stopping' | 'stopped';

interface LocalPod {
  view: PodView;
  stage: Stage;
  /** When it got to the stage; monotonic. */
  since: number;
  disks: PodDisk[];
  /** Why it does not start; empty when it does. */
  waitingFor: string;
  shown: Shown | undefined;
  nextWriteAt: number;
  gone: boolean;
}

/** A refused or unanswered API call; short, because the shell's retries should not show in downtimes. */
const RETRY_MS = 200;
/** The controller's VolumeAttachment and node status are not in step yet: they are within a few ms. */
const REMOUNT_MS = 20;
/** Containers that could not write crash and are started again, as after the kubelet's first back-off. */
const CRASH_MS = 1_000;
/** Key of the work on the node's own object. */
const NODE = 'node';

export class KubeletModel {
  readonly #options: KubeletModelOptions;
  readonly #pods = new Map<string, LocalPod>();
  /** By unique volume name: when it is to be unmounted; undefined while a pod uses it. */
  readonly #mounts = new Map<string, number | undefined>();
  /** UIDs that are done with, as long as the view still shows them. */
  readonly #forgotten = new Set<string>();
  readonly #retryAt = new Map<string, number>();
  /** Keys of what is being done. */
  readonly #busy = new Set<string>();
  /** By UID of a pod that has stopped: its volumes that are still in the last report. */
  readonly #leaving = new Map<string, Set<string>>();
  /** What node.status.volumesInUse says for certain; undefined while it is being written and when nobody knows. */
  #reported: string[] | undefined;
  #wakeAt = Infinity;

  constructor(options: KubeletModelOptions) {
    this.#options = options;
  }

  /** Pods that do not start, by name, with what they wait for. */
  waiting(): { pod: string; reason: string }[] {
    return [...this.#pods.values()].filter((pod) => pod.stage === 'waiting').map((pod) => ({ pod: nameOf(pod.view), reason: pod.waitingFor }));
  }

  /** `silent`: the kubelet is dead; containers run on, and nobody hears of it. */
  decide(view: KubeletView, { silent = false } = {}): Decision {
    this.#wakeAt = Infinity;
    const now = this.#now();
    const work = silent ? [] : this.#duties(view, now);
    work.push(...[...this.#pods.values()].flatMap((pod) => this.#writes(pod, now)));
    const due = work.filter((item) => !this.#busy.has(item.key) && this.#reached(this.#retryAt.get(item.key) ?? 0, now));
    return { work: firstOfEachKey(due), wakeAt: this.#wakeAt };
  }

  /** That a decided piece of work is being done: nothing else with its key is decided until it is finished. */
  begun(work: Work): void {
    this.#busy.add(work.key);
  }

  /** How it went. */
  finished(work: Work, outcome: Outcome): void {
    this.#busy.delete(work.key);
    this.#retryAt.delete(work.key);
    if (outcome === 'failed') this.#retryAt.set(work.key, this.#now() + retryMs(work));
    if (work.kind === 'report') {
      this.#reportDone(work.volumesInUse, outcome);
      return;
    }
    const pod = this.#pods.get(work.pod.uid);
    if (pod !== undefined) this.#podFinished(pod, work, outcome);
  }

  #duties(view: KubeletView, now: number): Work[] {
    this.#sync(view);
    const work = [...this.#pods.values()].flatMap((pod) => this.#podWork(pod, view, now));
    this.#unmount(now);
    return [...work, ...this.#report()];
  }

  // ── what the view says ──

  #sync(view: KubeletView): void {
    const present = new Set(view.pods.map((pod) => pod.uid));
    for (const pod of view.pods) this.#take(pod);
    for (const [uid, pod] of this.#pods) {
      if (!present.has(uid)) this.#markGone(pod);
    }
    for (const uid of this.#forgotten) {
      if (!present.has(uid)) this.#forgotten.delete(uid);
    }
  }

  #take(view: PodView): void {
    const known = this.#pods.get(view.uid);
    if (known !== undefined) known.view = view;
    else if (!this.#forgotten.has(view.uid)) this.#accept(view);
    if (view.deleting) this.#options.records.mark(view.uid, 'killedAt');
  }

  #accept(view: PodView): void {
    this.#options.records.seen(view, { node: this.#options.node, zone: this.#options.zone });
    this.#pods.set(view.uid, {
      view,
      stage: view.ended ? 'stopped' : 'waiting',
      since: this.#now(),
      disks: [],
      waitingFor: '',
      shown: view.ended ? 'ended' : undefined,
      nextWriteAt: Infinity,
      gone: false,
    });
  }

  #markGone(pod: LocalPod): void {
    pod.gone = true;
    this.#options.records.mark(pod.view.uid, 'killedAt');
    this.#options.records.mark(pod.view.uid, 'goneAt');
  }

  // ── what to do with a pod ──

  #podWork(pod: LocalPod, view: KubeletView, now: number): Work[] {
    if (pod.stage === 'waiting') return this.#whileWaiting(pod, view, now);
    if (pod.stage === 'starting') return this.#whileStarting(pod, now);
    if (pod.stage === 'running') return this.#whileRunning(pod, now);
    return pod.stage === 'stopping' ? this.#whileStopping(pod, now) : this.#onceStopped(pod);
  }

  #whileWaiting(pod: LocalPod, view: KubeletView, now: number): Work[] {
    if (pod.gone || pod.view.deleting) {
      this.#enter(pod, 'stopped');
      return this.#onceStopped(pod);
    }
    const resolution = resolveDisks(pod.view, view);
    pod.disks = resolution.kind === 'disks' ? resolution.disks : [];
    pod.waitingFor = resolution.kind === 'waiting' ? resolution.reason : this.#notAttached(pod, view);
    if (pod.shown === undefined) return [{ key: pod.view.uid, kind: 'show', pod: identity(pod), shown: 'creating' }];
    if (pod.waitingFor !== '') return [];
    if (pod.disks.length > 0) return [{ key: pod.view.uid, kind: 'mount', pod: identity(pod), disks: pod.disks }];
    this.#begin(pod);
    return this.#whileStarting(pod, now);
  }

  #notAttached(pod: LocalPod, view: KubeletView): string {
    const reported = this.#busy.has(NODE) ? undefined : this.#reported;
    const missing = pod.disks.find((disk) => reported?.includes(disk.uniqueName) !== true || !view.attached({ uniqueName: disk.uniqueName, name: disk.volumeName }));
    return missing === undefined ? '' : `volume ${missing.volumeName} (${missing.diskId}) is not attached`;
  }

  #whileStarting(pod: LocalPod, now: number): Work[] {
    if (this.#busy.has(guestKey(pod))) return [];
    if (pod.gone || pod.view.deleting) {
      this.#enter(pod, 'stopped');
      return this.#onceStopped(pod);
    }
    const at = pod.since + this.#timings(pod).bootMs;
    return this.#reached(at, now) ? [{ key: guestKey(pod), kind: 'start', pod: identity(pod), disks: pod.disks }] : [];
  }

  #whileRunning(pod: LocalPod, now: number): Work[] {
    const place = this.#place(pod);
    if ((pod.gone || pod.view.deleting) && !this.#options.behaviour.isNeverTerminating(place)) {
      this.#enter(pod, 'stopping');
      return this.#whileStopping(pod, now);
    }
    if (this.#options.behaviour.isCompleting(place) && pod.shown !== 'creating') return [this.#stop(pod)];
    const due = this.#reached(pod.since + this.#timings(pod).readyMs, now);
    const shown: Shown = due && !this.#options.behaviour.isNeverReady(place) ? 'ready' : 'running';
    return shown === pod.shown || pod.gone ? [] : [{ key: pod.view.uid, kind: 'show', pod: identity(pod), shown }];
  }

  #whileStopping(pod: LocalPod, now: number): Work[] {
    const at = pod.since + Math.min(this.#timings(pod).stopMs, pod.view.graceMs);
    return this.#reached(at, now) ? [this.#stop(pod)] : [];
  }

  #onceStopped(pod: LocalPod): Work[] {
    if (pod.gone) {
      this.#forget(pod);
      return [];
    }
    // A pod of which no container ever ran has nothing to show.
    if (pod.shown !== 'ended' && this.#ran(pod)) return [{ key: pod.view.uid, kind: 'show', pod: identity(pod), shown: 'ended' }];
    return pod.view.deleting ? [{ key: pod.view.uid, kind: 'delete', pod: identity(pod) }] : [];
  }

  #writes(pod: LocalPod, now: number): Work[] {
    const runs = pod.stage === 'running' || pod.stage === 'stopping';
    if (!runs || pod.disks.length === 0 || !this.#reached(pod.nextWriteAt, now)) return [];
    return [{ key: guestKey(pod), kind: 'write', pod: identity(pod), disks: pod.disks }];
  }

  #stop(pod: LocalPod): Work {
    return { key: guestKey(pod), kind: 'stop', pod: identity(pod), disks: pod.disks };
  }

  // ── how it went ──

  #podFinished(pod: LocalPod, work: Exclude<Work, { kind: 'report' }>, outcome: Outcome): void {
    if (outcome === 'gone') this.#markGone(pod);
    // A last write that failed is recorded where it was tried; the containers end all the same.
    if (work.kind === 'stop') this.#stopped(pod);
    if (outcome === 'done') this.#podDid(pod, work);
  }

  #podDid(pod: LocalPod, work: Exclude<Work, { kind: 'report' }>): void {
    if (work.kind === 'mount' && pod.stage === 'waiting') this.#begin(pod);
    if (work.kind === 'start') this.#started(pod);
    if (work.kind === 'write') pod.nextWriteAt = this.#now() + this.#timings(pod).writeMs;
    if (work.kind === 'show') this.#showed(pod, work.shown);
    if (work.kind === 'delete') this.#markGone(pod);
  }

  #begin(pod: LocalPod): void {
    for (const disk of pod.disks) this.#mounts.set(disk.uniqueName, undefined);
    this.#options.records.mark(pod.view.uid, 'attachedAt');
    this.#enter(pod, 'starting');
  }

  #started(pod: LocalPod): void {
    this.#enter(pod, 'running');
    pod.nextWriteAt = this.#now() + this.#timings(pod).writeMs;
    this.#options.records.mark(pod.view.uid, 'startedAt');
  }

  #showed(pod: LocalPod, shown: Shown): void {
    pod.shown = shown;
    if (shown === 'ready') this.#options.records.mark(pod.view.uid, 'readyAt');
  }

  #stopped(pod: LocalPod): void {
    this.#options.records.mark(pod.view.uid, 'stoppedAt');
    this.#enter(pod, 'stopped');
  }

  #enter(pod: LocalPod, stage: Stage): void {
    const mounted = pod.stage !== 'waiting' && pod.stage !== 'stopped';
    pod.stage = stage;
    pod.since = this.#now();
    if (stage === 'stopped' && mounted) this.#leave(pod);
  }

  #forget(pod: LocalPod): void {
    this.#pods.delete(pod.view.uid);
    this.#forgotten.add(pod.view.uid);
  }

  // ── volumes ──

  #leave(pod: LocalPod): void {
    this.#leaving.set(pod.view.uid, new Set(pod.disks.map((disk) => disk.uniqueName)));
    const used = this.#users();
    const unmountAt = this.#now() + this.#timings(pod).unmountMs;
    for (const { uniqueName } of pod.disks) {
      if (this.#mounts.has(uniqueName) && !used.has(uniqueName)) this.#mounts.set(uniqueName, unmountAt);
    }
    this.#tellUnmounted();
  }

  #users(): Set<string> {
    const mounted = [...this.#pods.values()].filter((pod) => pod.stage === 'starting' || pod.stage === 'running' || pod.stage === 'stopping');
    return new Set(mounted.flatMap((pod) => pod.disks.map((disk) => disk.uniqueName)));
  }

  #unmount(now: number): void {
    const { node, zone, behaviour } = this.#options;
    if (behaviour.isKeepingVolumesInUse({ node, zone })) return;
    for (const [name, unmountAt] of this.#mounts) {
      if (unmountAt !== undefined && this.#reached(unmountAt, now)) this.#mounts.delete(name);
    }
  }

  #report(): Work[] {
    const awaited = [...this.#pods.values()].filter((pod) => pod.stage === 'waiting').flatMap((pod) => pod.disks.map((disk) => disk.uniqueName));
    const wanted = [...new Set([...this.#mounts.keys(), ...awaited])].sort();
    if (this.#reported !== undefined && sameNames(this.#reported, wanted)) return [];
    return [{ key: NODE, kind: 'report', volumesInUse: wanted }];
  }

  #reportDone(volumesInUse: string[], outcome: Outcome): void {
    this.#reported = outcome === 'done' ? volumesInUse : undefined;
    if (outcome === 'done') this.#tellUnmounted();
  }

  #tellUnmounted(): void {
    const inUse = new Set([...(this.#reported ?? []), ...this.#mounts.keys()]);
    for (const [uid, names] of this.#leaving) {
      if ([...names].some((name) => inUse.has(name))) continue;
      this.#leaving.delete(uid);
      this.#options.records.mark(uid, 'unmountedAt');
    }
  }

  // ── time ──

  /** Whether the time has come; if not, that is a time to wake at. */
  #reached(at: number, now: number): boolean {
    if (now >= at) return true;
    this.#wakeAt = Math.min(this.#wakeAt, at);
    return false;
  }

  #now(): number {
    return this.#options.clock.monotonic();
  }

  #timings(pod: LocalPod): Timings {
    return this.#options.behaviour.timingsOf(this.#place(pod));
  }

  #place(pod: LocalPod): Place {
    return { namespace: pod.view.namespace, name: pod.view.name, node: this.#options.node, zone: this.#options.zone };
  }

  #ran(pod: LocalPod): boolean {
    return this.#options.records.timeline(pod.view.uid)?.startedAt !== undefined;
  }
}

function retryMs(work: Work): number {
  if (work.kind === 'mount') return REMOUNT_MS;
  return work.kind === 'start' ? CRASH_MS : RETRY_MS;
}

function identity(pod: LocalPod): PodIdentity {
  const { namespace, name, uid } = pod.view;
  return { namespace, name, uid };
}

/** Work inside the pod and work on its object do not wait for each other. */
function guestKey(pod: LocalPod): string {
  return `${pod.view.uid}/guest`;
}

function firstOfEachKey(work: Work[]): Work[] {
  return [...new Map(work.toReversed().map((item) => [item.key, item])).values()].toReversed();
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index]);
}
