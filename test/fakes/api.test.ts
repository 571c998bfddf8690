// The fake API server keeps the promises that the real one makes; a fake that is kinder than the original hides bugs.

import { describe, expect, it } from 'vitest';
import { ApiUnreachable } from '../../src/kubernetes/api.ts';
import { claims, namespaces, pods, statefulSets, volumes, type PersistentVolume, type PersistentVolumeClaim, type Pod, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { isAlreadyExists, isBudgetExhausted, isConflict, isNamespaceTerminating, isNotFound, isTestFailed } from '../../src/kubernetes/refusals.ts';
import { FakeApi, refusal } from './api.ts';

const ref = { namespace: 'shop', name: 'data-web-2' };

function claim(name = ref.name): PersistentVolumeClaim {
  return { metadata: { namespace: 'shop', name }, spec: { storageClassName: 'disk', resources: { requests: { storage: '20Gi' } } } };
}

function pod(overrides: Partial<Pod['spec']> = {}): Pod {
  return { metadata: { namespace: 'shop', name: 'web-2' }, spec: { schedulingGates: [{ name: 'zonespread.io/migrating' }], ...overrides } };
}

describe('the fake API server', () => {
  it('gives a created object its identity and the status of its kind', async () => {
    const api = new FakeApi();
    const made = await api.create(claims, { ...claim(), status: { phase: 'Bound' } });
    expect(made).toMatchObject({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: { phase: 'Pending' } });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.metadata.resourceVersion).toBe('101');
    await expect(api.create(claims, claim())).rejects.toSatisfy(isAlreadyExists);
  });

  it('names a generated object and stores nothing in a dry run', async () => {
    const api = new FakeApi();
    const made = await api.create(pods, { ...pod(), metadata: { namespace: 'shop', generateName: 'probe-', name: '' } }, { dryRun: true });
    expect(made.metadata.name).toMatch(/^probe-[a-z]{5}$/);
    expect(api.readAll(pods)).toEqual([]);
    expect(api.writes).toEqual([]);
    expect(api.calls).toHaveLength(1);
  });

  it('refuses a patch with an old version or another UID, and a failed test', async () => {
    const api = new FakeApi();
    const made = await api.create(claims, claim());
    await api.mergePatch(claims, ref, { metadata: { labels: { a: '1' } } });
    await expect(api.mergePatch(claims, ref, { metadata: { resourceVersion: made.metadata.resourceVersion } })).rejects.toSatisfy(isConflict);
    await expect(api.mergePatch(claims, ref, { metadata: { uid: 'other' } })).rejects.toSatisfy(isConflict);
    await expect(api.jsonPatch(claims, ref, [{ op: 'test', path: '/metadata/uid', value: 'other' }])).rejects.toSatisfy(isTestFailed);
    await expect(api.mergePatch(claims, { ...ref, name: 'gone' }, {})).rejects.toSatisfy(isNotFound);
  });

  it('deletes fields that a merge patch sets to null, and keeps the version when nothing changes', async () => {
    const api = new FakeApi();
    const volume: PersistentVolume = { metadata: { name: 'd-old' }, spec: { claimRef: { name: 'data-web-2', namespace: 'shop', uid: 'dead', resourceVersion: '4' } } };
    await api.create(volumes, volume);
    const freed = await api.mergePatch(volumes, { name: 'd-old' }, { spec: { claimRef: { uid: null, resourceVersion: null } } });
    expect(freed.spec.claimRef).toEqual({ name: 'data-web-2', namespace: 'shop' });
    const again = await api.mergePatch(volumes, { name: 'd-old' }, { spec: { claimRef: { uid: null } } });
    expect(again.metadata.resourceVersion).toBe(freed.metadata.resourceVersion);
  });

  it('separates the status from the rest', async () => {
    const api = new FakeApi();
    await api.create(claims, claim());
    const main = await api.mergePatch(claims, ref, { metadata: { labels: { a: '1' } }, status: { phase: 'Bound' } });
    expect(main).toMatchObject({ metadata: { labels: { a: '1' } }, status: { phase: 'Pending' } });
    const status = await api.mergePatch(claims, ref, { metadata: { labels: { b: '2' } }, status: { phase: 'Bound' } }, { subresource: 'status' });
    expect(status.metadata.labels).toEqual({ a: '1' });
    expect(status.status).toEqual({ phase: 'Bound' });
  });

  it('counts generations of specs only', async () => {
    const api = new FakeApi();
    const set: StatefulSet = { metadata: { namespace: 'shop', name: 'web' }, spec: { replicas: 3, selector: {}, template: { spec: {} } } };
    expect((await api.create(statefulSets, set)).metadata.generation).toBe(1);
    const web = { namespace: 'shop', name: 'web' };
    expect((await api.mergePatch(statefulSets, web, { metadata: { labels: { a: '1' } } })).metadata.generation).toBe(1);
    expect((await api.mergePatch(statefulSets, web, { spec: { replicas: 4 } })).metadata.generation).toBe(2);
  });

  it('keeps a deleted object until its last finalizer goes', async () => {
    const api = new FakeApi();
    const made = await api.create(claims, { ...claim(), metadata: { ...claim().metadata, finalizers: ['kubernetes.io/pvc-protection'] } });
    await expect(api.delete(claims, ref, { uid: 'other' })).rejects.toSatisfy(isConflict);
    expect(await api.delete(claims, ref, { uid: made.metadata.uid! })).toBe('deleting');
    expect((await api.get(claims, ref))?.metadata.deletionTimestamp).toBe('2026-01-01T00:00:00Z');
    await api.mergePatch(claims, ref, { metadata: { finalizers: null } });
    expect(await api.get(claims, ref)).toBeUndefined();
    expect(await api.delete(claims, ref)).toBe('gone');
  });

  it('leaves a pod on a node to its kubelet, and evicts by UID', async () => {
    const api = new FakeApi();
    const made = await api.create(pods, pod({ nodeName: 'node-a' }));
    await expect(api.evict({ namespace: 'shop', name: 'web-2', uid: 'other' })).rejects.toSatisfy(isConflict);
    await api.evict({ namespace: 'shop', name: 'web-2', uid: made.metadata.uid! });
    expect((await api.get(pods, { namespace: 'shop', name: 'web-2' }))?.metadata.deletionTimestamp).toBeDefined();
    api.remove(pods, { namespace: 'shop', name: 'web-2' });
    await expect(api.evict({ namespace: 'shop', name: 'web-2', uid: made.metadata.uid! })).rejects.toSatisfy(isNotFound);
  });

  it('lets a test stand in front of the server: refuse, lose the answer, change the object', async () => {
    const api = new FakeApi();
    await api.create(pods, pod());
    api.once('evict', pods, (call) => Promise.reject(refusal(call, { status: 429, reason: 'TooManyRequests', message: "Cannot evict pod as it would violate the pod's disruption budget.", causes: [{ reason: 'DisruptionBudget' }] })));
    await expect(api.evict({ namespace: 'shop', name: 'web-2', uid: 'x' })).rejects.toSatisfy(isBudgetExhausted);

    api.once('create', claims, async (_call, proceed) => {
      await proceed();
      throw new ApiUnreachable('reset', undefined);
    });
    await expect(api.create(claims, claim())).rejects.toBeInstanceOf(ApiUnreachable);
    expect(api.read(claims, ref)).toBeDefined();

    api.on('create', claims, (call, proceed) => {
      (call.body as PersistentVolumeClaim).spec.volumeName = 'd-new';
      return proceed();
    });
    expect((await api.create(claims, claim('data-web-3'))).spec.volumeName).toBe('d-new');
  });

  it('refuses what the real one never lets through', async () => {
    const api = new FakeApi();
    await api.create(pods, pod());
    await api.create(claims, { ...claim(), spec: { ...claim().spec, volumeName: 'd-old' } });
    await expect(api.jsonPatch(pods, { namespace: 'shop', name: 'web-2' }, [{ op: 'add', path: '/spec/schedulingGates/-', value: { name: 'other' } }])).rejects.toThrow('immutable');
    await expect(api.mergePatch(claims, ref, { spec: { volumeName: 'd-new' } })).rejects.toThrow('spec.volumeName');
    api.put(namespaces, { metadata: { name: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' } });
    await expect(api.create(claims, claim('late'))).rejects.toSatisfy(isNamespaceTerminating);
  });

  it('tells listeners of every change in order, those that a listener makes included', async () => {
    const api = new FakeApi();
    const seen: string[] = [];
    api.onChange(claims, ({ type, object }) => {
      seen.push(`${type} ${object.spec.volumeName ?? '-'}`);
      if (type === 'added') api.change(claims, ref, (made) => (made.spec.volumeName = 'd-new'));
    });
    await api.create(claims, claim());
    api.remove(claims, ref);
    expect(seen).toEqual(['added -', 'modified d-new', 'deleted d-new']);
  });

  it('selects by labels and fields', async () => {
    const api = new FakeApi();
    await api.create(pods, { ...pod({ nodeName: 'node-a' }), metadata: { namespace: 'shop', name: 'web-0', labels: { app: 'web' } } });
    await api.create(pods, { ...pod(), metadata: { namespace: 'shop', name: 'db-0', labels: { app: 'db' } } });
    expect((await api.list(pods, { labelSelector: 'app in (web,x)' })).map((found) => found.metadata.name)).toEqual(['web-0']);
    expect((await api.list(pods, { namespace: 'shop', fieldSelector: 'spec.nodeName=node-a' })).map((found) => found.metadata.name)).toEqual(['web-0']);
    expect(await api.discover('v1')).toEqual(['pods']);
    expect(await api.discover('apps.kruise.io/v1beta1')).toBeUndefined();
  });
});
