// The last look before the point of no return: binding right, old disk untouched since its snapshot, old disk marked as superseded.
// Then the gate comes off, and the scheduler follows the new PV's node affinity.

import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL, SUPERSEDED_TAG } from '../../kubernetes/names.ts';
import { pods, type Pod } from '../../kubernetes/objects.ts';
import { asRead, isTerminating, storageCapacity, storageRequest, volumePhase } from '../../kubernetes/reading.ts';
import { parseQuantity } from '../../kubernetes/quantity.ts';
import { fence } from '../fence.ts';
import { isGated, ordinalPod, removeGate } from '../ordinal-pod.ts';
import { claimsOf, courseOf, type ClaimRecord } from '../record.ts';
import { DONE, forEachClaim, InvariantBroken, namespaceOf, pollMs, migrationUID, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { ourTargetVolume } from './create-volume.ts';
import { attachmentOf } from './detach.ts';
import { bindingProblem } from './swap-claim.ts';

export const ungate: Step = {
  deadline: true,
  async run(context) {
    if (await targetEverAttached(context)) return open(context);
    const sound = await forEachClaim(context, (claim) => lastLook(context, claim));
    return sound.kind === 'done' ? open(context) : sound;
  },
  undo: takeBack,
};

async function lastLook(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  const target = await ourTargetVolume(context, claim);
  const problem = await bindingProblem(context, claim, target);
  if (problem !== undefined) return { kind: 'giveUp', reason: 'ClaimChanged', message: problem };
  if (target === undefined || parseQuantity(storageCapacity(target)) < parseQuantity(storageRequest(claim.manifest))) {
    return { kind: 'giveUp', reason: 'VolumeTooSmall', message: `the new volume is smaller than what claim ${claim.claimName} asks for` };
  }
  const untouched = await fence(context, claim);
  if (untouched.kind !== 'done') return untouched;
  await context.save({});
  await context.disks.tag({ kind: 'disk', id: claim.source.diskId }, supersededTags(context, claim));
  return DONE;
}

/** Found by these, should the record ever be lost: whose source it was, and what took its place. */
function supersededTags(context: StepContext, claim: ClaimRecord): Record<string, string> {
  return { [SUPERSEDED_TAG]: claim.target?.diskId ?? '', [MIGRATION_LABEL]: migrationUID(context), [CLUSTER_TAG]: context.clusterUID, [ROLE_LABEL]: 'source' };
}

async function open(context: StepContext): Promise<StepResult> {
  const pod = await ordinalPod(context);
  if (pod !== undefined && !isTerminating(pod)) await removeGate(context, pod);
  return DONE;
}

/**
 * Before the new disk's first attach a move can still be taken back: the released pod goes (under its UID and resourceVersion, so that a
 * bind to a node wins), its successor is gated, its attachment waited out, and the cloud asked whether the new disk was ever attached.
 */
async function takeBack(context: StepContext): Promise<StepResult> {
  if (!(await claimsSwapped(context))) return unmark(context);
  const pod = await ordinalPod(context);
  if (pod !== undefined && !isGated(pod)) return regate(context, pod);
  const detached = await forEachClaim(context, async (claim) => {
    const attached = await attachmentOf(context, claim.target?.pv ?? '');
    return attached === undefined ? DONE : wait('Detaching', `PV ${claim.target?.pv ?? ''} still has an attachment to node ${attached.spec.nodeName}`, pollMs(context));
  });
  if (detached.kind !== 'done') return detached;
  // Under restore-source the new disk was attached, is known to have been, and is kept.
  const declared = courseOf(context.record) === 'Restore';
  return !declared && (await targetEverAttached(context)) ? attachedMeanwhile() : unmark(context);
}

async function regate(context: StepContext, pod: Pod): Promise<StepResult> {
  if (await targetEverAttached(context)) return attachedMeanwhile();
  if (!isTerminating(pod)) {
    await context.save({});
    await context.api.delete(pods, { namespace: namespaceOf(context), name: pod.metadata.name }, asRead(pod));
  }
  return wait('PodTerminating', `pod ${pod.metadata.name} is taken back behind the gate`, 50);
}

function attachedMeanwhile(): StepResult {
  return { kind: 'forward', step: 'ungate', message: 'the new disk was attached before the move could be taken back; it may hold writes, so the move goes on' };
}

async function unmark(context: StepContext): Promise<StepResult> {
  return forEachClaim(context, async (claim) => {
    const disk = await context.disks.disk(claim.source.diskId);
    if (disk?.tags[SUPERSEDED_TAG] !== undefined) await context.disks.untag({ kind: 'disk', id: claim.source.diskId }, [SUPERSEDED_TAG, MIGRATION_LABEL, CLUSTER_TAG, ROLE_LABEL]);
    return DONE;
  });
}

async function claimsSwapped(context: StepContext): Promise<boolean> {
  for (const claim of claimsOf(context.record)) {
    const target = claim.target?.pv === undefined ? undefined : await ourTargetVolume(context, claim);
    if (target !== undefined && volumePhase(target) === 'Bound') return true;
  }
  return false;
}

/** Whether any new disk has ever been attached: the point of no return, asked of the cloud. */
export async function targetEverAttached(context: StepContext): Promise<boolean> {
  for (const claim of claimsOf(context.record)) {
    const diskId = claim.target?.diskId;
    if (diskId === undefined) continue;
    const disk = await context.disks.disk(diskId);
    if (disk === undefined) throw new InvariantBroken('TargetGone', `disk ${diskId} of claim ${claim.claimName} is not to be found at the cloud`);
    if (disk.attachedAt !== undefined || disk.attachedTo.length > 0 || disk.status === 'Attaching') return true;
  }
  return false;
}
