// Where a simulated play may end otherwise than a real one, each with the reason. Empty is best.

export interface Difference {
  /** Name of the scenario. */
  scenario: string;
  reason: string;
}

export const DIFFERENCES: readonly Difference[] = [];
