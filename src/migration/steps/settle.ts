// The move is good: the new volume gets the policy that the old one had, our marks come off what stays, the webhook lets go.

import { MIGRATION_LABEL, ROLE_LABEL, TOUCH_ANNOTATION, ATTEMPT_TAG, CLAIM_TAG, CLUSTER_TAG } from '../../kubernetes/names.ts';
import { claims, volumes, type PersistentVolume } from '../../kubernetes/objects.ts';
import { asRead, labelOf } from '../../kubernetes/reading.ts';
import type { ClaimRecord } from '../record.ts';
import { DONE, forEachClaim, InvariantBroken, namespaceOf, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { bindingProblem } from './swap-claim.ts';

const OUR_TAGS = [MIGRATION_LABEL, ROLE_LABEL, CLAIM_TAG, ATTEMPT_TAG, CLUSTER_TAG];

export const settle: Step = {
  deadline: false,
  async run(context) {
    const handles = await handlesOfVolumes(context);
    return forEachClaim(context, (claim) => settleOne(context, claim, handles));
  },
};

/** Disk id → names of the PVs that stand for it, live. */
export async function handlesOfVolumes(context: StepContext): Promise<Map<string, string[]>> {
  const handles = new Map<string, string[]>();
  for (const volume of await context.api.list(volumes)) {
    const handle = volume.spec.csi?.volumeHandle;
    if (handle !== undefined) handles.set(handle, [...(handles.get(handle) ?? []), volume.metadata.name]);
  }
  return handles;
}

async function settleOne(context: StepContext, claim: ClaimRecord, handles: Map<string, string[]>): Promise<StepResult> {
  const { pv, diskId } = claim.target ?? {};
  if (pv === undefined || diskId === undefined) throw new InvariantBroken('RecordIncomplete', `claim ${claim.claimName} has no target volume`);
  requireOneVolumeEach([claim.source.diskId, diskId], handles);
  const volume = await context.api.get(volumes, { name: pv });
  const problem = await bindingProblem(context, claim, volume);
  if (problem !== undefined || volume === undefined) return wait('ClaimChanged', problem ?? `PV ${pv} is gone`, 5_000);
  await givePolicy(context, claim, volume);
  await unmarkClaim(context, claim);
  await unmarkDisk(context, diskId);
  return DONE;
}

function requireOneVolumeEach(diskIds: string[], handles: Map<string, string[]>): void {
  for (const diskId of diskIds) {
    const names = handles.get(diskId) ?? [];
    if (names.length > 1) throw new InvariantBroken('SeveralVolumesPerHandle', `disk ${diskId} has more than one PV (${names.join(', ')}): the driver could delete it under one of them`);
  }
}

async function givePolicy(context: StepContext, claim: ClaimRecord, volume: PersistentVolume): Promise<void> {
  if (labelOf(volume, MIGRATION_LABEL) === undefined && volume.spec.persistentVolumeReclaimPolicy === claim.source.reclaimPolicy) return;
  await context.api.mergePatch(volumes, { name: volume.metadata.name }, {
    metadata: { ...asRead(volume), labels: { [MIGRATION_LABEL]: null, [ROLE_LABEL]: null } },
    spec: { persistentVolumeReclaimPolicy: claim.source.reclaimPolicy },
  });
}

async function unmarkDisk(context: StepContext, diskId: string): Promise<void> {
  const tags = (await context.disks.disk(diskId))?.tags ?? {};
  const left = OUR_TAGS.filter((key) => key in tags);
  if (left.length > 0) await context.disks.untag({ kind: 'disk', id: diskId }, left);
}

export async function unmarkClaim(context: StepContext, claim: ClaimRecord): Promise<void> {
  const ref = { namespace: namespaceOf(context), name: claim.claimName };
  const live = await context.api.get(claims, ref);
  if (live === undefined) return;
  const marked = live.metadata.labels?.[MIGRATION_LABEL] !== undefined || live.metadata.annotations?.[TOUCH_ANNOTATION] !== undefined;
  if (marked) await context.api.mergePatch(claims, ref, { metadata: { uid: live.metadata.uid, labels: { [MIGRATION_LABEL]: null, [ROLE_LABEL]: null }, annotations: { [TOUCH_ANNOTATION]: null } } });
}
