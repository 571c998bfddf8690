// Zonal disks of a cloud as the migration sees them: read them, copy one into another zone through a snapshot, tag and delete. Attaching
// and detaching stay with the CSI driver. Every method may throw DiskError; `retriable` says whether waiting can help.

export interface DiskAttributes {
  category: string;
  performanceLevel?: string;
  sizeGiB: number;
  encrypted: boolean;
  kmsKeyId?: string;
  resourceGroupId?: string;
  burstingEnabled?: boolean;
  provisionedIops?: number;
}

export interface Disk extends DiskAttributes {
  id: string;
  /** Empty for a regional disk. */
  zone: string;
  regional: boolean;
  status: 'Available' | 'InUse' | 'Attaching' | 'Detaching' | 'Creating' | 'ReInitializing';
  /** Instances that it is attached to. */
  attachedTo: string[];
  /** RFC 3339, as the cloud wrote it; absent when it was never attached. */
  attachedAt?: string;
  detachedAt?: string;
  tags: Record<string, string>;
  prepaid: boolean;
  portable: boolean;
  locks: string[];
  multiAttach: boolean;
  autoSnapshotPolicyId?: string;
  /** Whether the cloud deletes the disk's automatic snapshots with it. */
  deleteAutoSnapshots: boolean;
}

export interface Snapshot {
  id: string;
  sourceDiskId: string;
  sizeGiB: number;
  /** Disks can be created from it now, whatever `progress` says. */
  available: boolean;
  /** Uploaded to the end: it no longer needs its source disk. */
  accomplished: boolean;
  failed: boolean;
  /** 0–100. */
  progress: number;
  tags: Record<string, string>;
  createdAt: string;
}

/** What is sent to make something, persisted before the call and the same in every repetition. */
export interface CreateIntent<P> {
  /** Client token, ≤ 64 ASCII characters. */
  token: string;
  params: P;
  /** RFC 3339: when it was first persisted. */
  requestedAt: string;
}

export interface SnapshotParams {
  diskId: string;
  name: string;
  description: string;
  /** All of them are sent in the call; those of `ownerTagKeys` identify it for adoption. */
  tags: Record<string, string>;
}

export interface DiskParams extends DiskAttributes {
  snapshotId: string;
  zone: string;
  name: string;
  description: string;
  tags: Record<string, string>;
}

/**
 * `created`: there it is, and it is the only one. `pending`: not known or not possible yet; call again with the same intent after
 * `retryAfterMs`. `refused`: final, this call made nothing; `certain`: nor did an earlier one of the same intent, of which what it made may
 * not show yet. `ambiguous`: nobody can tell what exists; a person must look.
 */
export type CreateOutcome =
  | { kind: 'created'; id: string; adopted: boolean }
  | { kind: 'pending'; message: string; retryAfterMs: number }
  | { kind: 'refused'; reason: 'ZoneUnavailable' | 'QuotaExceeded' | 'SnapshotImpossible' | 'Refused'; message: string; certain: boolean }
  | { kind: 'ambiguous'; message: string };

export interface Disks {
  /** Undefined when the cloud knows no such disk. Absent from one answer of an eventually consistent list is not proof: callers re-read before they act on it. */
  disk(id: string): Promise<Disk | undefined>;
  /** By id, in batches; unknown ids are left out. */
  disks(ids: string[]): Promise<Map<string, Disk>>;
  snapshot(id: string): Promise<Snapshot | undefined>;
  /** All snapshots of a disk, manual and automatic, those in progress included. */
  snapshotsOf(diskId: string): Promise<Snapshot[]>;
  /** Disks and snapshots that carry every one of the tags. Tags may show late (minutes). */
  tagged(tags: Record<string, string>): Promise<{ disks: Disk[]; snapshots: Snapshot[] }>;
  createSnapshot(intent: CreateIntent<SnapshotParams>): Promise<CreateOutcome>;
  createDisk(intent: CreateIntent<DiskParams>): Promise<CreateOutcome>;
  /** Deletes an Available disk after making sure that its automatic snapshots survive. Gone already = success. */
  deleteDisk(id: string): Promise<void>;
  /** Deletes a snapshot even when disks were made from it. Gone already = success. */
  deleteSnapshot(id: string): Promise<void>;
  tag(resource: { kind: 'disk' | 'snapshot'; id: string }, tags: Record<string, string>): Promise<void>;
  untag(resource: { kind: 'disk' | 'snapshot'; id: string }, keys: string[]): Promise<void>;
  /** Gives the disk the automatic-snapshot policy of its source. Idempotent. */
  applyBackupPolicy(diskId: string, policyId: string): Promise<void>;
  /** Whether such a disk is on sale in the zone, with the cloud's own reason when it is not. */
  onSale(zone: string, disk: Pick<DiskAttributes, 'category' | 'performanceLevel'>): Promise<{ onSale: boolean; message: string }>;
  /** Whether a snapshot of such a disk is usable within seconds, before its upload ends. */
  instantSnapshots(disk: Pick<DiskAttributes, 'category'>): boolean;
  /** At most this many tags fit on a disk. */
  readonly maxTags: number;
}

/** What the cloud answered or did not answer, translated by the adapter. */
export class DiskError extends Error {
  /** Waiting and asking again can help. */
  readonly retriable: boolean;
  /** The cloud's code, e.g. `Throttling.User`; `Unknown` when there was no answer to read. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { code: string; retriable: boolean; retryAfterMs?: number; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'DiskError';
    this.code = options.code;
    this.retriable = options.retriable;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The cloud's words without what is another one in every answer: what is written down where a change is news. */
export function withoutRequestId(message: string): string {
  return message.replaceAll(/[.;,]?\s*request id:?\s*[0-9a-f-]+/gi, '');
}
