// What the server says about itself: resources in both forms of discovery, OpenAPI documents, reviews. That it is what the real server
// says of the same kinds, kubectl.e2e.test.ts shows.

import { describe, expect, it } from 'vitest';
import type { Http } from '../../../src/ports/http.ts';
import { ADMIN, type ApiServer } from '../../../src/simulation/apiserver/contract.ts';
import type { Json } from './asker.ts';
import { exchange } from './json-over-http.ts';
import { definitions, simulated, withOurKinds } from './simulated.ts';

const ALL_AT_ONCE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

async function aServer(): Promise<{ server: ApiServer; http: Http; get: (path: string, accept?: string) => Promise<Json> }> {
  const { server } = simulated();
  await withOurKinds(server);
  const http = server.http(ADMIN);
  return { server, http, get: async (path, accept = 'application/json') => (await exchange(http, { path, accept })).body };
}

describe('discovery', () => {
  it('tells all at once to those who ask for that', async () => {
    const { http, get } = await aServer();
    const { headers, body } = await exchange(http, { path: '/apis', accept: ALL_AT_ONCE });
    expect([headers['content-type'], body.kind]).toEqual(['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', 'APIGroupDiscoveryList']);
    const apps = body.items.find(({ metadata }: Json) => metadata.name === 'apps');
    expect(apps.versions[0].resources.find(({ resource }: Json) => resource === 'statefulsets')).toMatchObject({
      scope: 'Namespaced',
      singularResource: 'statefulset',
      shortNames: ['sts'],
      categories: ['all'],
      subresources: [{ subresource: 'status' }, { subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' } }],
    });
    const core = await get('/api', ALL_AT_ONCE);
    expect(core.items[0].versions[0].resources.map(({ resource }: Json) => resource)).toContain('pods');
  });

  it('tells the others group by group', async () => {
    const { get } = await aServer();
    expect((await get('/apis')).groups.map(({ name }: Json) => name)).toEqual(expect.arrayContaining(['apps', 'zonespread.io', 'authentication.k8s.io']));
    expect(await get('/apis/zonespread.io')).toMatchObject({ kind: 'APIGroup', preferredVersion: { groupVersion: 'zonespread.io/v1alpha1' } });
    const { resources } = await get('/apis/zonespread.io/v1alpha1');
    expect(resources.find(({ name }: Json) => name === 'ordinalmigrations')).toMatchObject({ kind: 'OrdinalMigration', shortNames: ['om'], namespaced: true });
    expect(resources.map(({ name }: Json) => name)).toContain('ordinalmigrations/status');
    expect(await get('/version')).toMatchObject({ gitVersion: 'v1.36.3' });
  });

  it('forgets a kind with its definition', async () => {
    const { server, get } = await aServer();
    await server.client(ADMIN).delete(definitions, { name: 'ordinalmigrations.zonespread.io' });
    const { resources } = await get('/apis/zonespread.io/v1alpha1');
    expect(resources.map(({ name }: Json) => name)).not.toContain('ordinalmigrations');
  });
});

describe('OpenAPI', () => {
  it('has one document for each group version, whose address changes with what is in it', async () => {
    const { server, get } = await aServer();
    const before = (await get('/openapi/v3')).paths;
    expect(Object.keys(before)).toEqual(expect.arrayContaining(['api/v1', 'apis/apps/v1', 'apis/zonespread.io/v1alpha1']));
    await server.client(ADMIN).delete(definitions, { name: 'zoneevacuations.zonespread.io' });
    const after = (await get('/openapi/v3')).paths;
    expect(after['api/v1']).toEqual(before['api/v1']);
    expect(after['apis/zonespread.io/v1alpha1']).not.toEqual(before['apis/zonespread.io/v1alpha1']);
  });

  it('says of each kind which patches it takes and that it knows field validation: what kubectl looks for', async () => {
    const { get } = await aServer();
    const patch = async (document: string, path: string): Promise<Json> => (await get(`/openapi/v3/${document}?hash=ABC`)).paths[path].patch;
    const set = await patch('apis/apps/v1', '/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}');
    expect(set).toMatchObject({ 'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'StatefulSet' }, parameters: expect.arrayContaining([expect.objectContaining({ name: 'fieldValidation', in: 'query' })]) });
    expect(Object.keys(set.requestBody.content)).toContain('application/strategic-merge-patch+json');
    const evacuation = await patch('apis/zonespread.io/v1alpha1', '/apis/zonespread.io/v1alpha1/zoneevacuations/{name}');
    expect(Object.keys(evacuation.requestBody.content)).not.toContain('application/strategic-merge-patch+json');
  });

  it('leaves no reference open', async () => {
    const { get } = await aServer();
    for (const document of Object.keys((await get('/openapi/v3')).paths)) {
      const text = JSON.stringify(await get(`/openapi/v3/${document}`));
      const { schemas } = JSON.parse(text).components;
      const open = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].filter(([, name = '']) => schemas[name] === undefined);
      expect([document, open]).toEqual([document, []]);
    }
  });

  it('describes our own kinds in words', async () => {
    const { get } = await aServer();
    const { schemas } = (await get('/openapi/v3/apis/zonespread.io/v1alpha1')).components;
    expect(schemas['io.zonespread.v1alpha1.OrdinalMigration']).toMatchObject({ description: expect.stringContaining('The move of one ordinal'), 'x-kubernetes-group-version-kind': [{ kind: 'OrdinalMigration' }] });
  });
});

describe('a review', () => {
  it('says who somebody is, and that they may', async () => {
    const { server } = await aServer();
    const http = server.http({ username: 'somebody', groups: ['people'] });
    // kubectl asks in protobuf; what is in it does not matter.
    const ask = (path: string): Promise<Json> => exchange(http, { method: 'POST', path, contentType: 'application/vnd.kubernetes.protobuf', body: 'k8s\u0000' });
    expect(await ask('/apis/authentication.k8s.io/v1/selfsubjectreviews')).toMatchObject({ status: 201, body: { status: { userInfo: { username: 'somebody', groups: ['people'] } } } });
    expect(await ask('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')).toMatchObject({ status: 201, body: { status: { allowed: true } } });
  });
});

describe('a part of an object that there is not', () => {
  it.each(['log', 'exec', 'proxy'])('pods/%s', async (part) => {
    const { http } = await aServer();
    for (const method of ['GET', 'POST'] as const) expect(await exchange(http, { method, path: `/api/v1/namespaces/shop/pods/p/${part}` })).toMatchObject({ status: 404, body: { message: 'the server could not find the requested resource' } });
  });
});

describe('an object in protobuf', () => {
  it('is refused with what is allowed', async () => {
    const { http } = await aServer();
    expect(await exchange(http, { method: 'POST', path: '/api/v1/namespaces', contentType: 'application/vnd.kubernetes.protobuf', body: 'k8s\u0000' })).toMatchObject({ status: 415, body: { message: expect.stringContaining('application/json, application/yaml') } });
  });

  it('and one in YAML is taken', async () => {
    const { http } = await aServer();
    expect((await exchange(http, { method: 'POST', path: '/api/v1/namespaces', contentType: 'application/yaml', body: 'metadata: { name: shop }' })).status).toBe(201);
  });
});
