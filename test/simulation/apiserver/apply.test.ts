// Server-side apply: who owns which field, what is taken back, what is refused. That the real server says the same to the same stories,
// kubectl.e2e.test.ts shows.

import { describe, expect, it } from 'vitest';
import { ADMIN } from '../../../src/simulation/apiserver/contract.ts';
import { difference, intersection, pathsOf, readFields, unclaimed, union, writeFields } from '../../../src/simulation/apiserver/merging/field-set.ts';
import type { Http } from '../../../src/ports/http.ts';
import type { Json } from './asker.ts';
import { APPLY, exchange, STRATEGIC, type Exchanged } from './json-over-http.ts';
import { simulated, withNamespace, withOurKinds } from './simulated.ts';

const MAPS = '/api/v1/namespaces/shop/configmaps';
const SETS = '/apis/apps/v1/namespaces/shop/statefulsets';

async function aShop(fieldOwnership = true): Promise<Http> {
  const { server } = simulated({ fieldOwnership });
  await withNamespace(server, 'shop');
  await withOurKinds(server);
  return server.http(ADMIN);
}

const settings = (data: Json, metadata: Json = {}): Json => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', ...metadata }, data });
const setWith = (containers: Json[], more: Json = {}): Json => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: { serviceName: 'web', selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers } }, ...more },
});

interface Applying {
  as: string;
  force?: boolean;
  path?: string;
}

function apply(http: Http, object: Json, { as, force = false, path = `${MAPS}/c` }: Applying): Promise<Exchanged> {
  return exchange(http, { method: 'PATCH', path: `${path}?fieldManager=${as}&force=${force}`, contentType: APPLY, body: object });
}

const managers = ({ body }: Exchanged): Json => Object.fromEntries(body.metadata.managedFields.map(({ manager, operation, subresource, fieldsV1 }: Json) => [`${manager} ${operation}${subresource === undefined ? '' : ` ${subresource}`}`, fieldsV1]));

describe('server-side apply', () => {
  it('makes what is not there, and says who owns what', async () => {
    const http = await aShop();
    const made = await apply(http, settings({ a: '1' }, { labels: { x: 'y' } }), { as: 'one' });
    expect([made.status, managers(made)]).toEqual([201, { 'one Apply': { 'f:data': { 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } } }]);
    const again = await apply(http, settings({ a: '1' }, { labels: { x: 'y' } }), { as: 'one' });
    expect([again.status, again.body.metadata.resourceVersion]).toEqual([200, made.body.metadata.resourceVersion]);
  });

  it('reads YAML', async () => {
    expect((await apply(await aShop(), 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata: { a: yes and no }\n', { as: 'one' })).body.data).toEqual({ a: 'yes and no' });
  });

  it('takes back what it does not name any more, unless somebody else owns it as well', async () => {
    const http = await aShop();
    await apply(http, settings({ mine: '1', ours: '2' }, { labels: { x: 'y' } }), { as: 'one' });
    await apply(http, settings({ ours: '2' }), { as: 'two' });
    const left = await apply(http, settings({ new: '3' }), { as: 'one' });
    expect([left.body.data, left.body.metadata.labels]).toEqual([{ ours: '2', new: '3' }, undefined]);
    expect(managers(left)).toEqual({ 'one Apply': { 'f:data': { 'f:new': {} } }, 'two Apply': { 'f:data': { 'f:ours': {} } } });
  });

  it('does not overwrite what somebody else owns, unless it is forced', async () => {
    const http = await aShop();
    await apply(http, settings({ a: '1', b: '1' }), { as: 'one' });
    const refused = await apply(http, settings({ a: '2', b: '2' }), { as: 'two' });
    expect(refused).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message: 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b',
        details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' }, { field: '.data.b' }] },
      },
    });
    const forced = await apply(http, settings({ a: '2' }), { as: 'two', force: true });
    expect([forced.body.data, managers(forced)]).toEqual([{ a: '2', b: '1' }, { 'one Apply': { 'f:data': { 'f:b': {} } }, 'two Apply': { 'f:data': { 'f:a': {} } } }]);
  });

  it('shares what others own with the same value', async () => {
    const http = await aShop();
    await apply(http, settings({ a: '1' }), { as: 'one' });
    expect(Object.keys(managers(await apply(http, settings({ a: '1' }), { as: 'two' })))).toEqual(['one Apply', 'two Apply']);
  });

  it('knows what was changed otherwise, and by whom', async () => {
    const http = await aShop();
    await apply(http, settings({ a: '1', b: '1' }), { as: 'one' });
    const byHand = await exchange(http, { method: 'PATCH', path: `${MAPS}/c?fieldManager=hand`, contentType: STRATEGIC, body: { data: { a: '2' } } });
    expect(managers(byHand)).toEqual({ 'one Apply': { 'f:data': { 'f:b': {} } }, 'hand Update': { 'f:data': { 'f:a': {} } } });
    expect((await apply(http, settings({ a: '1', b: '1' }), { as: 'one' })).body.message).toBe('Apply failed with 1 conflict: conflict with "hand" using v1: .data.a');
  });

  it('tells items of a list apart by their keys, defaults of keys included', async () => {
    const http = await aShop();
    const path = `${SETS}/web`;
    const made = await apply(http, setWith([{ name: 'web', image: 'one', ports: [{ containerPort: 80 }] }, { name: 'side', image: 'x' }]), { as: 'one', path });
    expect(Object.keys(managers(made)['one Apply']['f:spec']['f:template']['f:spec']['f:containers'])).toEqual(['k:{"name":"side"}', 'k:{"name":"web"}']);
    expect(Object.keys(managers(made)['one Apply']['f:spec']['f:template']['f:spec']['f:containers']['k:{"name":"web"}']['f:ports'])).toEqual(['k:{"containerPort":80,"protocol":"TCP"}']);
    const left = await apply(http, setWith([{ name: 'web', image: 'two' }]), { as: 'one', path });
    expect(left.body.spec.template.spec.containers.map(({ name, image, ports }: Json) => [name, image, ports])).toEqual([['web', 'two', undefined]]);
  });

  it('owns replicas against /scale', async () => {
    const http = await aShop();
    const path = `${SETS}/web`;
    await apply(http, setWith([{ name: 'web', image: 'x' }], { replicas: 1 }), { as: 'one', path });
    await exchange(http, { method: 'PATCH', path: `${path}/scale?fieldManager=hand`, contentType: 'application/merge-patch+json', body: { spec: { replicas: 3 } } });
    const refused = await apply(http, setWith([{ name: 'web', image: 'x' }], { replicas: 1 }), { as: 'one', path });
    expect(refused.body.message).toBe('Apply failed with 1 conflict: conflict with "hand" with subresource "scale" using apps/v1: .spec.replicas');
    expect((await apply(http, setWith([{ name: 'web', image: 'x' }]), { as: 'one', path })).body.spec.replicas).toBe(3);
  });

  it('keeps status and spec apart', async () => {
    const http = await aShop();
    const own = { apiVersion: 'zonespread.io/v1alpha1', kind: 'ZoneEvacuation', metadata: { name: 'b' } };
    const path = '/apis/zonespread.io/v1alpha1/zoneevacuations/b';
    await apply(http, { ...own, spec: { zone: 'b' } }, { as: 'one', path });
    const written = await apply(http, { ...own, status: { disksLeft: 3 } }, { as: 'two', path: `${path}/status` });
    expect(written.body).toMatchObject({ spec: { zone: 'b' }, status: { disksLeft: 3 } });
    expect(managers(written)).toMatchObject({ 'two Apply status': { 'f:status': { 'f:disksLeft': {} } }, 'one Apply': { 'f:spec': { 'f:zone': {} } } });
  });

  it('goes over from client-side apply: kubectl does not fight with itself, and keeps its annotation', async () => {
    const http = await aShop();
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
    const before = settings({ a: '1' });
    await exchange(http, { method: 'POST', path: `${MAPS}?fieldManager=kubectl-client-side-apply`, body: settings({ a: '1', b: '1' }, { annotations: { [annotation]: JSON.stringify(before) } }) });
    expect((await apply(http, settings({ a: '2' }), { as: 'other' })).status).toBe(409);
    const taken = await apply(http, settings({ a: '2' }), { as: 'kubectl' });
    expect([taken.status, taken.body.data]).toEqual([200, { a: '2', b: '1' }]);
    expect(JSON.parse(taken.body.metadata.annotations[annotation])).toMatchObject({ data: { a: '2' } });
    // Not in the annotation: this one it has to fight for.
    expect((await apply(http, settings({ b: '2' }), { as: 'kubectl' })).body.message).toContain('.data.b');
  });

  it.each<[string, Json, Applying, Json]>([
    ['without a manager', settings({}), { as: '' }, { status: 422, body: { message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch' } }],
    ['with managers of its own', settings({}, { managedFields: [] }), { as: 'one' }, { status: 400, body: { message: 'metadata.managedFields must be nil' } }],
    ['of another name', settings({}, { name: 'd' }), { as: 'one' }, { status: 400 }],
    ['of another kind', { ...settings({}), kind: 'Secret' }, { as: 'one' }, { status: 400 }],
    ['with a field that the kind does not have', { ...settings({}), dada: {} }, { as: 'one' }, { status: 500, body: { message: 'failed to create typed patch object (/c; /v1, Kind=ConfigMap): .dada: field not declared in schema' } }],
    ['of what is gone', settings({}, { uid: 'u' }), { as: 'one' }, { status: 409, body: { message: expect.stringContaining('uid mismatch: the provided object specified uid u, and no existing object was found') } }],
    ['that is no object', 'just words', { as: 'one' }, { status: 400 }],
  ])('is refused %s', async (_what, object, applying, answer) => {
    expect(await apply(await aShop(), object, applying)).toMatchObject(answer);
  });

  it('on a dry run changes nothing', async () => {
    const http = await aShop();
    expect((await exchange(http, { method: 'PATCH', path: `${MAPS}/c?fieldManager=one&dryRun=All`, contentType: APPLY, body: settings({ a: '1' }) })).status).toBe(201);
    expect((await exchange(http, { path: `${MAPS}/c` })).status).toBe(404);
  });
});

describe('managers', () => {
  it('are written over by a client that writes them, as kubectl does when it migrates', async () => {
    const http = await aShop();
    await apply(http, settings({ a: '1' }), { as: 'one' });
    const body = [{ op: 'replace', path: '/metadata/managedFields', value: [] }];
    const reset = await exchange(http, { method: 'PATCH', path: `${MAPS}/c?fieldManager=hand`, contentType: 'application/json-patch+json', body });
    expect(managers(reset)).toEqual({});
  });

  it('own nothing that admission added', async () => {
    const http = await aShop();
    const made = await exchange(http, { method: 'POST', path: '/api/v1/namespaces/shop/pods?fieldManager=hand', body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'x' }] } } });
    expect(made.body.spec.tolerations).toHaveLength(2);
    expect(Object.keys(managers(made)['hand Update']['f:spec'])).not.toContain('f:tolerations');
  });

  it('are only named where nobody keeps books of fields; what was applied still has owners', async () => {
    const http = await aShop(false);
    await apply(http, settings({ a: '1' }), { as: 'one' });
    const changed = await exchange(http, { method: 'PATCH', path: `${MAPS}/c?fieldManager=hand`, contentType: STRATEGIC, body: { data: { b: '2' } } });
    expect(managers(changed)).toEqual({ 'one Apply': { 'f:data': { 'f:a': {} } }, 'hand Update': {} });
    expect((await apply(http, settings({ a: '2' }), { as: 'two' })).status).toBe(409);
  });
});

describe('sets of fields', () => {
  const of = (fields: Json): ReturnType<typeof readFields> => readFields(fields);
  const a = of({ 'f:spec': { 'f:a': {}, 'f:list': { 'k:{"name":"x"}': { '.': {}, 'f:image': {} } } } });
  const b = of({ 'f:spec': { 'f:a': {}, 'f:b': {}, 'f:list': { 'k:{"name":"x"}': { 'f:image': {} } } } });

  it('are read and written without loss', () => {
    expect(readFields(writeFields(a))).toEqual(a);
  });

  it('are joined, subtracted and cut', () => {
    expect(pathsOf(union(a, b))).toEqual(['.spec.a', '.spec.list[name="x"]', '.spec.list[name="x"].image', '.spec.b']);
    expect(pathsOf(difference(a, b))).toEqual(['.spec.list[name="x"]']);
    expect(pathsOf(intersection(a, b))).toEqual(['.spec.a', '.spec.list[name="x"].image']);
  });

  it('leave an item unclaimed only when nothing in it is claimed', () => {
    expect(pathsOf(unclaimed(a, b))).toEqual([]);
    expect(pathsOf(unclaimed(a, of({ 'f:spec': { 'f:a': {} } })))).toEqual(['.spec.list[name="x"]', '.spec.list[name="x"].image']);
  });
});
