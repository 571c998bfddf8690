// The old volumes survive whatever happens to their claims: reclaim policy Retain, read back live. The policy they had is in the record
// since before the first write, so a repetition never takes the flipped one for it.

import { MIGRATION_LABEL, ROLE_LABEL, TOUCH_ANNOTATION } from '../../kubernetes/names.ts';
import { claims, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { asRead, diskIdOf, holderUID, isTerminating, labelOf, uidOf, volumePhase } from '../../kubernetes/reading.ts';
import type { ClaimRecord } from '../record.ts';
import { DONE, forEachClaim, InvariantBroken, namespaceOf, migrationUID, wait, type Step, type StepContext, type StepResult } from '../step.ts';

export const keepSource: Step = {
  deadline: true,
  run: (context) => forEachClaim(context, (claim) => keep(context, claim)),
  undo: (context) => forEachClaim(context, (claim) => giveBack(context, claim)),
};

async function keep(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  const volume = await sourceVolume(context, claim);
  if (volume === undefined) return { kind: 'giveUp', reason: 'VolumeGone', message: `PV ${claim.source.pv} of claim ${claim.claimName} is gone` };
  const labels = { [MIGRATION_LABEL]: migrationUID(context), [ROLE_LABEL]: 'source' };
  if (volume.spec.persistentVolumeReclaimPolicy !== 'Retain' || volume.metadata.labels?.[MIGRATION_LABEL] !== migrationUID(context)) {
    await context.api.mergePatch(volumes, { name: volume.metadata.name }, {
      metadata: { uid: claim.source.pvUID, resourceVersion: volume.metadata.resourceVersion, labels },
      spec: { persistentVolumeReclaimPolicy: 'Retain' },
    });
    const kept = await sourceVolume(context, claim);
    if (kept?.spec.persistentVolumeReclaimPolicy !== 'Retain') return wait('NotRetained', `PV ${claim.source.pv} does not read back as Retain yet`, 200);
  }
  return labelClaim(context, claim, labels);
}

async function labelClaim(context: StepContext, claim: ClaimRecord, labels: Record<string, string>): Promise<StepResult> {
  const ref = { namespace: namespaceOf(context), name: claim.claimName };
  const live = await context.api.get(claims, ref);
  if (live === undefined || live.metadata.uid !== claim.source.claimUID) return DONE;
  const differs = Object.entries(labels).some(([key, value]) => live.metadata.labels?.[key] !== value);
  // As it was read: a request that comes late, from a daemon that is gone, must not mark a claim that has been given back.
  if (differs) await context.api.mergePatch(claims, ref, { metadata: { ...asRead(live), labels } });
  return DONE;
}

/** Takes our labels off a claim, and the annotation by which it was made to bind. */
export async function unmarkClaim(context: StepContext, live: PersistentVolumeClaim): Promise<void> {
  const { name, labels, annotations } = live.metadata;
  const marked = labels?.[MIGRATION_LABEL] !== undefined || annotations?.[TOUCH_ANNOTATION] !== undefined;
  if (marked) await context.api.mergePatch(claims, { namespace: namespaceOf(context), name }, { metadata: { ...asRead(live), labels: { [MIGRATION_LABEL]: null, [ROLE_LABEL]: null }, annotations: { [TOUCH_ANNOTATION]: null } } });
}

/** The original policy only once the claim is Bound to the volume again; otherwise it stays Retain and keeps our label, for a person to see. */
async function giveBack(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  const volume = await sourceVolume(context, claim);
  const live = await context.api.get(claims, { namespace: namespaceOf(context), name: claim.claimName });
  if (live === undefined) return DONE;
  if (volume === undefined || labelOf(volume, MIGRATION_LABEL) !== migrationUID(context)) {
    if (uidOf(live) === claim.source.claimUID) await unmarkClaim(context, live);
    return DONE;
  }
  return isHeldBy(volume, live) ? givePolicyBack(context, { claim, volume, live }) : DONE;
}

function isHeldBy(volume: PersistentVolume, live: PersistentVolumeClaim): boolean {
  return !isTerminating(live) && holderUID(volume) === uidOf(live) && volumePhase(volume) === 'Bound';
}

async function givePolicyBack(context: StepContext, { claim, volume, live }: { claim: ClaimRecord; volume: PersistentVolume; live: PersistentVolumeClaim }): Promise<StepResult> {
  await requireOneVolume(context, claim.source.diskId);
  // The claim's version changes first: whoever still means to delete it as it was fails before its volume may go with it.
  await unmarkClaim(context, live);
  await context.api.mergePatch(volumes, { name: volume.metadata.name }, {
    metadata: { uid: claim.source.pvUID, resourceVersion: volume.metadata.resourceVersion, labels: { [MIGRATION_LABEL]: null, [ROLE_LABEL]: null } },
    spec: { persistentVolumeReclaimPolicy: claim.source.reclaimPolicy },
  });
  return DONE;
}

/** The driver could delete the disk under either of two. @throws InvariantBroken */
export async function requireOneVolume(context: StepContext, ...diskIds: string[]): Promise<void> {
  const all = await context.api.list(volumes);
  for (const diskId of diskIds) {
    const names = all.filter((volume) => diskIdOf(volume) === diskId).map(({ metadata }) => metadata.name);
    if (names.length > 1) throw new InvariantBroken('SeveralVolumesPerHandle', `disk ${diskId} has more than one PV (${names.join(', ')}): the driver could delete it under one of them; delete the wrong one, then resume`);
  }
}

/** The live source PV; another object under its name, or another disk behind it, is nothing that we know. */
export async function sourceVolume(context: StepContext, claim: ClaimRecord): Promise<PersistentVolume | undefined> {
  const volume = await context.api.get(volumes, { name: claim.source.pv });
  if (volume === undefined) return undefined;
  if (volume.metadata.uid !== claim.source.pvUID || volume.spec.csi?.volumeHandle !== claim.source.diskId) {
    throw new InvariantBroken('SourceReplaced', `PV ${claim.source.pv} is no longer the volume of disk ${claim.source.diskId} that this migration began with`);
  }
  return volume;
}
