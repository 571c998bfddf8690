// Histories that find nothing prove nothing: each planted bug must be found within two hundred seeds.

import { afterEach, describe, expect, it } from 'vitest';
import { drawPlan } from '../../src/histories/draw.ts';
import { play } from '../../src/histories/play.ts';
import { PLANTED, type PlantedBug } from './planted.ts';

const FULL = process.env['ZONESPREAD_FULL'] === '1';
const SEEDS = 200;
/** The others take minutes: with ZONESPREAD_FULL=1. */
const QUICK = ['the client token', 'the intent to snapshot', 'the pod is deleted by force', 'the new disk gets a second', 'the new disk is made blank'];
const CHOSEN = PLANTED.filter(({ name }) => FULL || QUICK.some((words) => name.startsWith(words)));

/** What breaks without the bug as well, or is the simulation's own fault, is no finding. */
async function findingSeed(bug: PlantedBug): Promise<{ seed: number; invariant: string } | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { ports = {}, remove } = bug.plant();
    try {
      const { broken } = await play(drawPlan(seed), { plant: ports });
      if (broken !== undefined && broken.invariant !== 'simulation' && (await isSound(seed, remove))) return { seed, invariant: broken.invariant };
    } finally {
      remove?.();
    }
  }
  return undefined;
}

async function isSound(seed: number, remove: (() => void) | undefined): Promise<boolean> {
  remove?.();
  return (await play(drawPlan(seed))).broken === undefined;
}

describe('histories find a planted bug within two hundred seeds:', () => {
  const found: string[] = [];
  afterEach(() => {
    if (process.env['ZONESPREAD_FULL'] !== undefined) process.stderr.write(`${found.at(-1) ?? ''}\n`);
  });

  it.for(CHOSEN.map((bug) => [bug.name, bug] as const))('%s', { timeout: 300_000 }, async ([, bug]) => {
    const finding = await findingSeed(bug);
    found.push(`${bug.name}: ${JSON.stringify(finding)}`);
    expect(finding).toBeDefined();
  });
});
