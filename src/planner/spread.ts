// Which ordinal goes to which zone: the exact optimum, by min-cost flow. In order of weight: smallest skew beyond what is allowed, fewest
// moves, fewest GiB, fewest move-last pods, preferred zones; among equals the highest ordinals move, each into the emptiest zone.
//
// Ordinals that cost the same everywhere are one group. A skew allows some windows of counts [lowest, lowest + skew]; each is one flow
// (flow.ts), the cheapest of them all is the answer, and then the ordinals are named. Pins, capacity and placement are missing options.

import { cheapestFlow, costOfFlow, keep, secure, sum, type Flow, type Group } from './flow.ts';

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
  /** Where it may be, its own zone included if it may stay; at least one of the problem's zones. */
  options: readonly string[];
  /** GiB to copy, by option. */
  sizeGiB: Readonly<Record<string, number>>;
  moveLast: boolean;
}

export interface Spread {
  /** Zone by ordinal. */
  zones: ReadonlyMap<number, string>;
  /** How far the skew is beyond maxSkew. */
  excess: number;
}

export function spread(problem: SpreadProblem): Spread {
  if (problem.candidates.length === 0 || problem.zones.length === 0) return { zones: new Map(), excess: 0 };
  const groups = groupsOf(problem);
  const skew = smallestSkew(problem, groups);
  const cheapest = cheapestFlows(flowsWithin(skew, problem, groups));
  const choices = cheapest.map((flow) => choose(problem, groups, flow));
  const best = choices.reduce((chosen, other) => (comesFirst(other.ranks, chosen.ranks) ? other : chosen));
  return { zones: new Map(problem.candidates.map(({ ordinal }, index) => [ordinal, problem.zones[best.zones[index] ?? 0] ?? ''])), excess: Math.max(0, skewOf(best.zones, problem.zones.length) - problem.maxSkew) };
}

/** Largest count minus smallest. */
function skewOf(zones: readonly number[], zoneCount: number): number {
  const counts = Array.from({ length: zoneCount }, () => 0);
  for (const zone of zones) counts[zone] = (counts[zone] ?? 0) + 1;
  return Math.max(...counts) - Math.min(...counts);
}

interface Groups {
  groups: readonly Group[];
  /** Group by candidate. */
  groupOf: readonly number[];
}

function groupsOf({ zones, candidates }: SpreadProblem): Groups {
  const weights = weightsFor(zones.length, candidates);
  const groups: { size: number; costs: (bigint | undefined)[] }[] = [];
  const numbers = new Map<string, number>();
  const groupOf = candidates.map((candidate) => {
    const costs = zones.map((zone, preference) => costOf(candidate, { zone, preference }, weights));
    const key = costs.join('|');
    const known = numbers.get(key);
    const number = known ?? groups.push({ size: 0, costs }) - 1;
    numbers.set(key, number);
    const group = groups[number];
    if (group !== undefined) group.size += 1;
    return number;
  });
  return { groups, groupOf };
}

interface Weights {
  move: bigint;
  gib: bigint;
  moveLast: bigint;
}

/** Each weighs more than all that comes after it can add up to. */
function weightsFor(zoneCount: number, candidates: readonly Candidate[]): Weights {
  const all = BigInt(candidates.length);
  const moveLast = all * BigInt(zoneCount) + 1n;
  const gib = moveLast * (all + 1n);
  const mostGiB = sum(candidates.map(({ sizeGiB, options }) => Math.max(0, ...options.map((zone) => sizeGiB[zone] ?? 0))));
  return { moveLast, gib, move: gib * (BigInt(Math.ceil(mostGiB)) + 1n) };
}

function costOf(candidate: Candidate, { zone, preference }: { zone: string; preference: number }, weights: Weights): bigint | undefined {
  if (!candidate.options.includes(zone)) return undefined;
  if (zone === candidate.from) return BigInt(preference);
  const gib = weights.gib * BigInt(Math.ceil(candidate.sizeGiB[zone] ?? 0));
  return weights.move + gib + (candidate.moveLast ? weights.moveLast : 0n) + BigInt(preference);
}

/** The allowed skew if it can be had, else the smallest that can: what a skew allows, a larger one allows too. */
function smallestSkew(problem: SpreadProblem, groups: Groups): number {
  const possible = (skew: number): boolean => !flowsWithin(skew, problem, groups).next().done;
  if (possible(problem.maxSkew)) return problem.maxSkew;
  let impossible = problem.maxSkew;
  let enough = problem.candidates.length; // All in one zone.
  while (enough - impossible > 1) {
    const middle = Math.floor((impossible + enough) / 2);
    if (possible(middle)) enough = middle;
    else impossible = middle;
  }
  return enough;
}

/** The cheapest flow of each window of counts [lowest, lowest + skew] that has one. */
function* flowsWithin(skew: number, { zones, candidates }: SpreadProblem, { groups }: Groups): Generator<Flow, void> {
  const all = candidates.length;
  const room = zones.map((_, zone) => sizeOf(groups.filter(({ costs }) => costs[zone] !== undefined)));
  const bound = zones.map((_, zone) => sizeOf(groups.filter(({ costs }) => costs.every((cost, other) => (cost !== undefined) === (other === zone)))));
  const first = Math.max(0, Math.ceil(all / zones.length) - skew, Math.max(...bound) - skew);
  const last = skew >= all ? 0 : Math.min(Math.floor(all / zones.length), ...room);
  for (let lowest = first; lowest <= last; lowest += 1) {
    const flow = cheapestFlow(groups, { zoneCount: zones.length, lowest, highest: lowest + skew });
    if (flow !== undefined) yield flow;
  }
}

function sizeOf(groups: readonly Group[]): number {
  return sum(groups.map(({ size }) => size));
}

function cheapestFlows(flows: Iterable<Flow>): Flow[] {
  const priced = [...flows].map((flow) => ({ flow, cost: costOfFlow(flow) }));
  const least = priced.reduce<bigint | undefined>((best, { cost }) => (best === undefined || cost < best ? cost : best), undefined);
  return priced.filter(({ cost }) => cost === least).map(({ flow }) => flow);
}

/** Zone by candidate, and which of its wishes each one got. */
interface Choice {
  zones: number[];
  ranks: number[];
}

/**
 * Names the ordinals: in the order of moving, each takes the first of its wishes that leaves the flow as cheap as it is. Wishes are to
 * move into the emptiest zone as things stand when its turn comes, then the next, and to stay last: so the highest ordinals move, and
 * the set gets evener with each move.
 */
function choose({ zones, candidates }: SpreadProblem, { groupOf }: Groups, flow: Flow): Choice {
  const choice: Choice = { zones: [], ranks: [] };
  const counts = zones.map((zone) => candidates.filter(({ from }) => from === zone).length);
  for (const [index, candidate] of candidates.entries()) {
    const group = groupOf[index] ?? 0;
    const own = candidate.from === undefined ? -1 : zones.indexOf(candidate.from);
    const wishes = wishesOf(flow.groups[group]?.costs ?? [], own, counts);
    const rank = wishes.findIndex((zone) => secure(flow, group, zone));
    const zone = wishes[rank] ?? own;
    keep(flow, group, zone);
    counts[zone] = (counts[zone] ?? 0) + 1;
    if (own >= 0) counts[own] = (counts[own] ?? 0) - 1;
    choice.zones.push(zone);
    choice.ranks.push(rank);
  }
  return choice;
}

function wishesOf(costs: readonly (bigint | undefined)[], own: number, counts: readonly number[]): number[] {
  const options = costs.flatMap((cost, zone) => (cost === undefined ? [] : [zone]));
  const byEmptiness = (a: number, b: number): number => (counts[a] ?? 0) - (counts[b] ?? 0) || a - b;
  return [...options.filter((zone) => zone !== own).toSorted(byEmptiness), ...options.filter((zone) => zone === own)];
}

function comesFirst(ranks: readonly number[], others: readonly number[]): boolean {
  const difference = ranks.findIndex((rank, index) => rank !== others[index]);
  return difference >= 0 && (ranks[difference] ?? 0) < (others[difference] ?? 0);
}
