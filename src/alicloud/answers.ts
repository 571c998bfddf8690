// The answers of the ECS API, parsed, and in the words of ports/disks.ts.

import { z } from 'zod';
import { type Disk, DiskError, type Snapshot } from '../ports/disks.ts';

/** The API leaves out what is empty, or sends null or "". */
const text = z.string().nullish().transform((value) => value ?? '');
const flag = z.boolean().nullish().transform((value) => value ?? false);
const tags = z
  .object({ Tag: z.array(z.object({ TagKey: z.string(), TagValue: text })).nullish() })
  .nullish()
  .transform((value) => Object.fromEntries((value?.Tag ?? []).map((tag) => [tag.TagKey, tag.TagValue])));

const apiDisk = z.object({
  DiskId: z.string(),
  DiskName: text,
  Description: text,
  ZoneId: text,
  Category: z.string(),
  PerformanceLevel: text,
  Size: z.coerce.number(),
  Encrypted: flag,
  KMSKeyId: text,
  ResourceGroupId: text,
  BurstingEnabled: flag,
  ProvisionedIops: z.number().nullish(),
  Status: z.string(),
  InstanceId: text,
  Attachments: z.object({ Attachment: z.array(z.object({ InstanceId: text })).nullish() }).nullish(),
  AttachedTime: text,
  DetachedTime: text,
  DiskChargeType: text,
  Portable: flag,
  OperationLocks: z.object({ OperationLock: z.array(z.object({ LockReason: text })).nullish() }).nullish(),
  MultiAttach: text,
  AutoSnapshotPolicyId: text,
  DeleteAutoSnapshot: flag,
  SourceSnapshotId: text,
  Tags: tags,
});

const apiSnapshot = z.object({
  SnapshotId: z.string(),
  SnapshotName: text,
  Description: text,
  SourceDiskId: text,
  SourceDiskSize: z.coerce.number(),
  Available: flag,
  Status: z.string(),
  Progress: text,
  CreationTime: text,
  Tags: tags,
});

export const diskPage = z.object({ Disks: z.object({ Disk: z.array(apiDisk) }), NextToken: text });
export const snapshotPage = z.object({ Snapshots: z.object({ Snapshot: z.array(apiSnapshot) }), NextToken: text });
export const madeDisk = z.object({ DiskId: z.string().min(1) });
export const madeSnapshot = z.object({ SnapshotId: z.string().min(1) });

/** Where nothing is on sale the whole list of zones is missing. */
export const stock = z.object({
  AvailableZones: z
    .object({
      AvailableZone: z.array(
        z.object({
          ZoneId: z.string(),
          AvailableResources: z
            .object({
              AvailableResource: z.array(
                z.object({
                  SupportedResources: z
                    .object({ SupportedResource: z.array(z.object({ Value: text, Status: text, StatusCategory: text })) })
                    .nullish(),
                }),
              ),
            })
            .nullish(),
        }),
      ),
    })
    .nullish(),
});

export type ApiDisk = z.infer<typeof apiDisk>;
export type ApiSnapshot = z.infer<typeof apiSnapshot>;

const STATUSES: Record<string, Disk['status']> = {
  In_use: 'InUse',
  Available: 'Available',
  Attaching: 'Attaching',
  Detaching: 'Detaching',
  Creating: 'Creating',
  ReIniting: 'ReInitializing',
};

const REGIONAL_CATEGORY = 'cloud_regional_disk_auto';
const INSTANT_CATEGORIES = new Set(['cloud_essd', 'cloud_auto', 'cloud_essd_entry', REGIONAL_CATEGORY]);

export function isRegional(category: string): boolean {
  return category === REGIONAL_CATEGORY;
}

/** Only the ESSD family is usable before its upload has ended. */
export function isInstant(category: string): boolean {
  return INSTANT_CATEGORIES.has(category);
}

/** @throws DiskError for a status that is not documented: better to wait than to guess. */
export function toDisk(api: ApiDisk): Disk {
  const status = STATUSES[api.Status];
  if (status === undefined) throw new DiskError(`disk ${api.DiskId} has the status "${api.Status}", which is not known here`, { code: 'UnknownStatus', retriable: true });
  return {
    id: api.DiskId,
    zone: isRegional(api.Category) ? '' : api.ZoneId,
    regional: isRegional(api.Category),
    category: api.Category,
    sizeGiB: api.Size,
    encrypted: api.Encrypted,
    ...optionalAttributes(api),
    status,
    attachedTo: instancesOf(api),
    ...present('attachedAt', api.AttachedTime),
    ...present('detachedAt', api.DetachedTime),
    tags: userTags(api.Tags),
    prepaid: api.DiskChargeType === 'PrePaid',
    portable: api.Portable,
    locks: (api.OperationLocks?.OperationLock ?? []).map((lock) => lock.LockReason),
    multiAttach: api.MultiAttach !== '' && api.MultiAttach !== 'Disabled',
    ...present('autoSnapshotPolicyId', api.AutoSnapshotPolicyId),
    deleteAutoSnapshots: api.DeleteAutoSnapshot,
  };
}

/** Attributes that only some disks have, and CreateDisk takes only for those. */
function optionalAttributes(api: ApiDisk): Partial<Disk> {
  const auto = api.Category === 'cloud_auto';
  return {
    ...(api.Category === 'cloud_essd' ? present('performanceLevel', api.PerformanceLevel) : {}),
    ...(api.Encrypted ? present('kmsKeyId', api.KMSKeyId) : {}),
    ...present('resourceGroupId', api.ResourceGroupId),
    ...(auto ? { burstingEnabled: api.BurstingEnabled } : {}),
    ...(auto && (api.ProvisionedIops ?? 0) > 0 ? { provisionedIops: api.ProvisionedIops ?? 0 } : {}),
  };
}

function instancesOf(api: ApiDisk): string[] {
  const all = [api.InstanceId, ...(api.Attachments?.Attachment ?? []).map((attachment) => attachment.InstanceId)];
  return [...new Set(all.filter((id) => id !== ''))];
}

/** Tags that the cloud itself sets cannot be set by anybody else: they are no part of what a copy must carry. */
function userTags(all: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => !/^(acs:|aliyun)/.test(key)));
}

function present<K extends keyof Disk>(name: K, value: string): { [P in K]?: string } {
  return value === '' ? {} : ({ [name]: value } as { [P in K]?: string });
}

export function toSnapshot(api: ApiSnapshot): Snapshot {
  const progress = Number.parseInt(api.Progress, 10) || 0;
  return {
    id: api.SnapshotId,
    sourceDiskId: api.SourceDiskId,
    sizeGiB: api.SourceDiskSize,
    available: api.Available && api.Status !== 'failed',
    accomplished: api.Status === 'accomplished' && progress === 100,
    failed: api.Status === 'failed',
    progress,
    tags: userTags(api.Tags),
    createdAt: api.CreationTime,
  };
}
