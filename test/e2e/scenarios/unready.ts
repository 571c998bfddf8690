// The new disk is attached, so it may hold writes, and the pod does not get Ready: what was declared happens, and nothing else.

import { expect } from 'vitest';
import { phaseOf } from '../../../src/migration/record.ts';
import { expectSettled } from '../expect.ts';
import { claimRecord } from '../reading.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

/** `hold`: frozen, nothing is touched; Ready after all, it goes on by itself. */
export function heldUntilReady(world: World): Promise<void> {
  return inScene(world, 'hold', async (scene) => {
    const { a, b } = world.zones;
    const heal = await beginUnready(scene, 'hold');
    const record = await scene.untilPhase('Frozen');
    expect(record.status).toMatchObject({ reason: 'NotReady', step: 'ready' });
    expect(record.status?.message).toMatch(/zonespread\.io\/request/);
    expect(record.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Frozen', status: 'True' }));
    const uid = scene.pod(1)?.metadata.uid;
    await scene.throughout(4_000, () => {
      expect(scene.pod(1)?.metadata.uid).toBe(uid);
      expect(phaseOf(scene.migration())).toBe('Frozen');
    });
    await scene.until('an event says so', () => scene.eventTexts().some((text) => text.startsWith('MigrationFrozen')));

    heal();
    await scene.untilSpread({ [a]: 1, [b]: 1 });
    expect(phaseOf(scene.migration())).toBe('Succeeded');
    expect(scene.pod(1)?.metadata.uid).toBe(uid);
    expectSettled(scene, scene.migration());
  });
}

/** `reverse`: the same migration backwards, with the writes that the pod made on the new disk. */
export function reversedWithAllWrites(world: World): Promise<void> {
  return inScene(world, 'reverse', async (scene) => {
    const { a } = world.zones;
    await beginUnready(scene, 'reverse');
    const back = await scene.untilMigration('the move back has succeeded', (record) => record.spec.reason === 'Reverse' && phaseOf(record) === 'Succeeded');
    const first = await scene.untilPhase('RolledBack');
    expect(first.status?.reason).toBe('Reversed');
    expect(back.spec).toMatchObject({ reverses: first.metadata.name, targetZone: a, ordinal: 1 });
    await scene.untilSpread({ [a]: 2 });

    const { source, target } = claimRecord(first);
    const now = scene.disk(1);
    expect([source.diskId, target?.diskId]).not.toContain(now.id);
    expect(now.lineage?.diskId, 'the disk that the present one was made from').toBe(target?.diskId);
    const onNewDisk = scene.world.kubelets.records.acknowledged.filter(({ diskId }) => diskId === target?.diskId);
    expect(onNewDisk.length, 'writes on the disk that was left again').toBeGreaterThan(0);
    expectSettled(scene, back);
    expect(scene.volume(1).spec.persistentVolumeReclaimPolicy, 'the policy that the first volume had').toBe('Delete');
  });
}

/** `restore-source`: back to the old disk; what the newer one holds is kept, disk and snapshot. */
export function sourceRestored(world: World): Promise<void> {
  return inScene(world, 'restore', async (scene) => {
    const { a } = world.zones;
    await beginUnready(scene, 'restore-source');
    const record = await scene.untilPhase('RolledBack');
    expect(record.status?.reason).toBe('SourceRestored');
    await scene.untilReady(1);
    expect(scene.spread()).toEqual({ [a]: 2 });

    const { source, target, rescue } = claimRecord(record);
    expect(scene.disk(1).id).toBe(source.diskId);
    const newer = scene.world.cloud.disk(target?.diskId ?? '');
    const written = scene.world.kubelets.records.acknowledged.filter(({ diskId }) => diskId === newer?.id);
    expect(written.length, 'writes on the newer disk').toBeGreaterThan(0);
    const kept = scene.world.cloud.snapshot(rescue?.id ?? '');
    for (const { sequence, text } of written) {
      expect(newer?.contents).toContainEqual(expect.objectContaining({ sequence, text }));
      expect(kept?.contents, 'the snapshot of the newer disk').toContainEqual(expect.objectContaining({ sequence, text }));
    }
    expect(newer?.status).toBe('Available');
    expect(kept?.status).not.toBe('failed');
    return { givenUp: [newer?.id ?? ''] };
  });
}

/** One move to zone b, where no pod of the scene ever gets Ready, and no other one: paused, the set ends only what has begun. @returns what heals that. */
async function beginUnready(scene: Scene, answer: 'hold' | 'reverse' | 'restore-source'): Promise<() => void> {
  const { a, b } = scene.world.zones;
  await scene.createSet({ replicas: 2 });
  const heal = scene.world.kubelets.behaviour.neverReady({ namespace: scene.namespace, zone: b });
  await scene.startDaemon();
  await scene.annotate({ zones: `${a},${b}`, 'ready-timeout': '3s', 'on-unready': answer });
  await scene.untilMigration('a move has begun', (record) => phaseOf(record) !== 'Pending');
  await scene.annotate({ paused: 'true' });
  return heal;
}
