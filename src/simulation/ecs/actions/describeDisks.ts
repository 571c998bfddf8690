// DescribeDisks: the filters that are simulated, and a disk as the API prints it.

import { page, readPageWish } from '../paging.ts';
import type { ParameterReader } from '../parameters.ts';
import { type DiskRecord, diskStatus, visibleTags } from '../records.ts';
import { passedDryRun } from '../refusals.ts';
import { carriesTags, type EcsState } from '../state.ts';
import { type Action, apiTags, apiTime, checkRegion } from './action.ts';
import { checkTagFilter } from './snapshots.ts';

export const describeDisks: Action = (call) => {
  const { state, parameters } = call;
  checkRegion(call);
  const matches = readFilters(parameters);
  const tags = parameters.tags();
  const wish = readPageWish(parameters, 500);
  const dryRun = parameters.flag('DryRun') === true;
  parameters.finish();
  if (dryRun) throw passedDryRun();
  const now = state.now();
  const found = [...state.disks.values()].filter((disk) => disk.visibleAt <= now && matches.every((match) => match(disk)) && carriesTags(disk, tags, now));
  checkTagFilter(state, tags, found.length);
  const shown = page(found, wish);
  return {
    Disks: { Disk: shown.items.map((disk) => apiDisk(state, disk)) },
    NextToken: shown.nextToken,
    TotalCount: shown.total,
    PageNumber: shown.number,
    PageSize: shown.size,
  };
};

type DiskFilter = (disk: DiskRecord) => boolean;

/** Filters are joined by AND. An empty array of ids is a filter that nothing passes. */
function readFilters(parameters: ParameterReader): DiskFilter[] {
  const ids = parameters.ids('DiskIds');
  const filters: DiskFilter[] = ids === undefined ? [] : [(disk) => ids.includes(disk.id)];
  const instanceId = parameters.text('InstanceId');
  if (instanceId !== undefined) filters.push((disk) => disk.attachments.some((attachment) => attachment.instanceId === instanceId));
  const values: [string, (disk: DiskRecord) => string][] = [
    ['ZoneId', (disk) => disk.zone],
    ['Status', diskStatus],
    ['Category', (disk) => disk.category],
    ['SnapshotId', (disk) => disk.sourceSnapshotId],
    ['DiskName', (disk) => disk.name],
    ['DiskChargeType', (disk) => disk.chargeType],
    ['DiskType', () => 'data'],
  ];
  for (const [name, actual] of values) {
    const wanted = parameters.text(name);
    if (wanted !== undefined && wanted.toLowerCase() !== 'all') filters.push((disk) => actual(disk) === wanted);
  }
  return filters;
}

function apiDisk(state: EcsState, disk: DiskRecord): Record<string, unknown> {
  const attachments = disk.attachments.map((attachment) => ({
    InstanceId: attachment.instanceId,
    Device: attachment.device,
    AttachedTime: apiTime(attachment.attachedAt),
  }));
  return {
    ...apiKind(disk),
    RegionId: state.region,
    ZoneId: disk.zone,
    Status: diskStatus(disk),
    // Only a disk that one instance can have names its instance here; a shared one lists them in Attachments.
    InstanceId: disk.multiAttach ? '' : (disk.attachments[0]?.instanceId ?? ''),
    Device: disk.multiAttach ? '' : (disk.attachments[0]?.device ?? ''),
    Attachments: { Attachment: attachments },
    MountInstances: { MountInstance: attachments },
    MountInstanceNum: attachments.length,
    AttachedTime: apiTime(disk.attachedAt),
    DetachedTime: apiTime(disk.detachedAt),
    CreationTime: apiTime(disk.createdAt),
    ExpiredTime: disk.chargeType === 'PrePaid' ? '' : '2999-09-08T16:00Z',
    OperationLocks: { OperationLock: disk.locks.map((LockReason) => ({ LockReason })) },
    Tags: apiTags(visibleTags(disk, state.now())),
  };
}

function apiKind(disk: DiskRecord): Record<string, unknown> {
  return {
    DiskId: disk.id,
    DiskName: disk.name,
    Description: disk.description,
    SerialNumber: disk.id.slice('d-'.length),
    Type: 'data',
    Category: disk.category,
    PerformanceLevel: disk.performanceLevel,
    Size: disk.sizeGiB,
    Encrypted: disk.encrypted,
    KMSKeyId: disk.kmsKeyId,
    ResourceGroupId: disk.resourceGroupId,
    BurstingEnabled: disk.burstingEnabled,
    ProvisionedIops: disk.provisionedIops,
    DiskChargeType: disk.chargeType,
    Portable: disk.portable,
    MultiAttach: disk.multiAttach ? 'Enabled' : 'Disabled',
    SourceSnapshotId: disk.sourceSnapshotId,
    ImageId: '',
    ProductCode: '',
    AutoSnapshotPolicyId: disk.backupPolicyIds[0] ?? '',
    EnableAutomatedSnapshotPolicy: disk.backupPolicyIds.length > 0,
    EnableAutoSnapshot: disk.enableAutoSnapshot,
    DeleteAutoSnapshot: disk.deleteAutoSnapshot,
    DeleteWithInstance: disk.deleteWithInstance,
  };
}
