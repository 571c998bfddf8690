// What may happen to one request of the product, whatever the request: its process is killed around it, or it gets another answer than
// the true one. One list for the API server and for the cloud.

import type { EcsAction, EcsAnswer, EcsCall, EcsParameters } from '../../src/ports/ecs-call.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { faultyHttp, type Fault } from '../../src/simulation/apiserver/faults.ts';
import type { Http, HttpRequest, HttpResponse } from '../../src/ports/http.ts';
import { sdkError, type Exchange } from '../../src/simulation/ecs/exchange.ts';

/** The process dies: nothing that it would still do happens, and the next one knows only what is recorded. */
export const CRASHES = [
  'crash before the effect',
  'crash after the effect, before the answer',
  'crash after the answer, before the next request',
  // The request had left the process: it takes effect while the next daemon is at work already.
  'crash, and the effect comes late',
] as const;

export const WRONG_ANSWERS = ['403', '409', '429', '500 without the effect', '500 after the effect', 'time-out without the effect', 'time-out after the effect'] as const;

export const TROUBLES = [...CRASHES, ...WRONG_ANSWERS] as const;
export type Crash = (typeof CRASHES)[number];
export type WrongAnswer = (typeof WRONG_ANSWERS)[number];
export type Trouble = (typeof TROUBLES)[number];

export function isCrash(trouble: Trouble): trouble is Crash {
  return (CRASHES as readonly string[]).includes(trouble);
}

/** Both clients' time-out in the matrix, in virtual ms. */
export const TIMEOUT_MS = 2_000;
const RETRY_AFTER_SECONDS = 1;

const KUBERNETES: Record<WrongAnswer, Fault> = {
  '403': { kind: 'refuse', code: 403, message: 'forbidden: not now' },
  '409': { kind: 'refuse', code: 409, message: 'Operation cannot be fulfilled: the object has been modified' },
  '429': { kind: 'refuse', code: 429, message: 'too many requests, please try again later', retryAfterSeconds: RETRY_AFTER_SECONDS },
  '500 without the effect': { kind: 'refuse', code: 500, message: 'etcdserver: leader changed' },
  '500 after the effect': { kind: 'wrong answer', code: 500 },
  'time-out without the effect': { kind: 'black hole' },
  'time-out after the effect': { kind: 'silence after' },
};

export function answeredWrongly(http: Http, request: HttpRequest, on: { trouble: WrongAnswer; clock: Clock }): Promise<HttpResponse> {
  return faultyHttp(http, { clock: on.clock, faultOf: () => KUBERNETES[on.trouble] }).send(request);
}

type Failure = Exclude<Exchange, { kind: 'answer' }>;

/** What each of them is called at the cloud. */
const CLOUD: Record<WrongAnswer, { effect: boolean; failure: Failure }> = {
  '403': refused({ status: 403, code: 'Forbidden.RAM', message: 'User not authorized to operate on the specified resource.' }),
  '409': refused({ status: 403, code: 'IncorrectDiskStatus', message: 'The current disk status does not support this operation.' }),
  '429': refused({ status: 400, code: 'Throttling.User', message: 'Request was denied due to user flow control.', retryAfterMs: RETRY_AFTER_SECONDS * 1000 }),
  '500 without the effect': refused({ status: 500, code: 'InternalError', message: 'The request processing has failed due to some unknown error.' }),
  '500 after the effect': { ...refused({ status: 500, code: 'InternalError', message: 'The request processing has failed due to some unknown error.' }), effect: true },
  'time-out without the effect': { effect: false, failure: { kind: 'lost', how: 'timeout', afterMs: TIMEOUT_MS } },
  'time-out after the effect': { effect: true, failure: { kind: 'lost', how: 'timeout', afterMs: TIMEOUT_MS } },
};

function refused({ retryAfterMs, ...error }: { status: number; code: string; message: string; retryAfterMs?: number }): { effect: false; failure: Failure } {
  return { effect: false, failure: { kind: 'error', requestId: 'MATRIX', retryAfterMs, ...error } };
}

export async function failedByTheCloud(ecs: EcsCall, call: { action: EcsAction; parameters: EcsParameters }, on: { trouble: WrongAnswer; clock: Clock }): Promise<EcsAnswer> {
  const { effect, failure } = CLOUD[on.trouble];
  // Whatever the true answer is, a refusal included: nobody gets it.
  if (effect) await Promise.allSettled([ecs.call(call.action, call.parameters)]);
  if (failure.kind === 'lost') await on.clock.sleep(failure.afterMs);
  throw sdkError(failure);
}
