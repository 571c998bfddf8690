// The pod leaves its node by the Eviction API, so that disruption budgets decide; the StatefulSet re-creates it behind our gate.

import { removeGate, holdPod, ordinalPod } from '../ordinal-pod.ts';
import { courseOf } from '../record.ts';
import { DONE, type Step } from '../step.ts';
import { targetEverAttached } from './ungate.ts';

export const evict: Step = {
  deadline: true,
  run: holdPod,
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
