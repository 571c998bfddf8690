// Answers as tables, which is what `kubectl get` shows: columns, cells, lists, single objects and watches. That the columns are those of
// the real server, kubectl.e2e.test.ts shows.

import { describe, expect, it } from 'vitest';
import { pods, statefulSets, volumes } from '../../../src/kubernetes/objects.ts';
import { ADMIN, type ApiServer } from '../../../src/simulation/apiserver/contract.ts';
import { BUILT_IN } from '../../../src/simulation/apiserver/kinds/built-in.ts';
import { humanDuration } from '../../../src/simulation/apiserver/tables/duration.ts';
import { readPath } from '../../../src/simulation/apiserver/tables/json-path.ts';
import { POD_COLUMNS } from '../../../src/simulation/apiserver/tables/pods.ts';
import type { FakeClock } from '../../fakes/clock.ts';
import type { Json } from './asker.ts';
import { claimOf, podOf, setOf, volumeOf } from './cases.ts';
import { exchange, TABLE } from './json-over-http.ts';
import { simulated, withNamespace, withOurKinds } from './simulated.ts';

const PODS = '/api/v1/namespaces/shop/pods';

async function aShop(): Promise<{ server: ApiServer; clock: FakeClock; table: (path: string) => Promise<Json> }> {
  const { server, clock } = simulated();
  await withNamespace(server, 'shop');
  return { server, clock, table: async (path) => (await exchange(server.http(ADMIN), { path, accept: TABLE })).body };
}

const inShop = (object: Json): Json => ({ ...object, metadata: { ...object.metadata, namespace: 'shop' } });

/** Cells by the names of their columns. */
function cells(table: Json, row = 0): Json {
  return Object.fromEntries(table.columnDefinitions.map(({ name }: Json, index: number) => [name, table.rows[row].cells[index]]));
}

describe('a table', () => {
  it('says what its columns are, shows each object in a row with its metadata, and grows older', async () => {
    const { server, clock, table } = await aShop();
    await server.client(ADMIN).create(pods, inShop(podOf('web-0', { spec: { nodeName: 'node-a' } })));
    const made = await table(PODS);
    expect(made).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: String(server.version) } });
    expect(made.columnDefinitions.slice(0, 5).map(({ name, priority }: Json) => `${name} ${priority}`)).toEqual(['Name 0', 'Ready 0', 'Status 0', 'Restarts 0', 'Age 0']);
    expect(made.rows[0].object).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'web-0' } });
    expect(made.rows[0].object.spec).toBeUndefined();
    expect(cells(made)).toMatchObject({ Name: 'web-0', Ready: '0/1', Status: 'Pending', Age: '0s', Node: 'node-a', IP: '<none>' });
    await clock.advance(150_000);
    expect(cells(await table(`${PODS}/web-0`)).Age).toBe('2m30s');
  });

  it('comes with whole objects, or with none, as asked', async () => {
    const { server, table } = await aShop();
    await server.client(ADMIN).create(pods, inShop(podOf('web-0')));
    expect((await table(`${PODS}?includeObject=Object`)).rows[0].object.spec.containers).toHaveLength(1);
    expect((await table(`${PODS}?includeObject=None`)).rows[0].object).toBeNull();
    expect(await table(`${PODS}?includeObject=Half`)).toMatchObject({ code: 400 });
  });

  it('comes in pages', async () => {
    const { server, table } = await aShop();
    for (const name of ['a', 'b']) await server.client(ADMIN).create(pods, inShop(podOf(name)));
    const first = await table(`${PODS}?limit=1`);
    expect([first.rows.length, first.metadata.remainingItemCount]).toEqual([1, 1]);
    expect(cells(await table(`${PODS}?limit=1&continue=${first.metadata.continue}`)).Name).toBe('b');
  });

  it('is not made of a refusal', async () => {
    const { table } = await aShop();
    expect(await table(`${PODS}/nobody`)).toMatchObject({ kind: 'Status', code: 404 });
  });

  it('is watched: an event carries one row, and the first one the columns', async () => {
    const { server, clock } = await aShop();
    await server.client(ADMIN).create(pods, inShop(podOf('web-0')));
    const response = await server.http(ADMIN).send({ method: 'GET', path: `${PODS}?watch=1&timeoutSeconds=5`, headers: { accept: TABLE } });
    await server.client(ADMIN).mergePatch(pods, { namespace: 'shop', name: 'web-0' }, { metadata: { labels: { a: 'b' } } });
    await server.client(ADMIN).delete(pods, { namespace: 'shop', name: 'web-0' });
    const reading = (async () => {
      let text = '';
      for await (const piece of response.body) text += Buffer.from(piece).toString();
      return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    })();
    await clock.advance(5_000);
    const events = await reading;
    expect(events.map(({ type, object }) => [type, object.kind, object.rows[0].cells[0], object.columnDefinitions === null])).toEqual([
      ['ADDED', 'Table', 'web-0', false],
      ['MODIFIED', 'Table', 'web-0', true],
      // A pod is written once more before it goes.
      ['MODIFIED', 'Table', 'web-0', true],
      ['DELETED', 'Table', 'web-0', true],
    ]);
  });

  it.each(BUILT_IN.map(({ resource }) => [resource.plural, resource] as const))('can be made of %s that say nothing about themselves', async (_name, { group, version, plural }) => {
    const { table } = await aShop();
    expect(await table(`${group === '' ? '/api' : `/apis/${group}`}/${version}/${plural}`)).toMatchObject({ kind: 'Table', columnDefinitions: expect.arrayContaining([expect.objectContaining({ name: 'Name' })]) });
  });
});

describe('metadata alone', () => {
  it('is what metadata clients get, one by one and in lists', async () => {
    const { server } = await aShop();
    await server.client(ADMIN).create(pods, inShop(podOf('web-0')));
    const ask = async (path: string, as: string): Promise<Json> => (await exchange(server.http(ADMIN), { path, accept: `application/json;as=${as};g=meta.k8s.io;v=v1` })).body;
    expect(await ask(`${PODS}/web-0`, 'PartialObjectMetadata')).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { labels: { app: 'web' } } });
    const list = await ask(PODS, 'PartialObjectMetadataList');
    expect([list.kind, list.items[0].metadata.name, list.items[0].spec]).toEqual(['PartialObjectMetadataList', 'web-0', undefined]);
  });
});

describe('what a client accepts', () => {
  it.each([
    ['application/vnd.kubernetes.protobuf,application/json', 'PodList'],
    [`application/json;as=Table;g=meta.k8s.io;v=v1beta1,application/json`, 'PodList'],
    [`${TABLE},application/json`, 'Table'],
    ['*/*', 'PodList'],
  ])('%s is answered by a %s', async (accept, kind) => {
    const { server } = await aShop();
    expect((await exchange(server.http(ADMIN), { path: PODS, accept })).body.kind).toBe(kind);
  });

  it('and protobuf alone is not', async () => {
    const { server } = await aShop();
    expect(await exchange(server.http(ADMIN), { path: PODS, accept: 'application/vnd.kubernetes.protobuf' })).toMatchObject({ status: 406 });
  });
});

describe('cells of', () => {
  it('claims, volumes and sets', async () => {
    const { server, table } = await aShop();
    const admin = server.client(ADMIN);
    await admin.create(volumes, volumeOf('d-1', { spec: { claimRef: { namespace: 'shop', name: 'data' } } }));
    await exchange(server.http(ADMIN), { method: 'POST', path: '/api/v1/namespaces/shop/persistentvolumeclaims', body: claimOf('data', { spec: { volumeName: 'd-1', accessModes: ['ReadOnlyMany', 'ReadWriteOnce'] } }) });
    await exchange(server.http(ADMIN), { method: 'PATCH', path: '/api/v1/namespaces/shop/persistentvolumeclaims/data/status', contentType: 'application/merge-patch+json', body: { status: { phase: 'Bound', capacity: { storage: '20Gi' }, accessModes: ['ReadOnlyMany', 'ReadWriteOnce'] } } });
    await admin.create(statefulSets, inShop(setOf('web', { replicas: 2 })));
    expect(cells(await table('/api/v1/namespaces/shop/persistentvolumeclaims'))).toMatchObject({ Status: 'Bound', Volume: 'd-1', Capacity: '20Gi', 'Access Modes': 'RWO,ROX', StorageClass: 'none', VolumeMode: 'Filesystem' });
    expect(cells(await table('/api/v1/persistentvolumes'))).toMatchObject({ Capacity: '20Gi', Claim: 'shop/data', 'Reclaim Policy': 'Retain' });
    expect(cells(await table('/apis/apps/v1/namespaces/shop/statefulsets'))).toMatchObject({ Ready: '0/2', Containers: 'web', Images: 'none' });
  });

  it('our own kinds: what their definitions ask for', async () => {
    const { server, table } = await aShop();
    await withOurKinds(server);
    const path = '/apis/zonespread.io/v1alpha1/namespaces/shop/ordinalmigrations';
    await exchange(server.http(ADMIN), { method: 'POST', path, body: { apiVersion: 'zonespread.io/v1alpha1', kind: 'OrdinalMigration', metadata: { name: 'm' }, spec: { statefulSetRef: { name: 'web' }, ordinal: 0, targetZone: 'b' } } });
    expect(cells(await table(path))).toMatchObject({ Name: 'm', Set: 'web', Ordinal: 0, From: null, To: 'b', Age: '0s' });
  });
});

describe('the one word for a pod', () => {
  const status = (pod: Json): string => String(POD_COLUMNS[2]?.cell({ metadata: { name: 'p', ...pod.metadata }, spec: { containers: [{}, {}], ...pod.spec }, status: pod.status }, 0));
  const ended = (terminated: Json): Json => ({ state: { terminated } });
  const running = { ready: true, state: { running: {} } };

  it.each<[string, Json]>([
    ['Pending', { status: { phase: 'Pending' } }],
    ['SchedulingGated', { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', reason: 'SchedulingGated' }] } }],
    ['ContainerCreating', { status: { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] } }],
    ['Init:0/2', { spec: { initContainers: [{ name: 'a' }, { name: 'b' }] }, status: { phase: 'Pending', initContainerStatuses: [{ name: 'a', state: { running: {} } }] } }],
    ['Init:1/2', { spec: { initContainers: [{ name: 'a' }, { name: 'b' }] }, status: { phase: 'Pending', initContainerStatuses: [{ name: 'a', ...ended({ exitCode: 0 }) }, { name: 'b', state: { waiting: { reason: 'PodInitializing' } } }] } }],
    ['Init:Error', { status: { phase: 'Pending', initContainerStatuses: [{ name: 'a', ...ended({ exitCode: 1, reason: 'Error' }) }] } }],
    ['Init:ExitCode:3', { status: { phase: 'Pending', initContainerStatuses: [{ name: 'a', ...ended({ exitCode: 3 }) }] } }],
    ['Running', { status: { phase: 'Running', containerStatuses: [running, running] } }],
    ['CrashLoopBackOff', { status: { phase: 'Running', containerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }, running] } }],
    ['Signal:9', { status: { phase: 'Failed', containerStatuses: [ended({ exitCode: 137, signal: 9 })] } }],
    ['Completed', { status: { phase: 'Succeeded', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' })] } }],
    ['NotReady', { status: { phase: 'Running', containerStatuses: [ended({ exitCode: 0, reason: 'Completed' }), running] } }],
    ['Evicted', { status: { phase: 'Failed', reason: 'Evicted' } }],
    ['Terminating', { metadata: { deletionTimestamp: 'now' }, status: { phase: 'Running', containerStatuses: [running] } }],
    ['Unknown', { metadata: { deletionTimestamp: 'now' }, status: { phase: 'Running', reason: 'NodeLost' } }],
  ])('%s', (word, pod) => {
    expect(status(pod)).toBe(word);
  });
});

describe('ages', () => {
  it.each<[number, string]>([
    [-5, '<invalid>'],
    [-1.5, '0s'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [150, '2m30s'],
    [600, '10m'],
    [3 * 3600, '3h'],
    [3 * 3600 + 60, '3h1m'],
    [9 * 3600, '9h'],
    [50 * 3600, '2d2h'],
    [9 * 86400, '9d'],
    [800 * 86400, '2y70d'],
    [3000 * 86400, '8y'],
  ])('%s seconds are %s', (seconds, shown) => {
    expect(humanDuration(seconds * 1000)).toBe(shown);
  });
});

describe('JSONPaths of columns', () => {
  const object = { a: { 'b.c': 1, list: [{ type: 'Ready', status: 'True' }, { type: 'Other', status: 'False' }] } };

  it.each<[string, unknown[]]>([
    ['.a.list[0].status', ['True']],
    ['.a.list[-1].status', ['False']],
    ['.a.list[*].type', ['Ready', 'Other']],
    ['.a.list[?(@.type=="Other")].status', ['False']],
    ['.a.b\\.c', [1]],
    [".a['b.c']", [1]],
    ['.a.none.deeper', []],
    ['.a[', []],
  ])('%s', (path, values) => {
    expect(readPath(path)(object)).toEqual(values);
  });
});
