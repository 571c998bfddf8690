// kill -9 of the daemon at any step, forwards and in an undo: the next daemon goes on from the record, and nothing is leaked or lost.

import { expect } from 'vitest';
import { ordinalMigrations, phaseOf, STEPS, UNDO_STEPS, type OrdinalMigration, type Phase } from '../../../src/migration/record.ts';
import { expectMoves, expectSettled, expectUndone } from '../expect.ts';
import { claimRecord } from '../reading.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';
import { takeRoom } from './landing.ts';

export const FORWARD_STEPS: readonly string[] = STEPS;
export const BACKWARD_STEPS: readonly string[] = UNDO_STEPS;

/** A killed daemon's lease runs out after this. */
const QUICK_LEASE = { 'lease-duration': '6s', 'renew-deadline': '5s', 'retry-period': '1s' };
/** The cloud answers so late about the moving disks that the daemon dwells in the steps that ask it. */
const DWELL_MS = 150;
/** A step may be over before the signal arrives. */
const TRIES = 12;

export function killedMovingForward(step: string): (world: World) => Promise<void> {
  return (world) =>
    untilItDiedAt(step, async () => {
      let diedAt = '';
      await inScene(world, `kill-${step.toLowerCase()}`, async (scene) => {
        const { a } = world.zones;
        const { zone, makeRoom } = await targetFor(step, scene);
        await scene.createSet({ replicas: 2, podManagementPolicy: 'Parallel' });
        dwell(scene, scene.disk(1).id);
        await scene.startDaemon(QUICK_LEASE);
        await scene.annotate({ zones: `${a},${zone}` });

        diedAt = await killAt(scene, step, 'Running');
        await makeRoom();
        await scene.startDaemon(QUICK_LEASE);
        await scene.untilSpread({ [a]: 1, [zone]: 1 });
        expectMoves(scene, [1]);
        expectSettled(scene, scene.migration());
      });
      return diedAt;
    });
}

/** A node that is full keeps the daemon in `reserve`, where it asks no cloud. */
async function targetFor(step: string, scene: Scene): Promise<{ zone: string; makeRoom: () => Promise<void> }> {
  if (step !== 'reserve') return { zone: scene.world.zones.b, makeRoom: () => Promise.resolve() };
  const { zone, node } = await scene.world.addZone();
  return { zone, makeRoom: await takeRoom(scene, { node, leavingMillicpu: 0n }) };
}

/** The pod cannot be scheduled in the new zone, so all of the move is undone; the daemon dies while it does. */
export function killedWhileUndoing(step: string): (world: World) => Promise<void> {
  return (world) =>
    untilItDiedAt(step, async () => {
      let diedAt = '';
      await inScene(world, `undo-${step.toLowerCase()}`, async (scene) => {
        const { zone, node } = await world.addZone();
        await scene.createSet({ replicas: 2, podManagementPolicy: 'Parallel' });
        dwell(scene, scene.disk(1).id);
        await scene.startDaemon(QUICK_LEASE);
        await scene.annotate({ zones: `${world.zones.a},${zone}`, 'ready-timeout': '2s' });
        const { target } = claimRecord(await scene.untilStep('createVolume'));
        await scene.cordon(node);
        dwell(scene, target?.diskId ?? '');

        diedAt = await killAt(scene, step, 'RollingBack');
        await scene.startDaemon(QUICK_LEASE);
        await expectUndone(scene, await scene.untilPhase('RolledBack'), 'Unschedulable');
      });
      return diedAt;
    });
}

/** @returns the step that the record stands at once the daemon is dead; empty when its phase is another one by then. */
async function killAt(scene: Scene, step: string, phase: Phase): Promise<string> {
  // Also when a busy machine shows us the step only together with the next one.
  const isAt = ({ status }: OrdinalMigration): boolean => status?.step === step && status.phase === phase;
  const { metadata } = await scene.untilMigration(`it is ${phase} at ${step}`, (record) => scene.migrations.of(record.metadata.uid).some(isAt));
  await scene.killDaemon();
  const record = await scene.world.api.get(ordinalMigrations, { namespace: scene.namespace, name: metadata.name });
  return record !== undefined && phaseOf(record) === phase ? (record.status?.step ?? '') : '';
}

/** Every run must end well; one of them has to have died at that very step. */
async function untilItDiedAt(step: string, run: () => Promise<string>): Promise<void> {
  const deaths: string[] = [];
  while (deaths.length < TRIES && !deaths.includes(step)) deaths.push(await run());
  expect(deaths, `where the daemon died when it was killed at ${step}`).toContain(step);
}

function dwell(scene: Scene, diskId: string): void {
  scene.world.cloud.faults.add({ kind: 'delay', action: 'DescribeDisks', match: { DiskIds: diskId }, ms: DWELL_MS, times: 0 });
}
