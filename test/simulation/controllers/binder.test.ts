// How claims and volumes find each other: each line of what was tried on a real control plane, on the simulated one.

import { describe, expect, it } from 'vitest';
import { claims, pods, volumes, type PersistentVolume } from '../../../src/kubernetes/objects.ts';
import { volumePhase } from '../../../src/kubernetes/reading.ts';
import { everythingOnSale } from '../../../src/simulation/ecs/categories.ts';
import { aClaim, aPod, aVolume, CLASS, GATE, IMMEDIATE, SHOP, stage, ZONES, type Stage, type StageOptions } from './stage.ts';

const RESYNC_MS = 15_000;

async function withVolume(name: string, options: Parameters<typeof aVolume>[1], stageOptions: StageOptions = {}): Promise<Stage> {
  const on = await stage(stageOptions);
  await prepare(on, aVolume(name, options));
  return on;
}

/** Made and Available. */
async function prepare(on: Stage, volume: PersistentVolume): Promise<void> {
  await on.create(volumes, volume);
  await on.cluster.run(() => volumePhase(on.volume(volume.metadata.name)!) === 'Available', 30_000);
}

const bound = (on: Stage, claim: string): boolean => on.claim(claim)?.status?.phase === 'Bound';

/** Ms until the claim is Bound. */
async function untilBound(on: Stage, ...names: string[]): Promise<number> {
  const from = on.cluster.clock.monotonic();
  await on.cluster.run(() => names.every((name) => bound(on, name)), 60_000);
  return on.cluster.clock.monotonic() - from;
}

const strays = (on: Stage): string[] => on.cluster.server.readAll(volumes).flatMap(({ metadata: { name } }) => (name.startsWith('disk-') ? [name] : []));

describe('a volume that was prepared for a claim', () => {
  it('is Available without a UID in its claimRef, and bound before the wait for the first consumer', async () => {
    const on = await withVolume('pv', { claim: 'data' });
    await on.create(claims, aClaim('data'));
    expect(await untilBound(on, 'data')).toBeLessThan(200);
    expect(on.claim('data')?.spec.volumeName).toBe('pv');
    expect(on.volume('pv')?.spec.claimRef?.uid).toBe(on.claim('data')?.metadata.uid);
    expect(on.volume('pv')?.metadata.annotations?.['pv.kubernetes.io/bound-by-controller']).toBeUndefined();
  });

  it('is bound by a claim of a gated pod too', async () => {
    const on = await withVolume('pv', { claim: 'data' });
    await on.create(claims, aClaim('data'));
    await on.create(pods, aPod('web', ['data'], { schedulingGates: [{ name: GATE }] }));
    expect(await untilBound(on, 'data')).toBeLessThan(200);
  });

  it('keeps a provisioner of an Immediate class away when it is Available first', async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const on = await withVolume('pv', { claim: 'data', storageClassName: IMMEDIATE }, { seed });
      await on.create(claims, aClaim('data', { storageClassName: IMMEDIATE }));
      await untilBound(on, 'data');
      await on.cluster.pass(10_000);
      expect([on.claim('data')?.spec.volumeName, strays(on), on.cluster.ecs.disks().length]).toEqual(['pv', [], 0]);
    }
  });

  it('that is too small for an Immediate claim does not: a blank disk at once', async () => {
    const on = await withVolume('pv', { claim: 'data', size: '10Gi', storageClassName: IMMEDIATE });
    await on.create(claims, aClaim('data', { storageClassName: IMMEDIATE }));
    await untilBound(on, 'data');
    expect(on.claim('data')?.spec.volumeName).toMatch(/^disk-/);
    expect(on.cluster.ecs.disks()).toHaveLength(1);
  });

  it('is not compared in size with a claim that names it', async () => {
    const on = await withVolume('pv', { claim: 'data', size: '10Gi' });
    await on.create(claims, aClaim('data', { volumeName: 'pv' }));
    await untilBound(on, 'data');
    expect(on.claim('data')?.status?.capacity).toEqual({ storage: '10Gi' });
  });

  it('that is bigger gives the claim its capacity', async () => {
    const on = await withVolume('pv', { claim: 'data', size: '30Gi' });
    await on.create(claims, aClaim('data'));
    await untilBound(on, 'data');
    expect(on.claim('data')?.status?.capacity).toEqual({ storage: '30Gi' });
  });

  it('competes with another one by chance', async () => {
    const winners = new Set<string>();
    for (let seed = 1; seed <= 10; seed += 1) {
      const on = await withVolume('first', { claim: 'data' }, { seed });
      await prepare(on, aVolume('second', { claim: 'data' }));
      await on.create(claims, aClaim('data'));
      await untilBound(on, 'data');
      winners.add(on.claim('data')?.spec.volumeName ?? '');
    }
    expect([...winners].sort()).toEqual(['first', 'second']);
  });
});

describe('a claim that is there before its volume', () => {
  it('waits for the resync', async () => {
    const waits: number[] = [];
    for (let seed = 1; seed <= 6; seed += 1) {
      const on = await stage({ seed });
      await on.create(claims, aClaim('data', { volumeName: 'pv' }));
      await on.cluster.pass(1_000);
      await prepare(on, aVolume('pv', { claim: 'data' }));
      waits.push(await untilBound(on, 'data'));
    }
    expect(Math.max(...waits)).toBeLessThanOrEqual(RESYNC_MS);
    expect(waits.filter((ms) => ms > 1_000).length).toBeGreaterThan(3);
  });

  it('is bound at once when it is touched', async () => {
    for (let seed = 1; seed <= 6; seed += 1) {
      const on = await stage({ seed });
      await on.create(claims, aClaim('data', { volumeName: 'pv' }));
      await on.cluster.pass(1_000);
      await prepare(on, aVolume('pv', { claim: 'data' }));
      await on.cluster.pass(20);
      await on.do(on.admin.mergePatch(claims, { namespace: SHOP, name: 'data' }, { metadata: { annotations: { touched: 'now' } } }));
      expect(await untilBound(on, 'data')).toBeLessThan(200);
    }
  });

  it('gets no disk of its own under an Immediate class when it names the volume', async () => {
    const on = await stage();
    await on.create(claims, aClaim('data', { volumeName: 'pv', storageClassName: IMMEDIATE }));
    await on.cluster.pass(40_000);
    expect([on.claim('data')?.status?.phase, strays(on), on.cluster.ecs.disks()]).toEqual(['Pending', [], []]);
  });

  it('gets a blank disk at once under an Immediate class when it does not', async () => {
    const on = await stage();
    await on.create(claims, aClaim('data', { storageClassName: IMMEDIATE }));
    await untilBound(on, 'data');
    expect(strays(on)).toHaveLength(1);
  });

  it('that waits for its first consumer stays Pending behind a gate, unprovisioned, and may be given its volume once', async () => {
    const on = await stage();
    await on.create(claims, aClaim('data'));
    await on.create(pods, aPod('web', ['data'], { schedulingGates: [{ name: GATE }] }));
    await on.cluster.pass(40_000);
    expect(on.claim('data')).toMatchObject({ status: { phase: 'Pending' } });
    expect(on.claim('data')?.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBeUndefined();
    expect(on.cluster.ecs.disks()).toEqual([]);
    await prepare(on, aVolume('pv', { claim: 'data' }));
    await on.do(on.admin.mergePatch(claims, { namespace: SHOP, name: 'data' }, { spec: { volumeName: 'pv' } }));
    expect(await untilBound(on, 'data')).toBeLessThan(200);
    const again = on.do(on.admin.mergePatch(claims, { namespace: SHOP, name: 'data' }, { spec: { volumeName: 'other' } }));
    await expect(again).rejects.toMatchObject({ code: 422 });
  });
});

describe('twenty claims at once', () => {
  const names = Array.from({ length: 20 }, (_, index) => `data-${index}`);

  async function bindAll(kubernetes: '1.30' | '1.36', steered: boolean): Promise<number[]> {
    const on = await stage({ kubernetes });
    for (const name of names) await prepare(on, aVolume(`pv-${name}`, { claim: name }));
    const from = on.cluster.clock.monotonic();
    const waits = new Map<string, number>();
    on.cluster.server.follow(claims, ({ object }) => {
      if (object.status?.phase === 'Bound' && !waits.has(object.metadata.name)) waits.set(object.metadata.name, on.cluster.clock.monotonic() - from);
    });
    await on.do(Promise.all(names.map((name) => on.admin.create(claims, aClaim(name, steered ? { volumeName: `pv-${name}` } : {})))));
    await untilBound(on, ...names);
    return [...waits.values()];
  }

  it('that name their volumes lose races in 1.30, and then wait for the resync', async () => {
    const waits = await bindAll('1.30', true);
    expect(waits.filter((ms) => ms > 1_000).length).toBeGreaterThan(2);
    expect(Math.max(...waits)).toBeLessThanOrEqual(2 * RESYNC_MS);
  });

  it('that do not are bound within a moment in 1.30', async () => {
    expect(Math.max(...(await bindAll('1.30', false)))).toBeLessThan(1_000);
  });

  it('are all bound within a moment in 1.36', async () => {
    expect(Math.max(...(await bindAll('1.36', true)))).toBeLessThan(1_000);
  });
});

describe('what went wrong and how it heals', () => {
  it('a claim that was copied with bind-completed is Lost, and bound once the annotation is off', async () => {
    const on = await withVolume('pv', { claim: 'data' });
    const copied = aClaim('data', { volumeName: 'pv' });
    copied.metadata.annotations = { 'pv.kubernetes.io/bind-completed': 'yes' };
    await on.create(claims, copied);
    await on.cluster.run(() => on.claim('data')?.status?.phase === 'Lost', 5_000);
    await on.do(on.admin.mergePatch(claims, { namespace: SHOP, name: 'data' }, { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': null } } }));
    expect(await untilBound(on, 'data')).toBeLessThan(1_500);
  });

  it('a stale owner reference costs the claim its life; the next one hangs until the volume forgets it', async () => {
    const on = await withVolume('pv', { claim: 'data' });
    const copied = aClaim('data', { volumeName: 'pv' });
    copied.metadata.ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'long-gone' }];
    await on.create(claims, copied);
    const from = on.cluster.clock.monotonic();
    await on.cluster.run(() => on.claim('data') === undefined, 5_000);
    expect(on.cluster.clock.monotonic() - from).toBeLessThan(300);
    await on.create(claims, aClaim('data', { volumeName: 'pv' }));
    await on.cluster.pass(40_000);
    expect(bound(on, 'data')).toBe(false);
    expect(on.eventsOf('data').join('\n')).toContain('already bound to a different claim');
    await on.do(on.admin.mergePatch(volumes, { name: 'pv' }, { spec: { claimRef: { uid: null, resourceVersion: null } } }));
    await on.cluster.run(() => volumePhase(on.volume('pv')!) === 'Available', 5_000);
    await on.cluster.pass(20);
    await on.do(on.admin.mergePatch(claims, { namespace: SHOP, name: 'data' }, { metadata: { annotations: { touched: 'now' } } }));
    expect(await untilBound(on, 'data')).toBeLessThan(200);
  });

  it('a Released volume with the UID of a dead claim never binds by itself, and is Available once the UID is off', async () => {
    const on = await withVolume('pv', { claim: 'data' });
    await on.create(claims, aClaim('data'));
    await untilBound(on, 'data');
    await on.do(on.admin.delete(claims, { namespace: SHOP, name: 'data' }));
    await on.cluster.run(() => volumePhase(on.volume('pv')!) === 'Released', 5_000);
    await on.create(claims, aClaim('data'));
    await on.cluster.pass(40_000);
    expect(bound(on, 'data')).toBe(false);
    await on.do(on.admin.mergePatch(volumes, { name: 'pv' }, { spec: { claimRef: { uid: null, resourceVersion: null } } }));
    await on.cluster.run(() => volumePhase(on.volume('pv')!) === 'Available', 1_000);
  });

  it('a claim whose volume is deleted under it is Lost', async () => {
    const on = await withVolume('pv', { claim: 'data' });
    await on.create(claims, aClaim('data'));
    await untilBound(on, 'data');
    await on.do(on.admin.delete(volumes, { name: 'pv' }));
    await on.cluster.pass(1_000);
    expect(on.volume('pv')?.metadata.deletionTimestamp).toBeDefined();
    await on.do(on.admin.mergePatch(volumes, { name: 'pv' }, { metadata: { finalizers: null } }));
    await on.cluster.run(() => on.claim('data')?.status?.phase === 'Lost', 5_000);
  });

  it('a claim that asks for a volume which is somebody else’s waits and says so', async () => {
    const on = await withVolume('pv', { claim: 'other' });
    await on.create(claims, aClaim('data', { volumeName: 'pv' }));
    await on.cluster.pass(1_000);
    expect(on.claim('data')?.status?.phase).toBe('Pending');
  });

  it('an unclaimed volume that a claim names must fit it', async () => {
    const on = await withVolume('pv', { size: '10Gi' });
    await on.create(claims, aClaim('data', { volumeName: 'pv' }));
    await on.cluster.pass(1_000);
    expect(on.eventsOf('data').join('\n')).toContain('requested PV is too small');
  });
});

describe('what becomes of a volume when its claim goes', () => {
  async function released(annotations: Record<string, string>): Promise<Stage> {
    const on = await stage();
    const volume = aVolume('pv', { claim: 'data', diskId: on.cluster.ecs.addDisk({ zone: 'cn-test-b', category: 'cloud_essd', sizeGiB: 20 }), persistentVolumeReclaimPolicy: 'Delete' });
    volume.metadata.annotations = annotations;
    await prepare(on, volume);
    await on.create(claims, aClaim('data'));
    await untilBound(on, 'data');
    await on.cluster.pass(500);
    return on;
  }

  const goes = (on: Stage): Promise<unknown> => on.do(on.admin.delete(claims, { namespace: SHOP, name: 'data' }));

  it('Delete: the provisioner that is named on it deletes disk and volume', async () => {
    const on = await released({ 'pv.kubernetes.io/provisioned-by': 'diskplugin.csi.alibabacloud.com' });
    await goes(on);
    await on.cluster.run(() => on.volume('pv') === undefined, 60_000);
    expect(on.cluster.ecs.disks()).toEqual([]);
  });

  it('Delete without the name of a provisioner: the one of its driver holds it while it is Bound', async () => {
    const on = await released({});
    expect(on.volume('pv')?.metadata.finalizers).toContain('external-provisioner.volume.kubernetes.io/finalizer');
    await goes(on);
    await on.cluster.run(() => on.volume('pv') === undefined || volumePhase(on.volume('pv')!) === 'Failed', 60_000);
  });

  it('Delete with the name of a provisioner that is not there: it stays Released, and the disk stays', async () => {
    const on = await released({ 'pv.kubernetes.io/provisioned-by': 'somebody.else' });
    await goes(on);
    await on.cluster.pass(60_000);
    expect(volumePhase(on.volume('pv')!)).toBe('Released');
    expect(on.cluster.ecs.disks()).toHaveLength(1);
  });

  it('the provisioner holds it by a finalizer while it is Bound under Delete, and lets go by itself under Retain', async () => {
    const on = await released({ 'pv.kubernetes.io/provisioned-by': 'diskplugin.csi.alibabacloud.com' });
    const finalizer = 'external-provisioner.volume.kubernetes.io/finalizer';
    await on.cluster.run(() => on.volume('pv')?.metadata.finalizers?.includes(finalizer) === true, 1_000);
    await on.do(on.admin.mergePatch(volumes, { name: 'pv' }, { spec: { persistentVolumeReclaimPolicy: 'Retain' } }));
    await on.cluster.run(() => on.volume('pv')?.metadata.finalizers?.includes(finalizer) === false, 1_000);
  });

  it('Retain: it stays, Released', async () => {
    const on = await released({ 'pv.kubernetes.io/provisioned-by': 'diskplugin.csi.alibabacloud.com' });
    await on.do(on.admin.mergePatch(volumes, { name: 'pv' }, { spec: { persistentVolumeReclaimPolicy: 'Retain' } }));
    await goes(on);
    await on.cluster.pass(60_000);
    expect(volumePhase(on.volume('pv')!)).toBe('Released');
    expect(on.cluster.ecs.disks()).toHaveLength(1);
  });
});

describe('protection', () => {
  it('keeps a claim as long as a scheduled pod names it, one that has ended included; one behind a gate does not count', async () => {
    const on = await withVolume('pv', { claim: 'data', diskId: 'd-none' });
    await on.create(claims, aClaim('data'));
    await untilBound(on, 'data');
    await on.create(pods, aPod('gated', ['data'], { schedulingGates: [{ name: GATE }] }));
    await on.create(pods, aPod('backup', ['data'], { nodeName: 'node-a1' }));
    await on.do(on.admin.mergePatch(pods, { namespace: SHOP, name: 'backup' }, { status: { phase: 'Succeeded' } }, { subresource: 'status' }));
    await on.do(on.admin.delete(claims, { namespace: SHOP, name: 'data' }));
    await on.cluster.pass(5_000);
    expect(on.claim('data')?.metadata.deletionTimestamp).toBeDefined();
    await on.do(on.admin.delete(pods, { namespace: SHOP, name: 'backup' }, { gracePeriodSeconds: 0 }));
    await on.cluster.run(() => on.claim('data') === undefined, 1_000);
  });

  it('keeps a volume as long as it is Bound', async () => {
    const on = await withVolume('pv', { claim: 'data' });
    await on.create(claims, aClaim('data'));
    await untilBound(on, 'data');
    await on.do(on.admin.delete(volumes, { name: 'pv' }));
    await on.cluster.pass(5_000);
    expect(on.volume('pv')).toBeDefined();
    await on.do(on.admin.delete(claims, { namespace: SHOP, name: 'data' }));
    await on.cluster.run(() => on.volume('pv') === undefined, 1_000);
  });

  it('claims of generic ephemeral volumes of an Immediate class are provisioned for a gated pod, in any zone', async () => {
    const on = await stage();
    const template = { spec: { accessModes: ['ReadWriteOnce'], storageClassName: IMMEDIATE, resources: { requests: { storage: '20Gi' } } } };
    await on.create(pods, aPod('web', [], { schedulingGates: [{ name: GATE }], volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: template } }] }));
    await on.cluster.run(() => bound(on, 'web-scratch'), 5_000);
    expect(on.cluster.ecs.disks()).toHaveLength(1);
    await on.do(on.admin.delete(pods, { namespace: SHOP, name: 'web' }));
    await on.cluster.run(() => on.claim('web-scratch') === undefined, 5_000);
  });
});

it('a claim that waits for its first consumer gets a disk in the zone that the scheduler chose', async () => {
  const on = await stage();
  await on.create(claims, aClaim('data'));
  await on.create(pods, aPod('web', ['data'], { nodeSelector: { 'topology.kubernetes.io/zone': 'cn-test-c' } }));
  await untilBound(on, 'data');
  expect(on.cluster.ecs.disks().map(({ zone }) => zone)).toEqual(['cn-test-c']);
  expect(on.volumeOf('data')?.metadata.labels?.['csi.alibabacloud.com/disktype']).toBe('cloud_essd.PL1');
  expect(on.claim('data')?.metadata.annotations?.['volume.kubernetes.io/selected-node']).toMatch(/^node-c/);
});

it('a zone that is sold out keeps the pod waiting for it: the driver’s answer does not make the scheduler choose anew', async () => {
  const on = await stage();
  for (const zone of ZONES) on.cluster.ecs.sellOut(zone);
  await on.create(claims, aClaim('data'));
  await on.create(pods, aPod('web', ['data']));
  await on.cluster.pass(30_000);
  expect(on.eventsOf('data').join('\n')).toContain('Zone.NotOnSale');
  const chosen = on.claim('data')?.metadata.annotations?.['volume.kubernetes.io/selected-node'];
  for (const zone of ZONES) on.cluster.ecs.setOnSale(zone, everythingOnSale());
  await on.cluster.run(() => bound(on, 'data'), 600_000);
  expect(on.claim('data')?.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe(chosen);
});

it('a bound claim that asks for more gets it once a pod runs on it', async () => {
  const on = await stage();
  await on.create(claims, aClaim('data'));
  await on.create(pods, aPod('web', ['data']));
  await on.cluster.run(() => on.cluster.server.read(pods, { namespace: SHOP, name: 'web' })?.status?.phase === 'Running', 20_000);
  await on.do(on.admin.mergePatch(claims, { namespace: SHOP, name: 'data' }, { spec: { resources: { requests: { storage: '40Gi' } } } }));
  await on.cluster.run(() => on.claim('data')?.status?.capacity?.storage === '40Gi', 5_000);
  expect(on.volumeOf('data')?.spec.capacity).toEqual({ storage: '40Gi' });
  expect(on.cluster.ecs.disks()[0]?.sizeGiB).toBe(40);
  expect(on.claim('data')?.spec.storageClassName).toBe(CLASS);
});
