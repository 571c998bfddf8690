// What holds a move, reason by reason, on the simulated world: in a quiet one, so that minutes and hours of waiting are looked at, too.

import { describe, test } from 'vitest';
import { PATIENT, seedsOfThisRun } from './on-simulated-worlds.ts';
import { HELD_IN_SIMULATION } from './scenarios/held/all.ts';
import { HELD_BY_HAND, heldByHand } from './scenarios/held/by-hand.ts';
import { held, type Watchfulness } from './scenarios/held/holding.ts';
import { inSimulatedWorld } from './simulated-world.ts';

/** The worlds begin at midnight: sweeps in the first ten minutes, while the set is held, and none later. */
const WATCHFULNESS: Watchfulness = { sweep: '0-9 0 1 1 *', heldForMs: 11 * 60_000, begunWithinMs: { 'by a watch': 10_000, 'by a timer': 20_000 } };

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
