// The durable record of one move: the OrdinalMigration custom resource. Everything that a daemon needs to go on after a crash is in it;
// whatever else is true is read live from the cluster and the cloud.

import type { CreateIntent, DiskParams, SnapshotParams } from '../ports/disks.ts';
import type { ClaimSpec, Condition, KubernetesObject, ObjectMeta, Resource } from '../kubernetes/objects.ts';

export const FORMAT_VERSION = 1;
export const MIGRATION_API_VERSION = 'zonespread.io/v1alpha1';

/**
 * The steps of a move, in order; `status.step` holds one of these names. An older daemon may meet a name that it does not know: it freezes.
 *
 *   rehearse → reserve → keepSource → evict → detach → snapshot → createDisk → createVolume → swapClaim → ungate ═╪═ ready → settle
 *   nothing is touched ┘                                                                       point of no return ┘ (target attached)
 */
export const STEPS = ['rehearse', 'reserve', 'keepSource', 'evict', 'detach', 'snapshot', 'createDisk', 'createVolume', 'swapClaim', 'ungate', 'ready', 'settle'] as const;
export type StepName = (typeof STEPS)[number];

/** Whoever gives up in one of these has nothing to undo: the move ends as Failed. */
const UNTOUCHED_STEPS = new Set<string>(['rehearse', 'reserve'] satisfies StepName[]);

/** What `restore-source` does before the ordinary undo: the newer disk is detached and snapshotted, and both are kept. */
export const RESTORE_STEPS = ['restoreDetach', 'restoreSnapshot'] as const;
export type RestoreStepName = (typeof RESTORE_STEPS)[number];

/**
 * The order in which an undo visits the steps: first what brings the pod back on its old disk, then what was made on the way. Each
 * visit tolerates a step that never ran, ran in part, or was undone already.
 */
export const UNDO_STEPS = ['ungate', 'swapClaim', 'evict', 'keepSource', 'createVolume', 'createDisk', 'snapshot'] as const satisfies readonly StepName[];

/** After `restore-source` the newer volume, disk and snapshots are kept for the retention. */
export const RESTORE_UNDO_STEPS = ['ungate', 'swapClaim', 'evict', 'keepSource'] as const satisfies readonly StepName[];

/** An undo that only starts over leaves the gate on and the source Retain. */
export const START_OVER_STEPS = ['ungate', 'swapClaim', 'createVolume', 'createDisk', 'snapshot'] as const satisfies readonly StepName[];

export type Phase = 'Pending' | 'Running' | 'RollingBack' | 'Succeeded' | 'RolledBack' | 'Failed' | 'Frozen';
/** Which way a record in flight goes; needed to know what a Frozen one was doing. `Restore` is an undo after the point of no return (`restore-source`). */
export type Course = 'Forward' | 'Undo' | 'Restore';
export type MoveReason = 'Spread' | 'Evacuate' | 'Pin' | 'Manual' | 'Reverse';
export type OnUnready = 'hold' | 'reverse' | 'restore-source';
export type MigrationRequest = 'abort' | 'reverse' | 'restore-source' | 'release' | 'resume';

export interface OrdinalMigrationSpec {
  statefulSetRef: { apiVersion: string; kind: string; name: string; uid?: string };
  ordinal: number;
  targetZone: string;
  reason?: MoveReason;
  planDigest?: string;
  strategy?: 'rolling';
  /** Durations as in interface.md: `10m`, `1h30m`; retentions also `forever`. Absent: from the set's policy, else the default. */
  readyTimeout?: string;
  healthDuration?: string;
  onUnready?: OnUnready;
  snapshotRetention?: string;
  sourceRetention?: string;
  /** Name of the migration that this one takes back (reason Reverse). */
  reverses?: string;
}

/** One claim of the ordinal, with all that is needed to make it again and to find what was made for it. */
export interface ClaimRecord {
  template: string;
  claimName: string;
  sizeGiB: number;
  /** The claim as it was before the move, with the labels and annotations that it had when it was deleted last; without what must never be copied (trap 3 of kubernetes-facts.md). */
  manifest: { labels: Record<string, string>; annotations: Record<string, string>; spec: ClaimSpec };
  source: {
    pv: string;
    pvUID: string;
    claimUID: string;
    diskId: string;
    zone: string;
    category: string;
    reclaimPolicy: string;
    /** The cloud's stamps when the disk was seen detached: the fence that tells whether anybody touched it since. */
    attachedAt?: string;
    detachedAt?: string;
    /** Retirement has looked at everything and is about to delete PV and disk. */
    retiringAt?: string;
    retiredAt?: string;
  };
  /** `progress`: 0–99 as last seen while it was waited for, 100 once its upload was seen complete. */
  snapshot?: Partial<CreateIntent<SnapshotParams>> & { id?: string; progress?: number; retiredAt?: string };
  target?: Partial<CreateIntent<DiskParams>> & {
    pv?: string;
    pvUID?: string;
    diskId?: string;
    zone?: string;
    /** The disk was seen unused and its deletion is about to be asked for. */
    discardingAt?: string;
    retiringAt?: string;
    retiredAt?: string;
  };
  /** `restore-source` only: the last state of the newer disk. */
  rescue?: Partial<CreateIntent<SnapshotParams>> & { id?: string; progress?: number; attachedAt?: string; detachedAt?: string; retiredAt?: string };
  /** Ids of snapshots that an undo let go of: deleted as soon as the cloud has finished them. */
  discardedSnapshots?: string[];
}

export interface HistoryEntry {
  step: string;
  startedAt: string;
  finishedAt?: string;
  /** `Done`, `Undone`, or the reason why it gave up. */
  outcome?: string;
}

/** The placeholder that holds the landing node, as long as there is one; or why the move goes on without. */
export interface Reservation {
  /** Name of the placeholder; recorded before it is made. */
  pod?: string;
  podUID?: string;
  /** The node that it holds, once the scheduler has chosen one. */
  nodeName?: string;
  /** The API server's refusal of it. */
  skipped?: string;
}

export interface OrdinalMigrationStatus {
  formatVersion?: number;
  phase?: Phase;
  course?: Course;
  /** A name of STEPS or RESTORE_STEPS; in an undo the step that is being undone. */
  step?: string;
  reason?: string;
  message?: string;
  /** leaseTransitions of the daemon that wrote last. */
  epoch?: number;
  /** Counts from 1; grows when a snapshot became void and the move starts over at `evict`. */
  attempt?: number;
  /** Set while an undo is only the way back to this step. */
  resumeAt?: StepName;
  statefulSetUID?: string;
  /** The pod that was evicted. */
  podUID?: string;
  /** When that was. */
  evictedAt?: string;
  /** The pod of which the gate was about to be taken off: an undo replaces it, for it may be let go at any moment. */
  releasedPodUID?: string;
  reservation?: Reservation;
  /** The node it ran on. */
  nodeName?: string;
  startedAt?: string;
  stepStartedAt?: string;
  finishedAt?: string;
  /** Since when the ordinal is not Ready because of us. */
  unavailableSince?: string;
  /** Since when the ordinal is Ready again on its new disk. */
  readySince?: string;
  /** Since when the pod is awaited (gate off, or Ready lost again): ready-timeout counts from here. */
  awaitingReadySince?: string;
  /** When the progress last changed: the snapshot step gives up only when it stands still. */
  progressAt?: string;
  downtimeSeconds?: number;
  progress?: number;
  history?: HistoryEntry[];
  conditions?: Condition[];
  claims?: ClaimRecord[];
  /** Policy values in force for this move, frozen when it began (spec, else the set's policy, else defaults). */
  terms?: MigrationTerms;
}

/** Durations in ms; retentions may be `forever`. */
export interface MigrationTerms {
  readyTimeoutMs: number;
  healthDurationMs: number;
  onUnready: OnUnready;
  snapshotRetentionMs: number | 'forever';
  /** Absent: `forever` where the source PV's own policy was Retain, else 24 h. */
  sourceRetentionMs?: number | 'forever';
}

export interface OrdinalMigration extends KubernetesObject {
  metadata: ObjectMeta;
  spec: OrdinalMigrationSpec;
  status?: OrdinalMigrationStatus;
}

export const ordinalMigrations: Resource<OrdinalMigration> = {
  group: 'zonespread.io',
  version: 'v1alpha1',
  plural: 'ordinalmigrations',
  kind: 'OrdinalMigration',
  namespaced: true,
};

export function statusOf(record: OrdinalMigration): OrdinalMigrationStatus {
  return record.status ?? {};
}

export function claimsOf(record: OrdinalMigration): ClaimRecord[] {
  return record.status?.claims ?? [];
}

export function courseOf(record: OrdinalMigration): Course {
  return record.status?.course ?? 'Forward';
}

export function phaseOf(record: OrdinalMigration): Phase {
  return record.status?.phase ?? 'Pending';
}

/** Nothing of the ordinal has been changed yet. */
export function isUntouched(record: OrdinalMigration): boolean {
  return courseOf(record) === 'Forward' && UNTOUCHED_STEPS.has(statusOf(record).step ?? 'rehearse');
}

/** Written by a newer version of the product. */
export function isOfUnknownFormat(record: OrdinalMigration): boolean {
  return (record.status?.formatVersion ?? FORMAT_VERSION) > FORMAT_VERSION;
}

/** The daemon has decided on it. What was made by hand may wait for ever. */
export function isAboutToBegin(record: OrdinalMigration): boolean {
  return phaseOf(record) === 'Pending' && record.spec.planDigest !== undefined;
}

/** In flight, and not waiting for a person. */
export function isGoingOn(record: OrdinalMigration): boolean {
  const phase = phaseOf(record);
  return phase === 'Running' || phase === 'RollingBack';
}

export function inFlight(record: OrdinalMigration): boolean {
  return isGoingOn(record) || phaseOf(record) === 'Frozen';
}

export function ended(record: OrdinalMigration): boolean {
  const phase = phaseOf(record);
  return phase === 'Succeeded' || phase === 'RolledBack' || phase === 'Failed';
}

/** The ordinal has left its source, with all writes, and for good: it is on the target, or on what was made from that by moves after it. */
export function hasMoved(record: OrdinalMigration): boolean {
  const { phase, reason } = statusOf(record);
  return phase === 'Succeeded' || (phase === 'RolledBack' && reason === 'Reversed');
}

/** `web-2`: the pod that the record is about. */
export function podNameOf(record: OrdinalMigration): string {
  return `${record.spec.statefulSetRef.name}-${record.spec.ordinal}`;
}
