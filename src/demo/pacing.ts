// Virtual time led by real time: every few milliseconds it is let pass as far as the clock on the wall and the speed say. Between two
// slices, and between any two that are woken in one, others get their turn: requests from outside, the keyboard, the screen.
//
//   real      ├──30 ms──┼──30 ms──┼──30 ms──┤
//   virtual   ├──1.8 s──┼──1.8 s──┼──1.8 s──┤   at a speed of 60

import type { Clock } from '../ports/clock.ts';

/** Virtual time per real time; `max`: as fast as it goes. */
export type Speed = number | 'max';

/** Virtual time: tasks.ts. */
export interface PassingTime {
  /** @throws what went wrong in it. */
  pass(ms: number): Promise<void>;
}

export interface PacerOptions {
  time: PassingTime;
  speed: Speed;
  /** On the wall. */
  clock: Clock;
}

export const SLICE_MS = 30;
/** A machine that cannot keep up, or was asleep, does not make up for it: time goes slower instead. */
export const LONGEST_SLICE_MS = 90;
/** Of virtual time, when nobody waits for the wall. */
const MAX_SPEED_SLICE_MS = 1_000;

export class Pacer {
  /** Rejects with what went wrong in virtual time; otherwise it is pending until `stop`. */
  readonly running: Promise<void>;
  readonly #options: PacerOptions;
  readonly #stopped = new AbortController();

  /** Time passes from now on; nobody else may let it pass. */
  constructor(options: PacerOptions) {
    this.#options = options;
    this.running = options.speed === 'max' ? this.#race() : this.#follow(options.speed);
    // Whoever waits for it hears of it; nobody has to.
    this.running.catch(() => undefined);
  }

  /** Time stands still. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.running.catch(() => undefined);
  }

  async #follow(speed: number): Promise<void> {
    const { clock, time } = this.#options;
    let last = clock.monotonic();
    while (!this.#over) {
      await clock.sleep(Math.max(0, last + SLICE_MS - clock.monotonic()), this.#stopped.signal);
      const now = clock.monotonic();
      if (!this.#over) await time.pass(Math.min(now - last, LONGEST_SLICE_MS) * speed);
      last = now;
    }
  }

  async #race(): Promise<void> {
    while (!this.#over) await this.#options.time.pass(MAX_SPEED_SLICE_MS);
  }

  get #over(): boolean {
    return this.#stopped.signal.aborted;
  }
}
