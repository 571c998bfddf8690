// Reading from the simulated API server: lists in pages, watches, and the product's own client and reflector on top of them.

import { afterEach, describe, expect, it } from 'vitest';
import { createApi } from '../../../src/kubernetes/client.ts';
import { claims, pods, statefulSets, volumes, type Pod } from '../../../src/kubernetes/objects.ts';
import { createReflector, type Reflector } from '../../../src/kubernetes/reflector.ts';
import { isBudgetExhausted, isConflict, isExpired, isNamespaceTerminating, isTestFailed } from '../../../src/kubernetes/refusals.ts';
import type { Http } from '../../../src/ports/http.ts';
import { ADMIN, type ApiServer } from '../../../src/simulation/apiserver/contract.ts';
import { faultyHttp, type Fault } from '../../../src/simulation/apiserver/faults.ts';
import type { FakeClock } from '../../fakes/clock.ts';
import { FakeLog } from '../../fakes/log.ts';
import { SeededRandom } from '../../fakes/random.ts';
import { asker, type Json } from './asker.ts';
import { claimOf, podOf, setOf, volumeOf } from './cases.ts';
import { simulated, withNamespace } from './simulated.ts';

const PATH = '/api/v1/namespaces/shop/pods';
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

interface Scene {
  server: ApiServer;
  clock: FakeClock;
  http: Http;
}

async function aShop(names: string[] = []): Promise<Scene> {
  const { server, clock } = simulated();
  await withNamespace(server, 'shop');
  for (const name of names) await server.client(ADMIN).create(pods, inShop(podOf(name)));
  return { server, clock, http: server.http(ADMIN) };
}

function inShop<T extends { metadata: object }>(object: T): T {
  return { ...object, metadata: { ...object.metadata, namespace: 'shop' } };
}

/** What a watch says, as `TYPE name`, until it ends. */
function listen(http: Http, query: string, signal?: AbortSignal): { heard: string[]; over: Promise<string> } {
  const heard: string[] = [];
  const read = async (): Promise<string> => {
    const response = await http.send({ method: 'GET', path: `${PATH}?watch=1&${query}`, timeoutMs: 3_600_000, ...(signal === undefined ? {} : { signal }) });
    for await (const piece of response.body) {
      for (const line of Buffer.from(piece).toString().split('\n').filter(Boolean)) {
        const event: Json = JSON.parse(line);
        heard.push(`${event.type} ${event.object.metadata?.name ?? event.object.code ?? event.object.metadata.resourceVersion}`);
      }
    }
    return 'ended';
  };
  return { heard, over: read().catch((error: Error) => error.message) };
}

const nameOf = (item: Json): string => item.metadata.name;

describe('a list', () => {
  it('comes in pages that all show the same moment', async () => {
    const { server, http } = await aShop(['a', 'b', 'c', 'd', 'e']);
    const ask = asker(http);
    const first = (await ask({ path: `${PATH}?limit=2` })).body;
    expect([first.items.map(nameOf), first.metadata.remainingItemCount, first.items[0].kind]).toEqual([['a', 'b'], 3, 'Pod']);
    await server.client(ADMIN).delete(pods, { namespace: 'shop', name: 'c' });
    await server.client(ADMIN).create(pods, inShop(podOf('cc')));
    await server.client(ADMIN).mergePatch(pods, { namespace: 'shop', name: 'd' }, { metadata: { labels: { late: 'yes' } } });
    const second = (await ask({ path: `${PATH}?limit=2&continue=${first.metadata.continue}` })).body;
    expect([second.items.map(nameOf), second.items[1].metadata.labels, second.metadata.resourceVersion]).toEqual([['c', 'd'], { app: 'web' }, first.metadata.resourceVersion]);
    const third = (await ask({ path: `${PATH}?limit=2&continue=${second.metadata.continue}` })).body;
    expect([third.items.map(nameOf), third.metadata.continue]).toEqual([['e'], undefined]);
  });

  it('loses its place when history is compacted, and offers the inconsistent rest', async () => {
    const { server, http } = await aShop(['a', 'b', 'c']);
    const ask = asker(http);
    const { body } = await ask({ path: `${PATH}?limit=1` });
    await server.client(ADMIN).delete(pods, { namespace: 'shop', name: 'b' });
    server.compact();
    const expired = await ask({ path: `${PATH}?limit=1&continue=${body.metadata.continue}` });
    expect([expired.status, expired.reason]).toEqual([410, 'Expired']);
    expect((await ask({ path: `${PATH}?continue=${expired.body.metadata.continue}` })).body.items.map(nameOf)).toEqual(['c']);
  });

  it('is compacted by time, as etcd is: five to ten minutes back', async () => {
    const { http, clock } = await aShop(['a', 'b']);
    const ask = asker(http);
    const { body } = await ask({ path: `${PATH}?limit=1` });
    await asker(http)({ method: 'POST', path: PATH, body: podOf('c') });
    await clock.advance(5 * 60_000);
    const place = `${PATH}?continue=${body.metadata.continue}`;
    expect((await ask({ path: place })).status).toBe(200);
    await clock.advance(5 * 60_000);
    expect((await ask({ path: place })).status).toBe(410);
  });

  it('selects by labels and fields', async () => {
    const { http, server } = await aShop(['a', 'b']);
    await server.client(ADMIN).create(pods, inShop(podOf('c', { metadata: { labels: { app: 'db' } }, spec: { nodeName: 'n1' } })));
    const names = async (query: string): Promise<string[]> => (await asker(http)({ path: `${PATH}?${query}` })).body.items.map(nameOf);
    expect(await names('labelSelector=app%3Dweb')).toEqual(['a', 'b']);
    expect(await names('labelSelector=app%20notin%20(web)')).toEqual(['c']);
    expect(await names('fieldSelector=spec.nodeName%3Dn1')).toEqual(['c']);
    expect(await names('fieldSelector=metadata.name!%3Da%2Cstatus.phase%3DPending')).toEqual(['b', 'c']);
  });

  it('refuses a version that is yet to come', async () => {
    const { http, server } = await aShop();
    expect(await asker(http)({ path: `${PATH}?resourceVersion=${server.version + 9}` })).toMatchObject({ status: 504, reason: 'Timeout', retryAfter: '1' });
  });
});

describe('a watch', () => {
  it('tells what came after its version, then what comes', async () => {
    const { server, http, clock } = await aShop(['a']);
    const version = server.version;
    await server.client(ADMIN).create(pods, inShop(podOf('b')));
    const { heard } = listen(http, `resourceVersion=${version}`);
    await clock.advance(0);
    expect(heard).toEqual(['ADDED b']);
    await server.client(ADMIN).mergePatch(pods, { namespace: 'shop', name: 'a' }, { metadata: { labels: { x: 'y' } } });
    await server.client(ADMIN).delete(pods, { namespace: 'shop', name: 'b' });
    await clock.advance(0);
    expect(heard).toEqual(['ADDED b', 'MODIFIED a', 'MODIFIED b', 'DELETED b']);
  });

  it('begins with what is there when it names no version', async () => {
    const { http, clock } = await aShop(['a', 'b']);
    const { heard } = listen(http, '');
    const streamed = listen(http, 'sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan');
    await clock.advance(0);
    expect(heard).toEqual(['ADDED a', 'ADDED b']);
    expect(streamed.heard).toEqual(['ADDED a', 'ADDED b', expect.stringMatching(/^BOOKMARK/)]);
  });

  it('shows an object that begins or ceases to match as added or deleted', async () => {
    const { server, http, clock } = await aShop(['a', 'b']);
    const { heard } = listen(http, `resourceVersion=${server.version}&labelSelector=picked`);
    const label = (value: string | null): Promise<Pod> => server.client(ADMIN).mergePatch(pods, { namespace: 'shop', name: 'a' }, { metadata: { labels: { picked: value } } });
    for (const value of ['1', '2', null]) await label(value);
    await clock.advance(0);
    expect(heard).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
  });

  it('sends bookmarks about once a minute and one before it ends after its time', async () => {
    const { server, http, clock } = await aShop();
    const { heard, over } = listen(http, `resourceVersion=${server.version}&allowWatchBookmarks=true&timeoutSeconds=150`);
    await clock.advance(147_000);
    expect(heard).toEqual([`BOOKMARK ${server.version}`, `BOOKMARK ${server.version}`]);
    await clock.advance(2_000);
    expect(heard).toHaveLength(3);
    await clock.advance(1_000);
    expect(await over).toBe('ended');
  });

  it('says expired from a compacted version, in the stream', async () => {
    const { server, http, clock } = await aShop(['a']);
    const version = server.version - 1;
    server.compact();
    const { heard, over } = listen(http, `resourceVersion=${version}`);
    await clock.advance(0);
    expect(heard).toEqual(['ERROR 410']);
    expect(await over).toBe('ended');
  });

  it('goes on over a compaction that comes later', async () => {
    const { server, http, clock } = await aShop(['a']);
    const { heard } = listen(http, `resourceVersion=${server.version}`);
    await clock.advance(0);
    await server.client(ADMIN).create(pods, inShop(podOf('b')));
    server.compact();
    await server.client(ADMIN).create(pods, inShop(podOf('c')));
    await clock.advance(0);
    expect(heard).toEqual(['ADDED b', 'ADDED c']);
  });

  it('breaks when its client gives it up, or when the server goes away', async () => {
    const { server, http, clock } = await aShop();
    const giveUp = new AbortController();
    const given = listen(http, '', giveUp.signal);
    const cut = listen(http, '');
    await clock.advance(0);
    giveUp.abort(new Error('enough'));
    expect(await given.over).toBe('enough');
    server.cutWatches('break');
    expect(await cut.over).toBe('read ECONNRESET');
    await clock.advance(24 * 3_600_000);
    expect(clock.sleeping).toBe(0);
  });
});

describe("the product's client", () => {
  it('creates, patches, reads, lists and deletes', async () => {
    const { http } = await aShop();
    const api = createApi({ http });
    const ref = { namespace: 'shop', name: 'web' };
    const made = await api.create(statefulSets, inShop(setOf('web')));
    expect(await api.get(statefulSets, ref)).toEqual(made);
    expect((await api.mergePatch(statefulSets, ref, { spec: { replicas: 2 } })).spec.replicas).toBe(2);
    expect((await api.list(statefulSets)).map(nameOf)).toEqual(['web']);
    expect(await api.delete(statefulSets, ref, { uid: made.metadata.uid as string })).toBe('gone');
    expect(await api.delete(statefulSets, ref)).toBe('gone');
    expect(await api.get(statefulSets, ref)).toBeUndefined();
  });

  it('recognizes each refusal by what it means', async () => {
    const { http, server } = await aShop(['a']);
    const api = createApi({ http });
    const refusal = (request: Promise<unknown>): Promise<unknown> => request.then(() => 'no refusal', (error: unknown) => error);
    const pod = { namespace: 'shop', name: 'a' };
    expect(isTestFailed(await refusal(api.jsonPatch(pods, pod, [{ op: 'test', path: '/metadata/uid', value: 'x' }])))).toBe(true);
    expect(isConflict(await refusal(api.mergePatch(pods, pod, { metadata: { uid: 'other' } })))).toBe(true);
    expect(isConflict(await refusal(api.delete(pods, pod, { uid: 'other' })))).toBe(true);
    expect(isConflict(await refusal(api.mergePatch(pods, pod, { metadata: { resourceVersion: '1' } })))).toBe(true);
    await server.client(ADMIN).mergePatch(pods, pod, { status: { phase: 'Running' } }, { subresource: 'status' });
    const budget = { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', kind: 'PodDisruptionBudget', namespaced: true };
    const uid = server.read(pods, pod)?.metadata.uid as string;
    await api.create(budget, inShop({ metadata: { name: 'one' }, spec: { selector: {} } }));
    expect(isBudgetExhausted(await refusal(api.evict({ ...pod, uid })))).toBe(true);
    await api.create(budget, inShop({ metadata: { name: 'two' }, spec: { selector: {} } }));
    expect(isBudgetExhausted(await refusal(api.evict({ ...pod, uid })))).toBe(true);
    await server.client(ADMIN).delete({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false }, { name: 'shop' });
    expect(isNamespaceTerminating(await refusal(api.create(claims, inShop(claimOf('c')))))).toBe(true);
  });

  it('learns who it is and which kinds there are', async () => {
    const { server } = await aShop();
    const api = createApi({ http: server.http({ username: 'system:serviceaccount:z:daemon', groups: [] }) });
    expect(await api.selfUser()).toBe('system:serviceaccount:z:daemon');
    expect(await api.discover('apps/v1')).toContain('statefulsets');
    expect(await api.discover('apps.kruise.io/v1beta1')).toBeUndefined();
  });
});

describe("the product's reflector", () => {
  function follow({ http, clock }: Scene): Reflector<Pod> {
    const reflector = createReflector({ http, clock, random: new SeededRandom(3), log: new FakeLog(), resource: pods });
    stops.push(() => reflector.stop());
    reflector.start();
    return reflector;
  }
  const names = (reflector: Reflector<Pod>): string[] => reflector.list().map(({ metadata }) => metadata.name).sort();

  it('follows the store', async () => {
    const scene = await aShop(['a']);
    const reflector = follow(scene);
    await scene.clock.advance(0);
    await scene.server.client(ADMIN).create(pods, inShop(podOf('b')));
    await scene.server.client(ADMIN).delete(pods, { namespace: 'shop', name: 'a' });
    await scene.clock.advance(0);
    expect(names(reflector)).toEqual(['b']);
  });

  it('catches up after the server went away, and after its version was compacted', async () => {
    const scene = await aShop(['a']);
    const reflector = follow(scene);
    await scene.clock.advance(0);
    scene.server.cutWatches('break');
    await scene.server.client(ADMIN).create(pods, inShop(podOf('b')));
    await scene.server.client(ADMIN).create(pods, inShop(podOf('c')));
    scene.server.compact();
    await scene.clock.advance(60_000);
    expect(names(reflector)).toEqual(['a', 'b', 'c']);
  });

  it.each<[string, Fault]>([
    ['a watch that falls silent', { kind: 'fall silent', afterMs: 5 }],
    ['a watch that is cut', { kind: 'cut', afterMs: 5, how: 'break' }],
    ['a watch that ends at once', { kind: 'cut', afterMs: 5, how: 'end' }],
    ['a watch that is refused', { kind: 'refuse', code: 500 }],
    ['a watch that is expired', { kind: 'expired' }],
    ['a watch whose connection breaks', { kind: 'lost answer' }],
    ['a watch that nobody answers', { kind: 'black hole' }],
  ])('gets over %s within two minutes', async (_sentence, fault) => {
    const scene = await aShop(['a']);
    let left = 1;
    const http = faultyHttp(scene.http, { clock: scene.clock, faultOf: ({ path }) => (path.includes('watch=true') && left-- > 0 ? fault : undefined) });
    const reflector = follow({ ...scene, http });
    await scene.clock.advance(1_000);
    await scene.server.client(ADMIN).create(pods, inShop(podOf('b')));
    await scene.clock.advance(120_000);
    expect(names(reflector)).toEqual(['a', 'b']);
  });
});

describe('a bad network', () => {
  async function create(fault: Fault): Promise<{ answer: string; stored: boolean; tookMs: number }> {
    const { server, clock, http } = await aShop();
    const api = createApi({ http: faultyHttp(http, { clock, faultOf: () => fault }), timeoutMs: 5_000 });
    const begun = clock.monotonic();
    const answer = await clock.settle(api.create(volumes, volumeOf('pv')).then(() => 'created', (error: Error) => `${error.name}: ${error.message}`));
    return { answer, stored: server.read(volumes, { name: 'pv' }) !== undefined, tookMs: clock.monotonic() - begun };
  }

  it.each<[Fault, string, boolean, number]>([
    [{ kind: 'refuse', code: 429, retryAfterSeconds: 3 }, 'ApiError', false, 0],
    [{ kind: 'lost request' }, 'ApiUnreachable', false, 0],
    [{ kind: 'lost answer' }, 'ApiUnreachable', true, 0],
    [{ kind: 'wrong answer', code: 504 }, 'ApiError', true, 0],
    [{ kind: 'black hole' }, 'ApiUnreachable', false, 5_000],
    [{ kind: 'silence after' }, 'ApiUnreachable', true, 5_000],
    [{ kind: 'delay', ms: 800 }, 'created', true, 800],
    [{ kind: 'delay', ms: 8_000 }, 'ApiUnreachable', true, 5_000],
  ])('%o answers %s, effect %s', async (fault, answer, stored, tookMs) => {
    const seen = await create(fault);
    expect(seen).toMatchObject({ answer: expect.stringContaining(answer), stored, tookMs });
  });

  it('never hides an expired list from its client', async () => {
    const { clock, http } = await aShop();
    const api = createApi({ http: faultyHttp(http, { clock, faultOf: () => ({ kind: 'expired' }) }) });
    expect(isExpired(await api.list(pods).catch((error: unknown) => error))).toBe(true);
  });
});
