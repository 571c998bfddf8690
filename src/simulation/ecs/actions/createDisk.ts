// CreateDisk with its biting defaults: category `cloud`, PL1, unencrypted, automatic snapshots deleted with the disk.

import { REGIONAL_CATEGORY, sizeRange } from '../categories.ts';
import { type DiskRecord, type SnapshotRecord, snapshotAvailable } from '../records.ts';
import type { ParameterReader } from '../parameters.ts';
import { invalidParameter, missingParameter, noSuchZone, Refusal } from '../refusals.ts';
import { blankDisk } from '../seeds.ts';
import type { EcsState } from '../state.ts';
import { rememberedId, rememberToken } from '../tokens.ts';
import { type Action, type ActionCall, checkedName, checkedText, checkRegion, checkTagCount, tagRecord } from './action.ts';

/** The key that encrypts a disk for which none was named. */
export const SERVICE_KEY = 'alias-acs-ecs-service-key';

const MAX_PROVISIONED_IOPS = 50_000;

export const createDisk: Action = (call) => {
  const { state, parameters } = call;
  checkRegion(call);
  const token = { action: 'CreateDisk' as const, token: parameters.token(), parameters: call.raw, forgotten: call.suffering.forgetToken };
  const wish = readWish(call);
  parameters.finish();
  const known = rememberedId(state, token);
  if (known !== undefined) return { DiskId: known };
  const disk = newDisk(call, wish);
  state.disks.set(disk.id, disk);
  state.setTags(disk, wish.tags, call.suffering.tagLagMs ?? state.timings.tagVisibilityLagMs);
  state.snapshots.get(disk.sourceSnapshotId)?.madeDisks.push(disk.id);
  rememberToken(state, token, disk.id);
  state.record({ subject: 'disk', id: disk.id, event: 'created', details: { zone: disk.zone, category: disk.category, snapshotId: disk.sourceSnapshotId } });
  return { DiskId: disk.id };
};

interface Wish {
  zone: string;
  category: string;
  performanceLevel: string | undefined;
  size: number | undefined;
  snapshotId: string | undefined;
  encrypted: boolean;
  kmsKeyId: string | undefined;
  resourceGroupId: string;
  burstingEnabled: boolean;
  provisionedIops: number;
  /** One of the two above was sent. */
  autoPerformance: boolean;
  multiAttach: boolean;
  name: string;
  description: string;
  tags: Record<string, string>;
}

function readWish({ parameters }: ActionCall): Wish {
  return {
    zone: parameters.text('ZoneId') ?? '',
    category: parameters.text('DiskCategory') ?? 'cloud',
    performanceLevel: parameters.text('PerformanceLevel'),
    size: parameters.number('Size'),
    snapshotId: parameters.text('SnapshotId'),
    encrypted: parameters.flag('Encrypted') ?? false,
    kmsKeyId: parameters.text('KMSKeyId'),
    resourceGroupId: parameters.text('ResourceGroupId') ?? '',
    ...readAutoPerformance(parameters),
    multiAttach: readMultiAttach(parameters.text('MultiAttach')),
    name: checkedName('DiskName', parameters.text('DiskName'), 'InvalidDiskName.Malformed'),
    description: checkedText('Description', parameters.text('Description'), { code: 'InvalidDescription.Malformed', max: 256 }),
    tags: tagRecord(parameters.tags()),
  };
}

function readAutoPerformance(parameters: ParameterReader): Pick<Wish, 'burstingEnabled' | 'provisionedIops' | 'autoPerformance'> {
  const bursting = parameters.flag('BurstingEnabled');
  const iops = parameters.number('ProvisionedIops');
  return { burstingEnabled: bursting ?? false, provisionedIops: iops ?? 0, autoPerformance: bursting !== undefined || iops !== undefined };
}

function readMultiAttach(value: string | undefined): boolean {
  if (value !== undefined && value !== 'Enabled' && value !== 'Disabled') throw invalidParameter('MultiAttach', 'Enabled or Disabled');
  return value === 'Enabled';
}

function newDisk(call: ActionCall, wish: Wish): DiskRecord {
  const { state, suffering } = call;
  checkTagCount(state, wish.tags);
  const snapshot = usableSnapshot(state, wish.snapshotId);
  const performanceLevel = chosenLevel(wish);
  const sizeGiB = chosenSize(wish, performanceLevel, snapshot);
  checkAutoPerformance(wish, sizeGiB);
  checkZoneSells(state, wish, performanceLevel);
  if (state.disks.size >= state.quotas.disks) throw new Refusal(403, 'QuotaExceed.DiskCapacity', 'The used capacity of the disk type has exceeded its quota.');
  const blank = blankDisk(state);
  return {
    ...blank,
    zone: wish.category === REGIONAL_CATEGORY ? '' : wish.zone,
    category: wish.category,
    performanceLevel,
    sizeGiB,
    ...encryption(wish, snapshot),
    resourceGroupId: wish.resourceGroupId,
    burstingEnabled: wish.burstingEnabled,
    provisionedIops: wish.provisionedIops,
    name: wish.name,
    description: wish.description,
    visibleAt: blank.createdAt + (suffering.listLagMs ?? state.timings.listVisibilityLagMs),
    creatingUntil: blank.createdAt + (suffering.stuckMs ?? state.timings.createDiskMs),
    multiAttach: wish.multiAttach,
    ...copyOf(snapshot),
  };
}

function encryption(wish: Wish, snapshot: SnapshotRecord | undefined): Pick<DiskRecord, 'encrypted' | 'kmsKeyId'> {
  if (!wish.encrypted) return { encrypted: false, kmsKeyId: '' };
  return { encrypted: true, kmsKeyId: wish.kmsKeyId ?? (snapshot?.kmsKeyId || SERVICE_KEY) };
}

function copyOf(snapshot: SnapshotRecord | undefined): Partial<DiskRecord> {
  if (snapshot === undefined) return {};
  const lineage = { snapshotId: snapshot.id, diskId: snapshot.sourceDiskId };
  return { sourceSnapshotId: snapshot.id, contents: structuredClone(snapshot.contents), lineage };
}

function usableSnapshot(state: EcsState, id: string | undefined): SnapshotRecord | undefined {
  if (id === undefined || id === '') return undefined;
  const snapshot = state.snapshot(id);
  if (!snapshotAvailable(snapshot, state.now())) throw new Refusal(403, 'InvalidSnapshotId.NotReady', `The specified snapshot ${id} is not ready.`);
  return snapshot;
}

function chosenLevel(wish: Wish): string {
  if (wish.category === 'cloud_essd') {
    const level = wish.performanceLevel ?? 'PL1';
    if (sizeRange('cloud_essd', level) === undefined) throw badLevel(level, wish.category);
    return level;
  }
  if (sizeRange(wish.category, '') === undefined) {
    throw new Refusal(400, 'InvalidDataDiskCategory.ValueNotSupported', `The specified parameter "DataDisk.n.Category" is not valid: ${wish.category}.`);
  }
  if (wish.performanceLevel !== undefined) throw badLevel(wish.performanceLevel, wish.category);
  return '';
}

function badLevel(level: string, category: string): Refusal {
  return new Refusal(400, 'InvalidPerformanceLevel.ValueNotSupported', `The specified PerformanceLevel ${level} is not supported for ${category}.`);
}

/** A snapshot larger than the wish makes the disk as large as the snapshot. */
function chosenSize(wish: Wish, performanceLevel: string, snapshot: SnapshotRecord | undefined): number {
  const least = snapshot?.sizeGiB ?? 0;
  const size = Math.max(wish.size ?? 0, least);
  if (size === 0) throw missingParameter('Size');
  const range = sizeRange(wish.category, performanceLevel);
  if (range === undefined || size < range.minGiB || size > range.maxGiB) {
    const what = `${wish.category} ${performanceLevel}`.trim();
    throw new Refusal(400, 'InvalidDiskSize.NotSupported', `The specified disk size ${size} is not supported: ${what} takes ${range?.minGiB} to ${range?.maxGiB} GiB.`);
  }
  return size;
}

function checkAutoPerformance(wish: Wish, sizeGiB: number): void {
  if (!wish.autoPerformance) return;
  if (wish.category !== 'cloud_auto') throw invalidParameter('BurstingEnabled, ProvisionedIops', `only cloud_auto takes them, not ${wish.category}`);
  const baseline = Math.max(Math.min(1_800 + 50 * sizeGiB, MAX_PROVISIONED_IOPS), 3_000);
  const most = sizeGiB <= 3 ? 0 : Math.min(1_000 * sizeGiB - baseline, MAX_PROVISIONED_IOPS);
  if (wish.provisionedIops > most) throw new Refusal(400, 'InvalidProvisionedIops.LimitExceed', `The specified ProvisionedIops is more than ${most}.`);
}

function checkZoneSells(state: EcsState, wish: Wish, performanceLevel: string): void {
  if (wish.category === REGIONAL_CATEGORY) return;
  if (wish.zone === '') throw missingParameter('ZoneId');
  const onSale = state.zones.get(wish.zone);
  if (onSale === undefined) throw noSuchZone(wish.zone);
  if (onSale.length === 0) throw new Refusal(403, 'Zone.NotOnSale', `The resource in the specified zone ${wish.zone} is no longer available for sale.`);
  const offer = onSale.find((item) => item.category === wish.category);
  if (offer === undefined) {
    throw new Refusal(403, 'InvalidDataDiskCategory.NotSupported', `The specified disk category ${wish.category} is not supported in zone ${wish.zone}.`);
  }
  const levels = offer.performanceLevels;
  if (performanceLevel !== '' && levels !== undefined && !levels.includes(performanceLevel)) throw badLevel(performanceLevel, `${wish.category} in zone ${wish.zone}`);
}
