// The life of objects on the simulated API server: what it fills in, what it keeps, and when something is really gone.

import { describe, expect, it } from 'vitest';
import { claims, disruptionBudgets, namespaces, nodes, pods, resourceQuotas, statefulSets, volumes, type Pod } from '../../../src/kubernetes/objects.ts';
import { ADMIN, type Client, type RequestRecord, type StoreEvent } from '../../../src/simulation/apiserver/contract.ts';
import { claimOf, podOf, setOf, volumeOf } from './cases.ts';
import { definitions, OUR_DEFINITIONS, simulated, withNamespace, withOurKinds, type Simulated } from './simulated.ts';

const shop = { namespace: 'shop' };
const inShop = <T extends { metadata: object }>(object: T): T => ({ ...object, metadata: { ...object.metadata, ...shop } });

async function aShop(options: Parameters<typeof simulated>[0] = {}): Promise<Simulated & { admin: Client }> {
  const scene = simulated(options);
  await withNamespace(scene.server, 'shop');
  return { ...scene, admin: scene.server.client(ADMIN) };
}

async function runningPod(admin: Client, { ready = true, name = 'web-0' } = {}): Promise<Pod> {
  const pod = await admin.create(pods, inShop(podOf(name, { spec: { nodeName: 'n1' } })) as Pod);
  return admin.updateStatus(pods, { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } });
}

async function aBudget(admin: Client, { name = 'web', status, spec = {} }: { name?: string; status: object; spec?: object }): Promise<void> {
  const made = await admin.create(disruptionBudgets, inShop({ metadata: { name }, spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } }, ...spec } }));
  await admin.updateStatus(disruptionBudgets, { ...made, status: { observedGeneration: 1, ...status } });
}

describe('creating', () => {
  it('gives an object a UID, a time in whole seconds, a version and a generation', async () => {
    const { admin, clock } = await aShop();
    await clock.advance(1234);
    const { metadata } = await admin.create(statefulSets, inShop(setOf('web')));
    expect(metadata).toMatchObject({ uid: expect.stringMatching(/^[0-9a-f-]{36}$/), creationTimestamp: '2026-01-01T00:00:01Z', generation: 1, resourceVersion: expect.stringMatching(/^\d+$/) });
  });

  it('generates a name and keeps the part that was given', async () => {
    const { admin } = await aShop();
    const { metadata } = await admin.create(pods, inShop(podOf('', { metadata: { name: '', generateName: 'probe-' } })));
    expect(metadata.name).toMatch(/^probe-[a-z0-9]{5}$/);
  });

  it('fills in what a pod, a claim and a set leave out', async () => {
    const { admin } = await aShop();
    const pod = await admin.create(pods, inShop(podOf('a')));
    expect(pod.spec).toMatchObject({ restartPolicy: 'Always', terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler', priority: 0 });
    expect(pod.spec.tolerations).toHaveLength(2);
    const claim = await admin.create(claims, inShop(claimOf('c')));
    expect([claim.spec.volumeMode, claim.status?.phase, claim.metadata.finalizers]).toEqual(['Filesystem', 'Pending', ['kubernetes.io/pvc-protection']]);
    const set = await admin.create(statefulSets, inShop(setOf('web', { podManagementPolicy: undefined })));
    expect(set.spec).toMatchObject({ podManagementPolicy: 'OrderedReady', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' } });
  });

  it('says of a gated pod why it is not scheduled', async () => {
    const { admin } = await aShop();
    const pod = await admin.create(pods, inShop(podOf('a', { spec: { schedulingGates: [{ name: 'zonespread.io/migrating' }] } })));
    expect(pod.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }]);
  });

  it('ignores a status that comes with the object, but for nodes', async () => {
    const { admin } = await aShop();
    const claim = await admin.create(claims, inShop({ ...claimOf('c'), status: { phase: 'Bound' } }));
    expect(claim.status).toEqual({ phase: 'Pending' });
    const node = await admin.create(nodes, { metadata: { name: 'n1' }, spec: {}, status: { capacity: { cpu: '4' } } });
    expect(node.status).toEqual({ capacity: { cpu: '4' } });
  });

  it('gives a claim without a class the default one', async () => {
    const { admin } = await aShop();
    const classes = { group: 'storage.k8s.io', version: 'v1', plural: 'storageclasses', kind: 'StorageClass', namespaced: false };
    await admin.create(classes, { metadata: { name: 'essd', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'disk' });
    expect((await admin.create(claims, inShop(claimOf('c', { spec: { storageClassName: undefined } })))).spec.storageClassName).toBe('essd');
    expect((await admin.create(claims, inShop(claimOf('d', { spec: { storageClassName: '' } })))).spec.storageClassName).toBe('');
  });
});

describe('changing', () => {
  it('counts a generation for a change of the spec only', async () => {
    const { admin } = await aShop();
    await admin.create(statefulSets, inShop(setOf('web')));
    const ref = { ...shop, name: 'web' };
    expect((await admin.mergePatch(statefulSets, ref, { metadata: { labels: { a: 'b' } } })).metadata.generation).toBe(1);
    expect((await admin.mergePatch(statefulSets, ref, { spec: { replicas: 2 } })).metadata.generation).toBe(2);
    expect((await admin.mergePatch(statefulSets, ref, { status: { replicas: 2 } }, { subresource: 'status' })).metadata.generation).toBe(2);
  });

  it('leaves the version alone when nothing changes', async () => {
    const { admin, server } = await aShop();
    const claim = await admin.create(claims, inShop(claimOf('c')));
    const before = server.version;
    expect(await admin.update(claims, structuredClone(claim))).toBe(claim);
    expect(await admin.mergePatch(claims, { ...shop, name: 'c' }, { spec: { volumeMode: 'Filesystem' } })).toBe(claim);
    expect(server.version).toBe(before);
  });

  it('writes status and spec each at its own place', async () => {
    const { admin } = await aShop();
    const set = await admin.create(statefulSets, inShop(setOf('web')));
    const withBoth = { ...set, spec: { ...set.spec, replicas: 7 }, status: { replicas: 7 } };
    expect((await admin.updateStatus(statefulSets, { ...withBoth, metadata: { ...set.metadata, resourceVersion: '' } })).spec.replicas).toBe(0);
    const spec = await admin.update(statefulSets, { ...withBoth, metadata: { ...set.metadata, resourceVersion: '' }, status: { replicas: 9 } });
    expect([spec.spec.replicas, spec.status?.replicas]).toEqual([7, 7]);
  });

  it('lets one of two writers with the same version win', async () => {
    const { admin } = await aShop();
    const volume = await admin.create(volumes, volumeOf('pv'));
    const write = (policy: string): Promise<string> =>
      admin.update(volumes, { ...volume, spec: { ...volume.spec, persistentVolumeReclaimPolicy: policy } }).then(
        () => 'written',
        (error: Error) => error.message,
      );
    expect(await Promise.all([write('Delete'), write('Delete'), write('Retain')])).toEqual(['written', expect.stringContaining('the object has been modified'), expect.stringContaining('the object has been modified')]);
  });

  it('merges patches without a version that come at once', async () => {
    const { admin } = await aShop();
    await admin.create(volumes, volumeOf('pv'));
    await Promise.all(['a', 'b', 'c'].map((key) => admin.mergePatch(volumes, { name: 'pv' }, { metadata: { labels: { [key]: '1' } } })));
    expect((await admin.get(volumes, { name: 'pv' }))?.metadata.labels).toEqual({ a: '1', b: '1', c: '1' });
  });

  it('hands out objects that nobody can change by accident', async () => {
    const { admin } = await aShop();
    const volume = await admin.create(volumes, volumeOf('pv'));
    expect(() => {
      volume.spec.persistentVolumeReclaimPolicy = 'Delete';
    }).toThrow(TypeError);
  });

  it('does not keep what the caller goes on changing', async () => {
    const { admin } = await aShop();
    const mine = volumeOf('pv');
    await admin.create(volumes, mine);
    mine.spec.persistentVolumeReclaimPolicy = 'Recycle';
    expect((await admin.get(volumes, { name: 'pv' }))?.spec.persistentVolumeReclaimPolicy).toBe('Retain');
  });

  it('notes who wrote what part', async () => {
    const { admin } = await aShop();
    const set = await admin.create(statefulSets, inShop(setOf('web')), { fieldManager: 'kubectl' });
    await admin.updateStatus(statefulSets, { ...set, status: { replicas: 1 } }, { fieldManager: 'controller' });
    const { metadata } = await admin.mergePatch(statefulSets, { ...shop, name: 'web' }, { spec: { replicas: 3 } }, { fieldManager: 'kubectl' });
    expect(metadata.managedFields?.map(({ manager, subresource }) => [manager, subresource])).toEqual([['controller', 'status'], ['kubectl', undefined]]);
  });
});

describe('deleting', () => {
  it('waits for finalizers, and the last one that goes takes the object with it', async () => {
    const { admin, server } = await aShop();
    await admin.create(claims, inShop(claimOf('c')));
    expect(await admin.delete(claims, { ...shop, name: 'c' })).toBe('deleting');
    const dying = server.read(claims, { ...shop, name: 'c' });
    expect(dying?.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 });
    await admin.mergePatch(claims, { ...shop, name: 'c' }, { metadata: { finalizers: null } });
    expect(server.read(claims, { ...shop, name: 'c' })).toBeUndefined();
  });

  it('shows a pod of grace 0 once more before it goes, as watchers of the real one see it', async () => {
    const { admin, server } = await aShop();
    await runningPod(admin);
    const events: string[] = [];
    server.follow(pods, ({ type, object }: StoreEvent) => events.push(`${type} ${String(object.metadata.deletionGracePeriodSeconds)}`));
    expect(await admin.delete(pods, { ...shop, name: 'web-0' })).toBe('deleting');
    expect(await admin.delete(pods, { ...shop, name: 'web-0' }, { gracePeriodSeconds: 0 })).toBe('gone');
    expect(events).toEqual(['MODIFIED 30', 'MODIFIED 0', 'DELETED 0']);
  });

  it('takes a pod that no node has at once', async () => {
    const { admin } = await aShop();
    await admin.create(pods, inShop(podOf('a')));
    expect(await admin.delete(pods, { ...shop, name: 'a' })).toBe('gone');
  });

  it('keeps a pod with a finalizer after its kubelet has done', async () => {
    const { admin, server } = await aShop();
    await admin.create(pods, inShop(podOf('a', { metadata: { finalizers: ['example.com/keep'] }, spec: { nodeName: 'n1' } })));
    expect(await admin.delete(pods, { ...shop, name: 'a' }, { gracePeriodSeconds: 0 })).toBe('deleting');
    await admin.mergePatch(pods, { ...shop, name: 'a' }, { metadata: { finalizers: [] } });
    expect(server.read(pods, { ...shop, name: 'a' })).toBeUndefined();
  });

  it('leaves orphaning and waiting for dependents to the garbage collector', async () => {
    const { admin, server } = await aShop();
    await admin.create(statefulSets, inShop(setOf('web')));
    await admin.delete(statefulSets, { ...shop, name: 'web' }, { propagationPolicy: 'Orphan' });
    expect(server.read(statefulSets, { ...shop, name: 'web' })?.metadata.finalizers).toEqual(['orphan']);
  });

  it('refuses new content in a namespace that ends, and lets the namespace go when it is emptied', async () => {
    const { admin, server } = await aShop();
    expect(await admin.delete(namespaces, { name: 'shop' })).toBe('deleting');
    expect(server.read(namespaces, { name: 'shop' })?.status?.phase).toBe('Terminating');
    await expect(admin.create(claims, inShop(claimOf('c')))).rejects.toMatchObject({ code: 403, body: { details: { causes: [{ reason: 'NamespaceTerminating' }] } } });
    await admin.finalizeNamespace('shop');
    expect(server.read(namespaces, { name: 'shop' })).toBeUndefined();
  });

  it('does nothing in a dry run', async () => {
    const { admin, server } = await aShop();
    await admin.create(claims, inShop(claimOf('c', { metadata: { finalizers: [] } })));
    const before = server.version;
    await admin.delete(claims, { ...shop, name: 'c' }, { dryRun: true });
    await admin.mergePatch(claims, { ...shop, name: 'c' }, { metadata: { labels: { a: 'b' } } }, { dryRun: true });
    expect(server.version).toBe(before);
  });
});

describe('evicting', () => {
  const pod = { ...shop, name: 'web-0' };

  it('spends the budget, says why the pod ends, and refuses the next with what the budget needs', async () => {
    const { admin, server } = await aShop();
    await runningPod(admin);
    await runningPod(admin, { name: 'web-1' });
    await aBudget(admin, { status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 } });
    await admin.evict(pod);
    expect(server.read(pods, pod)?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }));
    expect(server.read(disruptionBudgets, { ...shop, name: 'web' })?.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { 'web-0': '2026-01-01T00:00:00Z' } });
    await expect(admin.evict({ ...shop, name: 'web-1' })).rejects.toMatchObject({ code: 429, headers: {}, body: { reason: 'TooManyRequests', details: { causes: [{ reason: 'DisruptionBudget' }] } } });
  });

  it('asks to wait ten seconds while the budget is not observed', async () => {
    const { admin } = await aShop();
    await runningPod(admin);
    await aBudget(admin, { status: { observedGeneration: 0, disruptionsAllowed: 1 } });
    await expect(admin.evict(pod)).rejects.toMatchObject({ code: 429, headers: { 'retry-after': '10' }, body: { details: { retryAfterSeconds: 10, causes: [{ message: 'The disruption budget web is still being processed by the server.' }] } } });
  });

  it('lets an unready pod go when the budget is met or does not mind, and not otherwise', async () => {
    for (const [status, spec, allowed] of [
      [{ disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 }, {}, true],
      [{ disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 }, {}, false],
      [{ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0 }, {}, false],
      [{ disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 }, { unhealthyPodEvictionPolicy: 'AlwaysAllow' }, true],
    ] as const) {
      const { admin } = await aShop();
      await runningPod(admin, { ready: false });
      await aBudget(admin, { status, spec });
      expect(await admin.evict(pod).then(() => true, () => false)).toBe(allowed);
    }
  });

  it('lets a pending pod go whatever the budget says', async () => {
    const { admin, server } = await aShop();
    await admin.create(pods, inShop(podOf('web-0')));
    await aBudget(admin, { status: { disruptionsAllowed: 0 } });
    await admin.evict(pod);
    expect(server.read(pods, pod)).toBeUndefined();
  });

  it('changes nothing in a dry run', async () => {
    const { admin, server } = await aShop();
    await runningPod(admin);
    await aBudget(admin, { status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 } });
    const before = server.version;
    await admin.evict(pod, { dryRun: true });
    expect(server.version).toBe(before);
  });
});

describe('quotas', () => {
  it('charges what is admitted, a growth by its difference, and a dry run not at all', async () => {
    const { admin, server } = await aShop();
    const hard = { 'requests.storage': '100Gi', persistentvolumeclaims: '5' };
    const quota = await admin.create(resourceQuotas, inShop({ metadata: { name: 'q' }, spec: { hard } }));
    await admin.updateStatus(resourceQuotas, { ...quota, status: { hard, used: { 'requests.storage': '0', persistentvolumeclaims: '0' } } });
    const used = (): object | undefined => server.read(resourceQuotas, { ...shop, name: 'q' })?.status?.used;
    await admin.create(claims, inShop(claimOf('c')), { dryRun: true });
    expect(used()).toEqual({ 'requests.storage': '0', persistentvolumeclaims: '0' });
    const claim = await admin.create(claims, inShop(claimOf('c')));
    expect(used()).toEqual({ 'requests.storage': '20Gi', persistentvolumeclaims: '1' });
    await admin.create({ group: 'storage.k8s.io', version: 'v1', plural: 'storageclasses', kind: 'StorageClass', namespaced: false }, { metadata: { name: 'none' }, provisioner: 'p', allowVolumeExpansion: true });
    await admin.updateStatus(claims, { ...claim, status: { phase: 'Bound', capacity: { storage: '20Gi' } } });
    await admin.mergePatch(claims, { ...shop, name: 'c' }, { spec: { resources: { requests: { storage: '30Gi' } } } });
    expect(used()).toEqual({ 'requests.storage': '30Gi', persistentvolumeclaims: '1' });
  });

  it('refuses while it does not know what is used', async () => {
    const { admin } = await aShop();
    const hard = { persistentvolumeclaims: '5' };
    const quota = await admin.create(resourceQuotas, inShop({ metadata: { name: 'q' }, spec: { hard } }));
    await admin.create(claims, inShop(claimOf('early')));
    await admin.updateStatus(resourceQuotas, { ...quota, status: { hard } });
    await expect(admin.create(claims, inShop(claimOf('c')))).rejects.toThrow('status unknown for quota: q, resources: persistentvolumeclaims');
  });
});

describe('custom kinds', () => {
  const records = { group: 'zonespread.io', version: 'v1alpha1', plural: 'ordinalmigrations', kind: 'OrdinalMigration', namespaced: true };
  const record = (more: object = {}): { metadata: { name: string }; spec: object } => inShop({ metadata: { name: 'm' }, spec: { statefulSetRef: { name: 'web' }, ordinal: 2, targetZone: 'b', ...more } });

  it('are served as soon as their definition is there, and gone with it', async () => {
    const { admin, server } = await aShop();
    await expect(admin.create(records, record())).rejects.toMatchObject({ code: 404 });
    await withOurKinds(server);
    await admin.create(records, record());
    await admin.delete(definitions, { name: 'ordinalmigrations.zonespread.io' });
    await expect(admin.list(records)).rejects.toMatchObject({ code: 404 });
  });

  it('get defaults and lose what their schema does not know', async () => {
    const { admin, server } = await aShop();
    await withOurKinds(server);
    const made = await admin.create(records, { ...record({ whim: true }), status: { phase: 'Frozen' } });
    expect(made.spec).toEqual({ statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' }, ordinal: 2, targetZone: 'b', reason: 'Manual' });
    expect(made.status).toBeUndefined();
  });

  it('keep unknown fields where their schema says so', async () => {
    const { admin, server } = await aShop();
    await withOurKinds(server);
    await admin.create(records, record());
    const claim = { template: 'data', claimName: 'data-web-2', sizeGiB: 20, manifest: { labels: {}, annotations: {}, spec: { dataSource: { any: ['thing'] } } } };
    const source = { pv: 'p', pvUID: 'u', claimUID: 'c', diskId: 'd', zone: 'a', category: 'essd', reclaimPolicy: 'Delete' };
    const { status } = await admin.mergePatch(records, { ...shop, name: 'm' }, { status: { phase: 'Running', claims: [{ ...claim, source }] } }, { subresource: 'status' });
    expect(status).toMatchObject({ claims: [{ manifest: { spec: { dataSource: { any: ['thing'] } } } }] });
  });

  it('are refused when their schema says something that would not be honoured', async () => {
    const { admin } = await aShop();
    const broken = structuredClone(OUR_DEFINITIONS[2]!) as { metadata: { name: string }; spec: { versions: { schema: { openAPIV3Schema: Record<string, unknown> } }[] } };
    broken.spec.versions[0]!.schema.openAPIV3Schema.oneOf = [];
    await expect(admin.create(definitions, broken as never)).rejects.toThrow('does not know the keyword');
    delete broken.spec.versions[0]!.schema.openAPIV3Schema.oneOf;
    broken.spec.versions[0]!.schema.openAPIV3Schema['x-kubernetes-validations'] = [{ rule: 'self.spec.zone == cluster.name' }];
    await expect(admin.create(definitions, broken as never)).rejects.toThrow("undeclared reference to 'cluster'");
  });
});

describe('the trace', () => {
  it('is the same for the same requests, UIDs and versions included', async () => {
    const told = async (): Promise<string> => {
      const records: RequestRecord[] = [];
      const { admin, server } = await aShop({ onRequest: (record) => records.push(record) });
      const events: unknown[] = [];
      server.follow(undefined, (event) => events.push(event));
      await Promise.all([admin.create(pods, inShop(podOf('a'))), admin.create(claims, inShop(claimOf('c'))), admin.delete(pods, { ...shop, name: 'a' })]);
      await admin.mergePatch(claims, { ...shop, name: 'none' }, {}).catch(() => undefined);
      return JSON.stringify([records, events]);
    };
    const first = await told();
    expect(await told()).toBe(first);
    expect(first).toContain('"verb":"create","resource":"pods","namespace":"shop","name":"a"');
    expect(first).toContain('"verb":"patch","resource":"persistentvolumeclaims","namespace":"shop","name":"none","dryRun":false,"code":404,"reason":"NotFound"');
  });
});
