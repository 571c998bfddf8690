// The scenarios of the catalogue as tests on simulated worlds: each scenario in worlds of its own, one for each seed.
// One of them again: ZONESPREAD_FULL=1 npx vitest run --project unit test/e2e/simulated- -t 'name.*seed 17'

import { describe, test } from 'vitest';
import type { Group } from './scenarios/catalogue.ts';
import { inSimulatedWorld } from './simulated-world.ts';

/** Each takes some tenths of a second; on a machine that is busy with other things it may take many times that. */
export const PATIENT = { timeout: 120_000 };

/** 1 to 3, or with ZONESPREAD_FULL=1 to 20. */
export function seedsOfThisRun(): number[] {
  return Array.from({ length: process.env['ZONESPREAD_FULL'] === '1' ? 20 : 3 }, (_, index) => index + 1);
}

export function onSimulatedWorlds(groups: readonly Group[]): void {
  const seeds = seedsOfThisRun();
  for (const { title, scenarios, webhook = true } of groups) {
    describe(`${title}, under seeds 1 to ${seeds.length}`, () => {
      for (const { name, run } of scenarios) test.for(seeds)(`${name} (seed %i)`, PATIENT, (seed) => inSimulatedWorld({ seed, webhook }, run));
    });
  }
}
