// Ordinals that the spread need not tell apart, counted together. A family is at home in the same zone and has the same other zones to go
// to; within it only the cost of leaving home differs (size, move-last), and ordinals that cost the same are one step:
//
//   family: home a, may go to b, c     step 0: 4 ordinals of 20 GiB     step 1: 2 ordinals of 40 GiB …
//
// Whatever is optimal, those that leave home are the cheapest of their family: the first steps. So a layout of ten thousand ordinals is
// a few numbers: how many of each family are in which zone.

import type { Candidate, SpreadProblem } from './spread.ts';

export interface Family {
  size: number;
  /** Zones by number, as they are in the problem. */
  zones: readonly number[];
  /** -1 when nobody of it is in a zone where it may stay: all must go somewhere. */
  home: number;
  /** By zone: what being there costs beside leaving home; Infinity where the family may not be. */
  costs: Float64Array;
  /** By step, ascending: what leaving home costs. */
  leaving: Float64Array;
  /** How many ordinals there are before each step, and after the last one. */
  before: Int32Array;
}

export interface Families {
  zoneCount: number;
  /** How many ordinals. */
  size: number;
  families: readonly Family[];
  /** By candidate: number of its family, and of its step in there. */
  familyOf: Int32Array;
  stepOf: Int32Array;
  weights: Weights;
}

/**
 * What one ordinal more of each kind costs; a preference weighs 1 a rank. An exchange of zones is a circle that visits each zone once at
 * most, so a weight need only outdo what all that comes after it can add up to on one circle, and all sums stay exact in a double.
 */
export interface Weights {
  moveLast: number;
  gib: number;
  move: number;
  /** GiB of one ordinal beyond this count as this. */
  mostGiB: number;
}

function weightsFor(zoneCount: number, candidates: readonly Candidate[]): Weights {
  const preferences = zoneCount - 1;
  const moveLast = 1 + zoneCount * preferences;
  const gib = 1 + zoneCount * (moveLast + preferences);
  // A circle of moves, each as dear as it can be, must stay below 2^53.
  const mostGiB = Math.floor(Number.MAX_SAFE_INTEGER / (4 * zoneCount * (zoneCount + 1) * gib));
  const largest = candidates.reduce((most, candidate) => Math.max(most, ...sizesOf(candidate)), 0);
  return { moveLast, gib, move: 1 + zoneCount * (gib * (Math.min(Math.ceil(largest), mostGiB) + 1)), mostGiB };
}

function sizesOf({ sizeGiB, sizeGiBTo }: Candidate): number[] {
  return sizeGiBTo === undefined ? [sizeGiB] : [sizeGiB, ...Object.values(sizeGiBTo)];
}

export function familiesOf({ zones, candidates }: Pick<SpreadProblem, 'zones' | 'candidates'>): Families {
  const weights = weightsFor(zones.length, candidates);
  const draft: Draft = { zoneNumbers: new Map(zones.map((zone, number) => [zone, number])), weights, optionSets: new Map(), optionSetsByKey: new Map(), numbers: new Map(), found: [] };
  const familyOf = new Int32Array(candidates.length);
  const leavingOf = new Float64Array(candidates.length);
  for (const [index, candidate] of candidates.entries()) {
    const placed = place(candidate, draft);
    familyOf[index] = placed.family;
    leavingOf[index] = placed.leaving;
    draft.found[placed.family]?.leaving.push(placed.leaving);
  }
  const families = draft.found.map((family) => finished(family, draft));
  const stepOf = familyOf.map((family, index) => stepAt(families[family]?.leaving, leavingOf[index] ?? 0));
  return { zoneCount: zones.length, size: candidates.length, families, familyOf, stepOf, weights };
}

interface Draft {
  zoneNumbers: ReadonlyMap<string, number>;
  weights: Weights;
  optionSets: Map<readonly string[], OptionSet>;
  optionSetsByKey: Map<string, OptionSet>;
  numbers: Map<number | string, number>;
  found: FamilyDraft[];
}

interface OptionSet {
  number: number;
  zones: readonly number[];
}

interface FamilyDraft {
  home: number;
  zones: readonly number[];
  /** GiB more than to the zone where it is least, by zone. */
  moreGiB: readonly number[] | undefined;
  leaving: number[];
}

function place(candidate: Candidate, draft: Draft): { family: number; leaving: number } {
  const { zoneNumbers, weights, numbers, found } = draft;
  const options = optionSetOf(candidate.options, draft);
  const from = candidate.from === undefined ? undefined : zoneNumbers.get(candidate.from);
  const home = from !== undefined && options.zones.includes(from) ? from : -1;
  const { leastGiB, moreGiB } = gibOf(candidate, { options, home, draft });
  const key = familyKey(options.number * (zoneNumbers.size + 1) + home + 1, moreGiB);
  const family = numbers.get(key) ?? found.push({ home, zones: options.zones, moreGiB, leaving: [] }) - 1;
  numbers.set(key, family);
  // Who has no home leaves whatever it costs.
  const leaving = home < 0 ? 0 : weights.move + weights.gib * leastGiB + (candidate.moveLast ? weights.moveLast : 0);
  return { family, leaving };
}

function familyKey(number: number, moreGiB: readonly number[] | undefined): number | string {
  return moreGiB === undefined ? number : `${number}:${moreGiB.join(',')}`;
}

/** Those that share one array are looked at once. */
function optionSetOf(options: readonly string[], { zoneNumbers, optionSets, optionSetsByKey }: Draft): OptionSet {
  const known = optionSets.get(options);
  if (known !== undefined) return known;
  const listed = new Uint8Array(zoneNumbers.size);
  for (const zone of options) listed[zoneNumbers.get(zone) ?? zoneNumbers.size] = 1;
  const zones = [...listed.keys()].filter((zone) => listed[zone] === 1);
  const key = String.fromCharCode(...zones);
  const set = optionSetsByKey.get(key) ?? { number: optionSetsByKey.size, zones };
  optionSetsByKey.set(key, set);
  optionSets.set(options, set);
  return set;
}

function gibOf(candidate: Candidate, { options, home, draft }: { options: OptionSet; home: number; draft: Draft }): Pick<FamilyDraft, 'moreGiB'> & { leastGiB: number } {
  const { zoneNumbers, weights } = draft;
  const whole = (sizeGiB: number): number => Math.min(Math.ceil(sizeGiB), weights.mostGiB);
  const { sizeGiB, sizeGiBTo } = candidate;
  if (sizeGiBTo === undefined) return { leastGiB: whole(sizeGiB), moreGiB: undefined };
  const sizes = new Map(candidate.options.map((zone) => [zoneNumbers.get(zone), whole(sizeGiBTo[zone] ?? sizeGiB)]));
  const away = options.zones.filter((zone) => zone !== home);
  const leastGiB = away.length === 0 ? 0 : Math.min(...away.map((zone) => sizes.get(zone) ?? 0));
  const moreGiB = options.zones.map((zone) => (zone === home ? 0 : (sizes.get(zone) ?? 0) - leastGiB));
  return { leastGiB, moreGiB: moreGiB.every((more) => more === 0) ? undefined : moreGiB };
}

function finished({ home, zones, moreGiB, leaving }: FamilyDraft, { zoneNumbers, weights }: Draft): Family {
  const costs = new Float64Array(zoneNumbers.size).fill(Infinity);
  for (const [position, zone] of zones.entries()) costs[zone] = zone + weights.gib * (moreGiB?.[position] ?? 0);
  const sorted = Float64Array.from(leaving).sort();
  const starts = [...sorted.keys()].filter((index) => index === 0 || sorted[index] !== sorted[index - 1]);
  return { size: sorted.length, zones, home, costs, leaving: Float64Array.from(starts, (start) => sorted[start] ?? 0), before: Int32Array.from([...starts, sorted.length]) };
}

/** The first step that costs as much or more. */
export function stepAt(leaving: Float64Array | undefined, cost: number): number {
  let low = 0;
  let high = leaving?.length ?? 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((leaving?.[middle] ?? 0) < cost) low = middle + 1;
    else high = middle;
  }
  return low;
}
