// The matrix: every request of a story × every trouble. Which requests there are is found by playing the story once.

import { play } from './play.ts';
import type { Story } from './stories.ts';
import { CRASHES, TROUBLES, type Trouble, type WrongAnswer } from './troubles.ts';
import { whatIsWrong } from './wholeness.ts';
import { questionOf, type Site, type Strike } from './wire.ts';
import { SeededRandom } from '../fakes/random.ts';

/** One history to play. */
export interface Cell {
  story: Story;
  strikes: Strike[];
  /** What the first strike must meet: a history is the same up to there. */
  first: Site;
}

export interface Result {
  cells: number;
  /** Sites that the first trouble was met at. */
  sites: Set<number>;
  /** How often each trouble was met. */
  troubles: Map<Trouble, number>;
  /** Histories that ended wrongly, with all that is needed to play them again. */
  failures: string[];
}

/** The story without any trouble. @throws Error when it does not even end well then. */
export async function sitesOf(story: Story): Promise<Site[]> {
  const history = await play(story, []);
  const wrong = await whatIsWrong(history);
  if (wrong.length > 0) throw new Error(`${story.name}, with no trouble at all: ${wrong.join('; ')}`);
  return history.wire.sites;
}

export function everyCell(story: Story, sites: readonly Site[]): Cell[] {
  return sites.flatMap((first) => TROUBLES.map((trouble) => ({ story, first, strikes: [{ site: first.number, trouble }] })));
}

/** Of the requests that another story has sent alike, one in so many is met in this one too. */
const REPEATED = 3;

/**
 * A fixed sample: of requests that are alike the first, each with one trouble, the troubles in turn. Those whose like is met in an
 * earlier story (`known`) only now and then.
 */
export function sampledCells(story: Story, sites: readonly Site[], { turn, known }: { turn: number; known: ReadonlySet<string> }): Cell[] {
  const chosen = [...firstOfEachKind(sites)].filter(([kind], index) => !known.has(kind) || (index + turn) % REPEATED === 0).map(([, site]) => site);
  return chosen.map((first, index) => ({ story, first, strikes: [{ site: first.number, trouble: TROUBLES[(index + turn) % TROUBLES.length] as Trouble }] }));
}

/** More than any step's time-out, less than a person's patience. */
const LASTING_MS = 150_000;

/** Every request that asks the same as the struck one is answered so for a long while. One cell for each kind of request; `every`: for one in so many. */
export function lastingCells(story: Story, sites: readonly Site[], { trouble, every }: { trouble: WrongAnswer; every: number }): Cell[] {
  const chosen = [...firstOfEachKind(sites).values()].filter((_site, index) => index % every === 0);
  return chosen.map((first) => ({ story, first, strikes: [{ site: first.number, trouble, lastsMs: LASTING_MS }] }));
}

/** A crash after which no daemon comes for so long, at one in so many of the requests that change something. */
export function outageCells(story: Story, sites: readonly Site[], { downMs, every }: { downMs: number; every: number }): Cell[] {
  const cells = sites.filter(({ changes }) => changes).flatMap((first) => CRASHES.map((trouble) => ({ story, first, strikes: [{ site: first.number, trouble, downMs }] })));
  return cells.filter((_cell, index) => index % every === 0);
}

function firstOfEachKind(sites: readonly Site[]): Map<string, Site> {
  const firsts = new Map<string, Site>();
  for (const site of sites) if (!firsts.has(kindOf(site))) firsts.set(kindOf(site), site);
  return firsts;
}

/** Requests are alike that are sent at the same step and ask the same. */
export function kindOf(site: Site): string {
  return `${site.at} ${questionOf(site)}`;
}

/** Farther apart than the requests that the next daemon needs to be where the last one was. */
const FARTHEST = 80;

/** Two crashes in one history, drawn. The second may come when the story is over: then there was only one. */
export function twoCrashes(story: Story, sites: readonly Site[], draw: { seed: number; count: number }): Cell[] {
  const random = new SeededRandom(draw.seed);
  const upTo = (count: number): number => Math.floor(random.next() * count);
  return Array.from({ length: draw.count }, () => {
    const first = sites[upTo(sites.length)] as Site;
    const second = first.number + 1 + upTo(Math.min(FARTHEST, sites.length - first.number));
    return { story, first, strikes: [{ site: first.number, trouble: CRASHES[upTo(CRASHES.length)] as Trouble }, { site: second, trouble: CRASHES[upTo(CRASHES.length)] as Trouble }] };
  });
}

export async function playAll(cells: readonly Cell[]): Promise<Result> {
  const result: Result = { cells: 0, sites: new Set(), troubles: new Map(), failures: [] };
  for (const cell of cells) {
    result.cells += 1;
    const problems = await problemsOf(cell, result);
    if (problems.length > 0) result.failures.push(`${cell.story.name}, ${cell.strikes.map(({ site, trouble }) => `${trouble} at request ${site}`).join(', then ')} (${cell.first.at}: ${cell.first.what}): ${problems.join('; ')}`);
  }
  return result;
}

async function problemsOf({ story, strikes, first }: Cell, result: Result): Promise<string[]> {
  try {
    const history = await play(story, strikes);
    for (const { trouble } of history.wire.struck) {
      result.troubles.set(trouble, (result.troubles.get(trouble) ?? 0) + 1);
    }
    const met = history.wire.struck[0];
    if (met !== undefined) result.sites.add(met.number);
    if (met?.what !== first.what || met.at !== first.at) return [`request ${first.number} is ${met?.at ?? 'never sent'} ${met?.what ?? ''} this time: the history is not the same`];
    return await whatIsWrong(history);
  } catch (error) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  }
}
