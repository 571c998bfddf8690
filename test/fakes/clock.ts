// Time under the test's control: sleepers wake in the order of their due times, each with the clock exactly at its due time, and
// everything that follows from one of them is done before the next one wakes.

import type { Clock } from '../../src/ports/clock.ts';

interface Sleeper {
  dueAt: number;
  wake: () => void;
}

/** Two turns of the event loop: promise chains of any length end, and so does what they hand to setImmediate. */
export async function settleEverything(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

export class FakeClock implements Clock {
  #wallMs: number;
  #monotonicMs = 1000;
  // Sorted by due time; of equal due times the one that fell asleep first wakes first.
  #sleepers: Sleeper[] = [];

  constructor(start = '2026-01-01T00:00:00.000Z') {
    this.#wallMs = Date.parse(start);
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = { dueAt: this.#monotonicMs + Math.max(0, ms), wake: () => {} };
      const onAbort = (): void => {
        this.#remove(sleeper);
        resolve();
      };
      sleeper.wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#insert(sleeper);
    });
  }

  /** How many are asleep. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Lets `ms` pass: whoever is due meanwhile wakes in order, those who fall asleep on the way included. */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonicMs + ms;
    await settleEverything();
    for (let next = this.#sleepers[0]; next !== undefined && next.dueAt <= until; next = this.#sleepers[0]) {
      await this.#wakeNext(next);
    }
    this.#moveTo(until);
    await settleEverything();
  }

  /** Lets time pass until the promise settles, and gives what it gives. @throws when it is still open after `limitMs` (default one hour). */
  async settle<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.until(() => settled, limitMs);
    return promise;
  }

  /** Lets time pass, from sleeper to sleeper, until the condition holds. @throws after `limitMs`, or when nobody sleeps and it still does not hold. */
  async until(condition: () => boolean, limitMs = 3_600_000): Promise<void> {
    const limit = this.#monotonicMs + limitMs;
    await settleEverything();
    while (!condition()) {
      const next = this.#sleepers[0];
      if (next === undefined) throw new Error('FakeClock: what is awaited has not happened, and nobody sleeps: time cannot bring it');
      if (next.dueAt > limit) throw new Error(`FakeClock: what is awaited has not happened within ${limitMs} ms`);
      await this.#wakeNext(next);
    }
  }

  /** The wall clock is set (NTP, an operator); monotonic time and sleepers do not notice. */
  jumpWallClock(ms: number): void {
    this.#wallMs += ms;
  }

  async #wakeNext(next: Sleeper): Promise<void> {
    this.#moveTo(Math.max(next.dueAt, this.#monotonicMs));
    this.#remove(next);
    next.wake();
    await settleEverything();
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }

  #insert(sleeper: Sleeper): void {
    const after = this.#sleepers.findIndex((other) => other.dueAt > sleeper.dueAt);
    this.#sleepers.splice(after === -1 ? this.#sleepers.length : after, 0, sleeper);
  }

  #remove(sleeper: Sleeper): void {
    const at = this.#sleepers.indexOf(sleeper);
    if (at !== -1) this.#sleepers.splice(at, 1);
  }
}
