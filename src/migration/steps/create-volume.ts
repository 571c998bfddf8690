// The new disk's PV, pre-bound to the claim by name, Available before the old claim goes: nothing can take its place then.

import { MIGRATION_LABEL } from '../../kubernetes/names.ts';
import { ApiError } from '../../kubernetes/api.ts';
import { volumes, type PersistentVolume } from '../../kubernetes/objects.ts';
import { holdPod } from '../ordinal-pod.ts';
import type { ClaimRecord } from '../record.ts';
import { DONE, forEachClaim, InvariantBroken, namespaceOf, saveClaim, uidOf, wait, type Step, type StepContext, type StepResult } from '../step.ts';
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
  const diskId = claim.target?.diskId;
  if (diskId === undefined) throw new InvariantBroken('RecordIncomplete', `claim ${claim.claimName} has no disk to make a PV for`);
  // The name is the disk's id, as the CSI driver also does; recorded before the create.
  if (claim.target?.pv === undefined) await saveClaim(context, index, { target: { ...claim.target, pv: diskId } });
  const live = (await ourTargetVolume(context, claim)) ?? (await createObject(context, claim, diskId));
  if (live === undefined) return wait('VolumeGone', `PV ${claim.source.pv} of claim ${claim.claimName} is gone`, 2_000);
  if (claim.target?.pvUID !== live.metadata.uid) await saveClaim(context, index, { target: { ...claim.target, pv: diskId, pvUID: live.metadata.uid ?? '' } });
  return live.status?.phase === 'Available' || live.status?.phase === 'Bound' ? DONE : wait('VolumePending', `PV ${diskId} is ${live.status?.phase ?? 'not seen by the PV controller yet'}`, 200);
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
    migrationUID: uidOf(context),
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
  const name = claim.target?.pv ?? claim.target?.diskId;
  if (name === undefined) return undefined;
  const volume = await context.api.get(volumes, { name });
  if (volume === undefined) return undefined;
  if (volume.spec.csi?.volumeHandle !== claim.target?.diskId || volume.metadata.labels?.[MIGRATION_LABEL] !== uidOf(context)) {
    throw new InvariantBroken('TargetReplaced', `PV ${name} exists, but is not the one that this migration made for disk ${claim.target?.diskId ?? ''}`);
  }
  return volume;
}

/** Deletes the PV object (it is Retain: the disk stays until it is discarded by itself); never one that a live claim is bound to. */
export async function deleteTargetVolume(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const volume = await ourTargetVolume(context, claim);
  if (volume === undefined) {
    if (claim.target?.pv !== undefined) {
      const { pv: _pv, pvUID: _uid, ...target } = claim.target;
      await saveClaim(context, index, { target });
    }
    return DONE;
  }
  if (volume.metadata.deletionTimestamp !== undefined) return wait('VolumeTerminating', `PV ${volume.metadata.name} is terminating`, 500);
  if (volume.status?.phase === 'Bound') return wait('VolumeBound', `PV ${volume.metadata.name} is still bound to claim ${volume.spec.claimRef?.name ?? ''}`, 500);
  if (volume.spec.persistentVolumeReclaimPolicy !== 'Retain') {
    throw new InvariantBroken('TargetNotRetained', `PV ${volume.metadata.name} is ${volume.spec.persistentVolumeReclaimPolicy ?? ''} before its move has settled`);
  }
  await context.save({});
  await context.api.delete(volumes, { name: volume.metadata.name }, { uid: volume.metadata.uid ?? '', resourceVersion: volume.metadata.resourceVersion ?? '' });
  return wait('VolumeTerminating', `PV ${volume.metadata.name} is being deleted`, 100);
}
