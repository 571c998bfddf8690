// Watches of the product that end, break, fall silent, have forgotten where they were, or tell what happened late.

import { isWatch, type HttpRequest } from '../../ports/http.ts';
import type { Random } from '../../ports/random.ts';
import type { Fault as ApiFault } from '../../simulation/apiserver/faults.ts';
import { Dice } from '../dice.ts';
import type { FaultKind } from '../faults.ts';
import { striking } from './striking.ts';

/** There are few of them, and each lives for minutes. */
const OFTEN = [0.2, 0.9] as const;
const COMPACTION_MS = 5_000;

export const WATCH_FAULTS: Record<string, FaultKind> = {
  'watch broken': onWatches((random) => ({ kind: 'cut', afterMs: upTo(20_000, random), how: 'break' })),
  'watch ended': onWatches((random) => ({ kind: 'cut', afterMs: upTo(20_000, random), how: 'end' })),
  'watch silent': onWatches((random) => ({ kind: 'fall silent', afterMs: upTo(10_000, random) })),
  'watch expired': onWatches(() => ({ kind: 'expired' })),
  'watch late': onWatches((random) => ({ kind: 'lag', ms: 100 + upTo(15_000, random) })),
  'every watch cut': {
    chance: [0.1, 0.5],
    begin: striking({ everyMs: COMPACTION_MS }, (world, _fault, dice) => {
      world.simulated.server.cutWatches(dice.chance(0.5) ? 'end' : 'break');
      return true;
    }),
  },
  /** Who comes back finds that the server no longer knows where it was. */
  compaction: {
    chance: [0.1, 0.5],
    begin: striking({ everyMs: COMPACTION_MS }, (world) => {
      world.simulated.server.compact();
      world.simulated.server.cutWatches('break');
      return true;
    }),
  },
};

function onWatches(api: (random: Random) => ApiFault): FaultKind {
  return {
    chance: OFTEN,
    api: (request: HttpRequest, random) => (isWatch(request) ? api(random) : undefined),
    // Those that are open were spared: they are opened anew.
    begin: (world, fault) => {
      world.simulated.server.cutWatches(Dice.ofFault(world.plan.seed, fault).chance(0.5) ? 'end' : 'break');
      return () => {};
    },
  };
}

function upTo(mostMs: number, random: Random): number {
  return Math.floor(random.next() * mostMs);
}
