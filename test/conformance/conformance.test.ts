// The simulated cluster shows, under several seeds and paces, what a real one showed when it was recorded (recorded.json, by
// conformance.e2e.test.ts): the same outcomes, the same states of each object in the same order, and nothing that Kubernetes rules out.

import { describe, expect, it } from 'vitest';
import { DIFFERENCES } from './differences.ts';
import { recorded } from './recorded.ts';
import { SCENARIOS } from './scenarios/all.ts';
import { playSimulated, type Luck } from './simulated-world.ts';

const LUCK: Luck[] = [
  { seed: 1, pace: 'calm' },
  { seed: 2, pace: 'prompt' },
  { seed: 3, pace: 'tardy' },
  { seed: 4, pace: 'uneven' },
];
const MANY_SEEDS = 25;
/** On a machine that does much else beside. */
const PATIENCE_MS = 300_000;

function luckOfToday(): Luck[] {
  if (process.env['ZONESPREAD_FULL'] !== '1') return LUCK;
  return Array.from({ length: MANY_SEEDS }, (_, index) => LUCK.map(({ seed, pace }) => ({ seed: seed + 100 * index, pace }))).flat();
}

const differs = new Set(DIFFERENCES.map(({ scenario }) => scenario));

describe('the simulated cluster shows what a real one shows', () => {
  it.each(SCENARIOS.filter(({ name }) => !differs.has(name)).map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    for (const luck of luckOfToday()) {
      const { observation, wrong, story } = await playSimulated(scenario, luck);
      expect({ luck, wrong, ...observation }, story).toEqual({ luck, wrong: [], ...recorded(scenario) });
    }
  }, PATIENCE_MS);
});
