// Histories that find nothing prove nothing: each planted bug must be found within two hundred seeds.

import { afterEach, describe, expect, it } from 'vitest';
import { drawPlan } from '../../src/histories/draw.ts';
import { play } from '../../src/histories/play.ts';
import { PLANTED, type PlantedBug } from './planted.ts';

const SEEDS = 200;

/** What only the simulation itself is to blame for does not count. */
async function findingSeed({ plant }: PlantedBug): Promise<{ seed: number; invariant: string } | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { ports = {}, remove } = plant();
    try {
      const { broken } = await play(drawPlan(seed), { plant: ports });
      if (broken !== undefined && broken.invariant !== 'simulation') return { seed, invariant: broken.invariant };
    } finally {
      remove?.();
    }
  }
  return undefined;
}

describe('histories find a planted bug within two hundred seeds:', () => {
  const found: string[] = [];
  afterEach(() => {
    if (process.env['ZONESPREAD_FULL'] !== undefined) process.stderr.write(`${found.at(-1) ?? ''}\n`);
  });

  it.for(PLANTED.map((bug) => [bug.name, bug] as const))('%s', { timeout: 300_000 }, async ([, bug]) => {
    const finding = await findingSeed(bug);
    found.push(`${bug.name}: ${JSON.stringify(finding)}`);
    expect(finding).toBeDefined();
  });
});
