// Trouble between a client and the API server, at the Http seam. What a fault does to a request is decided per request; a watch may be
// cut or fall silent, but what it says is never wrong.

import type { Clock } from '../../ports/clock.ts';
import { isWatch, type Http, type HttpRequest, type HttpResponse } from '../../ports/http.ts';
import { statusOf } from './refusals.ts';
import { ConnectionBroken } from './watching.ts';

export type Fault =
  /** The answer takes this much longer, half of it before the effect. */
  | { kind: 'delay'; ms: number }
  /** Nothing happens; the answer is this refusal. */
  | { kind: 'refuse'; code: number; retryAfterSeconds?: number; message?: string }
  /** Nothing happens, and no answer comes: the connection is refused or reset. */
  | { kind: 'lost request' }
  /** It happens, and no answer comes: the connection breaks. */
  | { kind: 'lost answer' }
  /** It happens, and the answer says 5xx. */
  | { kind: 'wrong answer'; code: number }
  /** Nothing happens, and the client waits until its own time-out. */
  | { kind: 'black hole' }
  /** It happens, and the client waits for the answer until its own time-out. */
  | { kind: 'silence after' }
  /** Of a watch: as the real server says it, when it no longer remembers the version. */
  | { kind: 'expired' }
  /** Of a watch: the connection breaks after so long, or ends as if the server had had enough. */
  | { kind: 'cut'; afterMs: number; how: 'break' | 'end' }
  /** Of a watch: after so long nothing comes any more, and nobody says so. */
  | { kind: 'fall silent'; afterMs: number }
  /** Of a watch: everything that it says comes this much later. */
  | { kind: 'lag'; ms: number };

export interface FaultyHttpOptions {
  clock: Clock;
  /** Asked once for each request. Undefined: none. */
  faultOf: (request: HttpRequest) => Fault | undefined;
  /** Told of each fault that took place. */
  onFault?: ((fault: Fault, request: HttpRequest) => void) | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** The same server behind a bad network. */
export function faultyHttp(http: Http, { clock, faultOf, onFault }: FaultyHttpOptions): Http {
  return {
    async send(request) {
      const fault = faultOf(request);
      if (fault === undefined) return http.send(request);
      onFault?.(fault, request);
      return inTrouble(fault, { http, clock, request });
    },
  };
}

interface Trouble {
  http: Http;
  clock: Clock;
  request: HttpRequest;
}

async function inTrouble(fault: Fault, trouble: Trouble): Promise<HttpResponse> {
  // What needs no time of its own still takes a turn.
  await Promise.resolve();
  const meet = TROUBLES[fault.kind] as (fault: Fault, trouble: Trouble) => Promise<HttpResponse>;
  return meet(fault, trouble);
}

type Of<K extends Fault['kind']> = Extract<Fault, { kind: K }>;

const TROUBLES: { [K in Fault['kind']]: (fault: Of<K>, trouble: Trouble) => Promise<HttpResponse> } = {
  delay: ({ ms }, trouble) => delayed(ms, trouble),
  refuse: async ({ code, message = 'the server is unable to handle the request', retryAfterSeconds }) => refusedWith(code, message, retryAfterSeconds),
  'lost request': async () => {
    throw new ConnectionBroken('connect ECONNREFUSED');
  },
  'lost answer': async (_fault, { http, request }) => {
    await discarded(await http.send(request), request);
    throw new ConnectionBroken('read ECONNRESET');
  },
  'wrong answer': async ({ code }, { http, request }) => {
    await discarded(await http.send(request), request);
    return refusedWith(code, 'the server was unable to return a response in the time allotted, but may still be processing the request');
  },
  'black hole': (_fault, trouble) => timedOut(trouble),
  'silence after': async (_fault, trouble) => {
    await discarded(await trouble.http.send(trouble.request), trouble.request);
    return timedOut(trouble);
  },
  expired: async () => refusedWith(410, 'too old resource version'),
  cut: (fault, trouble) => interrupted(fault, trouble),
  'fall silent': (fault, trouble) => interrupted(fault, trouble),
  lag: async ({ ms }, { http, clock, request }) => {
    const answer = await http.send(request);
    return { ...answer, body: late(answer.body, { ms, clock }) };
  },
};

async function interrupted(fault: Interrupted, { http, clock, request }: Trouble): Promise<HttpResponse> {
  const answer = await http.send(request);
  return { ...answer, body: troubled(answer.body, fault, { clock, request }) };
}

async function delayed(ms: number, { http, clock, request }: Trouble): Promise<HttpResponse> {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
  const isTooLate = ms > timeoutMs;
  await clock.sleep(Math.min(ms / 2, timeoutMs), signal);
  refuseAborted(signal);
  const answer = await http.send(request);
  await clock.sleep(isTooLate ? timeoutMs - Math.min(ms / 2, timeoutMs) : ms / 2, signal);
  refuseAborted(signal);
  if (!isTooLate) return answer;
  await discarded(answer, request);
  throw new ConnectionBroken(`no answer within ${timeoutMs} ms`);
}

async function timedOut({ clock, request: { signal, timeoutMs = DEFAULT_TIMEOUT_MS } }: Trouble): Promise<never> {
  await clock.sleep(timeoutMs, signal);
  refuseAborted(signal);
  throw new ConnectionBroken(`no answer within ${timeoutMs} ms`);
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw signal.reason as Error;
}

/** An answer that nobody gets: of a watch only its beginning exists. */
async function discarded(answer: HttpResponse, request: HttpRequest): Promise<void> {
  const iterator = answer.body[Symbol.asyncIterator]();
  if (isWatch(request)) {
    await iterator.return?.();
    return;
  }
  for (let piece = await iterator.next(); piece.done !== true; piece = await iterator.next());
}

function refusedWith(code: number, message: string, retryAfterSeconds?: number): HttpResponse {
  const details = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } };
  const status = statusOf({ code, reason: REASONS[code] ?? 'InternalError', message, ...details });
  const headers: Record<string, string> = { 'content-type': 'application/json', ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }) };
  return { status: code, headers, body: once(JSON.stringify(status)) };
}

const REASONS: Record<number, string> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

async function* once(text: string): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield new TextEncoder().encode(text);
}

type Interrupted = Of<'cut' | 'fall silent'>;

/** The stream until the fault; then its end, its break, or nothing until the client's time-out. */
async function* troubled(body: AsyncIterable<Uint8Array>, fault: Interrupted, { clock, request }: Pick<Trouble, 'clock' | 'request'>): AsyncGenerator<Uint8Array> {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = request;
  const over = new AbortController();
  const iterator = body[Symbol.asyncIterator]();
  const struck = Symbol('struck');
  const strike = clock.sleep(fault.afterMs, over.signal).then(() => struck);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), strike]);
      if (typeof next === 'symbol') break;
      if (next.done === true) return;
      yield next.value;
    }
    if (fault.kind === 'cut' && fault.how === 'end') return;
    if (fault.kind === 'fall silent') await clock.sleep(timeoutMs, signal);
    refuseAborted(signal);
    throw new ConnectionBroken(fault.kind === 'cut' ? 'read ECONNRESET' : `no data for ${timeoutMs} ms`);
  } finally {
    over.abort();
    // A read under way is answered when the watch ends; nobody waits for it.
    void iterator.return?.();
  }
}

/** Each piece so long after it came; the end, or the break, as well. */
async function* late(body: AsyncIterable<Uint8Array>, { ms, clock }: { ms: number; clock: Clock }): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  const over = new AbortController();
  const coming: Promise<IteratorResult<Uint8Array>>[] = [];
  let more = Promise.withResolvers<void>();
  const read = async (): Promise<void> => {
    for (let ended = false; !ended && !over.signal.aborted; ) {
      const piece = iterator.next();
      ended = await piece.then(({ done }) => done === true, () => true);
      const heard = clock.sleep(ms, over.signal).then(() => piece);
      // It is thrown where the pieces are awaited, unless nobody waits any more.
      heard.catch(() => {});
      coming.push(heard);
      more.resolve();
    }
  };
  void read();
  try {
    for (;;) {
      const next = coming.shift();
      if (next === undefined) {
        await more.promise;
        more = Promise.withResolvers();
        continue;
      }
      const piece = await next;
      if (piece.done === true) return;
      yield piece.value;
    }
  } finally {
    over.abort();
    void iterator.return?.();
  }
}
