// The new disk from the snapshot, in the target zone, like the old one in everything else, automatic-snapshot policy included.

import { diskIntent, recordedIntent } from '../intents.ts';
import { holdPod } from '../ordinal-pod.ts';
import { volumes } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { timestamp } from '../../ports/clock.ts';
import { statusOf, type ClaimRecord } from '../record.ts';
import type { Disk } from '../../ports/disks.ts';
import { claimAt, DONE, forEachClaim, InvariantBroken, pollMs, saveClaim, sinceMs, VISIBILITY_LAG_MS, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { dropIntent, mayShowYet, REFUSED_AGAIN_MS } from './snapshot.ts';

export const createDisk: Step = {
  deadline: true,
  async run(context) {
    const held = await holdPod(context);
    if (held.kind !== 'done') return held;
    return forEachClaim(context, async (claim, index) => (claim.target?.diskId === undefined ? request(context, claim, index) : complete(context, claim, claim.target.diskId)));
  },
  undo: (context) => forEachClaim(context, (claim, index) => discard(context, claim, index)),
};

async function request(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const intent = await ensureDiskIntent(context, claim, index);
  if (intent.kind === 'wait') return intent;
  const outcome = await context.disks.createDisk(intent.value);
  if (outcome.kind === 'pending') return wait('DiskPending', outcome.message, Math.min(outcome.retryAfterMs, pollMs(context)));
  if (outcome.kind === 'ambiguous') return { kind: 'freeze', reason: 'DiskAmbiguous', message: outcome.message };
  if (outcome.kind === 'refused') {
    // Otherwise the undo finds out, once the pod is back.
    if (outcome.certain) await dropIntent(context, index, 'target');
    return { kind: 'giveUp', reason: outcome.reason, message: `no disk like ${claim.source.diskId} in zone ${context.record.spec.targetZone}: ${outcome.message}` };
  }
  await saveClaim(context, index, { target: { ...intent.value, diskId: outcome.id, zone: intent.value.params.zone } });
  return complete(context, claim, outcome.id);
}

async function ensureDiskIntent(context: StepContext, claim: ClaimRecord, index: number): Promise<{ kind: 'intent'; value: ReturnType<typeof diskIntent>['intent'] } | Extract<StepResult, { kind: 'wait' }>> {
  const known = recordedIntent(claim.target);
  if (known !== undefined) return { kind: 'intent', value: known };
  const source = await context.disks.disk(claim.source.diskId);
  if (source === undefined) return { kind: 'wait', reason: 'DiskNotVisible', message: `the cloud does not show disk ${claim.source.diskId} at the moment`, afterMs: 2_000 };
  const snapshotId = claim.snapshot?.id;
  if (snapshotId === undefined) throw new InvariantBroken('RecordIncomplete', `claim ${claim.claimName} has no snapshot to make a disk from`);
  const { intent, droppedTags } = diskIntent(context, claim, { source, snapshotId, maxTags: context.disks.maxTags });
  if (droppedTags.length > 0) {
    context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `no room on the new disk of claim ${claim.claimName} for the tags ${droppedTags.join(', ')}` });
  }
  await saveClaim(context, index, { target: intent });
  return { kind: 'intent', value: intent };
}

async function complete(context: StepContext, claim: ClaimRecord, diskId: string): Promise<StepResult> {
  const disk = await context.disks.disk(diskId);
  if (disk?.status !== 'Available') return wait('CreatingDisk', `disk ${diskId} for claim ${claim.claimName} is ${disk?.status ?? 'not visible yet'}`, pollMs(context));
  const wrong = differences(disk, claim);
  if (wrong.length > 0) return { kind: 'giveUp', reason: 'TargetDiskDiffers', message: `disk ${diskId} for claim ${claim.claimName} is not what was asked for: ${wrong.join(', ')}` };
  const policy = (await context.disks.disk(claim.source.diskId))?.autoSnapshotPolicyId;
  if (policy !== undefined && disk.autoSnapshotPolicyId !== policy) await context.disks.applyBackupPolicy(diskId, policy);
  return DONE;
}

function differences(disk: Disk, claim: ClaimRecord): string[] {
  const asked = claim.target?.params;
  if (asked === undefined) return [];
  return (['zone', 'category', 'performanceLevel', 'sizeGiB', 'encrypted', 'kmsKeyId'] as const)
    .filter((field) => asked[field] !== undefined && disk[field] !== asked[field])
    .map((field) => `${field} ${String(disk[field])} instead of ${String(asked[field])}`);
}

/** Deletes our own disk, which was never attached; whether it was made at all is found out first. */
async function discard(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  if (claim.target === undefined) return DONE;
  const found = claim.target.diskId === undefined ? await findOut(context, claim, index) : DONE;
  if (found.kind !== 'done') return found;
  const diskId = claimAt(context, index).target?.diskId;
  const gone = diskId === undefined ? DONE : await deleteUnused(context, index, diskId);
  if (gone.kind === 'done') await dropIntent(context, index, 'target');
  return gone;
}

/** Asked for, answer unknown: the same token finds out, or makes what is then deleted. */
async function findOut(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const intent = recordedIntent(claim.target);
  if (intent === undefined) return DONE;
  const outcome = await context.disks.createDisk(intent);
  if (outcome.kind === 'pending') return wait('DiskPending', outcome.message, outcome.retryAfterMs);
  if (outcome.kind === 'ambiguous') return { kind: 'freeze', reason: 'DiskAmbiguous', message: outcome.message };
  if (outcome.kind === 'refused' && mayShowYet(context, outcome)) return wait('DiskPending', `${outcome.message}; a disk that was asked for before may be there, and not show yet`, REFUSED_AGAIN_MS);
  if (outcome.kind === 'created') {
    await saveClaim(context, index, { target: { ...claim.target, diskId: outcome.id } });
    // It may have been made only now, and show late: see `deleteUnused`.
    await context.save({ stepStartedAt: timestamp(context.clock) });
  }
  return DONE;
}

async function deleteUnused(context: StepContext, index: number, diskId: string): Promise<StepResult> {
  const disk = await context.disks.disk(diskId);
  const target = claimAt(context, index).target ?? {};
  if (disk === undefined) {
    // Counted from the undo, or from when that learnt the id: the cloud may have made it long after it was first asked.
    const unseen = target.discardingAt === undefined && sinceMs(context, statusOf(context.record).stepStartedAt) < VISIBILITY_LAG_MS;
    return unseen ? wait('DiskNotVisible', `disk ${diskId} does not show at the cloud yet; it is deleted once it does`, 2_000) : DONE;
  }
  if (disk.attachedAt !== undefined || disk.attachedTo.length > 0) {
    return { kind: 'freeze', reason: 'TargetInUse', message: `disk ${diskId} was attached meanwhile, so it is not deleted` };
  }
  await requireNoVolume(context, diskId);
  if (disk.status !== 'Available') return wait('CreatingDisk', `disk ${diskId} is ${disk.status}; it is deleted once it is Available`, pollMs(context));
  await saveClaim(context, index, { target: { ...target, discardingAt: new Date(context.clock.now()).toISOString() } });
  await context.disks.deleteDisk(diskId);
  return (await context.disks.disk(diskId)) === undefined ? DONE : wait('DeletingDisk', `disk ${diskId} is being deleted`, 1_000);
}

/** Our own PV of it is gone by now; another one is somebody's. */
async function requireNoVolume(context: StepContext, diskId: string): Promise<void> {
  const other = (await context.api.list(volumes)).find((volume) => diskIdOf(volume) === diskId);
  if (other !== undefined) throw new InvariantBroken('SeveralVolumesPerHandle', `disk ${diskId} is not deleted: PV ${other.metadata.name}, which is not this migration's, stands for it; delete that PV, then resume`);
}
