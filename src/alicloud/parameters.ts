// What is sent to make a snapshot or a disk. The same intent always gives the same parameters, in the same order: a client token stands
// for exactly these, and a record read back from the API server has its tags in another order.

import type { CreateIntent, DiskParams, SnapshotParams } from '../ports/disks.ts';
import type { EcsParameters } from '../ports/ecs-call.ts';
import { isRegional } from './answers.ts';

export function snapshotParameters(intent: CreateIntent<SnapshotParams>): EcsParameters {
  const { diskId, name, description, tags } = intent.params;
  return { DiskId: diskId, SnapshotName: name, Description: description, Tag: tagList(tags), ClientToken: intent.token };
}

/** Everything explicitly: the defaults of CreateDisk are category `cloud`, PL1 and no encryption. */
export function diskParameters(intent: CreateIntent<DiskParams>, region: string): EcsParameters {
  const { params } = intent;
  return {
    RegionId: region,
    ...(isRegional(params.category) ? {} : { ZoneId: params.zone }),
    SnapshotId: params.snapshotId,
    DiskCategory: params.category,
    Size: params.sizeGiB,
    Encrypted: params.encrypted,
    ...categoryParameters(params),
    ...(params.encrypted ? defined('KMSKeyId', params.kmsKeyId) : {}),
    ...defined('ResourceGroupId', params.resourceGroupId),
    DiskName: params.name,
    Description: params.description,
    Tag: tagList(params.tags),
    ClientToken: intent.token,
  };
}

/** Levels belong to cloud_essd, bursting and provisioned IOPS to cloud_auto; the API refuses them elsewhere. */
function categoryParameters(params: DiskParams): EcsParameters {
  if (params.category === 'cloud_essd') return defined('PerformanceLevel', params.performanceLevel);
  if (params.category !== 'cloud_auto') return {};
  return { ...defined('BurstingEnabled', params.burstingEnabled), ...defined('ProvisionedIops', params.provisionedIops) };
}

export function tagList(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([Key, Value]) => ({ Key, Value }));
}

function defined(name: string, value: unknown): EcsParameters {
  return value === undefined || value === '' ? {} : { [name]: value };
}
