// The last look before the point of no return: binding right, old disk untouched since its snapshot, old disk marked as superseded.
// Then the gate comes off, and the scheduler follows the new PV's node affinity.

import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL, SUPERSEDED_TAG } from '../../kubernetes/names.ts';
import { pods, volumeAttachments } from '../../kubernetes/objects.ts';
import { parseQuantity } from '../../kubernetes/quantity.ts';
import { fence } from '../fence.ts';
import { isGated, ordinalPod, removeGate } from '../ordinal-pod.ts';
import type { ClaimRecord } from '../record.ts';
import { DONE, forEachClaim, InvariantBroken, namespaceOf, pollMs, uidOf, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { ourTargetVolume } from './create-volume.ts';
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
  const capacity = parseQuantity(target?.spec.capacity?.['storage'] ?? '0');
  if (capacity < parseQuantity(claim.manifest.spec.resources?.requests?.['storage'] ?? '0')) {
    return { kind: 'giveUp', reason: 'VolumeTooSmall', message: `PV ${target?.metadata.name ?? ''} is smaller than what claim ${claim.claimName} asks for` };
  }
  const untouched = await fence(context, claim);
  if (untouched.kind !== 'done') return untouched;
  await context.save({});
  await context.disks.tag({ kind: 'disk', id: claim.source.diskId }, supersededTags(context, claim));
  return DONE;
}

/** Found by these, should the record ever be lost: whose source it was, and what took its place. */
function supersededTags(context: StepContext, claim: ClaimRecord): Record<string, string> {
  return { [SUPERSEDED_TAG]: claim.target?.diskId ?? '', [MIGRATION_LABEL]: uidOf(context), [CLUSTER_TAG]: context.clusterUID, [ROLE_LABEL]: 'source' };
}

async function open(context: StepContext): Promise<StepResult> {
  const pod = await ordinalPod(context);
  if (pod !== undefined && pod.metadata.deletionTimestamp === undefined) await removeGate(context, pod);
  return DONE;
}

/**
 * Before the new disk's first attach a move can still be taken back: the released pod goes (under its UID and resourceVersion, so that a
 * bind to a node wins), its successor is gated, its attachment waited out, and the cloud asked whether the new disk was ever attached.
 */
async function takeBack(context: StepContext): Promise<StepResult> {
  if (!(await claimsSwapped(context))) return unmark(context);
  const pod = await ordinalPod(context);
  if (pod !== undefined && !isGated(pod)) {
    if (await targetEverAttached(context)) return attachedMeanwhile();
    if (pod.metadata.deletionTimestamp === undefined) {
      await context.save({});
      await context.api.delete(pods, { namespace: namespaceOf(context), name: pod.metadata.name }, { uid: pod.metadata.uid ?? '', resourceVersion: pod.metadata.resourceVersion ?? '' });
    }
    return wait('PodTerminating', `pod ${pod.metadata.name} is taken back behind the gate`, 50);
  }
  const attachments = await context.api.list(volumeAttachments);
  const targets = new Set((context.record.status?.claims ?? []).map((claim) => claim.target?.pv));
  const attached = attachments.find((attachment) => targets.has(attachment.spec.source.persistentVolumeName));
  if (attached !== undefined) return wait('Detaching', `PV ${attached.spec.source.persistentVolumeName ?? ''} still has an attachment to node ${attached.spec.nodeName}`, pollMs(context));
  const declared = context.record.status?.course === 'Restore';
  return !declared && (await targetEverAttached(context)) ? attachedMeanwhile() : unmark(context);
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
  for (const claim of context.record.status?.claims ?? []) {
    const target = claim.target?.pv === undefined ? undefined : await ourTargetVolume(context, claim);
    if (target?.status?.phase === 'Bound') return true;
  }
  return false;
}

/** Whether any new disk has ever been attached: the point of no return, asked of the cloud. */
export async function targetEverAttached(context: StepContext): Promise<boolean> {
  for (const claim of context.record.status?.claims ?? []) {
    const diskId = claim.target?.diskId;
    if (diskId === undefined) continue;
    const disk = await context.disks.disk(diskId);
    if (disk === undefined) throw new InvariantBroken('TargetGone', `disk ${diskId} of claim ${claim.claimName} is not to be found at the cloud`);
    if (disk.attachedAt !== undefined || disk.attachedTo.length > 0 || disk.status === 'Attaching') return true;
  }
  return false;
}
