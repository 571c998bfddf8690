// What stands in the way of a move, and what a move leaves behind.

import { afterAll, beforeAll, describe, test } from 'vitest';
import { startRealWorld } from './real-world.ts';
import { disruptionBudgetWithoutRoom } from './scenarios/blocked.ts';
import { keptWhenUsedAgain, retiredAfterTheRetention } from './scenarios/retention.ts';
import { claimNeverBound, diskStuckInDetaching, podUnschedulableInTargetZone, snapshotFails, targetZoneSoldOut } from './scenarios/trouble.ts';
import { heldUntilReady, reversedWithAllWrites, sourceRestored } from './scenarios/unready.ts';
import type { World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startRealWorld();
});

afterAll(async () => {
  await world?.stop();
});

describe.concurrent('trouble before the new disk is attached: undone, back on the old disk with all writes, and the next try waits', () => {
  test('the target zone is sold out at CreateDisk', () => targetZoneSoldOut(world));
  test('the snapshot fails', () => snapshotFails(world));
  test('the old disk is stuck in Detaching', () => diskStuckInDetaching(world));
  test('the claim is never Bound', () => claimNeverBound(world));
  test('the pod cannot be scheduled in the target zone', () => podUnschedulableInTargetZone(world));
});

describe.concurrent('the new disk is attached and the pod does not get Ready', () => {
  test('hold: frozen, and goes on once the pod is Ready after all', () => heldUntilReady(world));
  test('reverse: the same migration backwards, writes and all', () => reversedWithAllWrites(world));
  test('restore-source: the old disk again, and what the newer one holds is kept', () => sourceRestored(world));
});

describe.concurrent('blocked', () => {
  test('a disruption budget without room: reported, nothing touched, moved when there is room', () => disruptionBudgetWithoutRoom(world));
});

describe.concurrent('after a move', () => {
  test('source volume, disk and snapshot are there until their retention has passed, and gone afterwards', () => retiredAfterTheRetention(world));
  test('a source that somebody uses again is kept, and said', () => keptWhenUsedAgain(world));
});
