// Which ordinal goes to which zone: the exact optimum. In order of weight: smallest skew beyond what is allowed, fewest moves, fewest
// GiB, fewest move-last pods, preferred zones; among equals the highest ordinals move, each into the zone that its number asks for.
//
//   families.ts   ordinals that need not be told apart
//   evenness.ts   the skew that can be had
//   windows.ts    the windows of counts that it allows, each a min-cost flow (flow.ts), and the cheapest of them
//   naming.ts     which ordinal it is, where several would do
//
// Pins, capacity and placement are missing options.

import { evennessOf, type Evenness } from './evenness.ts';
import { familiesOf } from './families.ts';
import { nameOrdinals } from './naming.ts';
import { cheapestFlows } from './windows.ts';

export interface SpreadProblem {
  /** Those whose counts are to be even, in preference order. */
  zones: readonly string[];
  maxSkew: number;
  /** In the order in which they would move. */
  candidates: readonly Candidate[];
}

export interface Candidate {
  ordinal: number;
  /** Where it is; undefined when its disks are in several zones. */
  from: string | undefined;
  /** Where it may be, its own zone included if it may stay; at least one of the problem's zones. One array for many is looked at once. */
  options: readonly string[];
  /** To copy, wherever it goes. */
  sizeGiB: number;
  /** To copy, by zone, where that is not the same everywhere: disks in several zones. */
  sizeGiBTo?: Readonly<Record<string, number>>;
  moveLast: boolean;
}

export interface Spread {
  /** Zone by ordinal. */
  zones: ReadonlyMap<number, string>;
  /** How far the skew is beyond maxSkew. */
  excess: number;
}

export function spread({ zones, maxSkew, candidates }: SpreadProblem): Spread {
  if (candidates.length === 0 || zones.length === 0) return { zones: new Map(), excess: 0 };
  const families = familiesOf({ zones, candidates });
  const evenness = evennessOf(families);
  const skew = smallestSkew(evenness, maxSkew);
  const named = nameOrdinals(candidates, families, cheapestFlows(families, skew, evenness));
  return { zones: new Map(candidates.map(({ ordinal }, index) => [ordinal, zones[named[index] ?? 0] ?? ''])), excess: skew - maxSkew };
}

/** The excess alone, which takes no flow. */
export function excessOf({ zones, maxSkew, candidates }: SpreadProblem): number {
  if (candidates.length === 0 || zones.length === 0) return 0;
  return smallestSkew(evennessOf(familiesOf({ zones, candidates })), maxSkew) - maxSkew;
}

/** The allowed one if it can be had, else the smallest that can: what a skew allows, a larger one allows too. */
function smallestSkew({ fullest, emptiest }: Evenness, maxSkew: number): number {
  return Math.max(maxSkew, fullest - emptiest);
}
