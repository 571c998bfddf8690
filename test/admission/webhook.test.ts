// The webhook as a process, over real TLS: what it answers to whom, when it is ready, and how it ends.

import { Agent, request } from 'node:https';
import { request as plainRequest } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BODY_LIMIT_BYTES } from '../../src/admission/body.ts';
import { CERTIFICATES_SECRET, secretSource } from '../../src/admission/certificate-source.ts';
import { LEAF_LIFETIME_MS, LEAF_MARGIN_MS, renewed } from '../../src/admission/certificates.ts';
import { VALIDATING } from '../../src/admission/judge.ts';
import type { ReviewLabels } from '../../src/admission/desk.ts';
import { startReviewServer, type ReviewServer } from '../../src/admission/server.ts';
import { SETTLE_MS } from '../../src/admission/trust.ts';
import { LEASE_NAME, runWebhook, type RunningWebhook, type WebhookOptions } from '../../src/admission/webhook.ts';
import { clusterRoles, disruptionBudgets, leases, mutatingWebhooks, namespaces, nodes, secrets, statefulSets, validatingWebhooks } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock, settleEverything } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';
import { claim, creating, deleting, migration, onTheWire, pod, scaleOf, statefulSet, updating, world } from './builders.ts';
import { WatchHttp } from './watch-http.ts';

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

interface Posting {
  headers?: Record<string, string>;
  method?: string;
  agent?: Agent;
}

function send(url: string, ca: string, body: string | Buffer, { headers, method = 'POST', agent }: Posting = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, ca, ...(agent === undefined ? {} : { agent }), headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

interface Verdict {
  response: { uid: string; allowed: boolean; patch?: string; status?: { message: string; code: number }; warnings?: string[] };
}

async function ask(url: string, ca: string, review: object): Promise<Verdict['response']> {
  const answer = await send(url, ca, JSON.stringify(review));
  expect(answer.status).toBe(200);
  return (JSON.parse(answer.text) as Verdict).response;
}

describe('the listener', () => {
  const log = new FakeLog();
  let bundle: string;
  let url: string;
  let server: ReviewServer;
  let reviewed: ReviewLabels[];
  const state = { canJudge: true, ready: true };
  const planted = { throws: false };

  beforeEach(async () => {
    const made = await renewed(undefined, ['127.0.0.1'], Date.now());
    bundle = made.bundle;
    reviewed = [];
    log.lines.length = 0;
    Object.assign(state, { canJudge: true, ready: true });
    planted.throws = false;
    const trap = { name: 'trap', onError: 'deny' as const, applies: () => planted.throws, judge: () => { throw new Error('planted'); } };
    const { MUTATING } = await import('../../src/admission/judge.ts');
    server = await startReviewServer({
      listen: { host: '127.0.0.1', port: 0 },
      certificates: made,
      world: world(),
      canJudge: () => state.canJudge,
      ready: () => state.ready,
      clock: systemClock,
      log,
      metrics: { reviewed: (labels) => void reviewed.push(labels as ReviewLabels) },
      rules: { mutating: [trap, ...MUTATING], validating: [trap, ...VALIDATING] },
    });
    url = `https://127.0.0.1:${server.port}`;
  });
  afterEach(() => server.close());

  test('gates the pod, steers the claim, refuses the delete', async () => {
    const gated = await ask(`${url}/mutate`, bundle, onTheWire(creating(pod())));
    expect(gated.uid).toBe('uid-review');
    expect(Buffer.from(gated.patch!, 'base64').toString()).toContain('zonespread.io/migrating');
    const steered = await ask(`${url}/mutate`, bundle, onTheWire(creating(claim({ spec: { volumeName: '' } }))));
    expect(JSON.parse(Buffer.from(steered.patch!, 'base64').toString())).toContainEqual({ op: 'add', path: '/spec/volumeName', value: 'd-old' });
    const refused = await ask(`${url}/validate`, bundle, onTheWire(deleting(claim())));
    expect(refused).toMatchObject({ allowed: false, status: { code: 403 } });
    expect(await ask(`${url}/validate`, bundle, onTheWire(creating(pod())))).toEqual({ uid: 'uid-review', allowed: true });
  });

  test('counts what it answers', async () => {
    await ask(`${url}/mutate`, bundle, onTheWire(creating(pod())));
    await ask(`${url}/validate`, bundle, onTheWire(deleting(claim())));
    await ask(`${url}/validate`, bundle, onTheWire(updating(scaleOf(6), scaleOf(7))));
    await ask(`${url}/validate`, bundle, onTheWire(deleting(claim({ metadata: { annotations: { 'zonespread.io/override': 'web-2-bcdfg' } } }))));
    await ask(`${url}/validate`, bundle, onTheWire({ ...creating(pod()), kind: { group: 'x', version: 'v1', kind: 'Invented' } }));
    expect(reviewed).toEqual([
      { kind: 'Pod', operation: 'CREATE', decision: 'patch', rule: 'gate' },
      { kind: 'PersistentVolumeClaim', operation: 'DELETE', decision: 'deny', rule: 'claim-delete' },
      { kind: 'Scale', operation: 'UPDATE', decision: 'allow', rule: '' },
      { kind: 'PersistentVolumeClaim', operation: 'DELETE', decision: 'override', rule: 'claim-delete' },
      { kind: 'other', operation: 'CREATE', decision: 'allow', rule: '' },
    ]);
  });

  test('writes refusals and overrides into the log, with who asked', async () => {
    await ask(`${url}/validate`, bundle, onTheWire(deleting(claim())));
    await ask(`${url}/validate`, bundle, onTheWire(deleting(claim({ metadata: { annotations: { 'zonespread.io/override': 'web-2-bcdfg' } } }))));
    expect(log.lines).toMatchObject([
      { level: 'info', message: 'refused', fields: { user: 'jane', name: 'data-web-2', rule: 'claim-delete' } },
      { level: 'warn', message: 'a person overrode the guard of a migration', fields: { user: 'jane', migration: 'shop/web-2-bcdfg' } },
    ]);
  });

  test('answers 413 to what is too large, and lives on', async () => {
    const large = await send(`${url}/validate`, bundle, Buffer.alloc(BODY_LIMIT_BYTES + 1, ' '));
    expect(large.status).toBe(413);
    expect((await ask(`${url}/validate`, bundle, onTheWire(creating(pod())))).allowed).toBe(true);
  });

  test('takes a review of nearly that size', async () => {
    const big = pod({ metadata: { annotations: { big: 'x'.repeat(3 * 1024 * 1024) } } });
    expect((await ask(`${url}/validate`, bundle, onTheWire(updating(big, big)))).allowed).toBe(true);
  });

  test.each([
    ['nonsense', '{"kind":'],
    ['another kind', '{"apiVersion":"v1","kind":"Pod"}'],
    ['a list', '[]'],
    ['nothing', ''],
  ])('answers 400 to %s', async (_what, body) => {
    expect((await send(`${url}/mutate`, bundle, body)).status).toBe(400);
  });

  test('answers 415 to compressed bodies, which nobody sends us', async () => {
    expect((await send(`${url}/mutate`, bundle, 'x', { headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
  });

  test('answers 404 elsewhere', async () => {
    expect((await send(`${url}/convert`, bundle, '{}')).status).toBe(404);
  });

  test('a rule that throws lets creates go on unpatched and refuses changes, with a log line and a count', async () => {
    planted.throws = true;
    expect(await ask(`${url}/mutate`, bundle, onTheWire(creating(claim({ metadata: { name: 'other' } }))))).toEqual({ uid: 'uid-review', allowed: true });
    expect(await ask(`${url}/validate`, bundle, onTheWire(updating(claim(), claim())))).toMatchObject({ allowed: false, status: { code: 500 } });
    expect(reviewed.map(({ decision, rule }) => `${decision}:${rule}`)).toEqual(['error:trap', 'error:trap']);
    expect(log.messages('error')).toEqual(['an admission rule failed', 'an admission rule failed']);
  });

  test('turns reviews away while it cannot judge, and says whether it is ready', async () => {
    expect((await send(`${url}/readyz`, bundle, '', { method: 'GET' })).status).toBe(200);
    Object.assign(state, { canJudge: false, ready: false });
    expect((await send(`${url}/validate`, bundle, JSON.stringify(onTheWire(creating(pod()))))).status).toBe(503);
    expect((await send(`${url}/readyz`, bundle, '', { method: 'GET' })).status).toBe(503);
    expect((await send(`${url}/healthz`, bundle, '', { method: 'GET' })).status).toBe(200);
  });

  test('a client that dribbles its headers is cut off', async () => {
    const socket = await opened(server.port, bundle);
    const begun = Date.now();
    socket.write('POST /mutate HTTP/1.1\r\nhost: x\r\n');
    await new Promise((resolve) => {
      socket.once('close', resolve);
      socket.resume();
    });
    expect(Date.now() - begun).toBeLessThan(9_000);
  });

  test('another certificate is served to new connections, and open ones go on', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: bundle });
    const before = await send(`${url}/healthz`, bundle, '', { method: 'GET', agent });
    const next = await renewed(undefined, ['127.0.0.1'], Date.now());
    server.serve(next);
    expect(before.status).toBe(200);
    expect((await send(`${url}/healthz`, bundle, '', { method: 'GET', agent })).status).toBe(200);
    agent.destroy();
    expect((await send(`${url}/healthz`, next.bundle, '', { method: 'GET' })).status).toBe(200);
    await expect(send(`${url}/healthz`, bundle, '', { method: 'GET', agent: new Agent() })).rejects.toThrow(/certificate|issuer/);
  });

  test('closing answers what is under way, asks for the connection to be closed, and takes no more', async () => {
    const body = JSON.stringify(onTheWire(creating(pod())));
    const socket = await opened(server.port, bundle);
    socket.write(`POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`);
    // The server says so when it has read the head.
    await new Promise((resolve) => {
      socket.once('data', resolve);
    });
    const closing = server.close();
    socket.write(body);
    const text = await new Promise<string>((resolve) => {
      let got = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (got += chunk));
      socket.once('close', () => resolve(got));
    });
    expect(text).toContain('200 OK');
    expect(text.toLowerCase()).toContain('connection: close');
    expect(text).toContain('"allowed":true');
    await closing;
    await expect(send(`${url}/healthz`, bundle, '', { method: 'GET' })).rejects.toThrow('ECONNREFUSED');
  });
});

function opened(port: number, ca: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => resolve(socket));
    socket.on('error', reject);
  });
}

describe('the process', () => {
  let api: FakeApi;
  let http: WatchHttp;
  let clock: FakeClock;
  let log: FakeLog;
  let running: RunningWebhook | undefined;
  const expiries: number[] = [];

  beforeEach(() => {
    // Certificates are checked against the real time by the client's TLS.
    clock = new FakeClock(new Date().toISOString());
    api = new FakeApi({ clock });
    http = new WatchHttp(api, [ordinalMigrations, namespaces, statefulSets, nodes, disruptionBudgets]);
    log = new FakeLog();
    expiries.length = 0;
  });
  afterEach(async () => {
    const closing = running?.close();
    running = undefined;
    if (closing !== undefined) await settled(closing);
  });

  const start = async (options: Partial<WebhookOptions> = {}): Promise<RunningWebhook> => {
    running = await runWebhook({
      api,
      http,
      clock,
      random: new SeededRandom(3),
      log,
      metrics: { ...createMetrics({ version: 'test' }), certificateExpires: (seconds) => void expiries.push(seconds) },
      https: { host: '127.0.0.1', port: 0 },
      certificates: 'self',
      target: { url: 'https://127.0.0.1:9443' },
      register: true,
      ownNamespace: 'zonespread-system',
      ...options,
    });
    return running;
  };
  /** Time passes, and so does what the machine does beside it (keys are made in other threads). */
  const settled = async (promise: Promise<unknown>): Promise<void> => {
    const state = { done: false };
    void promise.finally(() => Object.assign(state, { done: true }));
    await vi.waitUntil(async () => {
      await clock.advance(1_000);
      return state.done;
    });
  };
  const stored = (file: string): string => Buffer.from(api.read(secrets, { namespace: 'zonespread-system', name: CERTIFICATES_SECRET })?.data?.[file] ?? '', 'base64').toString();
  const bundleOf = (): string => stored('ca.crt');
  const registeredBundle = (): string => {
    const [entry] = api.read(mutatingWebhooks, { name: 'zonespread' })!.webhooks as { clientConfig: { caBundle: string } }[];
    return Buffer.from(entry!.clientConfig.caBundle, 'base64').toString();
  };

  test('is not ready, answers no review and registers nothing until the caches are filled', async () => {
    const gate = Promise.withResolvers<void>();
    http.gate = gate.promise;
    const { url, ready } = await start();
    await settleEverything();
    expect((await send(`${url}/readyz`, bundleOf(), '', { method: 'GET' })).status).toBe(503);
    expect((await send(`${url}/validate`, bundleOf(), JSON.stringify(onTheWire(creating(pod()))))).status).toBe(503);
    expect(api.read(validatingWebhooks, { name: 'zonespread' })).toBeUndefined();
    gate.resolve();
    await ready;
    expect((await send(`${url}/readyz`, bundleOf(), '', { method: 'GET' })).status).toBe(200);
    expect(api.read(validatingWebhooks, { name: 'zonespread' })).toBeDefined();
    expect(registeredBundle()).toBe(bundleOf());
  });

  test('judges by what is in flight now', async () => {
    const { url, ready } = await start({ controllerUser: 'daemon' });
    await ready;
    const verdict = async (): Promise<boolean> => (await ask(`${url}/validate`, bundleOf(), onTheWire(deleting(claim())))).allowed;
    expect(await verdict()).toBe(true);
    api.put(ordinalMigrations, migration());
    await vi.waitUntil(async () => !(await verdict()));
    api.change(ordinalMigrations, { namespace: 'shop', name: 'web-2-bcdfg' }, (record) => {
      record.status = { ...record.status, phase: 'Succeeded' };
    });
    await vi.waitUntil(verdict);
  });

  test('knows a namespace that is being deleted, and the first ordinal of a set', async () => {
    api.put(ordinalMigrations, migration({ spec: { ordinal: 12 } }));
    api.put(statefulSets, statefulSet({ spec: { ordinals: { start: 10 } } }));
    api.put(namespaces, { metadata: { name: 'shop' } });
    const { url, ready } = await start({ controllerUser: 'daemon' });
    await ready;
    const scaled = async (to: number): Promise<boolean> => (await ask(`${url}/validate`, bundleOf(), onTheWire(updating(scaleOf(6), scaleOf(to))))).allowed;
    expect(await scaled(3)).toBe(true);
    expect(await scaled(2)).toBe(false);
    api.change(namespaces, { name: 'shop' }, (namespace) => {
      namespace.metadata.deletionTimestamp = '2026-11-20T10:00:00Z';
    });
    await vi.waitUntil(() => scaled(2));
  });

  test('two replicas serve under the same CA and register the same', async () => {
    const one = await start();
    await one.ready;
    const two = await runWebhook({ api, http, clock, random: new SeededRandom(4), log, metrics: createMetrics({ version: 'test' }), https: { host: '127.0.0.1', port: 0 }, certificates: 'self', target: { url: 'https://127.0.0.1:9443' }, register: true, ownNamespace: 'zonespread-system' });
    api.forgetCalls();
    await two.ready;
    expect((await send(`${two.url}/readyz`, bundleOf(), '', { method: 'GET' })).status).toBe(200);
    expect(api.writes).toEqual([]);
    await settled(two.close());
  });

  test('writes nothing while all is as it should be', async () => {
    const { ready } = await start();
    await ready;
    api.forgetCalls();
    await clock.advance(120_000);
    expect(api.writes).toEqual([]);
    expect(api.calls.length).toBeGreaterThan(10);
  });

  test('puts a configuration right that somebody deleted or changed', async () => {
    const { ready } = await start();
    await ready;
    api.remove(mutatingWebhooks, { name: 'zonespread' });
    await clock.advance(15_000);
    expect(api.read(mutatingWebhooks, { name: 'zonespread' })).toBeDefined();
  });

  test('renews its certificate in time, under the same CA', async () => {
    const { url, ready } = await start();
    await ready;
    const first = stored('tls.crt');
    clock.jumpWallClock(LEAF_LIFETIME_MS - LEAF_MARGIN_MS + 60_000);
    await vi.waitUntil(async () => {
      await clock.advance(1_000);
      return expiries.length === 2;
    });
    expect(stored('tls.crt')).not.toBe(first);
    expect(expiries[1]).toBeGreaterThan(expiries[0]!);
    // Its validity begins in what is the future for this machine.
    await expect(send(`${url}/readyz`, bundleOf(), '', { method: 'GET', agent: new Agent() })).rejects.toThrow('not yet valid');
  });

  test('learns from its Lease who the daemon is, and lets it through from then on', async () => {
    const { ready } = await start();
    await ready;
    expect(JSON.stringify(api.read(validatingWebhooks, { name: 'zonespread' }))).not.toContain('not-ourselves');
    api.put(leases, { metadata: { name: LEASE_NAME, namespace: 'zonespread-system', annotations: { 'zonespread.io/controller-user': 'system:serviceaccount:zonespread-system:daemon' } }, spec: {} });
    await clock.advance(15_000);
    expect(JSON.stringify(api.read(validatingWebhooks, { name: 'zonespread' }))).toContain('system:serviceaccount:zonespread-system:daemon');
    api.remove(leases, { namespace: 'zonespread-system', name: LEASE_NAME });
    api.forgetCalls();
    await clock.advance(15_000);
    expect(api.writes).toEqual([]);
  });

  test('goes on serving when the API server has trouble, says so, and is ready once it is over', async () => {
    await secretSource({ api, clock, namespace: 'zonespread-system', names: ['127.0.0.1'] }).read();
    const restore = api.on('get', validatingWebhooks, () => Promise.reject(new Error('overloaded')));
    const { url, ready } = await start();
    await vi.waitUntil(() => log.messages('warn').length > 0);
    expect(log.messages('warn')[0]).toContain('could not register with the API server');
    expect((await send(`${url}/readyz`, bundleOf(), '', { method: 'GET' })).status).toBe(200);
    restore();
    await settled(ready);
  });

  test('with an owner the configurations go with it, and are not made again once it is gone', async () => {
    const role = api.put(clusterRoles, { metadata: { name: 'zonespread-webhook' } });
    const { ready } = await start({ owner: 'zonespread-webhook' });
    await settled(ready);
    const owner = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'zonespread-webhook', uid: role.metadata.uid };
    for (const resource of [mutatingWebhooks, validatingWebhooks]) expect(api.read(resource, { name: 'zonespread' })!.metadata.ownerReferences).toEqual([owner]);

    for (const [resource, name] of [[clusterRoles, 'zonespread-webhook'], [mutatingWebhooks, 'zonespread'], [validatingWebhooks, 'zonespread']] as const) api.remove(resource, { name });
    await clock.advance(60_000);
    await vi.waitUntil(() => log.messages('warn').length > 0);
    expect(log.lines.find(({ level }) => level === 'warn')).toMatchObject({ fields: { error: { message: 'there is no ClusterRole zonespread-webhook (--owner): has zonespread been uninstalled?' } } });
    expect(api.read(validatingWebhooks, { name: 'zonespread' })).toBeUndefined();
  });

  test('without --register leaves the configurations to the chart', async () => {
    const { ready } = await start({ register: false });
    await ready;
    expect(api.read(mutatingWebhooks, { name: 'zonespread' })).toBeUndefined();
  });

  test('serves a folder that somebody else fills, and after a change first has the new CA trusted beside the old one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'webhook-'));
    try {
      const [first, second] = [await renewed(undefined, ['127.0.0.1'], Date.now()), await renewed(undefined, ['127.0.0.1'], Date.now())];
      const fill = (made: typeof first): void => {
        writeFileSync(join(folder, 'tls.crt'), made.certificate);
        writeFileSync(join(folder, 'tls.key'), made.key);
        writeFileSync(join(folder, 'ca.crt'), made.bundle);
      };
      fill(first);
      const { url, ready } = await start({ certificates: folder });
      await ready;
      expect(registeredBundle()).toBe(first.bundle);
      expect((await send(`${url}/readyz`, first.bundle, '', { method: 'GET', agent: new Agent() })).status).toBe(200);
      fill(second);
      await vi.waitUntil(async () => {
        await clock.advance(1_000);
        return registeredBundle().includes(second.bundle.trim());
      });
      expect(registeredBundle()).toContain(first.bundle.trim());
      await clock.advance(SETTLE_MS / 2);
      expect((await send(`${url}/readyz`, first.bundle, '', { method: 'GET', agent: new Agent() })).status).toBe(200);
      const served = async (): Promise<boolean> => {
        await clock.advance(60_000);
        return send(`${url}/readyz`, second.bundle, '', { method: 'GET', agent: new Agent() }).then(() => true, () => false);
      };
      await vi.waitUntil(served);
      expect(api.read(secrets, { namespace: 'zonespread-system', name: CERTIFICATES_SECRET })).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('does not start without a certificate', async () => {
    await expect(start({ certificates: '/nowhere' })).rejects.toThrow('tls.crt');
  });

  test('serves probes and metrics on its plain address', async () => {
    const { statusUrl, url, ready } = await start({ status: { host: '127.0.0.1', port: 0 }, metrics: createMetrics({ version: '9.9.9' }) });
    await ready;
    const get = (path: string): Promise<Answer> =>
      new Promise((resolve, reject) => {
        plainRequest(`${statusUrl}${path}`, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        })
          .on('error', reject)
          .end();
      });
    await ask(`${url}/mutate`, bundleOf(), onTheWire(creating(pod())));
    const { text } = await get('/metrics');
    expect(text).toContain('zonespread_admission_reviews_total{kind="Pod",operation="CREATE",decision="allow",rule=""} 1');
    expect(text).toMatch(/zonespread_webhook_certificate_expiry_timestamp_seconds \d{10}/);
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/healthz')).status).toBe(200);
  });

  test.each([
    ['nobody opens connections any more', 5_000, 2_000],
    ['somebody still does', 0, 6_000],
  ])('behind a Service, while %s, it is not gone at once', async (_what, quietForMs, expectedMs) => {
    let closedAt = 0;
    const { certificate, key } = await renewed(undefined, ['127.0.0.1'], Date.now());
    const source = { read: () => Promise.resolve({ certificate, key, bundle: '' }) };
    const open = (): Promise<ReviewServer> =>
      Promise.resolve({
        port: 1,
        serve: () => undefined,
        quietForMs: () => quietForMs,
        close: () => {
          closedAt = clock.monotonic();
          return Promise.resolve();
        },
      });
    const process = await start({ target: { service: { name: 'zonespread-webhook', namespace: 'zonespread-system' } }, door: { source, open } });
    running = undefined;
    await process.ready;
    const begun = clock.monotonic();
    await settled(process.close());
    expect(closedAt - begun).toBe(expectedMs);
  });

  test('when it ends, first says that it is not ready, still answers for a while, then is gone', async () => {
    const process = await start({ drainDelayMs: 3_000 });
    const { url } = process;
    await process.ready;
    const closing = process.close();
    expect((await send(`${url}/readyz`, bundleOf(), '', { method: 'GET' })).status).toBe(503);
    expect((await ask(`${url}/validate`, bundleOf(), onTheWire(creating(pod())))).allowed).toBe(true);
    await settled(closing);
    await expect(send(`${url}/readyz`, bundleOf(), '', { method: 'GET' })).rejects.toThrow('ECONNREFUSED');
    running = undefined;
  });
});
