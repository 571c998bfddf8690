// The new disk's PV, pre-bound to the claim by name, Available before the old claim goes: nothing can take its place then.

import { MIGRATION_LABEL } from '../../kubernetes/names.ts';
import { ApiError } from '../../kubernetes/api.ts';
import { volumes, type PersistentVolume } from '../../kubernetes/objects.ts';
import { parseQuantity } from '../../kubernetes/quantity.ts';
import { asRead, diskIdOf, isRetained, isTerminating, labelOf, storageCapacity, uidOf, volumePhase } from '../../kubernetes/reading.ts';
import { holdPod } from '../ordinal-pod.ts';
import type { ClaimRecord } from '../record.ts';
import { DONE, forEachClaim, InvariantBroken, migrationUID, namespaceOf, saveClaim, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { targetVolume } from '../target-volume.ts';
import { sourceVolume } from './keep-source.ts';

export const createVolume: Step = {
  deadline: true,
  async run(context) {
    const held = await holdPod(context);
    if (held.kind !== 'done') return held;
    return forEachClaim(context, (claim, index) => create(context, claim, index));
  },
  undo: (context) => forEachClaim(context, (claim, index) => deleteTargetVolume(context, claim, index)),
};

async function create(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const { target } = claim;
  if (target?.diskId === undefined) throw new InvariantBroken('RecordIncomplete', `claim ${claim.claimName} has no disk to make a PV for`);
  // The name is the disk's id, as the CSI driver also does; recorded before the create.
  if (target.pv === undefined) await saveClaim(context, index, { target: { ...target, pv: target.diskId } });
  const made = await ourTargetVolume(context, claim);
  const grown = made === undefined ? await whyTooSmall(context, claim) : undefined;
  if (grown !== undefined) return { kind: 'giveUp', reason: 'VolumeTooSmall', message: grown };
  const live = made ?? (await createObject(context, claim, target.diskId));
  return live === undefined ? wait('VolumeGone', `PV ${claim.source.pv} of claim ${claim.claimName} is gone`, 2_000) : recordVolume(context, { index, target, live });
}

async function recordVolume(context: StepContext, { index, target, live }: { index: number; target: NonNullable<ClaimRecord['target']>; live: PersistentVolume }): Promise<StepResult> {
  const name = live.metadata.name;
  if (target.pvUID !== uidOf(live)) await saveClaim(context, index, { target: { ...target, pv: name, pvUID: uidOf(live) } });
  const phase = volumePhase(live);
  return phase === 'Available' || phase === 'Bound' ? DONE : wait('VolumePending', `PV ${name} is ${phase}: the PV controller has not seen it yet`, 200);
}

/** The PV's capacity is copied: it must not promise more than the new disk has. */
async function whyTooSmall(context: StepContext, claim: ClaimRecord): Promise<string | undefined> {
  const source = await sourceVolume(context, claim);
  const sizeGiB = claim.target?.params?.sizeGiB ?? claim.sizeGiB;
  if (source === undefined || parseQuantity(storageCapacity(source)) <= parseQuantity(`${sizeGiB}Gi`)) return undefined;
  return `PV ${source.metadata.name} has grown to ${storageCapacity(source)}, and the new disk of claim ${claim.claimName} was made with ${sizeGiB} GiB`;
}

async function createObject(context: StepContext, claim: ClaimRecord, diskId: string): Promise<PersistentVolume | undefined> {
  const source = await sourceVolume(context, claim);
  if (source === undefined) return undefined;
  const volume = targetVolume(source, {
    name: diskId,
    diskId,
    fromZone: claim.source.zone,
    toZone: context.record.spec.targetZone,
    claim: { namespace: namespaceOf(context), name: claim.claimName },
    migrationUID: migrationUID(context),
  });
  try {
    return await context.api.create(volumes, volume);
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'AlreadyExists') return ourTargetVolume(context, claim);
    throw error;
  }
}

/** The PV of the new disk, if there is one; another's object under that name freezes. */
export async function ourTargetVolume(context: StepContext, claim: ClaimRecord): Promise<PersistentVolume | undefined> {
  const { pv, diskId } = claim.target ?? {};
  const name = pv ?? diskId;
  const volume = name === undefined ? undefined : await context.api.get(volumes, { name });
  if (volume === undefined) return undefined;
  if (diskIdOf(volume) !== diskId || labelOf(volume, MIGRATION_LABEL) !== migrationUID(context)) {
    throw new InvariantBroken('TargetReplaced', `PV ${volume.metadata.name} exists, but is not the one that this migration made for disk ${diskId ?? ''}`);
  }
  return volume;
}

async function forgetVolume(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  if (claim.target?.pv === undefined) return DONE;
  const { pv: _pv, pvUID: _uid, ...target } = claim.target;
  await saveClaim(context, index, { target });
  return DONE;
}

/** Deletes the PV object (it is Retain: the disk stays until it is discarded by itself); never one that a live claim is bound to. */
export async function deleteTargetVolume(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const volume = await ourTargetVolume(context, claim);
  if (volume === undefined) return forgetVolume(context, claim, index);
  if (isTerminating(volume)) return wait('VolumeTerminating', `PV ${volume.metadata.name} is terminating`, 500);
  if (volume.spec.claimRef?.name !== claim.claimName) throw new InvariantBroken('TargetTaken', `PV ${volume.metadata.name} is claimed by ${volume.spec.claimRef?.name ?? 'nobody'}, so it is not deleted`);
  if (volumePhase(volume) === 'Bound') return wait('VolumeBound', `PV ${volume.metadata.name} is still bound to a claim`, 500);
  if (!isRetained(volume)) throw new InvariantBroken('TargetNotRetained', `PV ${volume.metadata.name} is not Retain before its move has settled`);
  await context.save({});
  await context.api.delete(volumes, { name: volume.metadata.name }, asRead(volume));
  return wait('VolumeTerminating', `PV ${volume.metadata.name} is being deleted`, 100);
}
