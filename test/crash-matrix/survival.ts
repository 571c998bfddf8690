// What the test files of the matrix have in common: a story's histories are played, counted, and printed in a line.

import { expect, it } from 'vitest';
import { everyCell, kindOf, lastingCells, outageCells, playAll, sampledCells, sitesOf, twoCrashes, type Result } from './matrix.ts';
import { STORIES, type Ending, type Story } from './stories.ts';
import { TROUBLES, type WrongAnswer } from './troubles.ts';
import type { Site } from './wire.ts';

/** Every site × every trouble takes half an hour on two cores: with ZONESPREAD_FULL=1 (npm run test:full). */
const FULL = process.env['ZONESPREAD_FULL'] === '1';
const TIMEOUT_MS = FULL ? 7_200_000 : 600_000;
const PAIRS_OF_CRASHES = FULL ? 300 : 8;
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
    const known = FULL ? new Set<string>() : await kindsBefore(story);
    const result = await playAll(FULL ? everyCell(story, sites) : sampledCells(story, sites, { turn: STORIES.indexOf(story), known }));
    tell(story, sites, result);
    expect(result.failures).toEqual([]);
    expect(result.cells).toBeGreaterThan(0);
    expect(uncovered(sites, result, known)).toEqual([]);
  });
}

/** What the earlier stories of the list have sent already. */
async function kindsBefore(story: Story): Promise<Set<string>> {
  const kinds = new Set<string>();
  for (const earlier of STORIES.slice(0, STORIES.indexOf(story))) for (const site of await sitesOf(earlier)) kinds.add(kindOf(site));
  return kinds;
}

/** In full, every trouble at every request. Else every trouble, and one at every kind of request that no earlier story has sent. */
function uncovered(sites: readonly Site[], { sites: met, troubles }: Result, known: ReadonlySet<string>): string[] {
  const kindsMet = new Set(sites.filter(({ number }) => met.has(number)).map(kindOf));
  const isMissed = (site: Site): boolean => (FULL ? !met.has(site.number) : !kindsMet.has(kindOf(site)) && !known.has(kindOf(site)));
  const missed = sites.filter(isMissed).map(({ number, what }) => `request ${number}, ${what}`);
  const often = FULL ? sites.length : 1;
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

export function survivesLasting(trouble: WrongAnswer, story: Story): void {
  it(`${story.name}: a request that gets a ${trouble} for longer than a step may take is waited out or undone`, { timeout: TIMEOUT_MS }, async () => {
    const sites = await sitesOf(story);
    const cells = lastingCells(story, sites, { trouble, every: FULL ? 1 : 9 });
    expect(cells.length).toBeGreaterThan(4);
    const result = await playAll(cells);
    tell(story, sites, result);
    expect(result.failures).toEqual([]);
  });
}

export function survivesOutages(story: Story, { downMs, every }: { downMs: number; every: number }): void {
  it(`${story.name}: without any daemon for ${downMs / 60_000} minutes after a crash, it ends all the same`, { timeout: TIMEOUT_MS }, async () => {
    const sites = await sitesOf(story);
    const cells = outageCells(story, sites, { downMs, every: FULL ? 1 : every });
    expect(cells.length).toBeGreaterThan(4);
    const result = await playAll(cells);
    tell(story, sites, result);
    expect(result.failures).toEqual([]);
  });
}

function tell(story: Story, sites: readonly Site[], { cells, sites: met, troubles, failures }: Result): void {
  process.stdout.write(`crash matrix, ${story.name}: ${cells} histories, ${met.size} of ${sites.length} requests, ${troubles.size} of ${TROUBLES.length} troubles, ${failures.length} failed\n`);
}
