// What can be done to a disk that exists: attach, detach, delete, resize, change its attributes, give it a backup policy.

import { REGIONAL_CATEGORY, sizeRange } from '../categories.ts';
import { type DiskRecord, diskStatus, type InstanceRecord } from '../records.ts';
import { invalidParameter, noSuchInstance, Refusal, wrongDiskStatus } from '../refusals.ts';
import type { EcsState } from '../state.ts';
import { type Action, checkedName, checkedText, checkRegion } from './action.ts';

/** `a` is the system disk. */
const DEVICE_LETTERS = 'bcdefghijklmnopqrstuvwxyz';

const SECURITY_LOCK = new Refusal(403, 'InstanceLockedForSecurity', 'The specified operation is denied as your instance is locked for security reasons.');

/** @throws Refusal for a disk under a security lock: nothing may be done to it. */
export function checkNotLocked(disk: DiskRecord): void {
  if (disk.locks.includes('security')) throw SECURITY_LOCK;
}

export const attachDisk: Action = (call) => {
  const { state, parameters, suffering } = call;
  const disk = state.disk(parameters.required('DiskId'));
  const instanceId = parameters.required('InstanceId');
  const force = parameters.flag('Force') ?? false;
  const deleteWithInstance = parameters.flag('DeleteWithInstance');
  const device = parameters.text('Device');
  parameters.finish();
  checkCanAttach(state, disk, { instanceId, force });
  if (force) disk.attachments = [];
  const used = [...state.disks.values()].filter((other) => other.attachments.some((attachment) => attachment.instanceId === instanceId));
  if (used.length >= state.quotas.disksPerInstance) {
    throw new Refusal(403, 'InstanceDiskLimitExceeded', `The amount of the disk on instance ${instanceId} reaches its limits: ${state.quotas.disksPerInstance}.`);
  }
  disk.attachments.push({
    instanceId,
    device: device ?? `/dev/xvd${DEVICE_LETTERS[used.length] ?? 'z'}`,
    state: 'Attaching',
    until: state.now() + (suffering.stuckMs ?? state.timings.attachMs),
    attachedAt: undefined,
  });
  disk.deleteWithInstance = deleteWithInstance ?? false;
  state.record({ subject: 'disk', id: disk.id, event: 'Attaching', details: { instanceId } });
  return {};
};

function checkCanAttach(state: EcsState, disk: DiskRecord, wish: { instanceId: string; force: boolean }): void {
  checkNotLocked(disk);
  const instance = state.instances.get(wish.instanceId);
  if (instance === undefined) throw noSuchInstance(wish.instanceId);
  if (!disk.portable) throw new Refusal(403, 'DiskNotPortable', `The specified disk ${disk.id} is not a portable disk.`);
  checkSameZone(disk, instance);
  if (wish.force && disk.category !== REGIONAL_CATEGORY) throw invalidParameter('Force', `only ${REGIONAL_CATEGORY} disks take it`);
  if (!wish.force) checkFree(disk, instance);
}

function checkSameZone(disk: DiskRecord, instance: InstanceRecord): void {
  if (disk.category === REGIONAL_CATEGORY || disk.zone === instance.zone) return;
  throw new Refusal(403, 'ResourcesNotInSameZone', `The specified instance ${instance.id} (${instance.zone}) and disk ${disk.id} (${disk.zone}) are not in the same zone.`);
}

function checkFree(disk: DiskRecord, instance: InstanceRecord): void {
  const status = diskStatus(disk);
  const shared = disk.multiAttach && status === 'In_use' && !disk.attachments.some((attachment) => attachment.instanceId === instance.id);
  if (status !== 'Available' && !shared) throw wrongDiskStatus(disk.id, status, 'Available');
}

export const detachDisk: Action = (call) => {
  const { state, parameters, suffering } = call;
  const disk = state.disk(parameters.required('DiskId'));
  const instanceId = parameters.required('InstanceId');
  parameters.flag('DeleteWithInstance');
  parameters.finish();
  checkNotLocked(disk);
  if (!state.instances.has(instanceId)) throw noSuchInstance(instanceId);
  if (!disk.portable) throw new Refusal(403, 'DiskNotPortable', `The specified disk ${disk.id} is not a portable disk.`);
  const attachment = disk.attachments.find((candidate) => candidate.instanceId === instanceId);
  if (attachment === undefined && disk.attachments.length > 0) {
    throw new Refusal(403, 'DependencyViolation', `The specified disk ${disk.id} has not been attached on the specified instance ${instanceId}.`);
  }
  if (attachment?.state !== 'Attached') throw wrongDiskStatus(disk.id, diskStatus(disk), 'In_use');
  attachment.state = 'Detaching';
  attachment.until = state.now() + (suffering.stuckMs ?? state.timings.detachMs);
  state.record({ subject: 'disk', id: disk.id, event: 'Detaching', details: { instanceId } });
  return {};
};

/** Only when Available. An unknown id is ignored, as documented. */
export const deleteDisk: Action = ({ state, parameters }) => {
  const id = parameters.required('DiskId');
  parameters.finish();
  const disk = state.disks.get(id);
  if (disk === undefined) return {};
  checkNotLocked(disk);
  if (disk.chargeType === 'PrePaid') throw new Refusal(403, 'DiskNotPortable', `The specified disk ${id} is not a portable disk: it is a subscription disk.`);
  const status = diskStatus(disk);
  if (status === 'Creating' || status === 'ReIniting') throw new Refusal(403, 'IncorrectDiskStatus.Initializing', `The specified disk ${id} is initializing.`);
  if (status !== 'Available') throw wrongDiskStatus(id, status, 'Available');
  if (state.runningSnapshotOf(id) !== undefined) throw new Refusal(403, 'DiskCreatingSnapshot', `The operation is denied because a snapshot of ${id} is being created.`);
  for (const snapshot of state.snapshotsOf(id)) {
    if (snapshot.kind === 'auto' && disk.deleteAutoSnapshot) state.deleteSnapshot(snapshot, 'DeleteAutoSnapshot of its disk');
  }
  state.deleteDisk(disk);
  return {};
};

export const resizeDisk: Action = ({ state, parameters }) => {
  const disk = state.disk(parameters.required('DiskId'));
  const size = parameters.number('NewSize');
  parameters.text('Type');
  parameters.token();
  parameters.finish();
  checkNotLocked(disk);
  if (size === undefined) throw new Refusal(400, 'MissingParameter', 'The input parameter "NewSize" that is mandatory for processing this request is not supplied.');
  const status = diskStatus(disk);
  if (status !== 'In_use' && status !== 'Available') throw wrongDiskStatus(disk.id, status, 'In_use or Available');
  if (state.runningSnapshotOf(disk.id) !== undefined) {
    throw new Refusal(403, 'IncorrectDiskStatus.CreatingSnapshot', `A snapshot of ${disk.id} is being created: the disk cannot be resized meanwhile.`);
  }
  const range = sizeRange(disk.category, disk.performanceLevel);
  if (size <= disk.sizeGiB || size > (range?.maxGiB ?? 0)) {
    throw new Refusal(403, 'InvalidDiskSize.TooSmall', `The specified disk size ${size} is not more than the ${disk.sizeGiB} GiB of ${disk.id}, or is over the category's limit.`);
  }
  disk.sizeGiB = size;
  state.record({ subject: 'disk', id: disk.id, event: 'resized', details: { sizeGiB: size } });
  return {};
};

export const modifyDiskAttribute: Action = (call) => {
  const { state, parameters } = call;
  checkRegion(call, 'RegionId', false);
  const one = parameters.text('DiskId');
  const many = parameters.list('DiskIds');
  const changes = {
    name: parameters.text('DiskName'),
    description: parameters.text('Description'),
    deleteAutoSnapshot: parameters.flag('DeleteAutoSnapshot'),
    deleteWithInstance: parameters.flag('DeleteWithInstance'),
    enableAutoSnapshot: parameters.flag('EnableAutoSnapshot'),
    burstingEnabled: parameters.flag('BurstingEnabled'),
  };
  parameters.finish();
  if ((one === undefined) === (many === undefined)) throw invalidParameter('DiskId', 'exactly one of DiskId and DiskIds');
  checkedName('DiskName', changes.name, 'InvalidDiskName.Malformed');
  checkedText('Description', changes.description, { code: 'InvalidDescription.Malformed', max: 256 });
  const disks = (many ?? [one ?? '']).map((id) => state.disk(id));
  if (changes.burstingEnabled !== undefined && disks.some((disk) => disk.category !== 'cloud_auto')) throw invalidParameter('BurstingEnabled', 'only cloud_auto takes it');
  const wanted = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  for (const disk of disks) {
    Object.assign(disk, wanted);
    state.record({ subject: 'disk', id: disk.id, event: 'modified', details: wanted });
  }
  return {};
};

/** Adds the policy; the disk's other policies stay. This action's parameters are in lower case on the wire. */
export const applyAutoSnapshotPolicy: Action = (call) => {
  const { state, parameters } = call;
  checkRegion(call, 'regionId');
  const policyId = parameters.required('autoSnapshotPolicyId');
  parameters.required('diskIds');
  const disks = (parameters.ids('diskIds') ?? []).map((id) => state.disk(id));
  parameters.finish();
  if (!state.backupPolicies.has(policyId)) {
    throw new Refusal(404, 'InvalidAutoSnapshotPolicyId.NotFound', `The specified automatic snapshot policy ${policyId} does not exist.`);
  }
  for (const disk of disks) {
    if (!disk.backupPolicyIds.includes(policyId) && disk.backupPolicyIds.length >= state.quotas.backupPoliciesPerDisk) {
      throw new Refusal(403, 'QuotaExceed.AutoSnapshotPolicy', `The disk ${disk.id} has ${disk.backupPolicyIds.length} policies already.`);
    }
  }
  for (const disk of disks) {
    if (!disk.backupPolicyIds.includes(policyId)) disk.backupPolicyIds.push(policyId);
    state.record({ subject: 'disk', id: disk.id, event: 'backupPolicyApplied', details: { policyId } });
  }
  return {};
};
