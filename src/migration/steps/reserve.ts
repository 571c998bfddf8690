// Before anything is touched: is there a node in the target zone that takes the pod, by the real scheduler's own judgement? It is held until
// the pod comes. There is no undo of its own: whatever a move turns to, the placeholder goes by itself (reservation.ts).

import { imagesPulled } from '../reservation/images.ts';
import { holdRoom } from '../reservation/reservation.ts';
import type { Step } from '../step.ts';

export const reserve: Step = {
  deadline: true,
  limitMs: ({ reserving, stepTimeoutMs }) => Math.max(stepTimeoutMs, reserving.awaitAutoscalerMs ?? 0),
  async run(context) {
    const held = await holdRoom(context);
    return held.kind === 'done' ? imagesPulled(context) : held;
  },
};
