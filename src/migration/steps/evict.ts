// The pod leaves its node by the Eviction API, so that disruption budgets decide; the StatefulSet re-creates it behind our gate.

import { removeGate, holdPod, ordinalPod } from '../ordinal-pod.ts';
import { DONE, type Step } from '../step.ts';

export const evict: Step = {
  deadline: true,
  run: holdPod,
  /** The claim is back on the old volume by now: the pod may start. One that is re-created later is gated no more. */
  async undo(context) {
    const pod = await ordinalPod(context);
    if (pod !== undefined) await removeGate(context, pod);
    return DONE;
  },
};
