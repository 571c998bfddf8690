// Strategic merge patches, as kubectl edit, patch and rollout send them. That the real server merges alike, kubectl.e2e.test.ts shows.

import { describe, expect, it } from 'vitest';
import { statefulSets } from '../../../src/kubernetes/objects.ts';
import { ADMIN } from '../../../src/simulation/apiserver/contract.ts';
import { podKind } from '../../../src/simulation/apiserver/kinds/pods.ts';
import { applyStrategicPatch, BadPatch } from '../../../src/simulation/apiserver/merging/strategic.ts';
import { schemaOf } from '../../../src/simulation/apiserver/openapi/schemas.ts';
import type { Json } from './asker.ts';
import { setOf } from './cases.ts';
import { exchange, STRATEGIC } from './json-over-http.ts';
import { simulated, withNamespace, withOurKinds } from './simulated.ts';

const patched = (pod: Json, patch: Json): Json => applyStrategicPatch(pod, patch, schemaOf(podKind));
const spec = (containers: Json[]): Json => ({ spec: { containers } });
const [web, side] = [{ name: 'web', image: 'one' }, { name: 'side', image: 'two' }];

describe('a strategic merge patch', () => {
  it('merges lists of objects by their key, and puts new ones where the patch has them', () => {
    expect(patched(spec([web, side]), spec([{ name: 'side', image: 'three' }, { name: 'new' }]))).toEqual(spec([web, { name: 'side', image: 'three' }, { name: 'new' }]));
  });

  it('merges deeper than one list', () => {
    const before = spec([{ ...web, env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] }]);
    expect(patched(before, spec([{ name: 'web', env: [{ name: 'B', value: '3' }, { name: 'C', value: '4' }] }])).spec.containers[0].env).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: '3' },
      { name: 'C', value: '4' },
    ]);
  });

  it('replaces lists that have no key', () => {
    expect(patched({ spec: { tolerations: [{ key: 'a' }], containers: [{ ...web, args: ['x'] }] } }, { spec: { tolerations: [{ key: 'b' }], containers: [{ name: 'web', args: ['y', 'z'] }] } })).toEqual({
      spec: { tolerations: [{ key: 'b' }], containers: [{ ...web, args: ['y', 'z'] }] },
    });
  });

  it('merges lists of words by value', () => {
    expect(patched({ metadata: { finalizers: ['a', 'b'] } }, { metadata: { finalizers: ['b', 'c'] } })).toEqual({ metadata: { finalizers: ['a', 'b', 'c'] } });
  });

  it.each<[string, Json, Json, Json]>([
    ['deletes fields by null', { metadata: { labels: { a: 'b', c: 'd' } } }, { metadata: { labels: { a: null } } }, { metadata: { labels: { c: 'd' } } }],
    ['deletes an item', spec([web, side]), spec([{ name: 'web', $patch: 'delete' }]), spec([side])],
    ['replaces a list', spec([web, side]), { spec: { containers: [{ name: 'only' }, { $patch: 'replace' }] } }, spec([{ name: 'only' }])],
    ['replaces an object', { spec: { securityContext: { a: 1, b: 2 } } }, { spec: { securityContext: { $patch: 'replace', c: 3 } } }, { spec: { securityContext: { c: 3 } } }],
    ['empties an object', { spec: { securityContext: { a: 1 } } }, { spec: { securityContext: { $patch: 'delete' } } }, { spec: { securityContext: {} } }],
    [
      'keeps of a union what it names',
      { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      { spec: { volumes: [{ name: 'v', configMap: { name: 'c' }, $retainKeys: ['name', 'configMap'] }] } },
      { spec: { volumes: [{ name: 'v', configMap: { name: 'c' } }] } },
    ],
    ['takes words out of a list', { metadata: { finalizers: ['a', 'b'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, { metadata: { finalizers: ['b'] } }],
    ['orders a list', spec([web, side]), { spec: { '$setElementOrder/containers': [{ name: 'side' }, { name: 'web' }] } }, spec([side, web])],
    [
      'orders what it merges, and leaves what it does not know in its place',
      spec([web, { name: 'injected' }, side]),
      { spec: { '$setElementOrder/containers': [{ name: 'side' }, { name: 'new' }, { name: 'web' }], containers: [{ name: 'new' }] } },
      spec([{ name: 'injected' }, side, { name: 'new' }, web]),
    ],
    ['leaves directives out of what is new', {}, { spec: { volumes: [{ name: 'v', $retainKeys: ['name'] }, { name: 'w', $patch: 'delete' }], x: null } }, { spec: { volumes: [{ name: 'v' }] } }],
  ])('%s', (_what, before, patch, after) => {
    expect(patched(before, patch)).toEqual(after);
  });

  it('changes nothing of the original, and shares what it does not touch', () => {
    const original = { metadata: { labels: { a: 'b' } }, ...spec([web, side]) };
    const copy = structuredClone(original);
    const result = patched(original, spec([{ name: 'web', image: 'new' }]));
    expect(original).toEqual(copy);
    expect(result.metadata).toBe(original.metadata);
  });

  it.each<[Json, RegExp]>([
    [spec([{ image: 'nameless' }]), /map\[image:nameless\] does not contain declared merge key: name/],
    [{ spec: { $patch: 'upset' } }, /Unknown patch type: upset/],
    [{ spec: { $retainKeys: ['a'], containers: [] } }, /retainKeys/],
  ])('is refused for %j', (patch, why) => {
    expect(() => patched(spec([web]), patch)).toThrow(why);
    expect(() => patched(spec([web]), patch)).toThrow(BadPatch);
  });
});

describe('over HTTP', () => {
  it('a set takes it, and a custom kind does not', async () => {
    const { server } = simulated();
    await withNamespace(server, 'shop');
    await withOurKinds(server);
    const http = server.http(ADMIN);
    await server.client(ADMIN).create(statefulSets, { ...setOf('web'), metadata: { name: 'web', namespace: 'shop' } });
    const path = '/apis/apps/v1/namespaces/shop/statefulsets/web';
    const body = { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } } };
    const answer = await exchange(http, { method: 'PATCH', path, contentType: STRATEGIC, body });
    expect([answer.status, answer.body.spec.template.metadata, answer.body.metadata.generation]).toEqual([200, { labels: { app: 'web' }, annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } }, 2]);
    const custom = await exchange(http, { method: 'PATCH', path: '/apis/zonespread.io/v1alpha1/zoneevacuations/b', contentType: STRATEGIC, body });
    expect(custom).toMatchObject({ status: 415, body: { message: expect.stringContaining('application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml') } });
  });

  it('with fields that nobody knows it is refused or warned of, as the client asks', async () => {
    const { server } = simulated();
    await withNamespace(server, 'shop');
    const http = server.http(ADMIN);
    const create = (validation: string): ReturnType<typeof exchange> =>
      exchange(http, { method: 'POST', path: `/api/v1/namespaces/shop/configmaps?fieldValidation=${validation}&dryRun=All`, body: { metadata: { name: 'c', lables: {} }, data: { any: 'key' }, date: {} } });
    expect(await create('Strict')).toMatchObject({ status: 400, body: { message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "metadata.lables", unknown field "date"' } });
    expect((await create('Warn')).headers.warning).toBe('299 - "unknown field \\"metadata.lables\\"", 299 - "unknown field \\"date\\""');
    expect((await create('Ignore')).headers.warning).toBeUndefined();
    await exchange(http, { method: 'POST', path: '/api/v1/namespaces/shop/configmaps', body: { metadata: { name: 'c' } } });
    const strict = '/api/v1/namespaces/shop/configmaps/c?fieldValidation=Strict';
    expect(await exchange(http, { method: 'PATCH', path: strict, contentType: STRATEGIC, body: { dada: {} } })).toMatchObject({ status: 422, body: { message: expect.stringContaining('unknown field "dada"') } });
  });
});
