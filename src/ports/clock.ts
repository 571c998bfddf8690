// Time as the product sees it. Everything that waits, stamps or measures takes a Clock, so that a simulation can drive it.

import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. May jump; only for stamps that people read. */
  now(): number;
  /** Milliseconds that never go backwards. For durations and deadlines. */
  monotonic(): number;
  /** Resolves after `ms`, or at once (without an error) when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A timer counts in 32 bits: one set for longer goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    if (signal?.aborted === true) return;
    await timer(Math.min(ms, LONGEST_TIMER_MS), signal);
    if (ms > LONGEST_TIMER_MS) await systemClock.sleep(ms - LONGEST_TIMER_MS, signal);
  },
};

async function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (signal?.aborted !== true) throw error;
  });
}

/** RFC 3339 with milliseconds, e.g. `2026-11-20T10:00:00.000Z`. */
export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}
