// Every kind of set and disk that the job has to be right for: one ordinal of each is moved.

import { expect } from 'vitest';
import { claims, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../../src/kubernetes/objects.ts';
import { expectDiskLike, expectMoves, expectSettled } from '../expect.ts';
import { claimRecord } from '../reading.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

export interface Kind {
  podManagementPolicy: 'OrderedReady' | 'Parallel';
  volumeBindingMode: 'WaitForFirstConsumer' | 'Immediate';
  reclaimPolicy: 'Delete' | 'Retain';
}

const POLICIES = ['OrderedReady', 'Parallel'] as const;
const MODES = ['WaitForFirstConsumer', 'Immediate'] as const;
const RECLAIMS = ['Delete', 'Retain'] as const;

export const ALL_KINDS: Kind[] = POLICIES.flatMap((podManagementPolicy) => MODES.flatMap((volumeBindingMode) => RECLAIMS.map((reclaimPolicy) => ({ podManagementPolicy, volumeBindingMode, reclaimPolicy }))));

/** Half of them, in which every pair of values occurs. */
export const PAIRWISE_KINDS: Kind[] = ALL_KINDS.filter((kind) => (POLICIES.indexOf(kind.podManagementPolicy) + MODES.indexOf(kind.volumeBindingMode) + RECLAIMS.indexOf(kind.reclaimPolicy)) % 2 === 0);

export function nameOfKind(kind: Kind): string {
  return Object.values(kind).join(', ');
}

/** The new volume ends with the policy that the old one had. */
export function oneMoveOf(kind: Kind): (world: World) => Promise<void> {
  const { podManagementPolicy, ...disks } = kind;
  return (world) =>
    inScene(world, 'kind', async (scene) => {
      await scene.createSet({ replicas: 2, podManagementPolicy, claims: [disks] });
      await moveOne(scene);

      const record = scene.migration();
      expectMoves(scene, [1]);
      expectSettled(scene, record);
      expect(scene.volume(1).spec.persistentVolumeReclaimPolicy).toBe(kind.reclaimPolicy);
      expect(claimRecord(record).source.reclaimPolicy).toBe(kind.reclaimPolicy);
    });
}

/** Two claims move together; one disk is larger than its template says, and its request too. */
export function twoClaimsOneOfThemGrown(world: World): Promise<void> {
  return inScene(world, 'two', async (scene) => {
    await scene.createSet({ replicas: 2, claims: [{ name: 'data' }, { name: 'logs', reclaimPolicy: 'Retain' }] });
    // Both, for of two ordinals the planner moves the smaller one.
    for (const ordinal of [0, 1]) await growClaim(scene, { ordinal, template: 'data', sizeGiB: 35 });
    await moveOne(scene);

    const record = scene.migration();
    expectMoves(scene, [1]);
    for (const template of ['data', 'logs']) {
      expectSettled(scene, record, template);
      expectDiskLike(scene, record, template);
    }
    expect(scene.disk(1, 'data').sizeGiB).toBe(35);
    expect(scene.claim(1, 'data')).toMatchObject({ spec: { resources: { requests: { storage: '35Gi' } } }, status: { capacity: { storage: '35Gi' } } });
    expect(scene.disk(1, 'logs').sizeGiB).toBe(20);
  });
}

async function growClaim(scene: Scene, { ordinal, template, sizeGiB }: { ordinal: number; template: string; sizeGiB: number }): Promise<void> {
  const [claim, volume] = [scene.claim(ordinal, template), scene.volume(ordinal, template)];
  const storage = `${sizeGiB}Gi`;
  await scene.world.api.mergePatch(claims, refOf(claim), { spec: { resources: { requests: { storage } } } });
  if (scene.world.hasResizer !== true) await resize(scene, { claim, volume, sizeGiB });
  await scene.until('the claim has grown', () => scene.claim(ordinal, template).status?.capacity?.['storage'] === storage);
}

/** What the external resizer does, as far as anybody can see afterwards. */
async function resize({ world: { api, cloud } }: Scene, { claim, volume, sizeGiB }: { claim: PersistentVolumeClaim; volume: PersistentVolume; sizeGiB: number }): Promise<void> {
  const capacity = { storage: `${sizeGiB}Gi` };
  await cloud.call('ResizeDisk', { DiskId: volume.spec.csi?.volumeHandle, NewSize: sizeGiB, Type: 'online' });
  await api.mergePatch(volumes, { name: volume.metadata.name }, { spec: { capacity } });
  await api.mergePatch(claims, refOf(claim), { status: { capacity } }, { subresource: 'status' });
}

function refOf({ metadata: { namespace = '', name } }: PersistentVolumeClaim): { namespace: string; name: string } {
  return { namespace, name };
}

/** Encrypted ones, each performance level, AutoPL with its own performance: all in one pod. */
export function disksOfEveryCategory(world: World): Promise<void> {
  return inScene(world, 'disks', async (scene) => {
    const { cloud } = world;
    await scene.createSet({
      replicas: 2,
      podManagementPolicy: 'Parallel',
      claims: [
        { name: 'pl0', performanceLevel: 'PL0', sizeGiB: 5 },
        { name: 'secret', encrypted: true, kmsKeyId: 'key-of-the-house' },
        { name: 'auto', type: 'cloud_auto', parameters: { burstingEnabled: 'true', provisionedIops: '500', resourceGroupId: 'rg-databases' } },
      ],
    });
    const backupPolicyId = world.backupPolicy;
    await cloud.call('ApplyAutoSnapshotPolicy', { regionId: cloud.region, autoSnapshotPolicyId: backupPolicyId, diskIds: JSON.stringify([scene.disk(1, 'secret').id]) });
    await cloud.call('TagResources', { RegionId: cloud.region, ResourceType: 'disk', ResourceId: [scene.disk(1, 'pl0').id], Tag: [{ Key: 'team', Value: 'storage' }, { Key: 'cost-centre', Value: '4711' }] });
    await moveOne(scene);

    const record = scene.migration();
    expectMoves(scene, [1]);
    for (const template of ['pl0', 'secret', 'auto']) {
      expectSettled(scene, record, template);
      expectDiskLike(scene, record, template);
    }
    expect(scene.disk(1, 'pl0')).toMatchObject({ performanceLevel: 'PL0', sizeGiB: 5, tags: { team: 'storage', 'cost-centre': '4711' } });
    expect(scene.disk(1, 'secret')).toMatchObject({ encrypted: true, kmsKeyId: 'key-of-the-house', backupPolicyIds: [backupPolicyId] });
    expect(scene.disk(1, 'auto')).toMatchObject({ category: 'cloud_auto', burstingEnabled: true, provisionedIops: 500, resourceGroupId: 'rg-databases' });
  });
}

/** Two replicas in zone a, declared a and b: the higher one moves. */
async function moveOne(scene: Scene): Promise<void> {
  const { a, b } = scene.world.zones;
  await scene.startDaemon();
  await scene.annotate({ zones: `${a},${b}` });
  await scene.untilSpread({ [a]: 1, [b]: 1 });
}
