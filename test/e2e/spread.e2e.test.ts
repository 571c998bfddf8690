// A set spreads itself over the declared zones, whatever kind of set and disks it is.

import { afterAll, beforeAll, describe, test } from 'vitest';
import { startRealWorld } from './real-world.ts';
import { ALL_KINDS, disksOfEveryCategory, nameOfKind, oneMoveOf, PAIRWISE_KINDS, twoClaimsOneOfThemGrown } from './scenarios/kinds.ts';
import { runsInFull } from './scenarios/sample.ts';
import { sixReplicasSpreadOverThreeZones } from './scenarios/spread.ts';
import { theControllerMakesTheClaimFirst } from './scenarios/swap.ts';
import { aRecordMadeByHand } from './scenarios/trouble.ts';
import type { World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startRealWorld();
});

afterAll(async () => {
  await world?.stop();
});

describe.concurrent('an annotated set spreads itself', () => {
  test('six replicas in one zone of three need four moves, one at a time, highest ordinals first, and then nothing is written but the lease', () => sixReplicasSpreadOverThreeZones(world));

  for (const kind of runsInFull() ? ALL_KINDS : PAIRWISE_KINDS) test(`of ${nameOfKind(kind)}`, () => oneMoveOf(kind)(world));

  test('two claims move together, and a disk that has outgrown its template keeps its size', () => twoClaimsOneOfThemGrown(world));

  test('every category of disk stays what it is, with key, backup policy and tags', () => disksOfEveryCategory(world));

  test('a record made by hand moves one ordinal of a set without annotations', () => aRecordMadeByHand(world));
});

describe.concurrent('the StatefulSet controller makes the claim again first', () => {
  test.for(['WaitForFirstConsumer', 'Immediate'] as const)('the pod still starts on the prepared disk (%s)', (mode) => theControllerMakesTheClaimFirst(mode)(world));
});
