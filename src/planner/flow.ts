// Min-cost flow from families of ordinals to zones whose counts must lie in a window. Zones are few, so everything runs on a graph of the
// zones alone: an arc is the cheapest exchange of ordinals from zone to zone, and a common end takes from each zone as many as the
// window wants.
//
//   family ──cost──▶ zone ──[lowest, highest]──▶ end
//
// It begins with everybody where it is cheapest at given prices of the zones. Any prices lead to the same optimum; good ones leave little
// to do. So the flow is first found roughly, many steps of a family taken for one, and each rough flow tells the prices for a finer one.

import { enter, noExchanges, type Exchanges } from './exchanges.ts';
import { stepAt, type Families, type Family } from './families.ts';

/** Each zone is to have as many, `highest` included. */
export interface Window {
  lowest: number;
  highest: number;
}

export interface Flow {
  families: Families;
  window: Window;
  /** This many steps of a family cost as much as the first of them. */
  block: number;
  /** Ordinals of a family in a zone, by family and zone. */
  at: Int32Array;
  /** How many of a family have left home: always those that cost least. */
  left: Int32Array;
  /** Ordinals in a zone. */
  counts: Int32Array;
  /** What of them the end has taken; equal to the counts once the flow is whole. */
  taken: Int32Array;
  exchanges: Exchanges;
}

/** By zone: what being there is dearer by than its cost, so that everybody is where it is cheapest. */
export type Prices = Float64Array;

const COARSER = 4;

/** Undefined prices: nothing is known about the zones. */
export function cheapestFlow(families: Families, window: Window, known?: Prices): Flow {
  let prices = known ?? new Float64Array(families.zoneCount);
  const mostSteps = families.families.reduce((most, { leaving }) => Math.max(most, leaving.length), 1);
  const levels = known === undefined ? Math.ceil(Math.log(mostSteps) / Math.log(COARSER)) : 0;
  for (let level = levels; level > 0; level -= 1) prices = pricesOf(balanced(flowAt(families, { window, prices, block: COARSER ** level })));
  return balanced(flowAt(families, { window, prices, block: 1 }));
}

/**
 * Shortest paths carry the surplus of zones above the window to zones below it. Each leaves the flow the cheapest of its kind, so the end
 * is the cheapest that fits.
 */
function balanced(flow: Flow): Flow {
  for (;;) {
    const paths = shortestPaths(flow, (node) => (balanceOf(flow, node) > 0 ? 0 : Infinity));
    const target = reachedDeficit(flow, paths);
    if (target === undefined) break;
    pushAlong(flow, arcsTo(target, paths));
  }
  for (let node = 0; node <= flow.families.zoneCount; node += 1) {
    if (balanceOf(flow, node) !== 0) throw new Error(`the spread found no layout within ${flow.window.lowest} to ${flow.window.highest} ordinals a zone, although there must be one`);
  }
  return flow;
}

function flowAt(families: Families, { window, prices, block }: { window: Window; prices: Prices; block: number }): Flow {
  const { zoneCount, families: all } = families;
  const at = new Int32Array(all.length * zoneCount);
  const left = new Int32Array(all.length);
  const counts = new Int32Array(zoneCount);
  for (const [number, family] of all.entries()) {
    const leavers = leaversAt(family, prices, block);
    left[number] = leavers;
    addTo(at, number * zoneCount + Math.max(0, cheapestAway(family, prices)), leavers);
    if (family.home >= 0) addTo(at, number * zoneCount + family.home, family.size - leavers);
    for (const zone of family.zones) addTo(counts, zone, at[number * zoneCount + zone] ?? 0);
  }
  const taken = counts.map((count, zone) => takenAt(prices[zone] ?? 0, count, window));
  const flow = { families, window, block, at, left, counts, taken, exchanges: noExchanges({ pairs: zoneCount * zoneCount, contestants: all.length }) };
  for (const [number, { zones }] of all.entries()) {
    for (const zone of zones) if ((at[number * zoneCount + zone] ?? 0) > 0) enterFrom(flow, number, zone);
  }
  return flow;
}

/** A zone that costs extra is full, one that pays is as empty as it may be. */
function takenAt(price: number, count: number, { lowest, highest }: Window): number {
  if (price > 0) return highest;
  return price < 0 ? lowest : Math.min(Math.max(count, lowest), highest);
}

function addTo(numbers: Int32Array, index: number, amount: number): void {
  numbers[index] = (numbers[index] ?? 0) + amount;
}

/** -1 when the family can only be at home. */
function cheapestAway({ zones, home, costs }: Family, prices: Prices): number {
  let cheapest = -1;
  for (const zone of zones) {
    if (zone === home) continue;
    if (cheapest < 0 || priceIn(zone, costs, prices) < priceIn(cheapest, costs, prices)) cheapest = zone;
  }
  return cheapest;
}

function priceIn(zone: number, costs: Float64Array, prices: Prices): number {
  return (costs[zone] ?? Infinity) + (prices[zone] ?? 0);
}

/** How many are better off elsewhere, in whole blocks of steps; those to whom it is all the same stay. */
function leaversAt(family: Family, prices: Prices, block: number): number {
  const { size, home, costs, leaving, before } = family;
  if (home < 0) return size;
  const away = cheapestAway(family, prices);
  if (away < 0) return 0;
  const worth = priceIn(home, costs, prices) - priceIn(away, costs, prices);
  const first = stepAt(leaving, worth);
  return before[Math.min(leaving.length, Math.ceil(first / block) * block)] ?? size;
}

/** Steps of a family that count as one. */
interface Block {
  cost: number;
  /** Its ordinals are `first` … `end`-1, counted from those that cost least. */
  first: number;
  end: number;
}

/** The block that an ordinal is in: the next one to leave home is number `left`, the last that left is the one before. */
function blockOf({ leaving, before }: Family, ordinal: number, block: number): Block {
  let low = 0;
  let high = leaving.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((before[middle] ?? 0) <= ordinal) low = middle;
    else high = middle;
  }
  const step = low - (low % block);
  return { cost: leaving[step] ?? 0, first: before[step] ?? 0, end: before[Math.min(leaving.length, step + block)] ?? 0 };
}

interface Way {
  from: number;
  to: number;
}

/** Of one ordinal more of the family from zone to zone; Infinity when it has nobody there. */
function exchangeCost({ families, at, left, block }: Flow, number: number, { from, to }: Way): number {
  const family = families.families[number];
  if (family === undefined || (at[number * families.zoneCount + from] ?? 0) === 0) return Infinity;
  const { home, costs } = family;
  const cost = (costs[to] ?? Infinity) - (costs[from] ?? 0);
  const gone = left[number] ?? 0;
  if (from === home) return cost + blockOf(family, gone, block).cost;
  return to === home ? cost - blockOf(family, gone - 1, block).cost : cost;
}

/** How many of the family can go this way at that cost. */
function roomFor({ families, at, left, block }: Flow, number: number, { from, to }: Way): number {
  const family = families.families[number];
  const there = at[number * families.zoneCount + from] ?? 0;
  const gone = left[number] ?? 0;
  if (family?.home === from) return Math.min(there, blockOf(family, gone, block).end - gone);
  if (family?.home === to) return Math.min(there, gone - blockOf(family, gone - 1, block).first);
  return there;
}

/** Zones are nodes 0 … zoneCount-1, the common end is node zoneCount: what has come to a node and not gone on. */
function balanceOf({ families: { zoneCount }, counts, taken }: Flow, node: number): number {
  if (node < zoneCount) return (counts[node] ?? 0) - (taken[node] ?? 0);
  let balance = 0;
  for (let zone = 0; zone < zoneCount; zone += 1) balance += (taken[zone] ?? 0) - (counts[zone] ?? 0);
  return balance;
}

interface Paths {
  distances: Float64Array;
  /** The node before; -1 at a start. */
  previous: Int32Array;
}

/** Bellman-Ford: costs may be negative on the way, circles never are. */
function shortestPaths(flow: Flow, startingAt: (node: number) => number): Paths {
  const nodes = flow.families.zoneCount + 1;
  const distances = Float64Array.from({ length: nodes }, (_, node) => startingAt(node));
  const previous = new Int32Array(nodes).fill(-1);
  let changed = true;
  for (let round = 0; changed; round += 1) {
    if (round > nodes) throw new Error('the spread came upon a circle of exchanges that gets cheaper each time, which cannot be');
    changed = false;
    for (let node = 0; node < nodes; node += 1) changed = relaxFrom(flow, node, { distances, previous }) || changed;
  }
  return { distances, previous };
}

function relaxFrom(flow: Flow, node: number, { distances, previous }: Paths): boolean {
  const start = distances[node] ?? Infinity;
  if (start === Infinity) return false;
  let changed = false;
  for (let to = 0; to < distances.length; to += 1) {
    const distance = start + arcCost(flow, node, to);
    if (distance >= (distances[to] ?? Infinity)) continue;
    distances[to] = distance;
    previous[to] = node;
    changed = true;
  }
  return changed;
}

function arcCost({ families: { zoneCount }, window, taken, exchanges }: Flow, from: number, to: number): number {
  if (to === zoneCount) return (taken[from] ?? 0) < window.highest ? 0 : Infinity;
  if (from === zoneCount) return (taken[to] ?? 0) > window.lowest ? 0 : Infinity;
  return exchanges.cheapest[from * zoneCount + to] ?? Infinity;
}

/** Any will do: every arc of its path is one of the shortest. */
function reachedDeficit(flow: Flow, { distances }: Paths): number | undefined {
  return [...distances.keys()].find((node) => distances[node] !== Infinity && balanceOf(flow, node) < 0);
}

interface Arc extends Way {
  /** Whose ordinals go; undefined to and from the common end. */
  family: number | undefined;
}

function arcsTo(target: number, { previous }: Paths): Way[] {
  const path: Way[] = [];
  for (let to = target, from = previous[to] ?? -1; from >= 0; to = from, from = previous[to] ?? -1) path.unshift({ from, to });
  return path;
}

/** As many at once as fit through the path and mend both its ends. */
function pushAlong(flow: Flow, path: readonly Way[]): void {
  const arcs = path.map((way) => arcOf(flow, way));
  const start = path.at(0)?.from ?? 0;
  const end = path.at(-1)?.to ?? 0;
  const amount = Math.min(balanceOf(flow, start), -balanceOf(flow, end), ...arcs.map((arc) => capacityOf(flow, arc)));
  for (const arc of arcs) shift(flow, arc, amount);
}

function arcOf({ families: { zoneCount }, exchanges }: Flow, { from, to }: Way): Arc {
  const family = from === zoneCount || to === zoneCount ? undefined : exchanges.leaders[from * zoneCount + to];
  return { from, to, family };
}

function capacityOf(flow: Flow, { from, to, family }: Arc): number {
  if (family !== undefined) return roomFor(flow, family, { from, to });
  const { families, window, taken } = flow;
  return to === families.zoneCount ? window.highest - (taken[from] ?? 0) : (taken[to] ?? 0) - window.lowest;
}

function shift(flow: Flow, { from, to, family }: Arc, amount: number): void {
  const { families, at, left, counts, taken } = flow;
  if (family === undefined) {
    if (to === families.zoneCount) addTo(taken, from, amount);
    else addTo(taken, to, -amount);
    return;
  }
  const home = families.families[family]?.home;
  addTo(at, family * families.zoneCount + from, -amount);
  addTo(at, family * families.zoneCount + to, amount);
  addTo(counts, from, -amount);
  addTo(counts, to, amount);
  if (from === home) addTo(left, family, amount);
  if (to === home) addTo(left, family, -amount);
  for (const zone of families.families[family]?.zones ?? []) enterFrom(flow, family, zone);
}

function enterFrom(flow: Flow, family: number, from: number): void {
  const { families, exchanges } = flow;
  for (const to of families.families[family]?.zones ?? []) {
    if (to !== from) enter(exchanges, from * families.zoneCount + to, { family, cost: exchangeCost(flow, family, { from, to }) });
  }
}

/** At these everybody is where it is cheapest, and no other layout of the window is cheaper. */
export function pricesOf(flow: Flow): Prices {
  const { zoneCount } = flow.families;
  const { distances } = shortestPaths(flow, () => 0);
  return Float64Array.from({ length: zoneCount }, (_, zone) => (distances[zoneCount] ?? 0) - (distances[zone] ?? 0));
}

/** In order of weight: moves, GiB, move-last pods, ranks of preference. Alike for all flows: what those without a home cost anyway. */
export type Totals = readonly [moves: number, gib: number, moveLast: number, preference: number];

export function totalsOf({ families, at, left, counts }: Flow): Totals {
  const { zoneCount, weights } = families;
  const totals: [number, number, number, number] = [0, 0, 0, 0];
  for (const [zone, count] of counts.entries()) totals[3] += zone * count;
  for (const [number, family] of families.families.entries()) {
    for (const zone of family.zones) totals[1] += (((family.costs[zone] ?? 0) - zone) / weights.gib) * (at[number * zoneCount + zone] ?? 0);
    if (family.home >= 0) addLeavers(totals, { family, left: left[number] ?? 0, weights });
  }
  return totals;
}

function addLeavers(totals: [number, number, number, number], { family, left, weights }: { family: Family; left: number; weights: Families['weights'] }): void {
  const { leaving, before } = family;
  totals[0] += left;
  for (let step = 0; (before[step] ?? left) < left; step += 1) {
    const leavers = Math.min(left, before[step + 1] ?? left) - (before[step] ?? 0);
    const beyondMove = (leaving[step] ?? 0) - weights.move;
    const moveLast = beyondMove % weights.gib;
    totals[1] += ((beyondMove - moveLast) / weights.gib) * leavers;
    totals[2] += (moveLast / weights.moveLast) * leavers;
  }
}
