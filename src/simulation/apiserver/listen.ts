// The simulated API server behind a port of this machine, for kubectl and anything else that speaks HTTP. Requests pass as they are,
// watches stream; whoever lets virtual time pass decides how fast things happen behind it.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpRequest, HttpResponse } from '../../ports/http.ts';
import { ADMIN, type ApiServer, type UserInfo } from './contract.ts';
import { internal, unauthorized } from './refusals.ts';

export interface ApiServerListener {
  /** E.g. `http://127.0.0.1:6443`. */
  url: string;
  /** Ends every connection, watches too. */
  close(): Promise<void>;
}

export interface ApiServerListenerOptions {
  server: ApiServer;
  /** Default 127.0.0.1: there is no authorization, so nobody else should reach it. */
  host?: string;
  /** Without it a free one. */
  port?: number;
  /** Who a bearer token is. Without a token it is the administrator; nobody has another token than these. */
  users?: ReadonlyMap<string, UserInfo>;
}

/** Longest silence of a watch, in ms: as long as anybody leaves a terminal open. */
const PATIENCE_MS = 7 * 86_400_000;
const METHODS = new Set<string>(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** @throws when the port is taken */
export async function startApiServerListener(options: ApiServerListenerOptions): Promise<ApiServerListener> {
  const { host = '127.0.0.1', port = 0 } = options;
  const listener = createServer((request, response) => {
    serve(options, request, response).catch((error: unknown) => fail(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject).listen(port, host, resolve);
  });
  const address = listener.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    close: () =>
      new Promise((resolve, reject) => {
        listener.close((error) => (error === undefined ? resolve() : reject(error)));
        listener.closeAllConnections();
      }),
  };
}

/** For `KUBECONFIG`; `token` as in the listener's users. */
export function kubeconfigOf(url: string, { token, namespace = 'default' }: { token?: string; namespace?: string } = {}): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: simulated
    cluster: { server: ${JSON.stringify(url)} }
users:
  - name: simulated
    user: {${token === undefined ? '' : ` token: ${JSON.stringify(token)} `}}
contexts:
  - name: simulated
    context: { cluster: simulated, user: simulated, namespace: ${JSON.stringify(namespace)} }
current-context: simulated
`;
}

async function serve({ server, users }: ApiServerListenerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const user = userOf(request, users);
  if (user === undefined) return refuse(response);
  const gone = new AbortController();
  response.once('close', () => gone.abort(new Error('the client has gone')));
  const sent = await requestOf(request, gone.signal);
  try {
    await pass(await server.http(user).send(sent), response);
  } catch (error) {
    // Nobody is left to be told.
    if (!gone.signal.aborted) throw error;
  }
}

async function requestOf(request: IncomingMessage, signal: AbortSignal): Promise<HttpRequest> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const headers = Object.fromEntries(Object.entries(request.headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])));
  const method = request.method ?? 'GET';
  return {
    method: (METHODS.has(method) ? method : 'GET') as HttpRequest['method'],
    path: withPatience(request.url ?? '/'),
    headers,
    ...(pieces.length === 0 ? {} : { body: Buffer.concat(pieces).toString('utf8') }),
    signal,
    timeoutMs: PATIENCE_MS,
  };
}

/** A watch without an end of its own lasts as long as somebody looks, however fast time passes behind the server. */
function withPatience(path: string): string {
  const query = new URLSearchParams(path.slice(path.indexOf('?') + 1));
  const isEndless = ['1', 'true'].includes(query.get('watch') ?? '') && !query.has('timeoutSeconds');
  return isEndless ? `${path}&timeoutSeconds=${PATIENCE_MS / 1000}` : path;
}

async function pass({ status, headers, body }: HttpResponse, response: ServerResponse): Promise<void> {
  response.writeHead(status, headers);
  // A watch may have nothing to say for long, and the client waits for its headers.
  response.flushHeaders();
  for await (const piece of body) {
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/** Undefined for a token that nobody has. */
function userOf({ headers }: IncomingMessage, users: ReadonlyMap<string, UserInfo> | undefined): UserInfo | undefined {
  const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const user = token === undefined ? ADMIN : users?.get(token);
  const impersonated = headers['impersonate-user'];
  if (user === undefined || impersonated === undefined) return user;
  const groups = headers['impersonate-group'];
  return { username: String(impersonated), groups: [...(groups === undefined ? [] : String(groups).split(', ')), 'system:authenticated'] };
}

function refuse(response: ServerResponse): void {
  const { code, body } = unauthorized();
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** A broken watch breaks the connection, as in the real server; anything else is a bug of the simulation, and says so. */
function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { code, body } = internal(`the simulation failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
