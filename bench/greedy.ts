// The baseline: one pass over the ordinals. Whoever is in a zone that is not full yet stays, whoever is not goes where there are fewest.
// It heeds no size and sometimes leaves the zones uneven; it is about the least that reading the input and answering can cost.

import type { SpreadProblem } from '../src/planner/spread.ts';

export function greedy({ zones, candidates }: SpreadProblem): Map<number, string> {
  const counts = new Map(zones.map((zone) => [zone, 0]));
  const full = Math.ceil(candidates.length / zones.length);
  const layout = new Map<number, string>();
  for (const { ordinal, from, options } of candidates.toReversed()) {
    const stays = from !== undefined && options.includes(from) && counts.get(from)! < full;
    const zone = stays ? from : options.reduce((emptiest, other) => (counts.get(other)! < counts.get(emptiest)! ? other : emptiest));
    counts.set(zone, counts.get(zone)! + 1);
    layout.set(ordinal, zone);
  }
  return layout;
}

export interface Bill {
  moves: number;
  sizeGiB: number;
  skew: number;
}

export function billOf({ zones, candidates }: SpreadProblem, layout: ReadonlyMap<number, string>): Bill {
  const moved = candidates.filter(({ ordinal, from }) => layout.get(ordinal) !== from);
  const byZone = Map.groupBy(layout.values(), (zone) => zone);
  const counts = zones.map((zone) => byZone.get(zone)?.length ?? 0);
  return { moves: moved.length, sizeGiB: moved.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0), skew: Math.max(...counts) - Math.min(...counts) };
}
