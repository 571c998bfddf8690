// Hostile histories of the whole product, each decided by its seed: 300 of them here, 20,000 with ZONESPREAD_FULL=1.

import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { playAll } from '../../src/histories/crew.ts';
import { Coverage } from '../../src/histories/coverage.ts';
import { drawPlan } from '../../src/histories/draw.ts';
import { expectedCoverage } from '../../src/histories/expected.ts';
import { play, type Outcome } from '../../src/histories/play.ts';

const FULL = process.env['ZONESPREAD_FULL'] === '1';
const SEEDS = FULL ? 20_000 : 300;

describe('a history', () => {
  it('is the same for the same seed, to the last event, and another for another one', async () => {
    const [first, again, other] = [await play(drawPlan(11)), await play(drawPlan(11)), await play(drawPlan(12))];
    expect({ hash: again.hash, events: again.events }).toEqual({ hash: first.hash, events: first.events });
    expect(other.hash).not.toBe(first.hash);
  });

  it('tells what happened when somebody wants to read it, and is the same history', async () => {
    const told = await play(drawPlan(11), { kept: true });
    expect(told.hash).toBe((await play(drawPlan(11))).hash);
    expect(told.lines.some((line) => line.includes('OrdinalMigration'))).toBe(true);
    expect(told.lines.at(-1)).toContain('at rest');
  });

  it(`holds every invariant, seeds 1 to ${SEEDS}`, { timeout: FULL ? 20_000_000 : 600_000 }, async () => {
    const failed: string[] = [];
    const coverage = new Coverage();
    let played = 0;
    await playAll({
      seeds: Array.from({ length: SEEDS }, (_, index) => index + 1),
      threads: availableParallelism(),
      onOutcome({ seed, broken, coverage: met }: Outcome) {
        played += 1;
        coverage.add(met);
        if (broken !== undefined) failed.push(`seed ${seed}: ${broken.message}`);
        return true;
      },
    });
    expect(failed).toEqual([]);
    expect(played).toBe(SEEDS);
    expect(FULL ? coverage.missing(expectedCoverage()) : []).toEqual([]);
  });
});
