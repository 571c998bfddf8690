// The last looks before the point of no return: binding right, old disk untouched since its snapshot. Then the old disk is marked as
// superseded, the room held for the pod is handed over, and, the old disk still untouched, the gate comes off: the scheduler follows the
// new PV's node affinity.

import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL, SUPERSEDED_TAG } from '../../kubernetes/names.ts';
import type { Pod } from '../../kubernetes/objects.ts';
import { DiskError } from '../../ports/disks.ts';
import { isTerminating, storageCapacity, storageRequest, volumePhase } from '../../kubernetes/reading.ts';
import { parseQuantity } from '../../kubernetes/quantity.ts';
import { attachmentOf, fence } from '../fence.ts';
import { ordinalPod, recallPod, releasePod } from '../ordinal-pod.ts';
import { claimsOf, courseOf, statusOf, type ClaimRecord } from '../record.ts';
import { handOver } from '../reservation/reservation.ts';
import { DONE, forEachClaim, InvariantBroken, pollMs, migrationUID, sinceMs, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { ourTargetVolume } from './create-volume.ts';
import { untouchedSinceRescue } from './restore.ts';
import { bindingProblem } from './swap-claim.ts';

export const ungate: Step = {
  deadline: true,
  async run(context) {
    const inUse = await targetEverAttached(context);
    const sound = inUse ? DONE : await forEachClaim(context, (claim) => lastLook(context, claim));
    if (sound.kind !== 'done') return sound;
    await forEachClaim(context, (claim) => markSuperseded(context, claim));
    const pod = await podToCome(context);
    await handOver(context, pod);
    // All that took its time, and somebody may have used it.
    const untouched = inUse ? DONE : await forEachClaim(context, (claim) => fence(context, claim));
    if (untouched.kind === 'done' && pod !== undefined) await releasePod(context, pod);
    return untouched;
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
  return fence(context, claim);
}

async function markSuperseded(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  await context.save({});
  await context.disks.tag({ kind: 'disk', id: claim.source.diskId }, supersededTags(context, claim));
  return DONE;
}

/** Found by these, should the record ever be lost: whose source it was, and what took its place. */
function supersededTags(context: StepContext, claim: ClaimRecord): Record<string, string> {
  return { [SUPERSEDED_TAG]: claim.target?.diskId ?? '', [MIGRATION_LABEL]: migrationUID(context), [CLUSTER_TAG]: context.clusterUID, [ROLE_LABEL]: 'source' };
}

async function podToCome(context: StepContext): Promise<Pod | undefined> {
  const pod = await ordinalPod(context);
  return pod === undefined || isTerminating(pod) ? undefined : pod;
}

/**
 * Before the new disk's first attach a move can still be taken back: the released pod goes (under its UID and resourceVersion, so that a
 * bind to a node wins), its successor is gated, its attachment waited out, and the cloud asked whether the new disk was ever attached.
 */
async function takeBack(context: StepContext): Promise<StepResult> {
  const recalled = (await claimsSwapped(context)) ? await recall(context, 'ungate') : await beforeTheSwap(context);
  return recalled.kind === 'done' ? unmark(context) : recalled;
}

/**
 * No pod can have started on a new disk that no claim is on: somebody else has attached it. While the old one is as the snapshot has it the
 * new one is as good, and the claim may go there; with both touched nobody can tell which of them holds what counts.
 */
async function beforeTheSwap(context: StepContext): Promise<StepResult> {
  const attached = await attachedResult(context, 'swapClaim');
  if (attached.kind !== 'forward') return attached;
  const untouched = await forEachClaim(context, (claim) => fence(context, claim));
  if (untouched.kind === 'done') return attached;
  if (untouched.kind !== 'void') return untouched;
  return { kind: 'freeze', reason: 'TargetInUse', message: `${untouched.message}, and its new disk has been attached, too, though no claim was on it; see which of the two holds what counts, then release this record` };
}

/**
 * `done`: no pod can start on the new disks, and none was ever attached. Where one was, it may hold writes, and the move goes `forward` from
 * that step. Asked again before each claim is given up: a pod may have slipped through the gate.
 */
export async function recall(context: StepContext, from: 'swapClaim' | 'ungate'): Promise<StepResult> {
  const before = await attachedResult(context, from);
  if (before.kind !== 'done') return before;
  const pod = await recallPod(context);
  if (pod.kind !== 'done') return pod;
  const detached = await forEachClaim(context, async (claim) => {
    const attached = await attachmentOf(context, claim.target?.pv ?? '');
    return attached === undefined ? DONE : wait('Detaching', `PV ${claim.target?.pv ?? ''} still has an attachment to node ${attached.spec.nodeName}`, pollMs(context));
  });
  return detached.kind === 'done' ? attachedResult(context, from) : detached;
}

async function attachedResult(context: StepContext, from: 'swapClaim' | 'ungate'): Promise<StepResult> {
  // There the new disk was attached, is known to have been, and is kept.
  if (courseOf(context.record) === 'Restore') return untouchedSinceRescue(context);
  if (!(await targetEverAttached(context))) return DONE;
  return { kind: 'forward', step: from, message: 'the new disk was attached before the move could be taken back; it may hold writes, so the move goes on' };
}

async function unmark(context: StepContext): Promise<StepResult> {
  return forEachClaim(context, async (claim) => {
    const disk = await context.disks.disk(claim.source.diskId);
    // Tags show late: once the new PV was made it may be marked, whatever the cloud shows.
    const mayBeMarked = claim.target?.pv !== undefined || disk?.tags[SUPERSEDED_TAG] !== undefined;
    if (disk !== undefined && mayBeMarked) await context.disks.untag({ kind: 'disk', id: claim.source.diskId }, [SUPERSEDED_TAG, MIGRATION_LABEL, CLUSTER_TAG, ROLE_LABEL]);
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
    const { diskId, pv } = claim.target ?? {};
    // Without a PV nothing could attach it, and its disk may not even show yet.
    if (diskId === undefined || pv === undefined) continue;
    const disk = await context.disks.disk(diskId);
    if (disk === undefined) throw notShown(context, claim, diskId);
    if (disk.attachedAt !== undefined || disk.attachedTo.length > 0 || disk.status === 'Attaching') return true;
  }
  return false;
}

/** One answer that leaves a disk out proves nothing: asked again, for as long as any step may take. */
function notShown(context: StepContext, claim: ClaimRecord, diskId: string): Error {
  const message = `the cloud does not show disk ${diskId} of claim ${claim.claimName}`;
  const { terms, stepStartedAt } = statusOf(context.record);
  if (sinceMs(context, stepStartedAt) > context.stepTimeoutMs + (terms?.readyTimeoutMs ?? 0)) return new InvariantBroken('TargetGone', message);
  return new DiskError(message, { code: 'DiskNotVisible', retriable: true });
}
