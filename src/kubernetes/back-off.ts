// Longer and longer waits between tries, each with chance in it so that many who failed together do not come back together.

import type { Random } from '../ports/random.ts';

export interface BackOffTiming {
  firstMs: number;
  longestMs: number;
}

export class BackOff {
  readonly #timing: BackOffTiming;
  readonly #random: Random;
  #failures = 0;

  constructor(timing: BackOffTiming, random: Random) {
    this.#timing = timing;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** The next wait: doubled each time up to the longest, of which between half and all. */
  next(): number {
    const full = Math.min(this.#timing.longestMs, this.#timing.firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return full * (0.5 + this.#random.next() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
