// A real HTTP server on a free port of this machine, answered by the test: for what only real sockets show (chunks, resets, silence).

import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ReceivedRequest {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface TestServer {
  url: string;
  port: number;
  /** Those that came in, in order, with their bodies. */
  received: ReceivedRequest[];
  /** Connections opened so far. */
  readonly connections: number;
  /** The open ones: a test can cut or pause them. */
  sockets: Set<Socket>;
  close(): Promise<void>;
}

export type Handler = (request: ReceivedRequest, response: ServerResponse) => void;

/** With `tls` it speaks HTTP/2 (and 1.1) over TLS, as the API server does. */
export async function startServer(handler: Handler, tls?: { cert: string; key: string }): Promise<TestServer> {
  const received: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const entry = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      received.push(entry);
      handler(entry, response);
    });
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer({ ...tls, allowHTTP1: true }, listener as never);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => socket.destroy()); // A reset that the test itself made.
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    received,
    sockets,
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answerJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A kubeconfig file in a folder of its own. */
export function writeKubeconfig(server: string, { cluster = {}, user = {}, namespace }: { cluster?: object; user?: object; namespace?: string } = {}): { file: string; folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'zonespread-kubeconfig-'));
  const file = join(folder, 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', ...(namespace === undefined ? {} : { namespace }) } }],
    clusters: [{ name: 'test', cluster: { server, ...cluster } }],
    users: [{ name: 'test', user }],
  };
  writeFileSync(file, JSON.stringify(config));
  return { file, folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Waits until the condition holds. @throws after ten seconds. */
export async function until(condition: () => boolean, what = 'what is awaited'): Promise<void> {
  const limit = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`${what} has not happened within 10 s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
