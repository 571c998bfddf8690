// The StatefulSet controller: order, claims, revisions, retention, as it was read in the source and tried on a real control plane.

import { describe, expect, it } from 'vitest';
import { claims, namespaces, pods, statefulSets, volumes, type StatefulSet } from '../../../src/kubernetes/objects.ts';
import { volumePhase } from '../../../src/kubernetes/reading.ts';
import { controllerRevisions } from '../../../src/simulation/controllers/kinds.ts';
import { aSet, aVolume, SHOP, stage, type SetOptions, type Stage, type StageOptions } from './stage.ts';

const ref = (name: string): { namespace: string; name: string } => ({ namespace: SHOP, name });

async function running(options: SetOptions = {}, stageOptions: StageOptions = {}): Promise<Stage> {
  const on = await stage(stageOptions);
  await on.interceptCreates();
  await on.readySet(options);
  return on;
}

const patchSet = (on: Stage, spec: object): Promise<StatefulSet> => on.do(on.admin.mergePatch(statefulSets, ref('web'), { spec }));
const NEW_IMAGE = { template: { spec: { containers: [{ name: 'app', image: 'app:2' }] } } };
const names = (on: Stage): string[] => on.cluster.server.readAll(pods, { namespace: SHOP }).map(({ metadata }) => metadata.name);
const revision = (on: Stage, ordinal: number): string | undefined => on.pod(ordinal)?.metadata.labels?.['controller-revision-hash'];
const additions = (on: Stage, kind: string): string[] => on.trace.filter((line) => line.includes(`ADDED ${kind} `)).map((line) => line.split(' ')[3] ?? '');
const PARALLEL = { podManagementPolicy: 'Parallel' };

describe('pods of a set', () => {
  it('come one after the other, each when the one before it is Ready', async () => {
    const on = await stage();
    const readyAt = new Map<string, number>();
    const addedAt = new Map<string, number>();
    on.cluster.server.follow(pods, ({ type, object }) => {
      if (type === 'ADDED') addedAt.set(object.metadata.name, on.cluster.clock.monotonic());
      if (on.isReady(Number(object.metadata.name.at(-1))) && !readyAt.has(object.metadata.name)) readyAt.set(object.metadata.name, on.cluster.clock.monotonic());
    });
    await on.readySet();
    expect(addedAt.get('web-1')).toBeGreaterThanOrEqual(readyAt.get('web-0') ?? Infinity);
    expect(addedAt.get('web-2')).toBeGreaterThanOrEqual(readyAt.get('web-1') ?? Infinity);
  });

  it('come all at once under Parallel', async () => {
    const on = await stage();
    await on.createSet({ spec: PARALLEL });
    await on.cluster.run(() => names(on).length === 3, 1_000);
    expect([0, 1, 2].some((ordinal) => on.isReady(ordinal))).toBe(false);
    await on.untilReady([0, 1, 2]);
  });

  it('count from ordinals.start', async () => {
    const on = await running({ replicas: 2, spec: { ordinals: { start: 5 } } });
    expect(names(on)).toEqual(['web-5', 'web-6']);
  });

  it('count as available, and let the next one come, after minReadySeconds', async () => {
    const on = await stage();
    await on.createSet({ replicas: 2, spec: { minReadySeconds: 10 } });
    await on.untilReady([0]);
    const readyAt = on.cluster.clock.monotonic();
    await on.cluster.pass(5_000);
    expect([on.pod(1), on.set()?.status?.['availableReplicas'], on.set()?.status?.readyReplicas]).toEqual([undefined, 0, 1]);
    await on.cluster.run(() => on.pod(1) !== undefined, 10_000);
    // Counted from the condition, whose time has no fractions.
    expect(on.cluster.clock.monotonic() - readyAt).toBeGreaterThan(9_000);
  });

  it('carry the labels and the owner that the real ones carry', async () => {
    const on = await running({ replicas: 1 });
    expect(on.pod(0)?.metadata).toMatchObject({
      labels: { app: 'web', 'statefulset.kubernetes.io/pod-name': 'web-0', 'apps.kubernetes.io/pod-index': '0', 'controller-revision-hash': on.set()?.status?.currentRevision },
      ownerReferences: [{ kind: 'StatefulSet', name: 'web', uid: on.set()?.metadata.uid, controller: true, blockOwnerDeletion: true }],
    });
    expect(on.claim('data-web-0')?.metadata.labels).toEqual({ app: 'web' });
    expect(on.claim('data-web-0')?.metadata.ownerReferences).toBeUndefined();
  });

  it('show in the set’s status', async () => {
    const on = await running();
    await on.cluster.pass(1_000);
    expect(on.set()?.status).toMatchObject({ observedGeneration: 1, replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 });
    expect(on.set()?.status?.currentRevision).toBe(on.set()?.status?.updateRevision);
  });

  it('go from the top when the set shrinks, one after the other, and leave their claims', async () => {
    const on = await running();
    await patchSet(on, { replicas: 1 });
    await on.cluster.run(() => names(on).length === 1, 20_000);
    const gone = on.trace.filter((line) => line.includes('DELETED Pod')).map((line) => line.split(' ')[3]);
    expect(gone).toEqual(['web-2', 'web-1']);
    expect(on.claim('data-web-2')?.status?.phase).toBe('Bound');
    await patchSet(on, { replicas: 3 });
    await on.untilReady([0, 1, 2]);
    expect(on.cluster.records.lost).toEqual([]);
  });

  it('are adopted when nobody controls them, and keep running', async () => {
    const on = await running({ replicas: 2 });
    const uid = on.pod(1)?.metadata.uid;
    await on.do(on.admin.delete(statefulSets, ref('web'), { propagationPolicy: 'Orphan' }));
    await on.cluster.run(() => on.set() === undefined, 5_000);
    expect(on.pod(1)?.metadata.ownerReferences ?? []).toEqual([]);
    await on.createSet({ replicas: 2 });
    await on.cluster.run(() => on.pod(1)?.metadata.ownerReferences?.[0]?.uid === on.set()?.metadata.uid, 5_000);
    expect(on.pod(1)?.metadata.uid).toBe(uid);
  });

  it.each(['Background', 'Foreground', 'Orphan'] as const)('are not made again and again for a set that is deleted (%s), however late the controllers see it', async (propagationPolicy) => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const on = await running({ replicas: 2, spec: PARALLEL }, { seed });
      const before = additions(on, 'Pod').length;
      on.cluster.pace.settings = { watch: [0, 8_000], reconcile: [0, 50], request: [0, 20] };
      await on.do(on.admin.delete(statefulSets, ref('web'), { propagationPolicy }));
      await on.cluster.pass(180_000);
      expect([on.set(), names(on)]).toEqual([undefined, propagationPolicy === 'Orphan' ? ['web-0', 'web-1'] : []]);
      // Each at most once, while the cache of sets still has one that is gone: the collector takes it away.
      expect(additions(on, 'Pod').length - before, `seed ${seed}`).toBeLessThanOrEqual(2);
    }
  });

  it('go with the set', async () => {
    const on = await running({ replicas: 2 });
    await on.do(on.admin.delete(statefulSets, ref('web')));
    await on.cluster.run(() => names(on).length === 0, 20_000);
    expect(on.claim('data-web-0')?.status?.phase).toBe('Bound');
  });
});

describe('claims of a set', () => {
  it('are made again for a pod that waits: an empty disk if nothing steers it', async () => {
    const on = await running({ replicas: 1 });
    const before = on.claim('data-web-0')?.metadata.uid;
    await on.replaceGated(0);
    await on.do(on.admin.delete(claims, ref('data-web-0')));
    // It has no handler for claims: it notices when something of the set changes.
    await on.do(on.admin.mergePatch(pods, ref('web-0'), { metadata: { annotations: { touched: 'now' } } }));
    await on.cluster.run(() => ![undefined, before].includes(on.claim('data-web-0')?.metadata.uid), 5_000);
    expect(on.claim('data-web-0')?.metadata.ownerReferences).toBeUndefined();
  });

  it('are not made again before anything of the set changes', async () => {
    const on = await running({ replicas: 1 });
    await on.replaceGated(0);
    await on.cluster.pass(2_000);
    await on.do(on.admin.delete(claims, ref('data-web-0')));
    await on.cluster.pass(60_000);
    expect(on.claim('data-web-0')).toBeUndefined();
  });

  it('that are being deleted keep their pod from being made', async () => {
    const on = await running({ replicas: 1 });
    await on.do(on.admin.mergePatch(claims, ref('data-web-0'), { metadata: { finalizers: ['kubernetes.io/pvc-protection', 'example.org/keep'] } }));
    await on.do(on.admin.delete(claims, ref('data-web-0')));
    await on.do(on.admin.delete(pods, ref('web-0')));
    await on.cluster.pass(5_000);
    expect(on.pod(0)).toBeUndefined();
    expect(on.eventsOf('web').join('\n')).toContain('pvc data-web-0 is being deleted');
    await on.do(on.admin.mergePatch(claims, ref('data-web-0'), { metadata: { finalizers: null } }));
    await on.cluster.run(() => on.pod(0) !== undefined, 30_000);
  });

  it('that may not be made abort the whole sync, with FailedCreate and a growing back-off', async () => {
    const on = await running({ replicas: 2, spec: PARALLEL });
    await on.replaceGated(0);
    on.deniedClaims.add('data-web-0');
    await on.do(on.admin.delete(claims, ref('data-web-0')));
    await patchSet(on, { replicas: 3 });
    await on.cluster.pass(3_000);
    // Later ordinals wait too.
    expect(on.pod(2)).toBeUndefined();
    expect(on.eventsOf('web').join('\n')).toContain('FailedCreate: Create Claim data-web-0 for Pod web-0 in StatefulSet web failed error');
    on.deniedClaims.clear();
    await on.cluster.run(() => on.pod(2) !== undefined, 20_000);
  });

  it('find the volume that was prepared for them, and the pod starts on it', async () => {
    const on = await running({ replicas: 1 });
    await on.replaceGated(0);
    const diskId = on.cluster.ecs.addDisk({ zone: 'cn-test-b', category: 'cloud_essd', sizeGiB: 20 });
    on.cluster.records.forgetClaim(SHOP, 'data-web-0');
    await on.create(volumes, aVolume('pv-new', { claim: 'data-web-0', diskId }));
    await on.cluster.run(() => volumePhase(on.volume('pv-new')!) === 'Available', 5_000);
    await on.do(on.admin.delete(claims, ref('data-web-0')));
    await on.do(on.admin.mergePatch(pods, ref('web-0'), { metadata: { annotations: { touched: 'now' } } }));
    await on.cluster.run(() => on.claim('data-web-0')?.spec.volumeName === 'pv-new', 10_000);
    await on.ungate(0);
    await on.untilReady([0]);
    expect(on.zoneOf(0)).toBe('cn-test-b');
    expect(on.cluster.ecs.disk(diskId)?.status).toBe('In_use');
  });
});

describe('a gated pod', () => {
  it('keeps a failed one above it from being made again, under OrderedReady', async () => {
    const on = await running();
    await on.replaceGated(1);
    await on.do(on.admin.delete(pods, ref('web-2')));
    await on.cluster.pass(10_000);
    expect(on.pod(2)).toBeUndefined();
    on.gated.clear();
    await on.ungate(1);
    await on.untilReady([1, 2]);
  });

  it('does not, under Parallel', async () => {
    const on = await running({ spec: PARALLEL });
    await on.replaceGated(1);
    const before = on.pod(2)?.metadata.uid;
    await on.do(on.admin.delete(pods, ref('web-2')));
    await on.cluster.run(() => on.isReady(2) && on.pod(2)?.metadata.uid !== before, 20_000);
  });

  it('is not made again itself while a lower one is not Ready, under OrderedReady', async () => {
    const on = await running();
    on.cluster.behaviour.neverReady({ pod: 'web-0' });
    await on.cluster.run(() => !on.isReady(0), 5_000);
    on.gated.add('web-2');
    await on.do(on.admin.delete(pods, ref('web-2')));
    await on.cluster.pass(10_000);
    expect(on.pod(2)).toBeUndefined();
  });

  it('holds a rollout up under OrderedReady, gets Ready at the old revision and is replaced at once', async () => {
    const on = await running();
    const old = revision(on, 2);
    const gatedUid = (await on.replaceGated(2)).metadata.uid;
    await patchSet(on, NEW_IMAGE);
    await on.cluster.pass(5_000);
    expect([on.pod(2)?.metadata.uid, revision(on, 1)]).toEqual([gatedUid, old]);
    on.gated.clear();
    await on.ungate(2);
    await on.cluster.run(() => on.isReady(2) && on.pod(2)?.metadata.uid !== gatedUid, 30_000);
    expect(on.trace.some((line) => line.endsWith('DELETED Pod web-2'))).toBe(true);
    await on.cluster.run(() => [0, 1, 2].every((ordinal) => on.isReady(ordinal) && revision(on, ordinal) !== old), 60_000);
  });

  it('is replaced by a gated one of the new revision under Parallel', async () => {
    const on = await running({ spec: PARALLEL });
    const old = revision(on, 2);
    const before = await on.replaceGated(2);
    const from = on.cluster.clock.monotonic();
    await patchSet(on, NEW_IMAGE);
    await on.cluster.run(() => on.pod(2) !== undefined && on.pod(2)?.metadata.uid !== before.metadata.uid, 5_000);
    expect(on.cluster.clock.monotonic() - from).toBeLessThan(1_500);
    expect(on.pod(2)?.spec.schedulingGates).toHaveLength(1);
    expect(revision(on, 2)).not.toBe(old);
  });

  it('holds a scale-up back under OrderedReady and not under Parallel', async () => {
    for (const [spec, comes] of [[{}, false], [PARALLEL, true]] as const) {
      const on = await running({ spec });
      await on.replaceGated(2);
      await patchSet(on, { replicas: 4 });
      await on.cluster.pass(5_000);
      expect(on.pod(3) !== undefined).toBe(comes);
      on.gated.clear();
      await on.ungate(2);
      await on.untilReady([2, 3]);
    }
  });

  it('goes when it is scaled away, its claim stays, and comes back gated', async () => {
    const on = await running();
    await on.replaceGated(2);
    await patchSet(on, { replicas: 2 });
    await on.cluster.run(() => on.pod(2) === undefined, 10_000);
    expect(on.claim('data-web-2')?.status?.phase).toBe('Bound');
    await patchSet(on, { replicas: 3 });
    await on.cluster.run(() => on.pod(2) !== undefined, 10_000);
    expect(on.pod(2)?.spec.schedulingGates).toHaveLength(1);
  });
});

describe('a rollout', () => {
  it('goes from the top, one pod at a time, and makes the update current in the end', async () => {
    const on = await running();
    const old = on.set()?.status?.currentRevision;
    await patchSet(on, NEW_IMAGE);
    await on.cluster.run(() => on.set()?.status?.currentRevision !== old, 60_000);
    const order = on.trace.filter((line) => line.includes('DELETED Pod')).map((line) => line.split(' ')[3]);
    expect(order).toEqual(['web-2', 'web-1', 'web-0']);
    expect(on.cluster.server.readAll(controllerRevisions, { namespace: SHOP })).toHaveLength(2);
    expect(on.cluster.records.lost).toEqual([]);
  });

  it('stops at the partition; below it pods come back at the old revision', async () => {
    const on = await running({ spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } } });
    const old = revision(on, 0);
    await patchSet(on, NEW_IMAGE);
    await on.cluster.run(() => on.isReady(2) && revision(on, 2) !== old, 30_000);
    const before = on.pod(0)?.metadata.uid;
    await on.do(on.admin.delete(pods, ref('web-0')));
    await on.cluster.run(() => on.isReady(0) && on.pod(0)?.metadata.uid !== before, 30_000);
    expect([revision(on, 0), revision(on, 1)]).toEqual([old, old]);
    expect(on.set()?.status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
  });

  it('OnDelete touches nothing; a pod that is deleted comes back updated, and current and update stay apart', async () => {
    const on = await running({ spec: { updateStrategy: { type: 'OnDelete' } } });
    const old = revision(on, 2);
    await patchSet(on, NEW_IMAGE);
    await on.cluster.pass(10_000);
    expect(revision(on, 2)).toBe(old);
    for (const ordinal of [2, 1, 0]) {
      const before = on.pod(ordinal)?.metadata.uid;
      await on.do(on.admin.delete(pods, ref(`web-${ordinal}`)));
      await on.cluster.run(() => on.isReady(ordinal) && on.pod(ordinal)?.metadata.uid !== before, 30_000);
      expect(revision(on, ordinal)).not.toBe(old);
    }
    await on.cluster.pass(5_000);
    expect(on.set()?.status?.currentRevision).toBe(old);
    expect(on.set()?.status?.updateRevision).not.toBe(old);
  });

  it('back to an old template uses its old revision again', async () => {
    const on = await running({ replicas: 1 });
    const first = on.set()?.status?.currentRevision;
    await patchSet(on, NEW_IMAGE);
    await on.cluster.run(() => on.set()?.status?.currentRevision !== first, 60_000);
    await patchSet(on, { template: aSet({ replicas: 1 }).spec.template });
    await on.cluster.run(() => on.set()?.status?.currentRevision === first, 60_000);
    expect(on.cluster.server.readAll(controllerRevisions, { namespace: SHOP })).toHaveLength(2);
  });

  it('waits for a pod that does not get Ready', async () => {
    const on = await running();
    const old = revision(on, 0);
    on.cluster.behaviour.neverReady({ pod: 'web-2' });
    await on.cluster.run(() => !on.isReady(2), 5_000);
    await patchSet(on, NEW_IMAGE);
    await on.cluster.pass(20_000);
    expect([revision(on, 0), revision(on, 1)]).toEqual([old, old]);
  });
});

describe('persistentVolumeClaimRetentionPolicy', () => {
  it('whenDeleted Delete: the controller puts its owner reference on the claims by itself, and they go with the set', async () => {
    const on = await running({ replicas: 2, spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } } });
    expect(on.claim('data-web-1')?.metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', uid: on.set()?.metadata.uid }]);
    await on.do(on.admin.delete(statefulSets, ref('web')));
    await on.cluster.run(() => on.claim('data-web-0') === undefined && on.claim('data-web-1') === undefined, 30_000);
  });

  it('whenScaled Delete: the claim is the pod’s once that is condemned, and goes with it', async () => {
    const on = await running({ replicas: 2, storageClassName: 'retaining', spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } } });
    expect(on.claim('data-web-1')?.metadata.ownerReferences).toBeUndefined();
    const volume = on.claim('data-web-1')?.spec.volumeName ?? '';
    await patchSet(on, { replicas: 1 });
    await on.cluster.run(() => on.claim('data-web-1') === undefined, 30_000);
    await on.cluster.run(() => volumePhase(on.volume(volume)!) === 'Released', 5_000);
    expect(on.claim('data-web-0')?.status?.phase).toBe('Bound');
  });

  it('whenScaled Delete: a claim that names a pod before this one keeps the pod from being made', async () => {
    const on = await running({ replicas: 1, spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } } });
    on.cluster.controllers.garbageCollector.pause();
    const stale = [{ apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'long-gone' }];
    await on.do(on.admin.mergePatch(claims, ref('data-web-0'), { metadata: { ownerReferences: stale } }));
    await on.do(on.admin.delete(pods, ref('web-0')));
    await on.cluster.pass(10_000);
    expect(on.pod(0)).toBeUndefined();
  });
});

it('a namespace that is being deleted takes the set, its pods and its claims along, and nothing comes back', async () => {
  const on = await running({ replicas: 2 });
  await on.do(on.admin.delete(namespaces, { name: SHOP }));
  await on.cluster.run(() => on.cluster.server.read(namespaces, { name: SHOP }) === undefined, 60_000);
  expect([names(on), on.claim('data-web-0')]).toEqual([[], undefined]);
  expect(additions(on, 'Pod').filter((name) => name === 'web-1')).toHaveLength(1);
});
