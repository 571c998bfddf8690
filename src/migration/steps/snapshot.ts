// A snapshot of every claim's disk, after its detach: this is the last write. Token and parameters are persisted before the call.

import { fence } from '../fence.ts';
import { holdPod } from '../ordinal-pod.ts';
import { timestamp } from '../../ports/clock.ts';
import { claimsOf, statusOf, type ClaimRecord } from '../record.ts';
import { ensureIntent, recordedIntent, snapshotIntent } from '../intents.ts';
import { progressAt } from '../progress.ts';
import { claimAt, DONE, forEachClaim, pollMs, saveClaim, sinceMs, VISIBILITY_LAG_MS, wait, type Step, type StepContext, type StepResult } from '../step.ts';

export const snapshot: Step = {
  // However long the upload takes: see `watch`.
  deadline: 'progress',
  async run(context) {
    const held = await holdPod(context);
    if (held.kind !== 'done') return held;
    return forEachClaim(context, async (claim, index) => (claim.snapshot?.id === undefined ? request(context, claim, index) : watch(context, index, claim.snapshot.id)));
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
    // Otherwise the undo finds out, once the pod is back.
    if (outcome.certain) await dropIntent(context, index, 'snapshot');
    return { kind: 'giveUp', reason: outcome.reason, message: `no snapshot of disk ${claim.source.diskId}: ${outcome.message}` };
  }
  await saveClaim(context, index, { snapshot: { ...intent, id: outcome.id } });
  return watch(context, index, outcome.id);
}

const NOT_VISIBLE_YET = { failed: false, available: false, progress: 0 };

async function watch(context: StepContext, index: number, id: string): Promise<StepResult> {
  const { claimName, snapshot: known } = claimAt(context, index);
  const seen = (await context.disks.snapshot(id)) ?? NOT_VISIBLE_YET;
  if (seen.failed) return { kind: 'giveUp', reason: 'SnapshotFailed', message: `snapshot ${id} for claim ${claimName} failed at the cloud` };
  if (seen.available) return DONE;
  const { progressAt: since, stepStartedAt } = statusOf(context.record);
  // Each claim has its own: two that stand still at different figures must not look like one that moves.
  const progress = Math.min(99, seen.progress);
  if (progress !== (known?.progress ?? 0)) await noteProgress(context, index, progress);
  else if (sinceMs(context, since ?? stepStartedAt) > context.stepTimeoutMs) {
    return { kind: 'giveUp', reason: 'SnapshotStuck', message: `snapshot ${id} for claim ${claimName} has stood at ${seen.progress} % for too long` };
  }
  return wait('Snapshotting', `snapshot ${id} for claim ${claimName} is under way`, pollMs(context));
}

async function noteProgress(context: StepContext, index: number, progress: number): Promise<void> {
  const claim = claimAt(context, index);
  const claims = claimsOf(context.record).with(index, { ...claim, snapshot: { ...claim.snapshot, progress } });
  const slowest = Math.min(...claims.map(({ snapshot: one }) => one?.progress ?? 0));
  await context.save({ claims, progress: progressAt('snapshot', slowest / 100), progressAt: timestamp(context.clock) });
}

/** The snapshot is not needed any more: kept in the record as discarded, deleted by retirement once the cloud has finished it. */
async function letGo(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const known = claim.snapshot?.id;
  if (known !== undefined) {
    await discardSnapshot(context, index, known);
    return DONE;
  }
  const intent = recordedIntent(claim.snapshot);
  if (intent === undefined) return DONE;
  // Asked for, answer unknown: the same token finds out, or makes what is then let go of.
  const outcome = await context.disks.createSnapshot(intent);
  if (outcome.kind === 'pending') return wait('SnapshotPending', outcome.message, outcome.retryAfterMs);
  if (outcome.kind === 'ambiguous') return { kind: 'freeze', reason: 'SnapshotAmbiguous', message: outcome.message };
  if (outcome.kind === 'refused' && mayShowYet(context, outcome)) return wait('SnapshotPending', `${outcome.message}; a snapshot that was asked for before may be there, and not show yet`, REFUSED_AGAIN_MS);
  if (outcome.kind === 'created') await discardSnapshot(context, index, outcome.id);
  else await dropIntent(context, index, 'snapshot');
  return DONE;
}

export const REFUSED_AGAIN_MS = 15_000;

/** Refused now, and perhaps made by an earlier call. Counted from the undo's step: the earlier call was at least as long ago. */
export function mayShowYet(context: StepContext, { certain }: { certain: boolean }): boolean {
  return !certain && sinceMs(context, statusOf(context.record).stepStartedAt) < VISIBILITY_LAG_MS;
}

async function discardSnapshot(context: StepContext, index: number, id: string): Promise<void> {
  await dropIntent(context, index, 'snapshot', { discardedSnapshots: [...(claimAt(context, index).discardedSnapshots ?? []), id] });
}

/** Takes a slot out of a claim's record. */
export async function dropIntent(context: StepContext, index: number, slot: 'snapshot' | 'target', change: Partial<ClaimRecord> = {}): Promise<void> {
  const { [slot]: _dropped, ...rest } = claimAt(context, index);
  await context.save({ claims: claimsOf(context.record).with(index, { ...rest, ...change }) });
}
