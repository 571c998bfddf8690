// Trouble on the way to the new disk: the move is undone, the pod is back on its old disk with all its writes, the record says why, and
// the next try waits.

import { expect } from 'vitest';
import { everythingOnSale } from '../../../src/simulation/ecs/categories.ts';
import { expectBackOff, expectMoves, expectUndone } from '../expect.ts';
import { claimRecord } from '../reading.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

const STEP_TIMEOUT = { 'step-timeout': '4s' };

/** The zone is sold out at the very call. Once it sells again, the next try succeeds, but not before its time. */
export function targetZoneSoldOut(world: World): Promise<void> {
  return inScene(world, 'sold-out', async (scene) => {
    const { zone } = await world.addZone();
    await scene.createSet({ replicas: 2 });
    world.cloud.faults.add({ kind: 'soldOut', action: 'CreateDisk', match: { ZoneId: zone } });
    await scene.startDaemon();

    await scene.annotate({ zones: `${world.zones.a},${zone}` });
    const record = await scene.untilPhase('RolledBack');
    await expectUndone(scene, record, 'ZoneUnavailable');
    expect(record.status?.message).toContain(zone);
    await expectBackOff(scene, 1);

    world.cloud.setOnSale(zone, everythingOnSale());
    await scene.untilSpread({ [world.zones.a]: 1, [zone]: 1 }, { timeoutMs: 120_000 });
    const again = scene.migrations.all().find(({ metadata }) => metadata.name !== record.metadata.name);
    const pauseMs = Date.parse(again?.status?.startedAt ?? '') - Date.parse(record.status?.finishedAt ?? '');
    expect(pauseMs, 'ms before the next try').toBeGreaterThanOrEqual(60_000);
  });
}

export function snapshotFails(world: World): Promise<void> {
  return inScene(world, 'snapshot', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2, podManagementPolicy: 'Parallel' });
    world.cloud.faults.add({ kind: 'snapshotFails', action: 'CreateSnapshot', match: { DiskId: scene.disk(1).id }, atProgress: 0 });
    await scene.startDaemon();

    await scene.annotate({ zones: `${a},${b}` });
    const record = await scene.untilPhase('RolledBack');
    await expectUndone(scene, record, 'SnapshotFailed');
    await expectBackOff(scene, 1);
  });
}

/** The cloud does not let the old disk go. Undone all the same; when it does let go, the pod starts on that disk. */
export function diskStuckInDetaching(world: World): Promise<void> {
  return inScene(world, 'detaching', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2 });
    const { id } = scene.disk(1);
    world.cloud.faults.add({ kind: 'stuck', action: 'DetachDisk', match: { DiskId: id } });
    await scene.startDaemon(STEP_TIMEOUT);

    await scene.annotate({ zones: `${a},${b}` });
    const record = await scene.untilPhase('RolledBack');
    expect(world.cloud.disk(id)?.status).toBe('Detaching');
    expect(world.cloud.snapshots().filter(({ sourceDiskId }) => sourceDiskId === id), 'snapshots of a disk that is not detached').toEqual([]);
    world.cloud.unstick(id);
    await expectUndone(scene, record, 'Detaching');
    await expectBackOff(scene, 1);
  });
}

/** A policy of the house refuses to bind the new volume; the old one it binds again. */
export function claimNeverBound(world: World): Promise<void> {
  return inScene(world, 'unbound', async (scene) => {
    await scene.createSet({ replicas: 2 });
    const lift = await world.forbidBinding(scene.namespace, 'target');
    try {
      await moveInVain(scene);
    } finally {
      await lift();
    }
  });
}

async function moveInVain(scene: Scene): Promise<void> {
  const { a, b } = scene.world.zones;
  await scene.startDaemon(STEP_TIMEOUT);
  await scene.annotate({ zones: `${a},${b}` });
  const record = await scene.untilPhase('RolledBack');
  await expectUndone(scene, record, 'ClaimPending');
  expect(record.status?.history?.map(({ step }) => step)).toContain('swapClaim');
  await expectBackOff(scene, 1);
}

/** No node of the target zone takes the pod once its gate is gone. */
export function podUnschedulableInTargetZone(world: World): Promise<void> {
  return inScene(world, 'unschedulable', async (scene) => {
    const { zone, node } = await world.addZone();
    await scene.createSet({ replicas: 2 });
    await scene.startDaemon();

    await scene.annotate({ zones: `${world.zones.a},${zone}`, 'ready-timeout': '4s' });
    const moving = await scene.untilStep('createDisk');
    await scene.cordon(node);
    const record = await scene.untilPhase('RolledBack');
    expect(record.metadata.uid).toBe(moving.metadata.uid);
    await expectUndone(scene, record, 'Unschedulable');
    expect(record.status?.history?.map(({ step }) => step), 'the steps that it went through').toEqual(expect.arrayContaining(['swapClaim', 'ungate', 'ready']));
    expectNeverAttached(scene, claimRecord(moving).target?.diskId);
    await scene.cordon(node, false);
    await expectBackOff(scene, 1);
  });
}

/** Nothing that an undo may throw away was ever written to. */
function expectNeverAttached(scene: Scene, diskId: string | undefined): void {
  if (diskId !== undefined) expect(scene.world.cloud.disk(diskId)?.attachedAt).toBeUndefined();
}

/** A migration that a person asks for, without any annotation on the set. */
export function aRecordMadeByHand(world: World): Promise<void> {
  return inScene(world, 'by-hand', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2, podManagementPolicy: 'Parallel' });
    await scene.startDaemon();

    await scene.recordByHand({ ordinal: 0, targetZone: b });
    await scene.untilSpread({ [a]: 1, [b]: 1 });
    expectMoves(scene, [0]);
    expect(scene.migration().spec.reason).toBe('Manual');
  });
}
