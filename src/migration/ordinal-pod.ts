// The pod of the ordinal under way: what it is doing now, holding it behind the gate, and letting it go.

import { isBudgetExhausted, isConflict, isNotFound } from '../kubernetes/refusals.ts';
import { GATE } from '../kubernetes/names.ts';
import { pods, type Pod } from '../kubernetes/objects.ts';
import { asRead, conditionOf, isScheduled, isTerminating, isTrue, uidOf } from '../kubernetes/reading.ts';
import { timestamp } from '../ports/clock.ts';
import { podNameOf, statusOf } from './record.ts';
import { webhookGates } from './rehearsal.ts';
import { DONE, namespaceOf, sinceMs, wait, type StepContext, type StepResult } from './step.ts';

export async function ordinalPod(context: StepContext): Promise<Pod | undefined> {
  return context.api.get(pods, { namespace: namespaceOf(context), name: podNameOf(context.record) });
}

export function isGated(pod: Pod): boolean {
  return (pod.spec.schedulingGates ?? []).some((gate) => gate.name === GATE) && !isScheduled(pod);
}

export function isReady(pod: Pod | undefined): boolean {
  return pod !== undefined && !isTerminating(pod) && isTrue(pod, 'Ready');
}

/**
 * `done` when no pod of the ordinal can touch its disks: there is none, or it is gated. Otherwise evicts it (the disruption budget
 * decides) and waits. A pod that slipped past the webhook is evicted again, but only once the webhook gates, and not as fast as it goes.
 */
export async function holdPod(context: StepContext): Promise<StepResult> {
  const pod = await ordinalPod(context);
  if (pod === undefined || (isGated(pod) && !isTerminating(pod))) return DONE;
  if (isTerminating(pod)) {
    await recordNode(context, pod);
    return wait('PodTerminating', `pod ${pod.metadata.name} is terminating`, 1_000);
  }

  const early = tooEarlyToEvict(context, pod);
  if (early > 0) return wait('WebhookNotReady', `pod ${pod.metadata.name} came without the scheduling gate, perhaps by a webhook that does not know yet how far the move is; it is evicted again`, early);
  const gating = await webhookGates(context);
  if (gating.kind !== 'done') return gating;
  await recordEviction(context, pod);
  return evictPod(context, pod);
}

const SLIPPED_MS = 1_500;

/**
 * A webhook that knows the move, but not yet that it evicts, gates the probe and not the pod: for as long as it is behind each new pod slips
 * through. In ms; a clock that was ahead when the last one was evicted holds nothing up.
 */
function tooEarlyToEvict(context: StepContext, pod: Pod): number {
  const { podUID, evictedAt } = statusOf(context.record);
  if (evictedAt === undefined || podUID === uidOf(pod)) return 0;
  const agoMs = sinceMs(context, evictedAt);
  return agoMs < 0 ? 0 : SLIPPED_MS - agoMs;
}

async function evictPod(context: StepContext, pod: Pod): Promise<StepResult> {
  try {
    await context.api.evict({ namespace: namespaceOf(context), name: pod.metadata.name, uid: uidOf(pod) });
  } catch (error) {
    if (isBudgetExhausted(error)) {
      return wait('DisruptionBudgetExhausted', `pod ${pod.metadata.name} may not be evicted now: ${error.message}`, error.retryAfterMs ?? 5_000);
    }
    if (isNotFound(error) || isConflict(error)) return wait('PodChanged', `pod ${pod.metadata.name} was replaced meanwhile`, 50);
    throw error;
  }
  return wait('PodTerminating', `pod ${pod.metadata.name} was evicted`, 1_000);
}

/** Which pod, on which node, since when: persisted before the eviction. */
async function recordEviction(context: StepContext, pod: Pod): Promise<void> {
  const { nodeName, unavailableSince } = statusOf(context.record);
  await context.save({ podUID: uidOf(pod), evictedAt: timestamp(context.clock), nodeName: pod.spec.nodeName ?? nodeName, unavailableSince: unavailableSince ?? notReadySince(pod) ?? timestamp(context.clock) });
}

/** A pod that had no node when it was evicted may have been bound to one before it went: that node is asked about its volumes. */
async function recordNode(context: StepContext, pod: Pod): Promise<void> {
  if (isScheduled(pod) && statusOf(context.record).nodeName !== pod.spec.nodeName) await context.save({ nodeName: pod.spec.nodeName });
}

/** Of a pod that was down before we came. */
function notReadySince(pod: Pod): string | undefined {
  return isTrue(pod, 'Ready') ? undefined : conditionOf(pod, 'Ready')?.lastTransitionTime;
}

/**
 * `done` when no pod can touch the disks: there is none, or it is gated and nobody was about to let it go. Otherwise it is deleted as it
 * was read (a bind to a node wins by a conflict), but only once the webhook gates its successor.
 */
export async function recallPod(context: StepContext): Promise<StepResult> {
  const pod = await ordinalPod(context);
  if (pod === undefined) return DONE;
  if (isTerminating(pod)) return wait('PodTerminating', `pod ${pod.metadata.name} is terminating`, 100);
  if (isGated(pod) && uidOf(pod) !== statusOf(context.record).releasedPodUID) return DONE;
  const gating = await webhookGates(context);
  if (gating.kind === 'wait' && gating.reason !== 'OwnerGone') return gating;
  await context.save({ nodeName: pod.spec.nodeName ?? statusOf(context.record).nodeName });
  await context.api.delete(pods, { namespace: namespaceOf(context), name: pod.metadata.name }, asRead(pod));
  return wait('PodTerminating', `pod ${pod.metadata.name} is taken back behind the gate`, 50);
}

/** Lets a gated pod go to the scheduler. Recorded first: should another daemon undo the move in between, this very pod must not be let go in the middle of that. */
export async function releasePod(context: StepContext, pod: Pod): Promise<void> {
  if (!isGated(pod)) return;
  await context.save({ releasedPodUID: uidOf(pod) });
  await removeGate(context, pod);
}

/** Takes our gate off this very pod; other gates stay. A pod that has none, or is gone, is left alone. */
export async function removeGate(context: Pick<StepContext, 'api'>, pod: Pod): Promise<void> {
  const index = (pod.spec.schedulingGates ?? []).findIndex((gate) => gate.name === GATE);
  if (index === -1) return;
  await context.api.jsonPatch(pods, { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name }, [
    { op: 'test', path: '/metadata/uid', value: pod.metadata.uid },
    { op: 'test', path: `/spec/schedulingGates/${index}/name`, value: GATE },
    { op: 'remove', path: `/spec/schedulingGates/${index}` },
  ]);
}
