// The webhook's listener: HTTPS, for the API server's reviews. Whatever comes in gets an answer: too large 413, malformed 400, not ready
// 503; a rule that throws is answered as judge.ts says.

import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Certificates } from './certificates.ts';
import { createDesk, PATHS, type DeskOptions } from './desk.ts';
import type { ListenAddress } from './listen.ts';
import { MalformedReview } from './review.ts';

/** Twice the 3 MiB that the API server takes in a request (object and oldObject), with room for the envelope. */
export const BODY_LIMIT_BYTES = 7 * 1024 * 1024;

const TIMES = {
  /** A client that dribbles its headers or body is cut off: the API server gives up on us after two seconds itself. */
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  /** Longer than the 90 s after which Go's client gives up an idle connection, so that it is never we who close one under a request. */
  keepAliveTimeout: 120_000,
} as const;
const MAX_HEADER_BYTES = 16 * 1024;
/** Connections still open so long after the last review has been answered are cut. */
const DRAIN_LIMIT_MS = 5_000;
const DRAIN_STEP_MS = 50;

export interface ReviewServerOptions extends DeskOptions {
  listen: ListenAddress;
  certificates: Pick<Certificates, 'certificate' | 'key'>;
  /** Caches are synced: before that nobody can tell what is in flight, and reviews get a 503. */
  canJudge: () => boolean;
  /** What `/readyz` says: false earlier than reviews are turned away, so that none is sent when they are. */
  ready: () => boolean;
}

export interface ReviewServer {
  port: number;
  /** For new connections; those that are open go on. @throws when certificate and key do not fit */
  serve(certificates: Pick<Certificates, 'certificate' | 'key'>): void;
  /** Takes no new connections, answers what is under way, and ends. */
  close(): Promise<void>;
}

/** @throws when the address cannot be listened at, or the certificate cannot be served */
export async function startReviewServer(options: ReviewServerOptions): Promise<ReviewServer> {
  const drain = { begun: false };
  const app = reviewApp(options, drain);
  const { certificate, key } = options.certificates;
  const server = createServer({ ...TIMES, maxHeaderSize: MAX_HEADER_BYTES, handshakeTimeout: TIMES.headersTimeout, minVersion: 'TLSv1.2', cert: certificate, key }, app);
  const port = await listening(server, options.listen);
  return {
    port,
    serve: (next) => {
      server.setSecureContext({ cert: next.certificate, key: next.key, minVersion: 'TLSv1.2' });
    },
    close: () => closed(server, options.clock, drain),
  };
}

interface Drain {
  begun: boolean;
}

function reviewApp(options: ReviewServerOptions, drain: Drain): Express {
  const desk = createDesk(options);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    if (drain.begun) response.set('connection', 'close');
    next();
  });
  app.get('/healthz', (_request, response) => {
    response.type('text').send('ok');
  });
  app.get('/readyz', (_request, response) => {
    const ready = options.ready() && !drain.begun;
    response.status(ready ? 200 : 503).type('text').send(ready ? 'ok' : 'not ready');
  });
  const onlyWhenSynced = (_request: Request, response: Response, next: () => void): void => {
    if (options.canJudge()) next();
    else refuse(response, 503, 'not ready: the watched caches are not filled yet');
  };
  // Nobody compresses a review; what is compressed may be a bomb.
  const body = express.json({ limit: BODY_LIMIT_BYTES, inflate: false });
  for (const path of PATHS) {
    app.post(path, onlyWhenSynced, body, (request: Request, response: Response) => {
      const answer = desk.answer(path, request.body);
      // The drain may have begun while the body was still coming.
      if (drain.begun) response.set('connection', 'close');
      response.json(answer);
    });
  }
  app.use((_request, response) => refuse(response, 404, 'there is /mutate, /validate (POST), /healthz and /readyz (GET)'));
  app.use(refuseBrokenRequest(options.log));
  return app;
}

/** Also what express.json throws: `status` says what is wrong (400 malformed, 413 too large, 415 compressed or in an unknown charset). */
function refuseBrokenRequest(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const status = statusOf(error);
    const message = error instanceof Error ? error.message : String(error);
    if (status >= 500) log.error('a request could not be answered', { path: request.path, error });
    else log.warn('a request was refused', { path: request.path, status, message });
    // There may be megabytes still to come that nobody will read.
    response.set('connection', 'close');
    refuse(response, status, message);
  };
}

function statusOf(error: unknown): number {
  if (error instanceof MalformedReview) return 400;
  const status = (error as { status?: unknown } | undefined)?.status;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

function refuse(response: Response, status: number, message: string): void {
  response.status(status).type('text').send(`zonespread: ${message}\n`);
}

async function listening(server: Server, { host, port }: ListenAddress): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

/** Idle connections end at once, the others after their answer; what is left after the limit is cut. */
async function closed(server: Server, clock: Clock, drain: Drain): Promise<void> {
  drain.begun = true;
  const ended = new AbortController();
  const end = new Promise<void>((resolve) => {
    server.close(() => {
      ended.abort();
      resolve();
    });
  });
  const limit = clock.monotonic() + DRAIN_LIMIT_MS;
  while (!ended.signal.aborted && clock.monotonic() < limit) {
    server.closeIdleConnections();
    await clock.sleep(DRAIN_STEP_MS, ended.signal);
  }
  server.closeAllConnections();
  await end;
}
