// Leadership as the rest of the product sees it, and the fence that lets no write through without it. The lease alone is no fence (a
// process may be paused between the check and the write); the record's epoch is. But what can be stopped here is stopped here.

import type { Http } from '../ports/http.ts';

export interface Leadership {
  /** `leaseTransitions` of the Lease: every holder, and every process, has another one. */
  readonly epoch: number;
  /** Whether the renewal deadline of the last renewal, on the monotonic clock, is still ahead. */
  held(): boolean;
  /** @throws LeaseLost */
  assertHeld(): void;
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal;
}

/** Somebody else may act as leader by now: stop, write nothing, exit. */
export class LeaseLost extends Error {
  readonly retriable = false;
  constructor(message: string) {
    super(message);
    this.name = 'LeaseLost';
  }
}

/** The same HTTP, but a request that may change something is refused unless the lease is held, and broken off when it gets lost. @throws LeaseLost */
export function fence(http: Http, leadership: Leadership): Http {
  return {
    async send(request) {
      if (request.method === 'GET') return http.send(request);
      leadership.assertHeld();
      const signal = request.signal === undefined ? leadership.signal : AbortSignal.any([request.signal, leadership.signal]);
      return http.send({ ...request, signal });
    },
  };
}
