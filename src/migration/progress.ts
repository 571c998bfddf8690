// How far a move is, 0–100: by step, with the snapshot's own progress inside its share. A picture for people, nothing is decided by it.

import type { StepName } from './record.ts';

const BEGINS_AT: Record<StepName, number> = { rehearse: 0, reserve: 1, keepSource: 2, evict: 4, detach: 8, snapshot: 15, createDisk: 50, createVolume: 70, swapClaim: 75, ungate: 82, ready: 85, settle: 98 };
const ENDS_AT: Record<StepName, number> = { rehearse: 1, reserve: 2, keepSource: 4, evict: 8, detach: 15, snapshot: 50, createDisk: 70, createVolume: 75, swapClaim: 82, ungate: 85, ready: 98, settle: 100 };

/** `part` of the step is done, 0–1. */
export function progressAt(step: StepName, part = 0): number {
  return Math.floor(BEGINS_AT[step] + (ENDS_AT[step] - BEGINS_AT[step]) * part);
}
