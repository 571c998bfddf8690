// The simulated ECS over HTTP, for the real SDK: `POST /?<parameters>` with the action in a header. Everything under /admin/ is the back door.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EcsAction } from '../../ports/ecs-call.ts';
import { administer } from './admin.ts';
import type { Exchange } from './exchange.ts';
import type { EcsModel } from './model.ts';
import { Refusal } from './refusals.ts';
import { checkSignature } from './signature.ts';
import { parametersOfQuery, wireAnswer } from './wire.ts';

export interface EcsServer {
  /** `host:port`, as `--ecs-endpoint` takes it (with `--ecs-protocol HTTP`). */
  endpoint: string;
  /** Of the back door, e.g. `http://127.0.0.1:4000/admin`. */
  adminUrl: string;
  /** Ends every connection, unanswered ones too. */
  close(): Promise<void>;
}

export interface EcsServerOptions {
  model: EcsModel;
  /** Without it a free one. */
  port?: number;
  /** The only access key that is known. */
  accessKeyId?: string;
}

export const DEFAULT_ACCESS_KEY_ID = 'simulated-access-key';

/** @throws when the port is taken. */
export async function startEcsServer(options: EcsServerOptions): Promise<EcsServer> {
  const server = createServer((request, response) => {
    serve(options, request, response).catch((error: unknown) => {
      // A bug of the simulation must show as such, not as an outcome that the product might cope with.
      send(response, { status: 599, headers: {}, body: `the simulation failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}` });
    });
  });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${port}/admin`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

async function serve(options: EcsServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://ecs');
  const body = await bodyOf(request);
  if (url.pathname.startsWith('/admin/')) {
    send(response, adminAnswer(options.model, { url, method: request.method ?? 'GET', body }));
    return;
  }
  const exchange = await exchangeFor(options, request, url);
  if (exchange.kind !== 'lost') {
    send(response, wireAnswer(exchange, request.headers.host ?? ''));
  } else if (exchange.how === 'reset') {
    request.socket.resetAndDestroy();
  }
  // A lost answer is otherwise left to the caller's patience: its time-out closes the connection.
}

async function exchangeFor(options: EcsServerOptions, request: IncomingMessage, url: URL): Promise<Exchange> {
  try {
    if (request.method !== 'POST' || url.pathname !== '/') throw new Refusal(404, 'InvalidAction.NotFound', `${request.method} ${url.pathname} is no action: POST / is expected.`);
    checkSignature(request.headers, options.accessKeyId ?? DEFAULT_ACCESS_KEY_ID);
    const action = String(request.headers['x-acs-action']);
    if (!options.model.knows(action)) throw new Refusal(404, 'InvalidAction.NotFound', `Specified api ${action} is not found.`);
    return await options.model.answer(action satisfies EcsAction, parametersOfQuery(url.searchParams));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { kind: 'error', status: error.status, code: error.code, message: error.message, requestId: 'GATEWAY', retryAfterMs: undefined };
  }
}

function adminAnswer(model: EcsModel, request: { url: URL; method: string; body: string }): { status: number; headers: Record<string, string>; body: string } {
  const headers = { 'content-type': 'application/json' };
  const path = request.url.pathname.slice('/admin/'.length).split('/').map(decodeURIComponent);
  const body = parsed(request.body);
  if (body === undefined) return { status: 400, headers, body: JSON.stringify({ error: 'the body is no JSON' }) };
  const answer = administer(model, { method: request.method, path, query: request.url.searchParams, body: body.value });
  return { status: answer.status, headers, body: JSON.stringify(answer.body) };
}

/** Undefined when the text is no JSON. */
function parsed(text: string): { value: unknown } | undefined {
  if (text === '') return { value: undefined };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, answer: { status: number; headers: Record<string, string>; body: string }): void {
  response.writeHead(answer.status, answer.headers).end(answer.body);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
