// The undici adapter against real sockets: what a fake HTTP could not show.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection, createServer as createRelay, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import type { HttpResponse } from '../../src/ports/http.ts';
import { selfSigned } from '../fakes/certificates.ts';
import { settleEverything } from '../fakes/clock.ts';
import { answerJson, startServer, until, writeKubeconfig, type Handler, type TestServer } from '../fakes/http-server.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function serve(handler: Handler, tls?: { cert: string; key: string }): Promise<TestServer> {
  const server = await startServer(handler, tls);
  closers.push(() => server.close());
  return server;
}

function connect(server: string, options: Parameters<typeof writeKubeconfig>[1] = {}): ClusterConnection & { folder: string; file: string } {
  const kubeconfig = writeKubeconfig(server, options);
  closers.push(() => kubeconfig.remove());
  const cluster = loadCluster({ kubeconfig: kubeconfig.file });
  closers.push(() => cluster.close());
  return { ...cluster, folder: kubeconfig.folder, file: kubeconfig.file };
}

async function textOf(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

describe('requests to the API server', () => {
  it('carry method, path, headers, body and the token, and bring the answer with lower-case headers', async () => {
    const server = await serve((_request, response) => answerJson(response, 201, { made: true }, { 'X-Kubernetes-Thing': 'yes' }));
    const { http, namespace } = connect(server.url, { user: { token: 'secret' }, namespace: 'shop' });
    const response = await http.send({ method: 'POST', path: '/api/v1/pods?dryRun=All', headers: { 'content-type': 'application/json' }, body: '{"ä":1}' });
    expect(response.status).toBe(201);
    expect(response.headers['x-kubernetes-thing']).toBe('yes');
    expect(await textOf(response)).toBe('{"made":true}');
    expect(server.received[0]).toMatchObject({ method: 'POST', url: '/api/v1/pods?dryRun=All', body: '{"ä":1}', headers: { authorization: 'Bearer secret' } });
    expect(namespace).toBe('shop');
  });

  it('keep the path that the server URL has', async () => {
    const server = await serve((_request, response) => answerJson(response, 200, {}));
    const { http } = connect(`${server.url}/k8s/clusters/c-1/`);
    await textOf(await http.send({ method: 'GET', path: '/api/v1/pods' }));
    expect(server.received[0]?.url).toBe('/k8s/clusters/c-1/api/v1/pods');
  });

  it('share one HTTP/2 connection over TLS, and a fresh one is its own', async () => {
    const tls = await selfSigned();
    const server = await serve((_request, response) => answerJson(response, 200, {}), tls);
    const { http } = connect(server.url, { cluster: { 'certificate-authority-data': Buffer.from(tls.cert).toString('base64') } });
    await textOf(await http.send({ method: 'GET', path: '/first' }));
    await Promise.all(Array.from({ length: 50 }, async (_, at) => textOf(await http.send({ method: 'GET', path: `/${at}` }))));
    expect(server.connections).toBe(1);
    await textOf(await http.send({ method: 'GET', path: '/fresh', freshConnection: true }));
    await textOf(await http.send({ method: 'GET', path: '/fresh', freshConnection: true }));
    expect(server.connections).toBe(3);
    await until(() => server.sockets.size === 1, 'the end of the fresh connections');
  });

  it('refuse a server that the authority does not know', async () => {
    const [tls, other] = [await selfSigned(), await selfSigned('other')];
    const server = await serve((_request, response) => answerJson(response, 200, {}), tls);
    const { http } = connect(server.url, { cluster: { 'certificate-authority-data': Buffer.from(other.cert).toString('base64') } });
    await expect(http.send({ method: 'GET', path: '/' })).rejects.toThrow(/self-signed|certificate/);
    expect(server.received).toEqual([]);
  });

  it('trust a rotated authority without a restart', async () => {
    const [tls, other] = [await selfSigned(), await selfSigned('other')];
    const server = await serve((_request, response) => answerJson(response, 200, {}), tls);
    const cluster = connect(server.url, { cluster: { 'certificate-authority': 'ca.crt' } });
    const ca = join(cluster.folder, 'ca.crt');
    writeFileSync(ca, other.cert);
    await expect(cluster.http.send({ method: 'GET', path: '/' })).rejects.toThrow('certificate');
    writeFileSync(ca, tls.cert);
    // The refused handshake made it read the file again.
    expect((await cluster.http.send({ method: 'GET', path: '/' })).status).toBe(200);
  });

  it('read a token file again when the token is refused, and repeat the request once', async () => {
    let valid = 'old';
    const server = await serve((request, response) => answerJson(response, request.headers.authorization === `Bearer ${valid}` ? 200 : 401, {}));
    const cluster = connect(server.url, { user: { token: 'ignored', tokenFile: 'token' } });
    const token = join(cluster.folder, 'token');
    writeFileSync(token, 'old\n');
    expect((await cluster.http.send({ method: 'GET', path: '/' })).status).toBe(200);
    valid = 'new';
    expect((await cluster.http.send({ method: 'POST', path: '/', body: '{}' })).status).toBe(401);
    writeFileSync(token, 'new');
    expect((await cluster.http.send({ method: 'POST', path: '/', body: '{}' })).status).toBe(200);
    expect(server.received).toHaveLength(4);
  });

  it('ask a credential plugin, and name it when it fails', async () => {
    const server = await serve((_request, response) => answerJson(response, 200, {}));
    const credential = JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'from-plugin' } });
    const { http } = connect(server.url, { user: { exec: { command: process.execPath, args: ['-e', `console.log(${JSON.stringify(credential)})`] } } });
    await textOf(await http.send({ method: 'GET', path: '/' }));
    expect(server.received[0]?.headers.authorization).toBe('Bearer from-plugin');
    const broken = connect(server.url, { user: { exec: { command: process.execPath, args: ['-e', 'console.error("no session"); process.exit(1)'] } } });
    await expect(broken.http.send({ method: 'GET', path: '/' })).rejects.toThrow(/credentials of user "test" cannot be had: no session/);
  });

  it('present a client certificate', async () => {
    const [tls, client] = [await selfSigned(), await selfSigned('daemon')];
    const { createServer } = await import('node:https');
    const server = createServer({ ...tls, requestCert: true, ca: client.cert }, (request, response) => {
      response.end((request.socket as import('node:tls').TLSSocket).getPeerCertificate().subject.CN);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closers.push(() => server.close());
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const { http } = connect(`https://127.0.0.1:${(server.address() as { port: number }).port}`, {
      cluster: { 'certificate-authority-data': base64(tls.cert) },
      user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) },
    });
    expect(await textOf(await http.send({ method: 'GET', path: '/' }))).toBe('daemon');
  });
});

describe('a server that does not answer as it should', () => {
  it('is given up after the timeout, before the headers and between two pieces of the body', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/silent') return;
      response.writeHead(200);
      response.write('first ');
    });
    const { http } = connect(server.url);
    await expect(http.send({ method: 'GET', path: '/silent', timeoutMs: 100 })).rejects.toThrow(/Headers Timeout/i);
    const response = await http.send({ method: 'GET', path: '/stalls', timeoutMs: 100 });
    await expect(textOf(response)).rejects.toThrow(/Body Timeout/i);
  });

  it('may be slow between two pieces for as long as each comes in time', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200);
      let left = 6;
      const timer = setInterval(() => {
        left -= 1;
        if (left > 0) response.write('x');
        else {
          clearInterval(timer);
          response.end('end');
        }
      }, 60);
    });
    const { http } = connect(server.url);
    expect(await textOf(await http.send({ method: 'GET', path: '/', timeoutMs: 250 }))).toBe('xxxxxend');
  });

  it('fails the request when it is not there, resets, or breaks off in the middle', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/reset') response.socket?.destroy();
      else {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half');
        setImmediate(() => response.socket?.destroy());
      }
    });
    const { http } = connect(server.url);
    await expect(http.send({ method: 'POST', path: '/reset', body: '{}' })).rejects.toThrow(/other side closed|ECONNRESET|socket/i);
    await expect(http.send({ method: 'GET', path: '/half' }).then(textOf)).rejects.toThrow(/other side closed|terminated|ECONNRESET/i);
    await server.close();
    closers.shift();
    await expect(http.send({ method: 'GET', path: '/' })).rejects.toThrow(/ECONNREFUSED/);
  });

  it('is left at once when the signal aborts, in the body too', async () => {
    const server = await serve((request, response) => {
      if (request.url !== '/body') return;
      response.writeHead(200);
      response.write('first');
    });
    const { http } = connect(server.url);
    const stop = new AbortController();
    const waiting = http.send({ method: 'GET', path: '/headers', signal: stop.signal });
    const streaming = http.send({ method: 'GET', path: '/body', signal: stop.signal }).then(textOf);
    await until(() => server.received.length === 2);
    stop.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    await expect(streaming).rejects.toThrow(/abort/i);
    await until(() => server.sockets.size === 0, 'the end of the connections');
  });

  it.each(['HTTP/1.1', 'HTTP/2'])('gets a new connection when the old one has gone dumb (%s)', async (protocol) => {
    const tls = protocol === 'HTTP/2' ? await selfSigned() : undefined;
    const server = await serve((_request, response) => answerJson(response, 200, {}), tls);
    const relay = await startRelay(server.port);
    closers.push(() => relay.close());
    const cluster = tls === undefined ? {} : { cluster: { 'certificate-authority-data': Buffer.from(tls.cert).toString('base64') } };
    const { http } = connect(server.url.replace(String(server.port), String(relay.port)), cluster);
    await textOf(await http.send({ method: 'GET', path: '/' }));
    await settleEverything(); // The connection is idle again.
    relay.swallow();
    await expect(http.send({ method: 'GET', path: '/', timeoutMs: 100 })).rejects.toThrow(/timeout/i);
    const asked = performance.now();
    let answers = 0;
    while (answers === 0) answers += await http.send({ method: 'GET', path: '/', timeoutMs: 30_000 }).then(textOf).then(() => 1, () => 0);
    expect(performance.now() - asked).toBeLessThan(5000);
    expect(server.connections).toBeLessThanOrEqual(3); // The question whether it lives may take one.
  });
});

/** Passes bytes on, until told to swallow those of the connections that are open: a load balancer that has forgotten them. */
async function startRelay(target: number): Promise<{ port: number; swallow(): void; close(): void }> {
  const pairs = new Set<[Socket, Socket]>();
  const server = createRelay((client) => {
    const pair: [Socket, Socket] = [client, createConnection(target, '127.0.0.1')];
    pairs.add(pair);
    for (const [from, to] of [pair, pair.toReversed() as [Socket, Socket]]) {
      from.on('data', (chunk) => {
        if (pairs.has(pair)) to.write(chunk);
      });
      from.on('close', () => {
        if (pairs.has(pair)) to.destroy();
      });
      from.on('error', () => from.destroy());
    }
  });
  const all = new Set<Socket>();
  server.on('connection', (socket: Socket) => all.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => pairs.clear(),
    close: () => {
      for (const socket of all) socket.destroy();
      server.close();
    },
  };
}
