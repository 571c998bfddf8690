// What the kubelets of a cluster remember for whoever asks afterwards: when each pod got how far, what pods found on their disks, which
// of their writes were acknowledged, and which acknowledged write a later pod did not find. Times are the clock's, in ms since the epoch.

import type { Clock } from '../../ports/clock.ts';
import { nameOf, type PodIdentity } from './view.ts';

/** The pod's way through its kubelet; absent = not (yet). */
export interface PodTimeline extends PodIdentity {
  node: string;
  zone: string;
  /** The kubelet saw it for the first time. */
  seenAt: number;
  /** Every disk attached; containers begin to start. */
  attachedAt?: number;
  /** Containers run, first write made. */
  startedAt?: number;
  /** Status Ready=True is at the API server. */
  readyAt?: number;
  /** Its deletion was seen. */
  killedAt?: number;
  /** Last write made, containers ended. */
  stoppedAt?: number;
  /** Its object is gone. */
  goneAt?: number;
  /** No volume of it is in volumesInUse any more. */
  unmountedAt?: number;
}

/** What a kubelet and its containers took, in ms: measured, so the API server's part in it is included. Undefined: it has not come to that. */
export interface KubeletShares {
  /** Deletion seen → last write made. */
  stopMs: number | undefined;
  /** Last write made → volumes out of use. */
  unmountMs: number | undefined;
  /** Disks attached → containers running. */
  bootMs: number | undefined;
  /** Containers running → Ready. */
  readyMs: number | undefined;
}

/** The pod's own part of a downtime; the rest belongs to the cloud and to the control plane. */
export function kubeletShares({ killedAt, stoppedAt, unmountedAt, attachedAt, startedAt, readyAt }: PodTimeline): KubeletShares {
  return { stopMs: between(killedAt, stoppedAt), unmountMs: between(stoppedAt, unmountedAt), bootMs: between(attachedAt, startedAt), readyMs: between(startedAt, readyAt) };
}

function between(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : to - from;
}

export type Mark = 'attachedAt' | 'startedAt' | 'readyAt' | 'killedAt' | 'stoppedAt' | 'goneAt' | 'unmountedAt';

export interface DiskWrite {
  writer: string;
  sequence: number;
  at: number;
  text?: string;
}

/** A pod's containers start on a disk, and what they find there. */
export interface StartRecord {
  /** `namespace/name`. */
  pod: string;
  uid: string;
  node: string;
  claim: string;
  diskId: string;
  at: number;
  contentsLength: number;
  /** Absent on a blank disk. */
  lastWriter?: string;
  lastSequence?: number;
  lastText?: string;
}

/** A write that the pod knows to be on the disk. */
export interface AcknowledgedWrite {
  pod: string;
  uid: string;
  claim: string;
  diskId: string;
  sequence: number;
  at: number;
  text: string;
}

export interface WriteFailure {
  pod: string;
  uid: string;
  claim: string;
  diskId: string;
  at: number;
  during: 'start' | 'run' | 'stop';
  message: string;
}

/** The last acknowledged write to a claim, and the start at which the disk did not have it. */
export interface LostWrite {
  write: AcknowledgedWrite;
  start: StartRecord;
}

export class KubeletRecords {
  /** In the order of the starts. */
  readonly starts: StartRecord[] = [];
  /** In the order of the writes. */
  readonly acknowledged: AcknowledgedWrite[] = [];
  readonly failures: WriteFailure[] = [];
  readonly lost: LostWrite[] = [];
  readonly #clock: Clock;
  readonly #timelines = new Map<string, PodTimeline>();
  /** By `namespace/claim`: the last one. */
  readonly #last = new Map<string, AcknowledgedWrite>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In the order in which kubelets saw them; of one pod name (`namespace/name`) where it is given. */
  timelines(pod?: string): PodTimeline[] {
    return [...this.#timelines.values()].filter((timeline) => pod === undefined || nameOf(timeline) === pod);
  }

  timeline(uid: string): PodTimeline | undefined {
    return this.#timelines.get(uid);
  }

  /** The last acknowledged write to a claim. */
  lastAcknowledged(namespace: string, claim: string): AcknowledgedWrite | undefined {
    return this.#last.get(`${namespace}/${claim}`);
  }

  /** The claim's data was thrown away on purpose: its next disk owes nothing to the last one. */
  forgetClaim(namespace: string, claim: string): void {
    this.#last.delete(`${namespace}/${claim}`);
  }

  seen(pod: PodIdentity, place: { node: string; zone: string }): void {
    if (this.#timelines.has(pod.uid)) return;
    const { namespace, name, uid } = pod;
    this.#timelines.set(uid, { namespace, name, uid, ...place, seenAt: this.#clock.now() });
  }

  /** The first time counts. */
  mark(uid: string, mark: Mark): void {
    const timeline = this.#timelines.get(uid);
    if (timeline !== undefined) timeline[mark] ??= this.#clock.now();
  }

  started(start: Omit<StartRecord, 'at' | 'contentsLength' | 'lastWriter' | 'lastSequence' | 'lastText'>, contents: readonly DiskWrite[]): void {
    const last = contents.at(-1);
    const record: StartRecord = {
      ...start,
      at: this.#clock.now(),
      contentsLength: contents.length,
      ...(last === undefined ? {} : { lastWriter: last.writer, lastSequence: last.sequence }),
      ...(last?.text === undefined ? {} : { lastText: last.text }),
    };
    this.starts.push(record);
    const owed = this.#last.get(claimKey(record));
    if (owed !== undefined && !contents.some((write) => write.sequence === owed.sequence && write.writer === owed.pod && write.text === owed.text)) {
      this.lost.push({ write: owed, start: record });
    }
  }

  wrote(write: AcknowledgedWrite): void {
    this.acknowledged.push(write);
    this.#last.set(claimKey(write), write);
  }

  failed(failure: Omit<WriteFailure, 'at'>): void {
    this.failures.push({ ...failure, at: this.#clock.now() });
  }
}

function claimKey(record: { pod: string; claim: string }): string {
  return `${record.pod.slice(0, record.pod.indexOf('/'))}/${record.claim}`;
}
