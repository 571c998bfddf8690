// ports/http.ts over undici. Requests share one HTTP/2 connection; it is left for a new one as soon as a request times out on it (a NAT
// or a load balancer may have forgotten it, and nobody says so) or when the TLS material changes. Watches have an HTTP/1.1 connection
// each: none is held up by another's slow reader, and a dead one ends with its own connection.

import { Agent, errors, ProxyAgent, type Dispatcher } from 'undici';
import type { Clock } from '../ports/clock.ts';
import { isWatch, type Http, type HttpRequest, type HttpResponse } from '../ports/http.ts';
import type { Credential, Credentials } from './credentials.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
/** undici counts from when the request is on a connection, and its timers tick coarsely: getting there may take this much more. */
const CONNECTION_SLACK_MS = 2000;
const CONNECT_TIMEOUT_MS = 10_000;

export interface Transport {
  http: Http;
  close(): Promise<void>;
}

interface Pools {
  key: string;
  requests: Dispatcher;
  watches: Dispatcher;
}

export function createTransport({ server, credentials, clock }: { server: string; credentials: Credentials; clock: Clock }): Transport {
  const url = new URL(server);
  const prefix = url.pathname.replace(/\/$/, ''); // Servers behind a path (Rancher, proxies).
  let shared: Pools | undefined;

  function poolFor(request: HttpRequest, credential: Credential): Dispatcher {
    if (shared !== undefined && shared.key !== credential.connectionKey) leave(shared.requests);
    shared ??= { key: credential.connectionKey, requests: createDispatcher(credential, 'shared'), watches: createDispatcher(credential, 'each its own') };
    return isWatch(request) ? shared.watches : shared.requests;
  }

  /** The next request makes new connections; what is under way on the old ones ends by itself. */
  function leave(dispatcher: Dispatcher): void {
    if (shared?.requests !== dispatcher) return;
    const left = shared;
    shared = undefined;
    retire(left.requests);
    retire(left.watches);
  }

  async function exchange(request: HttpRequest, credential: Credential): Promise<HttpResponse> {
    const own = request.freshConnection === true ? createDispatcher(credential, 'each its own') : undefined;
    const dispatcher = own ?? poolFor(request, credential);
    const onError = (error: unknown): void => {
      if (isTimeout(error)) leave(dispatcher);
    };
    try {
      const answer = await dispatch(dispatcher, request, credential);
      return { status: answer.statusCode, headers: flatten(answer.headers), body: bodyOf(answer, { onError, own }) };
    } catch (error) {
      onError(error);
      void own?.destroy();
      throw error;
    }
  }

  async function dispatch(dispatcher: Dispatcher, request: HttpRequest, credential: Credential): Promise<Dispatcher.ResponseData> {
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const deadline = new AbortController();
    const answered = new AbortController();
    void clock.sleep(timeoutMs + CONNECTION_SLACK_MS, answered.signal).then(() => {
      if (!answered.signal.aborted) deadline.abort(new errors.HeadersTimeoutError(`no answer within ${timeoutMs} ms`));
    });
    try {
      return await dispatcher.request({
        origin: url.origin,
        path: prefix + request.path,
        method: request.method,
        headers: { ...request.headers, ...credential.headers },
        body: request.body ?? null,
        signal: request.signal === undefined ? deadline.signal : AbortSignal.any([request.signal, deadline.signal]),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
    } finally {
      answered.abort();
    }
  }

  /** A refused credential (401: nothing was done) is read anew, and what has changed is tried once more. */
  async function send(request: HttpRequest): Promise<HttpResponse> {
    const credential = await credentials.current();
    let response: HttpResponse;
    try {
      response = await exchange(request, credential);
    } catch (error) {
      if (isTlsFailure(error)) credentials.forget();
      throw error;
    }
    if (response.status !== 401 || !(await hasNewer(credential))) return response;
    await drain(response);
    return exchange(request, await credentials.current());
  }

  /** When nothing newer can be read, the server's refusal says more than our failure to read. */
  async function hasNewer(credential: Credential): Promise<boolean> {
    try {
      return await credentials.refresh(credential);
    } catch {
      return false;
    }
  }

  return {
    http: { send },
    async close() {
      const pools = shared;
      shared = undefined;
      await Promise.all([pools?.requests.close(), pools?.watches.close()]);
    },
  };
}

async function* bodyOf(answer: Dispatcher.ResponseData, { onError, own }: { onError: (error: unknown) => void; own: Dispatcher | undefined }): AsyncGenerator<Uint8Array> {
  try {
    yield* answer.body as AsyncIterable<Uint8Array>;
  } catch (error) {
    onError(error);
    throw error;
  } finally {
    void own?.destroy();
  }
}

function createDispatcher({ tls, proxyUrl }: Credential, connections: 'shared' | 'each its own'): Dispatcher {
  const options: Agent.Options = {
    connect: { ...tls, timeout: CONNECT_TIMEOUT_MS, keepAlive: true, keepAliveInitialDelay: 30_000 },
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Longer than the pause between two sweeps' requests, shorter than the API server's own (at least 90 s).
    keepAliveTimeout: 60_000,
    allowH2: connections === 'shared',
  };
  return proxyUrl === undefined ? new Agent(options) : new ProxyAgent({ ...options, uri: proxyUrl, requestTls: tls });
}

/** Ends when what is under way on it has ended. */
function retire(dispatcher: Dispatcher): void {
  dispatcher.close().catch(() => dispatcher.destroy());
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const given = Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined && !entry[0].startsWith(':'));
  return Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]));
}

function isTimeout(error: unknown): boolean {
  return error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
}

/** The server's certificate is not signed by the authority that we know, or it did not like ours: one of them may have been rotated. */
function isTlsFailure(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /CERT|SSL|TLS|SIGNATURE/.test(code);
}

async function drain(response: HttpResponse): Promise<void> {
  for await (const chunk of response.body) void chunk;
}
