// CreateSnapshot, DescribeSnapshots, DeleteSnapshot.

import { hasInstantSnapshots } from '../categories.ts';
import { page, readPageWish } from '../paging.ts';
import { type DiskRecord, diskStatus, snapshotAvailable, snapshotProgress, type SnapshotRecord, snapshotStatus, visibleTags, type Write } from '../records.ts';
import { invalidParameter, passedDryRun, Refusal, wrongDiskStatus } from '../refusals.ts';
import { carriesTags, type EcsState } from '../state.ts';
import { rememberedId, rememberToken } from '../tokens.ts';
import { type Action, type ActionCall, apiTags, apiTime, checkedName, checkedText, checkRegion, checkTagCount, tagRecord } from './action.ts';
import { checkNotLocked } from './disks.ts';

export const createSnapshot: Action = (call) => {
  const { state, parameters } = call;
  const diskId = parameters.required('DiskId');
  const token = { action: 'CreateSnapshot' as const, token: parameters.token(), parameters: call.raw, forgotten: call.suffering.forgetToken };
  const wish = {
    name: checkedName('SnapshotName', parameters.text('SnapshotName'), 'InvalidSnapshotName.Malformed'),
    description: checkedText('Description', parameters.text('Description'), { code: 'InvalidDescription.Malformed', max: 256 }),
    tags: tagRecord(parameters.tags()),
    resourceGroupId: parameters.text('ResourceGroupId') ?? '',
    retentionDays: parameters.number('RetentionDays'),
  };
  // Both are documented as having no effect any more.
  parameters.flag('InstantAccess');
  parameters.number('InstantAccessRetentionDays');
  parameters.finish();
  const known = rememberedId(state, token);
  if (known !== undefined) return { SnapshotId: known };
  const disk = state.disk(diskId);
  checkTagCount(state, wish.tags);
  checkRetention(wish.retentionDays);
  checkCanSnapshot(state, disk);
  const snapshot = takeSnapshot(state, disk, 'user');
  Object.assign(snapshot, { name: wish.name, description: wish.description, resourceGroupId: wish.resourceGroupId, retentionDays: wish.retentionDays });
  suffer(call, snapshot);
  state.setTags(snapshot, wish.tags, call.suffering.tagLagMs ?? state.timings.tagVisibilityLagMs);
  rememberToken(state, token, snapshot.id);
  return { SnapshotId: snapshot.id };
};

function checkRetention(days: number | undefined): void {
  if (days !== undefined && (days < 1 || days > 65_536)) throw new Refusal(400, 'InvalidRetentionDays.Malformed', 'RetentionDays must be 1 to 65536.');
}

function checkCanSnapshot(state: EcsState, disk: DiskRecord): void {
  checkNotLocked(disk);
  if (disk.locks.includes('financial')) throw new Refusal(403, 'DiskInArrears', `The specified operation is denied as your disk ${disk.id} has arrears.`);
  const status = diskStatus(disk);
  const detaching = status === 'Detaching' && state.detachingSnapshots === 'inconsistent';
  if (status !== 'In_use' && status !== 'Available' && !detaching) throw wrongDiskStatus(disk.id, status, 'In_use or Available');
  if (disk.attachedAt === undefined) throw new Refusal(403, 'IncorrectDiskStatus.NeverAttached', `The specified disk ${disk.id} has never been attached to any instance.`);
  if (state.runningSnapshotOf(disk.id) !== undefined) throw new Refusal(403, 'IncorrectDiskStatus.CreatingSnapshot', `A previous snapshot of ${disk.id} is in process.`);
  if (state.snapshotsOf(disk.id).length >= state.quotas.snapshotsPerDisk) {
    throw new Refusal(403, 'QuotaExceed.Snapshot', `The snapshot quota of ${disk.id} is exceeded: ${state.quotas.snapshotsPerDisk}.`);
  }
  const running = [...state.snapshots.values()].filter((snapshot) => snapshotStatus(snapshot, state.now()) === 'progressing');
  if (running.length >= state.quotas.snapshotsInProgress) {
    throw new Refusal(403, 'QuotaExceed.ConcurrentSnapshotQuota', `The maximum number of snapshots in creation is exceeded: ${state.quotas.snapshotsInProgress}.`);
  }
}

/** A snapshot of the disk as it is at this moment, stored. */
export function takeSnapshot(state: EcsState, disk: DiskRecord, kind: 'user' | 'auto'): SnapshotRecord {
  const now = state.now();
  const inconsistent = diskStatus(disk) === 'Detaching';
  const accomplishedAt = now + state.timings.snapshotUploadMs;
  const instant = hasInstantSnapshots(disk.category);
  const snapshot: SnapshotRecord = {
    id: state.newId('s'),
    order: state.nextOrder(),
    sourceDiskId: disk.id,
    category: disk.category,
    sizeGiB: disk.sizeGiB,
    encrypted: disk.encrypted,
    kmsKeyId: disk.kmsKeyId,
    resourceGroupId: '',
    name: kind === 'auto' ? `auto2.0_${now}` : '',
    description: '',
    kind,
    retentionDays: undefined,
    createdAt: now,
    visibleAt: now + state.timings.listVisibilityLagMs,
    availableAt: instant ? now + state.timings.snapshotAvailableMs : accomplishedAt,
    accomplishedAt,
    failsAt: undefined,
    stuckAt: undefined,
    seen: 'progressing',
    tags: {},
    tagRevisions: [],
    contents: frozenContents(disk, inconsistent),
    inconsistent,
    madeDisks: [],
    deletedAt: undefined,
  };
  state.snapshots.set(snapshot.id, snapshot);
  state.record({ subject: 'snapshot', id: snapshot.id, event: 'created', details: { diskId: disk.id, kind, writes: snapshot.contents.length, inconsistent } });
  return snapshot;
}

function frozenContents(disk: DiskRecord, inconsistent: boolean): Write[] {
  const contents = structuredClone(disk.contents);
  return inconsistent ? contents.slice(0, -1) : contents;
}

function suffer(call: ActionCall, snapshot: SnapshotRecord): void {
  const { suffering, state } = call;
  if (suffering.listLagMs !== undefined) snapshot.visibleAt = snapshot.createdAt + suffering.listLagMs;
  if (suffering.snapshotFailsAt !== undefined) snapshot.failsAt = snapshot.createdAt + (state.timings.snapshotUploadMs * suffering.snapshotFailsAt) / 100;
  if (suffering.snapshotStuck !== undefined) {
    snapshot.accomplishedAt = Infinity;
    snapshot.stuckAt = suffering.snapshotStuck.progress;
    if (!suffering.snapshotStuck.available || !hasInstantSnapshots(snapshot.category)) snapshot.availableAt = Infinity;
  }
}

export const describeSnapshots: Action = (call) => {
  const { state, parameters } = call;
  checkRegion(call);
  const filter = {
    ids: parameters.ids('SnapshotIds'),
    diskId: parameters.text('DiskId'),
    status: parameters.text('Status') ?? 'all',
    kind: parameters.text('SnapshotType') ?? 'all',
    tags: parameters.tags(),
  };
  const wish = readPageWish(parameters, 100);
  const dryRun = parameters.flag('DryRun') === true;
  parameters.finish();
  if (dryRun) throw passedDryRun();
  if (!['all', 'auto', 'user'].includes(filter.kind)) throw invalidParameter('SnapshotType', 'auto, user or all');
  const found = [...state.snapshots.values()].filter((snapshot) => passes(snapshot, filter, state.now()));
  checkTagFilter(state, filter.tags, found.length);
  const shown = page(found, wish);
  return {
    Snapshots: { Snapshot: shown.items.map((snapshot) => apiSnapshot(state, snapshot)) },
    NextToken: shown.nextToken,
    TotalCount: shown.total,
    PageNumber: shown.number,
    PageSize: shown.size,
  };
};

interface SnapshotFilter {
  ids: string[] | undefined;
  diskId: string | undefined;
  status: string;
  kind: string;
  tags: Map<string, string | undefined>;
}

function passes(snapshot: SnapshotRecord, filter: SnapshotFilter, now: number): boolean {
  const facts = [
    snapshot.visibleAt <= now,
    filter.ids?.includes(snapshot.id) ?? true,
    filter.diskId === undefined || snapshot.sourceDiskId === filter.diskId,
    [snapshotStatus(snapshot, now), 'all'].includes(filter.status),
    [snapshot.kind, 'all'].includes(filter.kind),
    carriesTags(snapshot, filter.tags, now),
  ];
  return facts.every(Boolean);
}

/** @throws Refusal when a filter by tag finds more than the API is able to. */
export function checkTagFilter(state: EcsState, tags: Map<string, string | undefined>, found: number): void {
  if (tags.size > 0 && found > state.quotas.resourcesPerTagFilter) {
    throw new Refusal(400, 'InvalidTagFilter.TooManyResources', `More than ${state.quotas.resourcesPerTagFilter} resources carry these tags.`);
  }
}

function apiSnapshot(state: EcsState, snapshot: SnapshotRecord): Record<string, unknown> {
  const now = state.now();
  return {
    SnapshotId: snapshot.id,
    SnapshotName: snapshot.name,
    Description: snapshot.description,
    SourceDiskId: snapshot.sourceDiskId,
    SourceDiskSize: String(snapshot.sizeGiB),
    SourceDiskType: 'data',
    SourceStorageType: 'disk',
    SnapshotType: snapshot.kind,
    Category: 'Standard',
    Status: snapshotStatus(snapshot, now),
    Progress: `${snapshotProgress(snapshot, now, state.timings.snapshotUploadMs)}%`,
    Available: snapshotAvailable(snapshot, now),
    InstantAccess: false,
    Encrypted: snapshot.encrypted,
    KMSKeyId: snapshot.kmsKeyId,
    ResourceGroupId: snapshot.resourceGroupId,
    CreationTime: apiTime(snapshot.createdAt),
    LastModifiedTime: apiTime(snapshot.createdAt),
    RetentionDays: snapshot.retentionDays ?? 0,
    RegionId: state.region,
    Usage: snapshot.madeDisks.length > 0 ? 'disk' : 'none',
    Tags: apiTags(visibleTags(snapshot, now)),
  };
}

/** An unknown id is ignored, as documented. */
export const deleteSnapshot: Action = ({ state, parameters }) => {
  const id = parameters.required('SnapshotId');
  const force = parameters.flag('Force') ?? false;
  parameters.finish();
  const snapshot = state.snapshots.get(id);
  if (snapshot === undefined) return {};
  if (snapshot.madeDisks.length > 0 && !force) {
    throw new Refusal(403, 'SnapshotCreatedDisk', `The snapshot ${id} has been used to create disks and can be deleted only by force.`);
  }
  state.deleteSnapshot(snapshot, 'DeleteSnapshot');
  return {};
};
