// /metrics, /healthz and /readyz, and room for a page beside them. Readiness is a list of named checks; the answer says how each of them is.

import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { Log } from '../ports/log.ts';
import type { Metrics } from './metrics.ts';

export interface HealthCheck {
  /** E.g. `watches`, `lease`, `certificate`. */
  name: string;
  /** Undefined: well. Else why not, for people. */
  problem(): string | undefined | Promise<string | undefined>;
}

export interface ObservabilityOptions {
  metrics: Metrics;
  /** When one fails the process should get no traffic, or does not do its work. */
  readiness: readonly HealthCheck[];
  /** When one fails the process should be restarted: only what a restart heals. */
  liveness?: readonly HealthCheck[];
  /** Gets every other request. */
  page?: RequestHandler | undefined;
  log: Log;
}

export function createObservabilityApp({ metrics, readiness, liveness = [], page, log }: ObservabilityOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  // Express 5 hands a rejection on to the error handler.
  app.get('/metrics', (request, response) => sendMetrics(metrics, request, response));
  app.get('/healthz', (_request, response) => answer(response, liveness));
  app.get('/readyz', (_request, response) => answer(response, readiness));
  if (page !== undefined) app.use(page);
  // Express recognises it by its four parameters.
  app.use((error: unknown, _request: unknown, response: Response, _next: unknown) => {
    log.error('a request to the observability server failed', { error });
    response.status(500).type('text/plain').send('internal error, see the log\n');
  });
  return app;
}

async function sendMetrics(metrics: Metrics, request: Request, response: Response): Promise<void> {
  const { contentType, text } = await metrics.expose(request.headers.accept);
  response.setHeader('content-type', contentType);
  response.end(text);
}

export interface HttpServer {
  port: number;
  /** Resolves when no connection is left. */
  close(): Promise<void>;
}

/** @throws Error for people when the address cannot be had. */
export async function serve(app: Express, { host, port }: { host?: string; port: number }): Promise<HttpServer> {
  const server = await listen(app, host, port);
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Server = ReturnType<Express['listen']>;

function listen(app: Express, host: string | undefined, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    // Express calls back with an error, too.
    const listening = (error?: Error): void => {
      if (error === undefined) resolve(server);
      else reject(new Error(`cannot listen at ${host ?? ''}:${port}: ${error.message}`, { cause: error }));
    };
    const server = host === undefined ? app.listen(port, listening) : app.listen(port, host, listening);
  });
}

/** One line per check, `[+]name ok` or `[-]name: why not`, as the API server's own; 503 when one fails. */
async function answer(response: Response, checks: readonly HealthCheck[]): Promise<void> {
  const results = await Promise.all(checks.map(async (check) => ({ name: check.name, problem: await problemOf(check) })));
  const healthy = results.every(({ problem }) => problem === undefined);
  const lines = results.map(({ name, problem }) => (problem === undefined ? `[+]${name} ok` : `[-]${name}: ${problem}`));
  response.status(healthy ? 200 : 503).type('text/plain').setHeader('cache-control', 'no-store');
  response.send(`${[...lines, healthy ? 'ok' : 'not ok'].join('\n')}\n`);
}

async function problemOf(check: HealthCheck): Promise<string | undefined> {
  try {
    return await check.problem();
  } catch (error) {
    return `the check itself failed: ${(error as Error).message}`;
  }
}
