// What `restore-source` does first, and only because it was declared: the newer disk is detached and snapshotted, so that giving it up
// loses nothing that cannot be found again. Disk, PV and snapshot are kept for the retention.

import { stampsOf, touchedSince } from '../fence.ts';
import { ensureIntent, snapshotIntent } from '../intents.ts';
import { recallPod } from '../ordinal-pod.ts';
import { statusOf, type ClaimRecord } from '../record.ts';
import { DONE, forEachClaim, pollMs, saveClaim, sinceMs, VISIBILITY_LAG_MS, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { unmountedResult } from './detach.ts';

export const restoreDetach: Step = {
  deadline: false,
  async run(context) {
    const recalled = await recallPod(context);
    if (recalled.kind !== 'done') return recalled;
    return forEachClaim(context, async (claim, index) => {
      const unmounted = await unmountedResult(context, { pv: claim.target?.pv ?? '', diskId: claim.target?.diskId ?? '' });
      return unmounted.kind === 'done' ? recordDetached(context, claim, index) : unmounted;
    });
  },
};

async function recordDetached(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  if (claim.rescue !== undefined) return DONE;
  const diskId = claim.target?.diskId ?? '';
  const disk = await context.disks.disk(diskId);
  if (disk === undefined && sinceMs(context, statusOf(context.record).stepStartedAt) > VISIBILITY_LAG_MS) {
    return { kind: 'freeze', reason: 'RescueFailed', message: `the newer disk ${diskId} is gone at the cloud, and with it what was written since the move, so the old one is not brought back by itself; see whether a snapshot of it is left, then release this record` };
  }
  if (disk?.status !== 'Available') return wait('Detaching', `disk ${diskId} is ${disk?.status ?? 'not visible'} at the cloud`, pollMs(context));
  await saveClaim(context, index, { rescue: stampsOf(disk) });
  return DONE;
}

export const restoreSnapshot: Step = {
  deadline: false,
  run: (context) => forEachClaim(context, (claim, index) => rescue(context, claim, index)),
};

async function rescue(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const diskId = claim.target?.diskId ?? '';
  // A disk that was never attached holds nothing that the source does not, and the cloud takes no snapshot of it.
  if (claim.rescue?.attachedAt === undefined) return DONE;
  return claim.rescue.id === undefined ? request(context, claim, index) : watch(context, diskId, claim.rescue.id);
}

async function request(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const diskId = claim.target?.diskId ?? '';
  const intent = await ensureIntent(claim.rescue, snapshotIntent(context, claim, { diskId, role: 'rescue' }), async (made) => {
    await saveClaim(context, index, { rescue: { ...claim.rescue, ...made } });
  });
  const outcome = await context.disks.createSnapshot(intent);
  if (outcome.kind === 'pending') return wait('SnapshotPending', outcome.message, Math.min(outcome.retryAfterMs, pollMs(context)));
  if (outcome.kind !== 'created') return { kind: 'freeze', reason: 'RescueFailed', message: `no snapshot of the newer disk ${diskId}, so the old one is not brought back: ${outcome.message}` };
  await saveClaim(context, index, { rescue: { ...claim.rescue, ...intent, id: outcome.id } });
  return watch(context, diskId, outcome.id);
}

async function watch(context: StepContext, diskId: string, id: string): Promise<StepResult> {
  const seen = await context.disks.snapshot(id);
  if (seen?.failed === true) return { kind: 'freeze', reason: 'RescueFailed', message: `snapshot ${id} of the newer disk ${diskId} failed, so the old one is not brought back` };
  return seen?.available === true ? DONE : wait('Snapshotting', `snapshot ${id} of the newer disk ${diskId} is under way`, pollMs(context));
}

/** A pod that slipped past the webhook after the snapshot may have written to the newer disk: the snapshot is taken again before its claim goes. */
export function untouchedSinceRescue(context: StepContext): Promise<StepResult> {
  return forEachClaim(context, async ({ claimName, target, rescue: seen = {} }) => {
    const diskId = target?.diskId ?? '';
    const disk = await context.disks.disk(diskId);
    // What is gone for good cannot be written to, and its snapshot is all that is left of it.
    if (disk === undefined) return sinceMs(context, statusOf(context.record).stepStartedAt) > VISIBILITY_LAG_MS ? DONE : wait('DiskNotVisible', `the cloud does not show the newer disk ${diskId} of claim ${claimName} at the moment`, 2_000);
    const touched = touchedSince(disk, seen);
    return touched === undefined ? DONE : { kind: 'rescueAgain', message: `the newer disk ${diskId} of claim ${claimName} was used after its snapshot: ${touched}` };
  });
}
