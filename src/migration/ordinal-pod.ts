// The pod of the ordinal under way: what it is doing now, holding it behind the gate, and letting it go.

import { isBudgetExhausted, isConflict, isNotFound } from '../kubernetes/refusals.ts';
import { GATE } from '../kubernetes/names.ts';
import { pods, type Pod } from '../kubernetes/objects.ts';
import { podNameOf } from './record.ts';
import { webhookGates } from './rehearsal.ts';
import { DONE, namespaceOf, wait, type StepContext, type StepResult } from './step.ts';

export async function ordinalPod(context: StepContext): Promise<Pod | undefined> {
  return context.api.get(pods, { namespace: namespaceOf(context), name: podNameOf(context.record) });
}

export function isGated(pod: Pod): boolean {
  return (pod.spec.schedulingGates ?? []).some((gate) => gate.name === GATE) && (pod.spec.nodeName ?? '') === '';
}

export function isReady(pod: Pod | undefined): boolean {
  return pod !== undefined && pod.metadata.deletionTimestamp === undefined && (pod.status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

/**
 * `done` when no pod of the ordinal can touch its disks: there is none, or it is gated. Otherwise evicts it (the disruption budget
 * decides) and waits. A pod that slipped past the webhook is evicted again, but only once the webhook gates.
 */
export async function holdPod(context: StepContext): Promise<StepResult> {
  const pod = await ordinalPod(context);
  if (pod === undefined || (isGated(pod) && pod.metadata.deletionTimestamp === undefined)) return DONE;
  if (pod.metadata.deletionTimestamp !== undefined) return wait('PodTerminating', `pod ${pod.metadata.name} is terminating`, 1_000);

  const gating = await webhookGates(context);
  if (gating.kind !== 'done') return gating;
  await recordEviction(context, pod);
  try {
    await context.api.evict({ namespace: namespaceOf(context), name: pod.metadata.name, uid: pod.metadata.uid ?? '' });
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
  const status = context.record.status ?? {};
  const ready = (pod.status?.conditions ?? []).find((condition) => condition.type === 'Ready');
  const now = new Date(context.clock.now()).toISOString();
  await context.save({
    podUID: pod.metadata.uid,
    nodeName: pod.spec.nodeName ?? status.nodeName,
    unavailableSince: status.unavailableSince ?? (ready?.status === 'True' ? now : (ready?.lastTransitionTime ?? now)),
  });
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
