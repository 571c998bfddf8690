// The webhook's listener: HTTPS, for the API server's reviews. Whatever comes in gets an answer: too large 413, malformed 400, not ready
// 503; a rule that throws is answered as judge.ts says. Reviews do not pass through express: its router and body parser cost several times
// what judging does (bench/admission.ts). The rest does.

import express, { type Express } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { ClientGone, Receiver, RefusedRequest } from './body.ts';
import type { Certificates } from './certificates.ts';
import { createDesk, PATHS, type Desk, type DeskOptions, type ReviewPath } from './desk.ts';
import type { ListenAddress } from './listen.ts';
import { MalformedReview } from './review.ts';

/** The API server gives up on us after two seconds itself. */
const TIMES = {
  /** A client that dribbles its headers or its handshake is cut off. */
  headersTimeout: 3_000,
  /** One that dribbles its body, too. */
  requestTimeout: 5_000,
  connectionsCheckingInterval: 500,
  /** Longer than the 90 s after which Go's client gives up an idle connection, so that it is never we who close one under a request. */
  keepAliveTimeout: 120_000,
} as const;
/** Go's client sends a handful of headers, well below 1 KiB. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Connections still open so long after the last review has been answered are cut. */
const DRAIN_LIMIT_MS = 5_000;
const DRAIN_STEP_MS = 50;
/** Anybody who reaches the port can send nonsense; the log must not fill up with it. */
const COMPLAIN_EVERY_MS = 1_000;

export interface ReviewServerOptions extends DeskOptions {
  listen: ListenAddress;
  certificates: Pick<Certificates, 'certificate' | 'key'>;
  /** Caches are synced: before that nobody can tell what is in flight, and reviews get a 503. */
  canJudge: () => boolean;
  /**
   * What `/readyz` says. False earlier than reviews are turned away, so that none is sent when they are; from then on every answer asks for
   * its connection to be closed, so that the next review finds another replica.
   */
  ready: () => boolean;
}

export interface ReviewServer {
  port: number;
  /** For new connections; those that are open go on. @throws when certificate and key do not fit */
  serve(certificates: Pick<Certificates, 'certificate' | 'key'>): void;
  /** How long nobody has opened a connection, in ms. Whoever does still takes us for an endpoint. */
  quietForMs?(): number;
  /** Takes no new connections, answers what is under way, and ends. */
  close(): Promise<void>;
}

/** @throws when the address cannot be listened at, or the certificate cannot be served */
export async function startReviewServer(options: ReviewServerOptions): Promise<ReviewServer> {
  const drain = { begun: false };
  const { certificate, key } = options.certificates;
  const server = createServer({ ...TIMES, maxHeaderSize: MAX_HEADER_BYTES, handshakeTimeout: TIMES.headersTimeout, minVersion: 'TLSv1.2', cert: certificate, key }, listener(options, drain));
  server.on('clientError', refuseBrokenHttp);
  const { clock } = options;
  let openedAt = clock.monotonic();
  server.on('connection', () => {
    openedAt = clock.monotonic();
  });
  const port = await listening(server, options.listen);
  return {
    port,
    serve: (next) => {
      server.setSecureContext({ cert: next.certificate, key: next.key, minVersion: 'TLSv1.2' });
    },
    quietForMs: () => clock.monotonic() - openedAt,
    close: () => closed(server, clock, drain),
  };
}

interface Drain {
  begun: boolean;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

function listener(options: ReviewServerOptions, drain: Drain): Listener {
  const leaving = (): boolean => drain.begun || !options.ready();
  const reviews = new ReviewListener({ options, desk: createDesk(options), leaving });
  const rest = appForTheRest(leaving);
  return (request, response) => {
    const path = reviewPathOf(request.url ?? '');
    if (path === undefined) rest(request, response);
    else reviews.take(path, request, response);
  };
}

/** The API server adds `?timeout=2s`. */
function reviewPathOf(url: string): ReviewPath | undefined {
  return PATHS.find((path) => url.startsWith(path) && (url.length === path.length || url[path.length] === '?'));
}

interface ReviewListenerParts {
  options: Pick<ReviewServerOptions, 'canJudge' | 'log' | 'clock'>;
  desk: Desk;
  leaving: () => boolean;
}

/** Reviews, from the request to the answer. */
class ReviewListener {
  readonly #parts: ReviewListenerParts;
  readonly #receiver = new Receiver();
  readonly #complaints: Complaints;

  constructor(parts: ReviewListenerParts) {
    this.#parts = parts;
    this.#complaints = new Complaints(parts.options);
  }

  take(path: ReviewPath, request: IncomingMessage, response: ServerResponse): void {
    this.#receiver.read(request, (result) => {
      if (typeof result === 'string') this.#answer(path, result, response);
      else if (!(result instanceof ClientGone)) this.#refuse(path, result, response);
    });
  }

  #answer(path: ReviewPath, body: string, response: ServerResponse): void {
    try {
      if (!this.#parts.options.canJudge()) throw new RefusedRequest(503, 'not ready: the watched caches are not filled yet');
      send(response, { status: 200, type: 'application/json', text: this.#parts.desk.reply(path, body), close: this.#parts.leaving() });
    } catch (error) {
      this.#refuse(path, error, response);
    }
  }

  #refuse(path: ReviewPath, error: unknown, response: ServerResponse): void {
    const message = error instanceof Error ? error.message : String(error);
    const status = statusOf(error);
    if (status === 500) this.#parts.options.log.error('a review could not be answered', { path, error });
    else this.#complaints.say({ path, status, message });
    if (status === 405) response.setHeader('allow', 'POST');
    // Who sends nonsense once may have more of it to come.
    send(response, { status, type: 'text/plain; charset=utf-8', text: `zonespread: ${status === 500 ? 'internal error, see the log' : message}\n`, close: true });
  }
}

function statusOf(error: unknown): number {
  if (error instanceof RefusedRequest) return error.status;
  return error instanceof MalformedReview ? 400 : 500;
}

interface Answer {
  status: number;
  type: string;
  text: string;
  /** Whether the client is asked to close the connection. */
  close: boolean;
}

function send(response: ServerResponse, { status, type, text, close }: Answer): void {
  const headers = ['content-type', type, 'content-length', String(Buffer.byteLength(text))];
  response.writeHead(status, close ? [...headers, 'connection', 'close'] : headers);
  response.end(text);
}

/** Refused requests in the log, one a second at most; the next line says how many there were meanwhile. */
class Complaints {
  readonly #log: Log;
  readonly #clock: Clock;
  #saidAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor({ log, clock }: { log: Log; clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  say(fields: { path: string; status: number; message: string }): void {
    const now = this.#clock.monotonic();
    if (now - this.#saidAt < COMPLAIN_EVERY_MS) {
      this.#unsaid += 1;
      return;
    }
    this.#log.warn('a request was refused', this.#unsaid === 0 ? fields : { ...fields, othersSince: this.#unsaid });
    this.#saidAt = now;
    this.#unsaid = 0;
  }
}

function appForTheRest(leaving: () => boolean): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    if (leaving()) response.set('connection', 'close');
    next();
  });
  app.get('/healthz', (_request, response) => {
    response.type('text').send('ok');
  });
  app.get('/readyz', (_request, response) => {
    const ready = !leaving();
    response.status(ready ? 200 : 503).type('text').send(ready ? 'ok' : 'not ready');
  });
  app.use((_request, response) => {
    response.status(404).set('connection', 'close').type('text').send('zonespread: there is /mutate, /validate (POST), /healthz and /readyz (GET)\n');
  });
  return app;
}

const BROKEN_HTTP: Record<string, string> = {
  HPE_HEADER_OVERFLOW: `431 Request Header Fields Too Large|the headers are larger than ${MAX_HEADER_BYTES} bytes`,
  ERR_HTTP_REQUEST_TIMEOUT: `408 Request Timeout|the request did not come whole within ${TIMES.requestTimeout / 1000} s`,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large|the chunk extensions are too large',
};

/**
 * What is no HTTP never becomes a request; its sender gets an answer all the same, if it is still there. Before the handshake is over there
 * is nothing to answer with: whoever fails there, or takes too long, is cut off.
 */
function refuseBrokenHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  const code = error.code ?? '';
  if (!socket.writable || !(code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT')) {
    socket.destroy();
    return;
  }
  const [status = '', message = ''] = (BROKEN_HTTP[code] ?? `400 Bad Request|this is no HTTP: ${error.message}`).split('|');
  const text = `zonespread: ${message}\n`;
  socket.end(`HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`, () => socket.destroy());
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
