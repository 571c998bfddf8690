// What people, and Kubernetes in a bad mood, do while moves are in flight, by name.

import { ADMISSION_ACTS } from './acts/admission.ts';
import { CLAIM_ACTS } from './acts/claims.ts';
import { CLOUD_ACTS } from './acts/cloud.ts';
import { EVACUATION_ACTS } from './acts/evacuation.ts';
import { POD_ACTS } from './acts/pods.ts';
import { POLICY_ACTS } from './acts/policy.ts';
import { RECORD_ACTS } from './acts/records.ts';
import { SET_ACTS } from './acts/sets.ts';
import type { HistoryWorld } from './world.ts';

export { EXCUSES } from './acts/excuses.ts';
export { CloudSaidNo, isSecondHalfToCome, NothingToDo } from './acts/scene.ts';

export interface Act {
  /**
   * Whatever is left to be chosen is chosen by the lot in [0, 1). Waits for its moment while trouble lasts; what it takes away for a while
   * it puts back by itself, then or later. @throws Refusal, CloudSaidNo: somebody said no, which is an answer
   * too; NothingToDo when its moment did not come.
   */
  perform(world: HistoryWorld, lot: number): Promise<void>;
}

/** Refused unless there is a hole in the guards at that very moment: being refused is what shows that they stand. */
export const REFUSED_ACTS: ReadonlySet<string> = new Set(['delete a record in flight', "write a record's status", 'take our labels off', 'declare nonsense']);

export const ACTS: Record<string, Act> = {
  ...SET_ACTS,
  ...POD_ACTS,
  ...CLAIM_ACTS,
  ...RECORD_ACTS,
  ...POLICY_ACTS,
  ...CLOUD_ACTS,
  ...ADMISSION_ACTS,
  ...EVACUATION_ACTS,
};
