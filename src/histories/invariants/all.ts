// Every invariant of the design, in the order of its numbers.

import type { InvariantOf } from '../world.ts';

export const INVARIANTS: readonly InvariantOf[] = [];
