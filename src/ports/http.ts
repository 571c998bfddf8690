// One HTTP exchange with the Kubernetes API server. The real one is undici with one shared pool (kubernetes/config.ts); a simulated
// API server answers at the same place.

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, e.g. `/api/v1/pods?limit=500`. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Aborts the exchange, the body's iteration included. */
  signal?: AbortSignal;
  /** Longest wait for the answer's headers and between two pieces of its body, in ms. Without it 30 s. */
  timeoutMs?: number;
  /** A connection of its own instead of the pool's: for probes that should reach every API server behind a balancer. */
  freshConnection?: boolean;
}

export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** The body as it arrives. Must be read to the end or aborted by the request's signal. */
  body: AsyncIterable<Uint8Array>;
}

export interface Http {
  /** Resolves with any answer that the server gave, errors of status 4xx and 5xx included. @throws when there was none: refused, reset, timed out, aborted. */
  send(request: HttpRequest): Promise<HttpResponse>;
}

export function isWatch({ path }: Pick<HttpRequest, 'path'>): boolean {
  return /[?&]watch=(1|true)(&|$)/.test(path);
}
