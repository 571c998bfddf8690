// What comes back for one call: as data for the HTTP server, and as the errors that the SDK makes of it for callers in the process.

import type { EcsAnswer } from '../../ports/ecs-call.ts';

export type Exchange =
  | { kind: 'answer'; body: EcsAnswer }
  | { kind: 'error'; status: number; code: string; message: string; requestId: string; retryAfterMs: number | undefined }
  | { kind: 'broken'; status: number; body: string }
  | { kind: 'lost'; how: 'timeout' | 'reset'; afterMs: number };

type Failure = Exclude<Exchange, { kind: 'answer' }>;

/** The error that the SDK throws for this: ClientError, ServerError, ThrottlingError, or one without a code of the API. */
export function sdkError(failure: Failure): Error {
  if (failure.kind === 'error') return apiError(failure);
  if (failure.kind === 'broken') return new SyntaxError(`Unexpected token in JSON: ${failure.body.slice(0, 20)}`);
  if (failure.how === 'reset') return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  const timeout = new Error('ReadTimeout: the simulated cloud gave no answer.');
  timeout.name = 'RequestTimeoutError';
  return timeout;
}

function apiError(failure: Extract<Failure, { kind: 'error' }>): Error {
  const { code, status, message, requestId } = failure;
  const error = Object.assign(new Error(`${code}: code: ${status}, ${message} request id: ${requestId}`), {
    code,
    statusCode: status,
    requestId,
    data: { Code: code, Message: message, RequestId: requestId },
    ...(failure.retryAfterMs === undefined ? {} : { retryAfter: failure.retryAfterMs }),
  });
  error.name = errorName(code, status);
  return error;
}

function errorName(code: string, status: number): string {
  if (code.includes('Throttling')) return 'ThrottlingError';
  return status < 500 ? 'ClientError' : 'ServerError';
}
