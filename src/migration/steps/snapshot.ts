// A snapshot of every claim's disk, after its detach: this is the last write. Token and parameters are persisted before the call.

import { fence } from '../fence.ts';
import { holdPod } from '../ordinal-pod.ts';
import type { ClaimRecord } from '../record.ts';
import { ensureIntent, snapshotIntent } from '../intents.ts';
import { progressAt } from '../progress.ts';
import { DONE, forEachClaim, pollMs, saveClaim, sinceMs, wait, type Step, type StepContext, type StepResult } from '../step.ts';

export const snapshot: Step = {
  // It follows its progress instead: see `watch`.
  deadline: false,
  async run(context) {
    const held = await holdPod(context);
    if (held.kind !== 'done') return held;
    return forEachClaim(context, async (claim, index) => (claim.snapshot?.id === undefined ? request(context, claim, index) : watch(context, claim.claimName, claim.snapshot.id)));
  },
  undo: (context) => forEachClaim(context, (claim, index) => letGo(context, claim, index)),
};

async function request(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const untouched = await fence(context, claim);
  if (untouched.kind !== 'done') return untouched;
  const intent = await ensureIntent(claim.snapshot, snapshotIntent(context, claim, { diskId: claim.source.diskId, role: 'source' }), async (made) => {
    await saveClaim(context, index, { snapshot: made });
  });
  const outcome = await context.disks.createSnapshot(intent);
  if (outcome.kind === 'pending') return wait('SnapshotPending', outcome.message, Math.min(outcome.retryAfterMs, pollMs(context)));
  if (outcome.kind === 'ambiguous') return { kind: 'freeze', reason: 'SnapshotAmbiguous', message: outcome.message };
  if (outcome.kind === 'refused') {
    await dropIntent(context, index, 'snapshot');
    return { kind: 'giveUp', reason: outcome.reason, message: `no snapshot of disk ${claim.source.diskId}: ${outcome.message}` };
  }
  await saveClaim(context, index, { snapshot: { ...intent, id: outcome.id } });
  return watch(context, claim.claimName, outcome.id);
}

async function watch(context: StepContext, claimName: string, id: string): Promise<StepResult> {
  const seen = await context.disks.snapshot(id);
  if (seen?.failed === true) return { kind: 'giveUp', reason: 'SnapshotFailed', message: `snapshot ${id} for claim ${claimName} failed at the cloud` };
  if (seen?.available === true) return DONE;
  const progress = progressAt('snapshot', (seen?.progress ?? 0) / 100);
  const status = context.record.status ?? {};
  if (progress !== status.progress) await context.save({ progress, progressAt: new Date(context.clock.now()).toISOString() });
  else if (sinceMs(context, status.progressAt ?? status.stepStartedAt) > context.stepTimeoutMs) {
    return { kind: 'giveUp', reason: 'SnapshotStuck', message: `snapshot ${id} for claim ${claimName} has stood at ${seen?.progress ?? 0} % for too long` };
  }
  return wait('Snapshotting', `snapshot ${id} for claim ${claimName} is under way`, pollMs(context));
}

/** The snapshot is not needed any more: kept in the record as discarded, deleted by retirement once the cloud has finished it. */
async function letGo(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const { snapshot: slot } = claim;
  if (slot?.token === undefined || slot.params === undefined || slot.requestedAt === undefined) return DONE;
  let id = slot.id;
  if (id === undefined) {
    // Asked for, answer unknown: the same token finds out, or makes what is then let go of.
    const outcome = await context.disks.createSnapshot({ token: slot.token, params: slot.params, requestedAt: slot.requestedAt });
    if (outcome.kind === 'pending') return wait('SnapshotPending', outcome.message, outcome.retryAfterMs);
    if (outcome.kind === 'ambiguous') return { kind: 'freeze', reason: 'SnapshotAmbiguous', message: outcome.message };
    if (outcome.kind === 'created') id = outcome.id;
  }
  const discarded = id === undefined ? {} : { discardedSnapshots: [...(claim.discardedSnapshots ?? []), id] };
  await dropIntent(context, index, 'snapshot', discarded);
  return DONE;
}

/** Takes a slot out of a claim's record. */
export async function dropIntent(context: StepContext, index: number, slot: 'snapshot' | 'target', change: Partial<ClaimRecord> = {}): Promise<void> {
  const claims = context.record.status?.claims ?? [];
  await context.save({
    claims: claims.map((claim, i) => {
      if (i !== index) return claim;
      const { [slot]: _dropped, ...rest } = claim;
      return { ...rest, ...change };
    }),
  });
}
