// What the daemon has to learn before it works, asked for until it is answered. An API server that restarts, or is too busy for a moment,
// must not end a daemon that has just begun: Kubernetes starts what ends by itself again, but later and later, up to minutes after the
// API server is back.

import { ApiError, ApiUnreachable } from '../kubernetes/api.ts';
import { BackOff } from '../kubernetes/back-off.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';

export interface Patience {
  clock: Clock;
  random: Random;
  log: Log;
  /** Ends the asking. What is under way is broken off only if it looks at the signal, too. */
  signal: AbortSignal;
}

/** The longest is what a daemon may be late by. */
const BACK_OFF = { firstMs: 500, longestMs: 10_000 };

/** Undefined when the signal aborts first. @throws at once what waiting does not change: a refusal, or something that is missing. */
export async function untilAnswered<T extends string | boolean | object>(ask: () => Promise<T>, { clock, random, log, signal }: Patience): Promise<T | undefined> {
  const backOff = new BackOff(BACK_OFF, random);
  while (!signal.aborted) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) break;
      if (!passes(error)) throw error;
      const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
      const waitMs = Math.max(asked, backOff.next());
      log.warn('the API server does not answer what has to be known before the work begins; it is asked again', { error, retryInMs: Math.round(waitMs) });
      await clock.sleep(waitMs, signal);
    }
  }
  return undefined;
}

/** Whether it may go away by itself. */
function passes(error: unknown): error is ApiError | ApiUnreachable {
  return error instanceof ApiUnreachable || (error instanceof ApiError && error.retriable);
}
