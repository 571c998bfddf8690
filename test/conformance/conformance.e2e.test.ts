// The scenarios on a real control plane, side by side: it shows what was recorded. ZONESPREAD_RECORD=1 records it anew;
// ZONESPREAD_E2E_FULL=1 plays all of them, otherwise a sample that changes daily (ZONESPREAD_SEED pins it); ZONESPREAD_PLAY=… those whose
// name has these words in it.

import PQueue from 'p-queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runsInFull, sample, seedOfToday } from '../e2e/scenarios/sample.ts';
import { startRealWorld, type RealWorld } from './real-world.ts';
import { record, recorded } from './recorded.ts';
import { play, type Played, type Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

const SAMPLE = 24;
/** More would not be faster on two cores, and would make calm hard to come by. */
const AT_ONCE = 12;
const LONGEST_PLAY_MS = 900_000;

const wanted = process.env['ZONESPREAD_PLAY'] ?? '';
const chosen = chooseScenarios();
const plays = new Map<string, Promise<Played>>();
let world: RealWorld;

function chooseScenarios(): Scenario[] {
  if (wanted !== '') return SCENARIOS.filter(({ name }) => name.includes(wanted));
  // The slow ones are begun first and looked at last.
  return runsInFull() ? SCENARIOS.toSorted((a, b) => Number(a.slow ?? false) - Number(b.slow ?? false)) : sample(SCENARIOS.filter(({ slow }) => slow !== true), SAMPLE, seedOfToday());
}

beforeAll(async () => {
  world = await startRealWorld();
  const queue = new PQueue({ concurrency: AT_ONCE });
  for (const [index, scenario] of chosen.toSorted((a, b) => Number(b.slow ?? false) - Number(a.slow ?? false)).entries()) {
    const played = queue.add(() => play(world, scenario, `play-${index}`));
    // Each is looked at by its own test; until then nobody minds.
    played.catch(() => undefined);
    plays.set(scenario.name, played);
  }
});

afterAll(async () => {
  await world?.stop();
});

describe('a real control plane', () => {
  it.each(chosen.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async (_name, scenario) => {
      const { observation, wrong, story } = await plays.get(scenario.name)!;
      expect(wrong, story).toEqual([]);
      if (process.env['ZONESPREAD_RECORD'] === '1') record(scenario, observation);
      expect(observation, story).toEqual(recorded(scenario));
    },
    LONGEST_PLAY_MS,
  );
});
