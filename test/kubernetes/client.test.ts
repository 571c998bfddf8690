// The requests that the Api makes and what it makes of the answers, over a scripted HTTP.

import { describe, expect, it } from 'vitest';
import { ApiError, ApiUnreachable } from '../../src/kubernetes/api.ts';
import { createApi, isAlreadyExists, isBudgetExhausted, isConflict, isNotFound, isQuotaExceeded, isTestFailed } from '../../src/kubernetes/client.ts';
import { fence, LeaseLost } from '../../src/kubernetes/fence.ts';
import { claims, events, nodes, pods, volumes } from '../../src/kubernetes/objects.ts';
import { ScriptedHttp } from '../fakes/http.ts';

const ref = { namespace: 'shop', name: 'data-web-2' };

function status(code: number, reason: string, message: string, details: object = {}): { status: number; json: object } {
  return { status: code, json: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details } };
}

describe('the requests', () => {
  it('read one object, and undefined when there is none', async () => {
    const http = new ScriptedHttp({ json: { metadata: { name: 'n' } } }, status(404, 'NotFound', 'nodes "n" not found'));
    const api = createApi({ http, userAgent: 'zonespread/0.1.0 controller' });
    expect(await api.get(nodes, { name: 'n' })).toEqual({ metadata: { name: 'n' } });
    expect(await api.get(nodes, { name: 'n' })).toBeUndefined();
    expect(http.requests[0]).toMatchObject({ method: 'GET', path: '/api/v1/nodes/n', headers: { 'user-agent': 'zonespread/0.1.0 controller', accept: 'application/json' } });
  });

  it('create with kind, dry run, field manager and a connection of its own', async () => {
    const http = new ScriptedHttp({ status: 201, json: { metadata: { name: 'data-web-2', uid: 'u' } } });
    await createApi({ http }).create(claims, { metadata: ref, spec: {} }, { dryRun: true, freshConnection: true });
    const [request] = http.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/api/v1/namespaces/shop/persistentvolumeclaims?fieldManager=zonespread&dryRun=All', freshConnection: true });
    expect(JSON.parse(request!.body!)).toEqual({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: ref, spec: {} });
  });

  it('patch with the right content type, the status too', async () => {
    const http = new ScriptedHttp({ json: {} }, { json: {} });
    const api = createApi({ http });
    await api.mergePatch(volumes, { name: 'd-old' }, { spec: { claimRef: { uid: null } } });
    await api.jsonPatch(pods, { namespace: 'shop', name: 'web-2' }, [{ op: 'test', path: '/metadata/uid', value: 'u' }], { subresource: 'status', fieldManager: 'other' });
    expect(http.requests[0]).toMatchObject({ method: 'PATCH', path: '/api/v1/persistentvolumes/d-old?fieldManager=zonespread', body: '{"spec":{"claimRef":{"uid":null}}}', headers: { 'content-type': 'application/merge-patch+json' } });
    expect(http.requests[1]).toMatchObject({ path: '/api/v1/namespaces/shop/pods/web-2/status?fieldManager=other', headers: { 'content-type': 'application/json-patch+json' } });
  });

  it('delete with preconditions, and tell gone from going', async () => {
    const http = new ScriptedHttp(
      { json: { kind: 'Status', status: 'Success' } },
      { json: { kind: 'PersistentVolumeClaim', metadata: { name: 'x', deletionTimestamp: 't', finalizers: ['kubernetes.io/pvc-protection'] } } },
      { json: { kind: 'Pod', metadata: { name: 'x', deletionTimestamp: 't', deletionGracePeriodSeconds: 30 } } },
      { json: { kind: 'Pod', metadata: { name: 'x', deletionTimestamp: 't', deletionGracePeriodSeconds: 0 } } },
      { json: { kind: 'PersistentVolumeClaim', metadata: { name: 'x' } } },
      status(404, 'NotFound', 'gone'),
    );
    const api = createApi({ http });
    const outcomes: string[] = [];
    for (let at = 0; at < 6; at += 1) outcomes.push(await api.delete(claims, ref, { uid: 'u', resourceVersion: '7' }, { gracePeriodSeconds: 0, propagationPolicy: 'Background' }));
    expect(outcomes).toEqual(['gone', 'deleting', 'deleting', 'gone', 'gone', 'gone']);
    expect(JSON.parse(http.requests[0]!.body!)).toEqual({ apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: 'Background', preconditions: { uid: 'u', resourceVersion: '7' } });
  });

  it('never take a missing name or namespace for "all of them"', async () => {
    const http = new ScriptedHttp();
    const api = createApi({ http });
    await expect(api.delete(claims, { namespace: 'shop', name: '' })).rejects.toThrow('the name is missing');
    await expect(api.delete(claims, { name: 'x' })).rejects.toThrow('the namespace is missing');
    await expect(api.create(claims, { metadata: { name: 'x' }, spec: {} })).rejects.toThrow('the namespace is missing');
    expect(http.requests).toEqual([]);
  });

  it('evict by UID', async () => {
    const http = new ScriptedHttp({ status: 201, json: {} });
    await createApi({ http }).evict({ namespace: 'shop', name: 'web-2', uid: 'u' });
    expect(http.requests[0]).toMatchObject({ method: 'POST', path: '/api/v1/namespaces/shop/pods/web-2/eviction' });
    expect(JSON.parse(http.requests[0]!.body!)).toEqual({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace: 'shop', name: 'web-2' }, deleteOptions: { preconditions: { uid: 'u' } } });
  });

  it('discover what a group version serves, and who we are', async () => {
    const http = new ScriptedHttp({ json: { resources: [{ name: 'statefulsets' }, { name: 'statefulsets/scale' }] } }, status(404, 'NotFound', 'the server could not find the requested resource'), { status: 201, json: { status: { userInfo: { username: 'system:admin' } } } });
    const api = createApi({ http });
    expect(await api.discover('apps.kruise.io/v1beta1')).toEqual(['statefulsets']);
    expect(await api.discover('zonespread.io/v1alpha1')).toBeUndefined();
    expect(await api.selfUser()).toBe('system:admin');
    expect(http.requests.map((request) => request.path)).toEqual(['/apis/apps.kruise.io/v1beta1', '/apis/zonespread.io/v1alpha1', '/apis/authentication.k8s.io/v1/selfsubjectreviews']);
  });
});

describe('lists', () => {
  const page = (names: string[], place?: string): { json: object } => ({ json: { metadata: { resourceVersion: '9', ...(place === undefined ? {} : { continue: place }) }, items: names.map((name) => ({ metadata: { name } })) } });

  it('come in pages, with the kinds that a list leaves out', async () => {
    const http = new ScriptedHttp(page(['a', 'b'], 'more'), page(['c']));
    const found = await createApi({ http }).list(pods, { namespace: 'shop', labelSelector: 'app in (web)', fieldSelector: 'spec.nodeName=n' });
    expect(found.map((pod) => `${pod.apiVersion} ${pod.kind} ${pod.metadata.name}`)).toEqual(['v1 Pod a', 'v1 Pod b', 'v1 Pod c']);
    expect(http.requests.map((request) => request.path)).toEqual([
      '/api/v1/namespaces/shop/pods?limit=500&labelSelector=app+in+%28web%29&fieldSelector=spec.nodeName%3Dn',
      '/api/v1/namespaces/shop/pods?limit=500&continue=more&labelSelector=app+in+%28web%29&fieldSelector=spec.nodeName%3Dn',
    ]);
  });

  it('start again when their place has expired, and in the end ask for all at once', async () => {
    const expired = status(410, 'Expired', 'The provided continue parameter is too old');
    const http = new ScriptedHttp(page(['a'], 'p'), expired, page(['a'], 'p'), expired, page(['a', 'b', 'c']));
    expect(await createApi({ http }).list(volumes)).toHaveLength(3);
    expect(http.requests.map((request) => request.path)).toEqual([
      '/api/v1/persistentvolumes?limit=500',
      '/api/v1/persistentvolumes?limit=500&continue=p',
      '/api/v1/persistentvolumes?limit=500',
      '/api/v1/persistentvolumes?limit=500&continue=p',
      '/api/v1/persistentvolumes',
    ]);
  });

  it('of nothing are empty, and an answer that is no list is none', async () => {
    const http = new ScriptedHttp({ json: { metadata: { resourceVersion: '9' }, items: null } }, { json: { hello: 'world' } });
    const api = createApi({ http });
    expect(await api.list(events)).toEqual([]);
    await expect(api.list(events)).rejects.toThrow('list Event: the answer is no list');
  });
});

describe('refusals', () => {
  async function refused(answer: { status: number; json?: object; text?: string; headers?: Record<string, string> }): Promise<ApiError> {
    const error = await createApi({ http: new ScriptedHttp(answer) })
      .create(claims, { metadata: ref, spec: {} })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    return error as ApiError;
  }

  it('name verb, kind and object, and keep code, reason and body', async () => {
    const error = await refused(status(409, 'AlreadyExists', 'persistentvolumeclaims "data-web-2" already exists'));
    expect(error.message).toBe('create PersistentVolumeClaim shop/data-web-2: persistentvolumeclaims "data-web-2" already exists (409 AlreadyExists)');
    expect(error).toMatchObject({ status: 409, reason: 'AlreadyExists', retriable: true, body: { kind: 'Status' } });
    expect(isAlreadyExists(error)).toBe(true);
    expect(isConflict(error)).toBe(false);
  });

  it('tell conflicts, failed tests, quotas and budgets apart', async () => {
    expect(isConflict(await refused(status(409, 'Conflict', 'the object has been modified')))).toBe(true);
    expect(isConflict(await refused(status(422, 'Invalid', 'uid', { causes: [{ field: 'metadata.uid' }] })))).toBe(true);
    expect(isTestFailed(await refused(status(422, 'Invalid', 'the server rejected our request due to an error in our request')))).toBe(true);
    expect(isTestFailed(await refused(status(422, 'Invalid', 'spec', { causes: [{ field: 'spec' }] })))).toBe(false);
    expect(isNotFound(await refused(status(404, 'NotFound', 'namespaces "shop" not found')))).toBe(true);
    expect(isQuotaExceeded(await refused(status(403, 'Forbidden', 'exceeded quota: disks, requested: requests.storage=20Gi')))).toBe(true);
    expect(isQuotaExceeded(await refused(status(403, 'Forbidden', 'User "x" cannot create')))).toBe(false);
    expect(isBudgetExhausted(await refused(status(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", { causes: [{ reason: 'DisruptionBudget' }] })))).toBe(true);
    expect(isBudgetExhausted(await refused(status(500, 'InternalError', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.')))).toBe(true);
    expect(isBudgetExhausted(await refused({ status: 429, text: 'Too many requests, please try again later.' }))).toBe(false);
  });

  it('say when to come back: seconds, a date against the server clock, or in the body', async () => {
    expect((await refused({ ...status(429, 'TooManyRequests', ''), headers: { 'retry-after': '7' } })).retryAfterMs).toBe(7000);
    expect((await refused({ ...status(503, 'ServiceUnavailable', ''), headers: { 'retry-after': 'Sat, 21 Nov 2026 10:00:30 GMT', date: 'Sat, 21 Nov 2026 10:00:00 GMT' } })).retryAfterMs).toBe(30_000);
    expect((await refused(status(429, 'TooManyRequests', '', { retryAfterSeconds: 3 }))).retryAfterMs).toBe(3000);
    expect((await refused({ ...status(503, 'ServiceUnavailable', ''), headers: { 'retry-after': 'soon' } })).retryAfterMs).toBeUndefined();
  });

  it('of a proxy are read as what they are', async () => {
    const error = await refused({ status: 502, text: '<html><head><style>b{}</style></head><body><h1>502 Bad Gateway</h1>\n<hr>nginx</body></html>' });
    expect(error.message).toBe('create PersistentVolumeClaim shop/data-web-2: not a Status of the API server: "502 Bad Gateway nginx" (502 BadGateway)');
    expect(error.retriable).toBe(true);
    expect((await refused({ status: 504, text: '' })).message).toContain('the answer is empty (504 Timeout)');
  });
});

describe('no answer', () => {
  it('is another thing than a refusal: nobody knows what happened', async () => {
    const http = new ScriptedHttp({ error: new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 10.0.0.1:443') }) }, { text: '<html>login</html>' }, { text: '{"kind":"Pod","meta' }, { json: {}, breaksOff: new Error('terminated') });
    const api = createApi({ http });
    const create = (): Promise<unknown> => api.create(claims, { metadata: ref, spec: {} }).catch((thrown: unknown) => thrown);
    expect(await create()).toMatchObject({ name: 'ApiUnreachable', message: 'create PersistentVolumeClaim shop/data-web-2: no answer from the API server: fetch failed (connect ECONNREFUSED 10.0.0.1:443)', retriable: true });
    for (let at = 0; at < 3; at += 1) expect(await create()).toBeInstanceOf(ApiUnreachable);
  });
});

describe('the fence', () => {
  function leadership(): { epoch: number; signal: AbortSignal; held(): boolean; assertHeld(): void; lose(): void } {
    const lost = new AbortController();
    return {
      epoch: 1,
      signal: lost.signal,
      held: () => !lost.signal.aborted,
      assertHeld: () => {
        if (lost.signal.aborted) throw new LeaseLost('lost');
      },
      lose: () => lost.abort(),
    };
  }

  it('lets reads through and refuses every write once the lease is lost', async () => {
    const http = new ScriptedHttp({ json: {} }, { json: {} });
    const lease = leadership();
    const api = createApi({ http: fence(http, lease) });
    await api.mergePatch(claims, ref, {});
    lease.lose();
    await expect(api.mergePatch(claims, ref, {})).rejects.toBeInstanceOf(LeaseLost);
    await expect(api.delete(claims, ref)).rejects.toBeInstanceOf(LeaseLost);
    await expect(api.evict({ ...ref, uid: 'u' })).rejects.toBeInstanceOf(LeaseLost);
    await api.get(claims, ref);
    expect(http.requests.map((request) => request.method)).toEqual(['PATCH', 'GET']);
  });

  it('breaks a write off that is under way when the lease gets lost', async () => {
    const http = new ScriptedHttp({ hangs: true });
    const lease = leadership();
    const writing = createApi({ http: fence(http, lease) }).mergePatch(claims, ref, {});
    lease.lose();
    await expect(writing).rejects.toBeInstanceOf(ApiUnreachable);
  });
});
