// What the test files of the matrix have in common: a story's histories are played, counted, and printed in a line.

import { expect, it } from 'vitest';
import { everyCell, kindOf, playAll, sampledCells, sitesOf, twoCrashes, type Result } from './matrix.ts';
import { STORIES, type Ending, type Story } from './stories.ts';
import { TROUBLES } from './troubles.ts';
import type { Site } from './wire.ts';

/** Every site × every trouble takes half an hour on two cores: with ZONESPREAD_FULL=1 (npm run test:full). */
const FULL = process.env['ZONESPREAD_FULL'] === '1';
const TIMEOUT_MS = FULL ? 7_200_000 : 300_000;
const PAIRS_OF_CRASHES = FULL ? 300 : 12;
const SEED = 20_261_121;

/** Those of the stories that end so. */
export function storiesEnding(...endings: Ending[]): Story[] {
  const chosen = STORIES.filter(({ ends }) => endings.includes(ends));
  if (chosen.length === 0) throw new Error(`no story ends as ${endings.join(' or ')}`);
  return chosen;
}

export function survivesEveryTrouble(story: Story): void {
  it(`${story.name} ends as it would have ended, whatever happens to any of its requests, with nothing lost and nothing left`, { timeout: TIMEOUT_MS }, async () => {
    const sites = await sitesOf(story);
    expect(sites.length).toBeGreaterThan(100);
    const result = await playAll(FULL ? everyCell(story, sites) : sampledCells(story, sites, STORIES.indexOf(story)));
    tell(story, sites, result);
    expect(result.failures).toEqual([]);
    expect(result.cells).toBeGreaterThan(0);
    expect(uncovered(sites, result)).toEqual([]);
  });
}

/** In full, every trouble at every request; else at least one at every kind of request, and each trouble often. */
function uncovered(sites: readonly Site[], { sites: met, troubles }: Result): string[] {
  const kindsMet = new Set(sites.filter(({ number }) => met.has(number)).map(kindOf));
  const missed = sites.filter((site) => (FULL ? !met.has(site.number) : !kindsMet.has(kindOf(site)))).map(({ number, what }) => `request ${number}, ${what}`);
  const often = FULL ? sites.length : 5;
  return [...missed, ...TROUBLES.filter((trouble) => (troubles.get(trouble) ?? 0) < often)];
}

export function survivesTwoCrashes(story: Story): void {
  it(`${story.name}: two crashes in one history change nothing`, { timeout: TIMEOUT_MS }, async () => {
    const sites = await sitesOf(story);
    const result = await playAll(twoCrashes(story, sites, { seed: SEED + STORIES.indexOf(story), count: PAIRS_OF_CRASHES }));
    tell(story, sites, result);
    expect(result.failures).toEqual([]);
    expect(result.cells).toBe(PAIRS_OF_CRASHES);
    const crashes = [...result.troubles.values()].reduce((sum, count) => sum + count, 0);
    expect(crashes).toBeGreaterThan(1.5 * PAIRS_OF_CRASHES);
  });
}

function tell(story: Story, sites: readonly Site[], { cells, sites: met, troubles, failures }: Result): void {
  process.stdout.write(`crash matrix, ${story.name}: ${cells} histories, ${met.size} of ${sites.length} requests, ${troubles.size} of ${TROUBLES.length} troubles, ${failures.length} failed\n`);
}
