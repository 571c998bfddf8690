// What holds a move, reason by reason, on the simulated world: in a quiet one, so that minutes and hours of waiting are looked at, too.

import { describe, expect, it, test } from 'vitest';
import { BLOCK_REASONS, STAY_REASONS, UNSATISFIED_REASONS } from '../../src/planner/reasons.ts';
import { PATIENT, seedsOfThisRun } from './on-simulated-worlds.ts';
import { APPROVAL } from './scenarios/held/approval.ts';
import { BUDGETS } from './scenarios/held/budgets.ts';
import { HELD_IN_SIMULATION } from './scenarios/held/all.ts';
import { HELD_BY_HAND, heldByHand } from './scenarios/held/by-hand.ts';
import { held, type Watchfulness } from './scenarios/held/holding.ts';
import { BACK_OFF, COOL_DOWN, NOT_AS_DECLARED, WINDOWS, type Story } from './scenarios/held/windows.ts';
import { inSimulatedWorld } from './simulated-world.ts';

/** The worlds begin at midnight: sweeps in the first ten minutes, while the set is held, and none later. */
const WATCHFULNESS: Watchfulness = {
  sweep: '0-9 0 1 1 *',
  heldForMs: 11 * 60_000,
  neededSweep: '*/5 * * * *',
  sweepEveryMs: 300_000,
  begunWithinMs: { 'by a watch': 10_000, 'by a timer': 20_000, 'by the sweep': 5_000 },
};

/** As many as there are cases, one seed in the usual run tells enough. */
const SEEDS = seedsOfThisRun().filter((seed) => seed % 3 === 1);

describe('a move is held while', () => {
  for (const one of HELD_IN_SIMULATION) {
    test.for(SEEDS)(`${one.name}: ${one.reason}, noticed ${one.noticed} (seed %i)`, PATIENT, (seed) => inSimulatedWorld({ seed, quiet: true, ...(one.webhook === undefined ? {} : { webhook: one.webhook }) }, held(one, WATCHFULNESS)));
  }
});

describe('a move by hand is held while', () => {
  for (const one of HELD_BY_HAND) {
    test.for(SEEDS)(`${one.name}: ${one.reason} (seed %i)`, PATIENT, (seed) => inSimulatedWorld({ seed, quiet: true }, heldByHand(one)));
  }
});

const STORIES: [about: string, Story[]][] = [
  ['a window', WINDOWS],
  ['after a move', [COOL_DOWN]],
  ['after a failure', BACK_OFF],
  ['an approval', APPROVAL],
  ['no more than allowed', BUDGETS],
  ['a set is not as declared while', NOT_AS_DECLARED],
];

describe.each(STORIES)('%s', (_about, stories) => {
  for (const { name, start, run } of stories) {
    test.for(SEEDS)(`${name} (seed %i)`, PATIENT, (seed) => inSimulatedWorld({ seed, quiet: true, ...(start === undefined ? {} : { start }) }, run));
  }
});

/** Reasons that nobody can be shown in a cluster, each with why. What they are is held by test/planner. */
const NOT_HERE: Record<string, string> = {
  NamespaceTerminating: 'the report and the records of a namespace go with it, before anybody reads them',
  Forbidden: 'nothing in the daemon excludes a pair of ordinal and zone; it is for whoever calls the planner',
  InPlace: 'a report speaks of ordinals that move or are held, not of those that stay where they may',
  NoZonalDisk: 'the same',
};

describe('every reason of the planner', () => {
  const shown = new Set<string>([
    ...HELD_IN_SIMULATION.flatMap(({ reason, unsatisfied = 'MovesPlanned' as const }) => [reason, unsatisfied]),
    ...HELD_BY_HAND.map(({ reason }) => reason),
    ...STORIES.flatMap(([, stories]) => stories.flatMap(({ shows = [] }) => shows)),
  ]);

  it.each([...BLOCK_REASONS, ...UNSATISFIED_REASONS, ...STAY_REASONS])('is shown here, or cannot be: %s', (reason) => {
    expect([shown.has(reason), NOT_HERE[reason]].filter(Boolean), 'a case, or why there is none').toHaveLength(1);
  });
});
