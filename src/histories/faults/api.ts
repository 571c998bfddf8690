// Single requests of the product to the API server that go wrong: refused, lost, slow, with and without their effect.

import { isWatch, type HttpRequest } from '../../ports/http.ts';
import type { Random } from '../../ports/random.ts';
import type { Fault as ApiFault } from '../../simulation/apiserver/faults.ts';
import type { FaultKind } from '../faults.ts';

/** Of every request of a process: a move is a hundred of them, and most must come through. */
const RARE = [0.005, 0.1] as const;
/** Waits for the client's own time-out, half a minute each. */
const SLOW_TO_NOTICE = [0.001, 0.01] as const;

export const API_FAULTS: Record<string, FaultKind> = {
  conflict: onWrites((request) => (request.method === 'POST' ? undefined : { kind: 'refuse', code: 409, message: 'the object has been modified; please apply your changes to the latest version and try again' })),
  'too many requests': onAll((_request, random) => ({ kind: 'refuse', code: 429, retryAfterSeconds: 1 + Math.floor(random.next() * 5), message: 'the server has received too many requests' })),
  'internal error': onAll(() => ({ kind: 'refuse', code: 500, message: 'etcdserver: request timed out' })),
  unavailable: onAll((_request, random) => ({ kind: 'refuse', code: 503, ...(random.next() < 0.5 ? { retryAfterSeconds: 1 } : {}) })),
  'gateway timeout': onAll(() => ({ kind: 'refuse', code: 504, message: 'the request did not complete within the time allotted' })),
  'internal error after the effect': onWrites(() => ({ kind: 'wrong answer', code: 500 })),
  'unavailable after the effect': onWrites(() => ({ kind: 'wrong answer', code: 503 })),
  'gateway timeout after the effect': onWrites(() => ({ kind: 'wrong answer', code: 504 })),
  'connection refused': onAll(() => ({ kind: 'lost request' })),
  'lost answer': onWrites(() => ({ kind: 'lost answer' })),
  'slow answer': { chance: [0.01, 0.2], api: (request, random) => (isWatch(request) ? undefined : { kind: 'delay', ms: slowness(random) }) },
  'black hole': { chance: SLOW_TO_NOTICE, api: (request) => (isWatch(request) ? undefined : { kind: 'black hole' }) },
  'black hole after the effect': { chance: SLOW_TO_NOTICE, api: (request) => (isWrite(request) ? { kind: 'silence after' } : undefined) },
};

type Api = (request: HttpRequest, random: Random) => ApiFault | undefined;

function onAll(api: Api): FaultKind {
  return { chance: RARE, api: (request, random) => (isWatch(request) || isSpared(request, random) ? undefined : api(request, random)) };
}

/** Where a read would only be asked again. */
function onWrites(api: Api): FaultKind {
  return { chance: RARE, api: (request, random) => (isWrite(request) && !isSpared(request, random) ? api(request, random) : undefined) };
}

/** Many requests are about the lease, every few seconds: it would have most of the trouble. */
function isSpared({ path }: HttpRequest, random: Random): boolean {
  return path.includes('/leases/') && random.next() < 0.9;
}

export function isWrite({ method, path }: HttpRequest): boolean {
  return method !== 'GET' && !path.includes('dryRun=All');
}

/** 20 ms to a minute, as often short as long: some of it is longer than any client waits. */
function slowness(random: Random): number {
  return Math.round(20 * 3_000 ** random.next());
}
