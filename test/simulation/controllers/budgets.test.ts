// Disruption budgets, quotas, owners and namespaces.

import { describe, expect, it } from 'vitest';
import { claims, disruptionBudgets, events, namespaces, pods, resourceQuotas, statefulSets, type PodDisruptionBudget } from '../../../src/kubernetes/objects.ts';
import { aClaim, aPod, SHOP, stage, type Stage } from './stage.ts';

const ref = (name: string): { namespace: string; name: string } => ({ namespace: SHOP, name });

describe('a disruption budget', () => {
  const budget = (on: Stage): PodDisruptionBudget['status'] => on.cluster.server.read(disruptionBudgets, ref('web'))?.status;

  async function guarded(spec: object): Promise<Stage> {
    const on = await stage();
    await on.interceptCreates();
    await on.readySet();
    await on.create(disruptionBudgets, { metadata: ref('web'), spec: { selector: { matchLabels: { app: 'web' } }, ...spec } });
    await on.cluster.pass(500);
    return on;
  }

  it.each([
    [{ maxUnavailable: 1 }, { expectedPods: 3, desiredHealthy: 2, currentHealthy: 3, disruptionsAllowed: 1 }],
    [{ maxUnavailable: '50%' }, { expectedPods: 3, desiredHealthy: 1, disruptionsAllowed: 2 }],
    [{ minAvailable: 3 }, { expectedPods: 3, desiredHealthy: 3, disruptionsAllowed: 0 }],
    [{ minAvailable: '60%' }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
  ])('%j', async (spec, counts) => {
    expect(budget(await guarded(spec))).toMatchObject({ observedGeneration: 1, ...counts });
  });

  it('allows one eviction, and the next only when the pod is back and Ready', async () => {
    const on = await guarded({ maxUnavailable: 1 });
    await on.do(on.admin.evict(ref('web-2')));
    await expect(on.do(on.admin.evict(ref('web-1')))).rejects.toMatchObject({ code: 429 });
    await on.cluster.run(() => budget(on)?.disruptionsAllowed === 0, 5_000);
    await on.cluster.run(() => budget(on)?.disruptionsAllowed === 1, 60_000);
    await on.do(on.admin.evict(ref('web-1')));
  });

  it('counts a gated pod as unhealthy', async () => {
    const on = await guarded({ maxUnavailable: 1 });
    await on.replaceGated(2);
    await on.cluster.pass(60_000);
    expect(budget(on)).toMatchObject({ expectedPods: 3, currentHealthy: 2, disruptionsAllowed: 0 });
    await expect(on.do(on.admin.evict(ref('web-0')))).rejects.toMatchObject({ code: 429 });
  });

  it('and a second one over the same pod forbid every eviction with code 500', async () => {
    const on = await guarded({ maxUnavailable: 1 });
    await on.create(disruptionBudgets, { metadata: ref('more'), spec: { selector: { matchLabels: { app: 'web' } }, maxUnavailable: 1 } });
    await on.cluster.pass(500);
    await expect(on.do(on.admin.evict(ref('web-0')))).rejects.toMatchObject({ code: 500 });
  });
});

describe('a quota', () => {
  const hard = { 'persistentvolumeclaims': '1', 'requests.storage': '30Gi', 'alicloud-disk-essd.storageclass.storage.k8s.io/requests.storage': '30Gi', pods: '5' };

  it('counts claims and their storage, of a class too, and pods', async () => {
    const on = await stage();
    await on.create(claims, aClaim('data'));
    await on.create(pods, aPod('web'));
    await on.cluster.pass(50);
    await on.create(resourceQuotas, { metadata: ref('quota'), spec: { hard } });
    await on.cluster.run(() => on.cluster.server.read(resourceQuotas, ref('quota'))?.status?.used?.['pods'] === '1', 5_000);
    expect(on.cluster.server.read(resourceQuotas, ref('quota'))?.status?.used).toEqual({ 'persistentvolumeclaims': '1', 'requests.storage': '20Gi', 'alicloud-disk-essd.storageclass.storage.k8s.io/requests.storage': '20Gi', pods: '1' });
  });

  it('is freed late: the successor of a claim is refused for a while', async () => {
    const on = await stage({ quotaFreeingMs: 500 });
    await on.create(resourceQuotas, { metadata: ref('quota'), spec: { hard } });
    await on.cluster.pass(1_000);
    await on.create(claims, aClaim('data'));
    await on.do(on.admin.delete(claims, ref('data')));
    await on.cluster.run(() => on.claim('data') === undefined, 5_000);
    await expect(on.create(claims, aClaim('data'))).rejects.toMatchObject({ code: 403, message: expect.stringContaining('exceeded quota: quota') as string });
    await on.cluster.pass(600);
    await on.create(claims, aClaim('data'));
  });
});

describe('the garbage collector', () => {
  const owner = (uid: string, name = 'web') => ({ apiVersion: 'v1', kind: 'Pod', name, uid });

  it('takes a dead owner out where another lives', async () => {
    const on = await stage();
    const pod = await on.create(pods, aPod('web'));
    const claim = aClaim('data');
    claim.metadata.ownerReferences = [owner('long-gone', 'other'), owner(pod.metadata.uid ?? '')];
    await on.create(claims, claim);
    await on.cluster.run(() => on.claim('data')?.metadata.ownerReferences?.length === 1, 5_000);
    await on.do(on.admin.delete(pods, ref('web'), { gracePeriodSeconds: 0 }));
    await on.cluster.run(() => on.claim('data') === undefined, 5_000);
  });

  it('leaves what is owned by a kind that nobody knows', async () => {
    const on = await stage();
    const claim = aClaim('data');
    claim.metadata.ownerReferences = [{ apiVersion: 'example.org/v1', kind: 'Database', name: 'db', uid: 'x' }];
    await on.create(claims, claim);
    await on.cluster.pass(60_000);
    expect(on.claim('data')).toBeDefined();
  });

  it('deletes dependents first when asked to in the foreground', async () => {
    const on = await stage();
    await on.readySet({ replicas: 1 });
    await on.do(on.admin.delete(statefulSets, ref('web'), { propagationPolicy: 'Foreground' }));
    await on.cluster.run(() => on.set() === undefined, 30_000);
    const [pod, set] = ['DELETED Pod web-0', 'DELETED StatefulSet web'].map((what) => on.trace.findIndex((line) => line.endsWith(what)));
    expect(pod).toBeGreaterThan(-1);
    expect(set).toBeGreaterThan(pod ?? 0);
  });
});

it('a namespace that is being deleted waits for finalizers of others, and takes nothing new', async () => {
  const on = await stage();
  const claim = aClaim('data');
  claim.metadata.finalizers = ['example.org/keep'];
  await on.create(claims, claim);
  await on.do(on.admin.delete(namespaces, { name: SHOP }));
  await on.cluster.pass(30_000);
  expect(on.cluster.server.read(namespaces, { name: SHOP })?.status?.phase).toBe('Terminating');
  await expect(on.create(claims, aClaim('other'))).rejects.toMatchObject({ code: 403 });
  await on.do(on.admin.mergePatch(claims, ref('data'), { metadata: { finalizers: null } }));
  await on.cluster.run(() => on.cluster.server.read(namespaces, { name: SHOP }) === undefined, 30_000);
  expect(on.cluster.server.readAll(events, { namespace: SHOP })).toEqual([]);
});
