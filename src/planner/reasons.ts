// Every reason that the planner gives, in one list: reports, events and metrics carry them, docs/planning.md explains them.

/** Why an ordinal moves. */
export const MOVE_REASONS = ['Spread', 'Evacuate', 'Pin'] as const;
export type PlannedReason = (typeof MOVE_REASONS)[number];

/** Why an ordinal stays although nothing holds it. */
export const STAY_REASONS = ['InPlace', 'InFlight', 'NoZonalDisk'] as const;

/** Why the set is not as declared. */
export const UNSATISFIED_REASONS = ['MovesPlanned', 'ZoneUnavailable', 'CoolDown', 'PinsConflict', 'OrdinalsHeld', 'InFlight'] as const;
export type UnsatisfiedReason = (typeof UNSATISFIED_REASONS)[number];

/** Why a move must not start now; in the order in which they are looked at. */
export const BLOCK_REASONS = [
  'NamespaceTerminating',
  'StatefulSetTerminating',
  'OrdinalNotFound',
  'AlreadyInFlight',
  'GenerationNotObserved',
  'OwnedByOperator',
  'ScaleUnderWay',
  'PodNotReady',
  'AwaitsTurn',
  'TooManyUnavailable',
  'RevisionWouldChange',
  'DisruptionBudgetExhausted',
  'SeveralDisruptionBudgets',
  'ClaimNotBound',
  'AlreadyInZone',
  'DiskNotZonal',
  'ManagedByGitOps',
  'ClaimHasFinalizers',
  'ClaimUsedByOtherPod',
  'ResizePending',
  'UnknownAffinity',
  'VolumePinsZone',
  'SeveralVolumesPerHandle',
  'DiskNotMovable',
  'DiskLocked',
  'DiskPrepaid',
  'DiskSuperseded',
  'DiskNeverAttached',
  'TagSlotsExhausted',
  'SlowSnapshots',
  'DowntimeTooLong',
  'SnapshotInProgress',
  'SnapshotQuotaFull',
  'TemplatePinsZone',
  'ZoneUnavailable',
  'Forbidden',
  'Disabled',
  'ApprovalNeeded',
  'Paused',
  'OutsideWindow',
  'WindowClosesSoon',
  'HealthQueryUnmet',
  'CoolDown',
  'BackOff',
  'BudgetUsedUp',
  'WebhookNotReady',
] as const;
export type BlockReason = (typeof BLOCK_REASONS)[number];

const blockReasons = new Set<string>(BLOCK_REASONS);

export function isBlockReason(reason: string): reason is BlockReason {
  return blockReasons.has(reason);
}

/** Something holds a move, or, without an ordinal, the whole set. */
export interface Blocked {
  reason: BlockReason;
  /** Names the object, what is wrong, and what to do. */
  message: string;
  ordinal?: number;
}
