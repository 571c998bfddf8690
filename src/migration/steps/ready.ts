// The pod on its new disk: Ready within ready-timeout, and still Ready after health-duration. A rollout may replace it meanwhile: the
// ordinal is judged, not the pod's UID.

import { isReady, ordinalPod, releasePod } from '../ordinal-pod.ts';
import type { MigrationTerms } from '../record.ts';
import type { Pod } from '../../kubernetes/objects.ts';
import { DONE, sinceMs, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { targetEverAttached } from './ungate.ts';

export const DEFAULT_TERMS: MigrationTerms = { readyTimeoutMs: 600_000, healthDurationMs: 60_000, onUnready: 'hold', snapshotRetentionMs: 86_400_000 };

export const ready: Step = {
  // ready-timeout ends it, and only an attach decides how.
  deadline: false,
  async run(context) {
    const progress = await judgeReady(context);
    if (progress.kind !== 'overdue') return progress;
    if (!(await targetEverAttached(context))) return { kind: 'giveUp', reason: progress.reason, message: progress.message };
    return afterNoReturn(context, progress);
  },
};

type Overdue = { kind: 'overdue'; reason: string; message: string };

/** Watches the ordinal; `overdue` when ready-timeout has passed without Ready. */
export async function judgeReady(context: StepContext): Promise<StepResult | Overdue> {
  const pod = await ordinalPod(context);
  // A pod that was created while the webhook's cache still said "gate" would wait for ever.
  if (pod !== undefined) await releasePod(context, pod);
  const terms = context.record.status?.terms ?? DEFAULT_TERMS;
  return isReady(pod) ? healthy(context, terms) : notReady(context, terms, pod);
}

async function healthy(context: StepContext, terms: MigrationTerms): Promise<StepResult> {
  const { status } = context.record;
  if (status?.readySince === undefined) {
    const now = context.clock.now();
    const downtime = status?.unavailableSince === undefined ? 0 : (now - Date.parse(status.unavailableSince)) / 1000;
    await context.save({ readySince: new Date(now).toISOString(), downtimeSeconds: status?.downtimeSeconds ?? Math.max(0, Math.round(downtime * 1000) / 1000) });
  }
  const leftMs = terms.healthDurationMs - sinceMs(context, context.record.status?.readySince);
  return leftMs <= 0 ? DONE : wait('Observing', 'the pod is Ready on its new disk and is watched for the health duration', leftMs);
}

async function notReady(context: StepContext, terms: MigrationTerms, pod: Pod | undefined): Promise<StepResult | Overdue> {
  const { status } = context.record;
  if (status?.readySince !== undefined) await context.save({ readySince: undefined, awaitingReadySince: new Date(context.clock.now()).toISOString() });
  else if (status?.awaitingReadySince === undefined) await context.save({ awaitingReadySince: new Date(context.clock.now()).toISOString() });
  const leftMs = terms.readyTimeoutMs - sinceMs(context, context.record.status?.awaitingReadySince);
  const { reason, message } = whyNotReady(context, pod);
  return leftMs <= 0 ? { kind: 'overdue', reason, message } : wait('AwaitingReady', message, Math.min(leftMs, 5_000));
}

function whyNotReady(context: StepContext, pod: Pod | undefined): { reason: string; message: string } {
  const name = `${context.record.spec.statefulSetRef.name}-${context.record.spec.ordinal}`;
  if (pod === undefined) return { reason: 'PodMissing', message: `pod ${name} has not been re-created` };
  const scheduled = (pod.status?.conditions ?? []).find((condition) => condition.type === 'PodScheduled');
  if ((pod.spec.nodeName ?? '') === '') return { reason: 'Unschedulable', message: `pod ${name} is not scheduled: ${scheduled?.message ?? 'no word from the scheduler yet'}` };
  return { reason: 'NotReady', message: `pod ${name} on node ${pod.spec.nodeName ?? ''} is not Ready` };
}

/** The new disk may have been written to: no undo. What was declared happens, and nothing else. */
function afterNoReturn(context: StepContext, overdue: Overdue): StepResult {
  // A move that takes another back is never taken back itself: that would go on for ever.
  const answer = context.record.spec.reason === 'Reverse' ? 'hold' : (context.record.status?.terms?.onUnready ?? 'hold');
  const said = `${overdue.message} within the ready-timeout, and its new disk has been attached`;
  if (answer === 'restore-source') return { kind: 'restore', message: said };
  if (answer === 'reverse') return { kind: 'freeze', reason: 'Reversing', message: `${said}; the move is taken back by a move in the other direction` };
  return { kind: 'freeze', reason: 'NotReady', message: `${said}; mend the pod (it goes on by itself once Ready), or annotate this record with zonespread.io/request: reverse, restore-source or release` };
}
