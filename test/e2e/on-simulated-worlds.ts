// The scenarios of the catalogue as tests on simulated worlds: each scenario in worlds of its own, one for each seed.

import { describe, test } from 'vitest';
import type { Group } from './scenarios/catalogue.ts';
import { inSimulatedWorld } from './simulated-world.ts';

const SEEDS = process.env['ZONESPREAD_FULL'] === '1' ? 20 : 3;

export function onSimulatedWorlds(groups: readonly Group[]): void {
  const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1);
  for (const group of groups) {
    const { scenarios, webhook = true } = group;
    describe(group.title, () => {
      for (const { name, run } of scenarios) test.for(seeds)(`${name} (seed %i)`, (seed) => inSimulatedWorld({ seed, webhook }, run));
    });
  }
}
