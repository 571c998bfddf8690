// kill -9 of the daemon inside every step.

import { afterAll, beforeAll, describe, test } from 'vitest';
import { startRealWorld } from './real-world.ts';
import { BACKWARD_STEPS, FORWARD_STEPS, killedMovingForward, killedWhileUndoing } from './scenarios/crash.ts';
import { sample, seedOfToday } from './scenarios/sample.ts';
import type { World } from './world.ts';

/** Undo takes longest: its pod has to be found unschedulable first. */
const UNDO_SAMPLE = 3;

const seed = seedOfToday();
let world: World;

beforeAll(async () => {
  world = await startRealWorld();
});

afterAll(async () => {
  await world?.stop();
});

describe.concurrent('the daemon is killed while it moves an ordinal, and the next one ends the move', () => {
  for (const step of FORWARD_STEPS) test(`inside ${step}`, () => killedMovingForward(step)(world));
});

describe.concurrent(`the daemon is killed while it undoes a move, and the next one ends the undo (ZONESPREAD_SEED=${seed})`, () => {
  for (const step of sample(BACKWARD_STEPS, UNDO_SAMPLE, seed)) test(`inside ${step}`, () => killedWhileUndoing(step)(world));
});
