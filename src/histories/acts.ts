// What people, and Kubernetes in a bad mood, do while moves are in flight, by name.

import type { HistoryWorld } from './world.ts';

export interface Act {
  /** Whatever is left to be chosen is chosen by the lot in [0, 1). @throws Refusal: somebody said no, which is an answer too. */
  perform(world: HistoryWorld, lot: number): Promise<void>;
}

export const ACTS: Record<string, Act> = {};
