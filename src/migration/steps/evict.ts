// The pod leaves its node by the Eviction API, so that disruption budgets decide; the StatefulSet re-creates it behind our gate.

import { isTerminating } from '../../kubernetes/reading.ts';
import { holdPod, isGated, ordinalPod, removeGate } from '../ordinal-pod.ts';
import { courseOf } from '../record.ts';
import { holdRoom, holdsRoom } from '../reservation/reservation.ts';
import { DONE, type Step, type StepContext, type StepResult } from '../step.ts';
import { targetEverAttached } from './ungate.ts';

export const evict: Step = {
  deadline: true,
  async run(context) {
    const held = await roomForRunning(context);
    return held.kind === 'done' ? holdPod(context) : held;
  },
  /** The claim is back on the old volume by now: the pod may start. One that is re-created later is gated no more. */
  async undo(context) {
    if (courseOf(context.record) !== 'Restore' && (await targetEverAttached(context))) {
      return { kind: 'freeze', reason: 'TargetInUse', message: 'the new disk was attached while the claim was being brought back to the old one: compare the two, then release the record' };
    }
    const pod = await ordinalPod(context);
    if (pod !== undefined) await removeGate(context, pod);
    return DONE;
  },
};

/** A budget may hold up the eviction for long, and the placeholder may be lost meanwhile. A pod that runs waits for another; one that is down does not. */
async function roomForRunning(context: StepContext): Promise<StepResult> {
  if (!holdsRoom(context)) return DONE;
  const pod = await ordinalPod(context);
  const runs = pod !== undefined && !isTerminating(pod) && !isGated(pod);
  return runs ? holdRoom(context) : DONE;
}
