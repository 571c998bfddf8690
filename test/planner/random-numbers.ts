// Numbers by seed, for instances that can be drawn again.

import { SeededRandom } from '../fakes/random.ts';

export interface Draw {
  /** 0 … below-1. */
  number: (below: number) => number;
  chance: (probability: number) => boolean;
  of: <T>(items: readonly T[]) => T;
}

export function drawFrom(seed: number): Draw {
  const random = new SeededRandom(seed);
  const number = (below: number): number => Math.floor(random.next() * below);
  return { number, chance: (probability) => random.next() < probability, of: (items) => items[number(items.length)]! };
}
