// The move is good: the new volume gets the policy that the old one had, our marks come off what stays, the webhook lets go.

import { MIGRATION_LABEL, ROLE_LABEL, ATTEMPT_TAG, CLAIM_TAG, CLUSTER_TAG } from '../../kubernetes/names.ts';
import { claims, volumes, type PersistentVolume } from '../../kubernetes/objects.ts';
import { asRead, labelOf } from '../../kubernetes/reading.ts';
import { statusOf, type ClaimRecord } from '../record.ts';
import { DONE, forEachClaim, InvariantBroken, namespaceOf, sinceMs, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { requireOneVolume, unmarkClaim } from './keep-source.ts';
import { bindingProblem } from './swap-claim.ts';

/** By which the driver's users find the volume of a disk; copied from the source, it names the old one. */
const VOLUME_NAME_TAG = 'kubernetes.io/created-for/pv/name';
const OUR_TAGS = [MIGRATION_LABEL, ROLE_LABEL, CLAIM_TAG, ATTEMPT_TAG, CLUSTER_TAG];

export const settle: Step = {
  deadline: false,
  run: (context) => forEachClaim(context, (claim) => settleOne(context, claim)),
};

async function settleOne(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  const { pv, diskId, params } = claim.target ?? {};
  if (pv === undefined || diskId === undefined) throw new InvariantBroken('RecordIncomplete', `claim ${claim.claimName} has no target volume`);
  await requireOneVolume(context, claim.source.diskId, diskId);
  const volume = await context.api.get(volumes, { name: pv });
  const problem = await bindingProblem(context, claim, volume);
  if (problem !== undefined || volume === undefined) return claimChanged(context, problem ?? `PV ${pv} is gone`);
  await givePolicy(context, claim, volume);
  const live = await context.api.get(claims, { namespace: namespaceOf(context), name: claim.claimName });
  if (live !== undefined) await unmarkClaim(context, live);
  await retagDisk(context, { diskId, pv, made: params?.tags });
  return DONE;
}

/** It may come right by itself; when it does not, a person can only be asked while the record is Frozen. */
function claimChanged(context: StepContext, problem: string): StepResult {
  if (sinceMs(context, statusOf(context.record).stepStartedAt) <= context.stepTimeoutMs) return wait('ClaimChanged', problem, 5_000);
  return { kind: 'freeze', reason: 'ClaimChanged', message: `${problem}, after the pod had been Ready on its new disk; mend it and resume, or release the record` };
}

async function givePolicy(context: StepContext, claim: ClaimRecord, volume: PersistentVolume): Promise<void> {
  if (labelOf(volume, MIGRATION_LABEL) === undefined && volume.spec.persistentVolumeReclaimPolicy === claim.source.reclaimPolicy) return;
  await context.api.mergePatch(volumes, { name: volume.metadata.name }, {
    metadata: { ...asRead(volume), labels: { [MIGRATION_LABEL]: null, [ROLE_LABEL]: null } },
    spec: { persistentVolumeReclaimPolicy: claim.source.reclaimPolicy },
  });
}

/** Tags show late: those that it was `made` with count even where the cloud does not show them yet. */
async function retagDisk(context: StepContext, { diskId, pv, made }: { diskId: string; pv: string; made: Record<string, string> | undefined }): Promise<void> {
  const tags = { ...made, ...(await context.disks.disk(diskId))?.tags };
  const named = tags[VOLUME_NAME_TAG];
  if (named !== undefined && named !== pv) await context.disks.tag({ kind: 'disk', id: diskId }, { [VOLUME_NAME_TAG]: pv });
  const left = OUR_TAGS.filter((key) => key in tags);
  if (left.length > 0) await context.disks.untag({ kind: 'disk', id: diskId }, left);
}
