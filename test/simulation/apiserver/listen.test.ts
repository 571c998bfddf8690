// The simulated API server behind a port: requests and answers pass as they are, watches stream, who goes away is forgotten.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createApi } from '../../../src/kubernetes/client.ts';
import { loadCluster } from '../../../src/kubernetes/config.ts';
import { pods } from '../../../src/kubernetes/objects.ts';
import { systemClock } from '../../../src/ports/clock.ts';
import { systemRandom } from '../../../src/ports/random.ts';
import { ADMIN, type ApiServer, type ApiServerOptions, type RequestRecord } from '../../../src/simulation/apiserver/contract.ts';
import { kubeconfigOf, startApiServerListener, type ApiServerListener, type ApiServerListenerOptions } from '../../../src/simulation/apiserver/listen.ts';
import { createApiServer } from '../../../src/simulation/apiserver/server.ts';
import type { Json } from './asker.ts';
import { podOf } from './cases.ts';
import { withNamespace } from './simulated.ts';

const open: ApiServerListener[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

async function listening(options: Partial<ApiServerListenerOptions> = {}, ofServer: Partial<ApiServerOptions> = {}): Promise<{ server: ApiServer; url: string }> {
  const server = createApiServer({ clock: systemClock, random: systemRandom, ...ofServer });
  await withNamespace(server, 'shop');
  const listener = await startApiServerListener({ server, ...options });
  open.push(listener);
  return { server, url: listener.url };
}

const inShop = (name: string): Json => ({ ...podOf(name), metadata: { name, namespace: 'shop' } });

/** The next event of a watch. */
function events(body: ReadableStream<Uint8Array>): () => Promise<Json> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return async () => {
    while (!text.includes('\n')) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
    const line = text.slice(0, text.indexOf('\n'));
    text = text.slice(line.length + 1);
    return JSON.parse(line);
  };
}

describe('a listener', () => {
  it('passes requests, bodies and refusals', async () => {
    const { url, server } = await listening();
    const path = `${url}/api/v1/namespaces/shop/pods`;
    const made = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(podOf('web-0')) });
    expect([made.status, made.headers.get('content-type')]).toEqual([201, 'application/json']);
    expect(server.read(pods, { namespace: 'shop', name: 'web-0' })?.metadata.name).toBe('web-0');
    expect(await (await fetch(`${path}/nobody`)).json()).toMatchObject({ code: 404, reason: 'NotFound' });
    expect(await (await fetch(`${url}/readyz`)).text()).toBe('ok');
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });

  it('streams a watch as it goes, its headers before anything has happened', async () => {
    const { url, server } = await listening();
    const response = await fetch(`${url}/api/v1/namespaces/shop/pods?watch=1&resourceVersion=${server.version}`);
    const next = events(response.body!);
    await server.client(ADMIN).create(pods, inShop('a'));
    expect(await next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    await server.client(ADMIN).create(pods, inShop('b'));
    expect(await next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
    server.cutWatches('end');
    expect(await next()).toBeUndefined();
  });

  it('lets a watch last as long as somebody looks, unless they say how long', async () => {
    const asked: string[] = [];
    const server: ApiServer = { ...createApiServer({ clock: systemClock, random: systemRandom }), http: () => ({ send: ({ path }) => Promise.reject(new Error(String(asked.push(path)))) }) };
    const listener = await startApiServerListener({ server });
    open.push(listener);
    for (const query of ['watch=true', 'watch=true&timeoutSeconds=5', 'limit=5']) await fetch(`${listener.url}/api/v1/pods?${query}`);
    expect(asked.map((path) => path.split('?')[1])).toEqual(['watch=true&timeoutSeconds=604800', 'watch=true&timeoutSeconds=5', 'limit=5']);
  });

  it('breaks the connection where the server breaks the watch', async () => {
    const { url, server } = await listening();
    const response = await fetch(`${url}/api/v1/pods?watch=1`);
    const next = events(response.body!);
    server.cutWatches('break');
    await expect(next()).rejects.toThrow(/terminated|aborted/);
  });

  it('ends the watch of a client that goes', async () => {
    const { url, server } = await listening();
    const gone = new AbortController();
    const response = await fetch(`${url}/api/v1/namespaces/shop/pods?watch=1`, { signal: gone.signal });
    const next = events(response.body!);
    await server.client(ADMIN).create(pods, inShop('a'));
    await next();
    gone.abort();
    await expect(next()).rejects.toThrow(/terminated|aborted/);
    // The server is none the worse for it.
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('closes with watches open', async () => {
    const { url } = await listening();
    const response = await fetch(`${url}/api/v1/pods?watch=1`);
    const next = events(response.body!);
    await open.splice(0)[0]?.close();
    await expect(next()).rejects.toThrow(/terminated|aborted/);
  });

  it('knows users by their tokens, and refuses other tokens', async () => {
    const seen: RequestRecord[] = [];
    const { url } = await listening({ users: new Map([['secret', { username: 'somebody', groups: ['people'] }]]) }, { onRequest: (record) => seen.push(record) });
    const list = (headers: Record<string, string>): Promise<Response> => fetch(`${url}/api/v1/pods`, { headers });
    await list({});
    await list({ authorization: 'Bearer secret' });
    await list({ 'impersonate-user': 'system:serviceaccount:shop:mover' });
    expect(seen.filter(({ verb }) => verb === 'list').map(({ user }) => user)).toEqual(['admin', 'somebody', 'system:serviceaccount:shop:mover']);
    expect(await (await list({ authorization: 'Bearer guessed' })).json()).toMatchObject({ code: 401, reason: 'Unauthorized' });
  });

  it('says so when the simulation itself fails', async () => {
    const { url, server } = await listening();
    const broken = { ...server, http: () => ({ send: () => Promise.reject(new Error('a bug')) }) };
    const listener = await startApiServerListener({ server: broken });
    open.push(listener);
    expect(await (await fetch(`${listener.url}/api/v1/pods`)).json()).toMatchObject({ code: 500, reason: 'InternalError', message: expect.stringContaining('a bug') });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('says so when its port is taken', async () => {
    const { url, server } = await listening();
    await expect(startApiServerListener({ server, port: Number(new URL(url).port) })).rejects.toThrow('EADDRINUSE');
  });
});

describe('its kubeconfig', () => {
  it('leads there, for kubectl and for the daemon', async () => {
    const { url, server } = await listening({ users: new Map([['secret', { username: 'somebody', groups: [] }]]) });
    await server.client(ADMIN).create(pods, inShop('web-0'));
    const folder = await mkdtemp(join(tmpdir(), 'zonespread-listen-'));
    const kubeconfig = join(folder, 'kubeconfig');
    try {
      await writeFile(kubeconfig, kubeconfigOf(url));
      const cluster = loadCluster({ kubeconfig });
      const listed = await createApi({ http: cluster.http }).list(pods, { namespace: 'shop' });
      expect(listed.map(({ metadata }) => metadata.name)).toEqual(['web-0']);
      await cluster.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('carries a token and a namespace where they are given', () => {
    expect(parse(kubeconfigOf('http://127.0.0.1:1', { token: 'secret', namespace: 'shop' }))).toMatchObject({
      users: [{ user: { token: 'secret' } }],
      contexts: [{ context: { namespace: 'shop' } }],
      clusters: [{ cluster: { server: 'http://127.0.0.1:1' } }],
    });
  });
});
