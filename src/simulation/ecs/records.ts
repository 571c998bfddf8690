// What the simulated cloud stores. Times are milliseconds since the epoch on the model's clock; `undefined` means never or not yet.

/** One write that a guest made to a disk. `sequence` counts up from 1 on the disk and goes on in copies of it. */
export interface Write {
  writer: string;
  sequence: number;
  at: number;
  text?: string;
}

/** One value of a resource's tags, shown from `visibleAt` on. */
export interface TagRevision {
  visibleAt: number;
  tags: Record<string, string>;
}

export interface Attachment {
  instanceId: string;
  device: string;
  state: 'Attaching' | 'Attached' | 'Detaching';
  /** When the state goes on by itself; Infinity when it is stuck. */
  until: number | undefined;
  attachedAt: number | undefined;
}

export type DiskStatus = 'Creating' | 'Available' | 'Attaching' | 'In_use' | 'Detaching' | 'ReIniting';

export interface DiskRecord {
  id: string;
  /** Counts up over all disks and snapshots: the order of creation. */
  order: number;
  /** Empty for a regional disk. */
  zone: string;
  category: string;
  /** Empty where the category has none. */
  performanceLevel: string;
  sizeGiB: number;
  encrypted: boolean;
  kmsKeyId: string;
  resourceGroupId: string;
  burstingEnabled: boolean;
  provisionedIops: number;
  name: string;
  description: string;
  createdAt: number;
  visibleAt: number;
  /** Infinity when it is stuck in Creating; undefined once it is created. */
  creatingUntil: number | undefined;
  reinitializing: boolean;
  attachments: Attachment[];
  attachedAt: number | undefined;
  detachedAt: number | undefined;
  tags: Record<string, string>;
  tagRevisions: TagRevision[];
  chargeType: 'PostPaid' | 'PrePaid';
  portable: boolean;
  locks: string[];
  multiAttach: boolean;
  backupPolicyIds: string[];
  deleteAutoSnapshot: boolean;
  deleteWithInstance: boolean;
  enableAutoSnapshot: boolean;
  sourceSnapshotId: string;
  contents: Write[];
  /** Where its first contents came from; absent for a blank disk. */
  lineage: { snapshotId: string; diskId: string } | undefined;
  deletedAt: number | undefined;
}

export interface SnapshotRecord {
  id: string;
  order: number;
  sourceDiskId: string;
  /** Of the source disk: decides whether it is instantly available. */
  category: string;
  sizeGiB: number;
  encrypted: boolean;
  kmsKeyId: string;
  resourceGroupId: string;
  name: string;
  description: string;
  kind: 'user' | 'auto';
  retentionDays: number | undefined;
  createdAt: number;
  visibleAt: number;
  /** Infinity when it never gets there. */
  availableAt: number;
  accomplishedAt: number;
  failsAt: number | undefined;
  /** Progress never goes past this while the upload is stuck. */
  stuckAt: number | undefined;
  /** The last status that the history has seen. */
  seen: SnapshotStatus;
  tags: Record<string, string>;
  tagRevisions: TagRevision[];
  contents: Write[];
  /** Taken while the disk was being detached: the last write is missing. */
  inconsistent: boolean;
  /** Ids of the disks that were made from it. */
  madeDisks: string[];
  deletedAt: number | undefined;
}

export type SnapshotStatus = 'progressing' | 'accomplished' | 'failed';

export interface InstanceRecord {
  id: string;
  zone: string;
}

/** Something that happened. `call` entries carry parameters, outcome (`OK` or the error code) and whether the caller got to know. */
export interface HistoryEntry {
  sequence: number;
  at: number;
  subject: 'call' | 'disk' | 'snapshot' | 'instance' | 'zone' | 'guest' | 'fault';
  /** Of the resource; the request id for a call. */
  id: string;
  /** Action of a call, or what changed: `created`, `Attaching`, `In_use`, `deleted`, `tagged` … */
  event: string;
  details: Record<string, unknown>;
}

export function diskStatus(disk: DiskRecord): DiskStatus {
  if (disk.reinitializing) return 'ReIniting';
  if (disk.creatingUntil !== undefined) return 'Creating';
  const states = disk.attachments.map((attachment) => attachment.state);
  if (states.includes('Attaching')) return 'Attaching';
  if (states.includes('Detaching')) return 'Detaching';
  return states.length > 0 ? 'In_use' : 'Available';
}

export function snapshotStatus(snapshot: SnapshotRecord, now: number): SnapshotStatus {
  if (snapshot.failsAt !== undefined && now >= snapshot.failsAt) return 'failed';
  return now >= snapshot.accomplishedAt ? 'accomplished' : 'progressing';
}

/** 0–100; below 100 until it is accomplished. */
export function snapshotProgress(snapshot: SnapshotRecord, now: number, uploadMs: number): number {
  if (snapshotStatus(snapshot, now) === 'accomplished') return 100;
  const until = Math.min(now, snapshot.failsAt ?? now);
  const reached = uploadMs <= 0 ? 99 : Math.floor((100 * (until - snapshot.createdAt)) / uploadMs);
  return Math.max(0, Math.min(reached, snapshot.stuckAt ?? 99, 99));
}

export function snapshotAvailable(snapshot: SnapshotRecord, now: number): boolean {
  return snapshotStatus(snapshot, now) !== 'failed' && now >= Math.min(snapshot.availableAt, snapshot.accomplishedAt);
}

/** The tags as the Describe calls show them at this moment. */
export function visibleTags(resource: { tagRevisions: TagRevision[] }, now: number): Record<string, string> {
  return resource.tagRevisions.findLast((revision) => revision.visibleAt <= now)?.tags ?? {};
}
