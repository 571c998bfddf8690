import { afterEach, describe, expect, it } from 'vitest';
import { loadCluster } from '../../src/kubernetes/config.ts';
import { pods, volumes, type Pod } from '../../src/kubernetes/objects.ts';
import { createReflector, type ChangeEvent, type Reflector, type ReflectorOptions } from '../../src/kubernetes/reflector.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { systemRandom } from '../../src/ports/random.ts';
import { FakeClock } from '../fakes/clock.ts';
import { answerJson, startServer, until, writeKubeconfig, type Handler } from '../fakes/http-server.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';
import { StreamingHttp } from '../fakes/streaming-http.ts';

function pod(name: string, uid: string, resourceVersion: string, fields: object = {}): Pod {
  return { metadata: { namespace: 'shop', name, uid, resourceVersion }, spec: {}, ...fields };
}

function list(resourceVersion: string, items: object[], place?: string): object {
  return { kind: 'PodList', metadata: { resourceVersion, ...(place === undefined ? {} : { continue: place }) }, items };
}

const EXPIRED = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: 'too old resource version: 10 (99)' };

interface Scene {
  http: StreamingHttp;
  clock: FakeClock;
  log: FakeLog;
  reflector: Reflector<Pod>;
  /** `added web-0 u0` … */
  changes: string[];
}

function follow(options: Partial<ReflectorOptions<Pod>> = {}): Scene {
  const http = new StreamingHttp();
  const clock = new FakeClock();
  const log = new FakeLog();
  const reflector = createReflector({ http, clock, random: new SeededRandom(5), log, resource: pods, ...options });
  const changes: string[] = [];
  reflector.onChange(({ type, object }: ChangeEvent<Pod>) => changes.push(`${type} ${object.metadata.name} ${object.metadata.uid}`));
  reflector.start();
  return { http, clock, log, reflector, changes };
}

/** Listed at version 10 with web-0 and web-1, and watching. */
async function followed(options: Partial<ReflectorOptions<Pod>> = {}): Promise<Scene> {
  const scene = follow(options);
  await scene.clock.advance(0);
  scene.http.last.json(list('10', [pod('web-0', 'u0', '1'), pod('web-1', 'u1', '2')]));
  await scene.clock.advance(0);
  scene.http.last.answer();
  await scene.clock.advance(0);
  return scene;
}

function versionAsked(path: string): string | null {
  return new URL(path, 'http://x').searchParams.get('resourceVersion');
}

describe('a reflector', () => {
  it('lists in pages, then watches from the list on with bookmarks and a server time-out', async () => {
    const { http, clock, reflector, changes } = follow({ labelSelector: 'app=web' });
    await clock.advance(0);
    expect(http.paths).toEqual(['/api/v1/pods?limit=500&labelSelector=app%3Dweb']);
    http.last.json(list('10', [pod('web-0', 'u0', '1')], 'more'));
    await clock.advance(0);
    expect(reflector.hasSynced).toBe(false);
    http.last.json(list('10', [pod('web-1', 'u1', '2')]));
    await clock.advance(0);
    expect(await reflector.synced).toBe(true);
    expect(reflector.hasSynced).toBe(true);
    expect(changes).toEqual(['added web-0 u0', 'added web-1 u1']);
    expect(reflector.get('shop', 'web-1')).toMatchObject({ apiVersion: 'v1', kind: 'Pod', metadata: { uid: 'u1' } });
    const query = new URL(http.last.request.path, 'http://x').searchParams;
    expect(Object.fromEntries(query)).toMatchObject({ watch: '1', resourceVersion: '10', allowWatchBookmarks: 'true', labelSelector: 'app=web' });
    expect(Number(query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(40);
    expect(Number(query.get('timeoutSeconds'))).toBeLessThanOrEqual(48);
  });

  it('follows events, and resumes a closed watch from the last version, bookmarks included, without a list', async () => {
    const { http, clock, reflector, changes } = await followed();
    http.last.event('ADDED', pod('web-2', 'u2', '11')).event('MODIFIED', pod('web-0', 'u0', '12')).event('DELETED', pod('web-1', 'u1', '13')).event('BOOKMARK', { metadata: { resourceVersion: '77' } });
    await clock.advance(5000);
    http.last.end();
    await clock.advance(0);
    expect(changes.slice(2)).toEqual(['added web-2 u2', 'modified web-0 u0', 'deleted web-1 u1']);
    expect(reflector.list().map((object) => object.metadata.name).sort()).toEqual(['web-0', 'web-2']);
    expect(http.exchanges).toHaveLength(3);
    expect(versionAsked(http.last.request.path)).toBe('77');
  });

  it('shows an object that was deleted and made again under its name as two', async () => {
    const { http, clock, changes, reflector } = await followed();
    http.last.event('MODIFIED', pod('web-1', 'u1-new', '20'));
    await clock.advance(0);
    expect(changes.slice(2)).toEqual(['deleted web-1 u1', 'added web-1 u1-new']);
    // What is said late of the old one changes nothing.
    http.last.event('DELETED', pod('web-1', 'u1', '21'));
    await clock.advance(0);
    expect(reflector.get('shop', 'web-1')?.metadata.uid).toBe('u1-new');
    expect(changes).toHaveLength(4);
  });

  it('lists again after a 410 in the stream or as status, with jitter, and tells what happened meanwhile', async () => {
    const { http, clock, changes } = await followed();
    http.last.event('ERROR', EXPIRED);
    await clock.advance(3000);
    expect(http.last.request.path).toBe('/api/v1/pods?limit=500');
    http.last.json(list('100', [pod('web-0', 'u0-new', '90'), pod('web-2', 'u2', '91')]));
    await clock.advance(0);
    expect(changes.slice(2)).toEqual(['deleted web-1 u1', 'deleted web-0 u0', 'added web-0 u0-new', 'added web-2 u2']);
    http.last.json(EXPIRED, 410);
    await clock.advance(30_000);
    expect(http.last.request.path).toBe('/api/v1/pods?limit=500');
    expect(http.exchanges).toHaveLength(5);
    http.last.json(list('101', [pod('web-0', 'u0-new', '90'), pod('web-2', 'u2', '91')]));
    await clock.advance(0);
    expect(changes).toHaveLength(6); // Nothing has changed, nothing is told.
  });

  it('backs off, more and more, when every watch expires at once', async () => {
    const { http, clock } = await followed();
    const relists: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const asked = clock.monotonic();
      if (round === 0) http.last.event('ERROR', EXPIRED);
      else http.last.json(EXPIRED, 410);
      const exchanges = http.exchanges.length;
      await clock.until(() => http.exchanges.length > exchanges);
      relists.push(clock.monotonic() - asked);
      http.last.json(list('10', []));
      await clock.advance(0);
    }
    expect(relists[0]).toBeLessThan(3000);
    expect(relists.at(-1)).toBeGreaterThan(14_000);
  });

  it('resumes at the same version after resets and refusals for load, backing off, and never gives up', async () => {
    const { http, clock, log, changes } = await followed();
    http.last.breakOff(new Error('other side closed'));
    const waits: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      const exchanges = http.exchanges.length;
      const since = clock.monotonic();
      await clock.until(() => http.exchanges.length > exchanges);
      waits.push(clock.monotonic() - since);
      expect(versionAsked(http.last.request.path)).toBe('10');
      if (round % 3 === 0) http.last.refuse(new Error('connect ECONNREFUSED'));
      else http.last.json({ kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'later' }, round % 3 === 1 ? 429 : 503);
    }
    expect(waits[0]).toBeLessThanOrEqual(800);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(15_000);
    await clock.advance(30_000);
    http.last.answer().event('ADDED', pod('web-9', 'u9', '30'));
    await clock.advance(0);
    expect(changes.at(-1)).toBe('added web-9 u9');
    expect(log.messages('warn').length).toBe(10);
  });

  it('waits as long as the server asks', async () => {
    const { http, clock } = await followed();
    http.last.breakOff(new Error('reset'));
    await clock.advance(1000);
    http.last.json({ kind: 'Status', code: 429, reason: 'TooManyRequests', message: '' }, 429, { 'retry-after': '25' });
    const exchanges = http.exchanges.length;
    await clock.advance(24_900);
    expect(http.exchanges).toHaveLength(exchanges);
    await clock.advance(100);
    expect(http.exchanges).toHaveLength(exchanges + 1);
  });

  it('ends a watch that says nothing for 50 s and resumes it, without a word in the log', async () => {
    const { http, clock, log, reflector } = await followed();
    const silent = http.last;
    await clock.advance(40_000);
    silent.event('BOOKMARK', { metadata: { resourceVersion: '50' } });
    await clock.advance(49_000);
    expect(silent.abandoned).toBe(false);
    await clock.advance(6000);
    expect(silent.abandoned).toBe(true);
    expect(versionAsked(http.last.request.path)).toBe('50');
    expect(http.exchanges).toHaveLength(3);
    http.last.answer();
    await clock.advance(0);
    expect(clock.monotonic() - reflector.lastContact!).toBeLessThan(60_000);
    expect(log.messages('warn')).toEqual([]);
  });

  it('takes a transport that ends the silence first the same way', async () => {
    const { http, clock, log } = await followed();
    await clock.advance(50_000);
    http.last.breakOff(new Error('Body Timeout Error'));
    await clock.advance(0);
    expect(http.exchanges).toHaveLength(3);
    expect(log.messages('warn')).toEqual([]);
  });

  it('counts a watch whose answer never comes as failed, and lastContact grows old', async () => {
    const { http, clock, log, reflector } = await followed();
    http.last.end();
    await clock.advance(120_000);
    expect(log.messages('warn').length).toBeGreaterThanOrEqual(2);
    expect(clock.monotonic() - reflector.lastContact!).toBeGreaterThan(100_000);
  });

  it('backs off from a proxy that closes every watch at once', async () => {
    const { http, clock } = await followed();
    http.last.end();
    for (let round = 0; round < 20; round += 1) {
      await clock.until(() => !http.last.abandoned);
      http.last.answer().end();
      await clock.advance(10);
    }
    expect(clock.monotonic()).toBeGreaterThan(120_000);
  });

  it('lists again after a line that is no event, and after another error in the stream', async () => {
    const { http, clock, log } = await followed();
    http.last.send('{"type":"ADDED","object":{"meta\n');
    await clock.advance(1000);
    expect(http.last.request.path).toBe('/api/v1/pods?limit=500');
    http.last.json(list('20', []));
    await clock.advance(0);
    http.last.answer().event('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd event received with PrevKv=nil' });
    await clock.advance(2000);
    expect(http.last.request.path).toBe('/api/v1/pods?limit=500');
    expect(log.messages('warn')).toHaveLength(2);
  });

  it('goes on trying to list, and says why it cannot', async () => {
    const { http, clock, log, reflector } = follow();
    await clock.advance(0);
    http.last.json({ kind: 'Status', code: 403, reason: 'Forbidden', message: 'pods is forbidden: User "x" cannot list' }, 403);
    await clock.advance(1000);
    expect((log.lines[0]!.fields.error as Error).message).toBe('list Pod: pods is forbidden: User "x" cannot list (403 Forbidden)');
    expect(reflector.lastContact).toBeUndefined();
    http.last.json(list('10', [pod('web-0', 'u0', '1')]));
    await clock.advance(0);
    expect(reflector.hasSynced).toBe(true);
  });

  it('keeps only what trim keeps, finds by index, and forgets index values of what has changed', async () => {
    const { http, clock, reflector } = await followed({
      trim: ({ apiVersion: _apiVersion, kind: _kind, metadata, spec }) => ({ metadata, spec: spec.nodeName === undefined ? {} : { nodeName: spec.nodeName } }),
      indexes: { node: (object) => (object.spec.nodeName === undefined ? [] : [object.spec.nodeName]) },
    });
    http.last.event('MODIFIED', pod('web-0', 'u0', '11', { spec: { nodeName: 'n1', containers: [{ image: 'large' }] }, status: { phase: 'Running' } }));
    await clock.advance(0);
    expect(reflector.get('shop', 'web-0')).toEqual({ metadata: { namespace: 'shop', name: 'web-0', uid: 'u0', resourceVersion: '11' }, spec: { nodeName: 'n1' } });
    expect(reflector.byIndex('node', 'n1').map((object) => object.metadata.name)).toEqual(['web-0']);
    http.last.event('MODIFIED', pod('web-0', 'u0', '12', { spec: { nodeName: 'n2' } }));
    await clock.advance(0);
    expect(reflector.byIndex('node', 'n1')).toEqual([]);
    expect(reflector.byIndex('node', 'n2')).toHaveLength(1);
    http.last.event('DELETED', pod('web-0', 'u0', '13', { spec: { nodeName: 'n2' } }));
    await clock.advance(0);
    expect(reflector.byIndex('node', 'n2')).toEqual([]);
    expect(() => reflector.byIndex('zone', 'a')).toThrow('there is no index "zone"; there are: node');
  });

  it('follows several namespaces, each on its own, and is in sync when all are', async () => {
    const { http, clock, reflector, changes } = follow({ namespaces: ['shop', 'bank'] });
    await clock.advance(0);
    expect(http.paths).toEqual(['/api/v1/namespaces/shop/pods?limit=500', '/api/v1/namespaces/bank/pods?limit=500']);
    const [shop, bank] = http.exchanges;
    shop!.json(list('10', [pod('web-0', 'u0', '1')]));
    await clock.advance(0);
    expect(reflector.hasSynced).toBe(false);
    expect(reflector.lastContact).toBeUndefined();
    bank!.json(list('11', [{ metadata: { namespace: 'bank', name: 'web-0', uid: 'b0', resourceVersion: '3' }, spec: {} }]));
    await clock.advance(0);
    expect(reflector.hasSynced).toBe(true);
    expect(reflector.list('bank').map((object) => object.metadata.uid)).toEqual(['b0']);
    // A list of one namespace says nothing about the other.
    http.exchanges.find((exchange) => exchange.request.path.startsWith('/api/v1/namespaces/shop/pods?watch'))!.json(EXPIRED, 410);
    await clock.advance(3000);
    http.last.json(list('20', []));
    await clock.advance(0);
    expect(changes).toEqual(['added web-0 u0', 'added web-0 b0', 'deleted web-0 u0']);
  });

  it('ignores namespaces for cluster-scoped kinds', async () => {
    const http = new StreamingHttp();
    const clock = new FakeClock();
    createReflector({ http, clock, random: new SeededRandom(), log: new FakeLog(), resource: volumes, namespaces: ['shop'] }).start();
    await clock.advance(0);
    expect(http.paths).toEqual(['/api/v1/persistentvolumes?limit=500']);
  });

  it('survives a listener that throws', async () => {
    const { http, clock, log, reflector, changes } = await followed();
    reflector.onChange(() => {
      throw new Error('bug');
    });
    const later: string[] = [];
    const forget = reflector.onChange(({ type }) => later.push(type));
    http.last.event('ADDED', pod('web-2', 'u2', '11'));
    await clock.advance(0);
    forget();
    http.last.event('ADDED', pod('web-3', 'u3', '12'));
    await clock.advance(0);
    expect(changes.slice(-2)).toEqual(['added web-2 u2', 'added web-3 u3']);
    expect(later).toEqual(['added']);
    expect(log.messages('error')).toHaveLength(2);
  });

  it.each(['listing', 'opening', 'watching', 'waiting'])('stops while it is %s', async (stage) => {
    const { http, clock, reflector } = follow();
    await clock.advance(0);
    if (stage !== 'listing') http.last.json(list('10', []));
    await clock.advance(0);
    if (stage === 'watching' || stage === 'waiting') http.last.answer();
    await clock.advance(0);
    if (stage === 'waiting') http.last.breakOff(new Error('reset'));
    await clock.advance(0);
    await clock.settle(reflector.stop());
    expect(await reflector.synced).toBe(stage !== 'listing');
    expect(clock.sleeping).toBe(0);
    const asked = http.exchanges.length;
    await clock.advance(600_000);
    expect(http.exchanges).toHaveLength(asked);
  });
});

describe('a reflector on a real connection', () => {
  const closers: (() => unknown)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function followServer(handler: Handler): Promise<Reflector<Pod> & { changes: string[]; received: { url: string }[] }> {
    const server = await startServer(handler);
    const kubeconfig = writeKubeconfig(server.url);
    const cluster = loadCluster({ kubeconfig: kubeconfig.file });
    const reflector = createReflector({ http: cluster.http, clock: systemClock, random: systemRandom, log: new FakeLog(), resource: pods });
    closers.push(() => kubeconfig.remove(), () => server.close(), () => cluster.close(), () => reflector.stop());
    const changes: string[] = [];
    reflector.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name} ${object.metadata.annotations?.note ?? ''}`));
    reflector.start();
    return Object.assign(reflector, { changes, received: server.received });
  }

  it('reads lines and characters that are split over chunks, and several in one', async () => {
    const note = 'Zürich–北京 🚀';
    const bytes = Buffer.from(['web-0', 'web-1', 'web-2'].map((name, at) => `${JSON.stringify({ type: 'ADDED', object: pod(name, `u${at}`, String(11 + at), { metadata: { namespace: 'shop', name, uid: `u${at}`, resourceVersion: String(11 + at), annotations: { note } } }) })}\n`).join(''));
    const reflector = await followServer((request, response) => {
      if (!request.url.includes('watch')) return answerJson(response, 200, list('10', []));
      response.writeHead(200, { 'content-type': 'application/json' });
      let at = 0;
      const sendPiece = (): void => {
        // Three bytes at a time through the first object, then all the rest at once.
        const size = at < bytes.length / 3 ? 3 : bytes.length;
        response.write(bytes.subarray(at, at + size));
        at += size;
        if (at < bytes.length) setImmediate(sendPiece);
      };
      sendPiece();
    });
    await until(() => reflector.changes.length === 3);
    expect(reflector.changes).toEqual([`added web-0 ${note}`, `added web-1 ${note}`, `added web-2 ${note}`]);
  });

  it('goes on after a connection that was cut in the middle of a line, and after a 410, missing nothing', async () => {
    let watches = 0;
    const world = [pod('web-0', 'u0', '1')];
    const reflector = await followServer((request, response) => {
      if (!request.url.includes('watch')) return answerJson(response, 200, list(String(10 + world.length), world));
      watches += 1;
      if (watches === 2) return answerJson(response, 410, EXPIRED);
      response.writeHead(200);
      const name = `web-${world.length}`;
      world.push(pod(name, `u${world.length}`, String(20 + world.length)));
      const line = JSON.stringify({ type: 'ADDED', object: world.at(-1) });
      if (watches > 1) response.write(`${line}\n`);
      else {
        response.write(line.slice(0, 40));
        setImmediate(() => response.socket?.destroy());
      }
    });
    await until(() => reflector.list().length === 3, 'all three');
    expect(reflector.changes.map((change) => change.trim())).toEqual(['added web-0', 'added web-1', 'added web-2']);
    expect(reflector.received.filter((request) => request.url.includes('watch')).map((request) => versionAsked(request.url))).toEqual(['11', '11', '12']);
  });

  it('lists thousands of objects in pages', async () => {
    const total = 5000;
    const payload = 'x'.repeat(4000);
    const reflector = await followServer((request, response) => {
      if (request.url.includes('watch')) return;
      const from = Number(new URL(request.url, 'http://x').searchParams.get('continue') ?? 0);
      const items = Array.from({ length: 500 }, (_, at) => pod(`web-${from + at}`, `u${from + at}`, String(from + at), { spec: { payload } }));
      answerJson(response, 200, list('10', items, from + 500 < total ? String(from + 500) : undefined));
    });
    await until(() => reflector.hasSynced, 'the end of the list');
    expect(reflector.list()).toHaveLength(total);
  });
});
