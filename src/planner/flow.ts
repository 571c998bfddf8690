// Min-cost flow from groups of ordinals to zones whose counts must lie in a window. Zones are few, so everything runs on a graph of the
// zones alone: an arc is the cheapest exchange of one ordinal from zone to zone, and a common end takes from each zone as many as the
// window wants.
//
//   group ──cost──▶ zone ──[lowest, highest]──▶ end

export interface Group {
  /** How many ordinals. */
  size: number;
  /** By zone; undefined where its ordinals may not be. */
  costs: readonly (bigint | undefined)[];
}

export interface Window {
  zoneCount: number;
  lowest: number;
  highest: number;
}

export interface Flow extends Window {
  groups: readonly Group[];
  /** Ordinals of a group in a zone. */
  at: number[][];
  /** Ordinals in a zone. */
  counts: number[];
  /** What of them the window has taken; equal to the counts once the flow is whole. */
  taken: number[];
  /** Cheapest exchange out of a zone, by target; undefined: to be looked for again. */
  exchanges: (Exchange | undefined)[][];
}

interface Exchange {
  group: number;
  cost: bigint;
}

/**
 * Everybody starts where it is cheapest; shortest paths then carry the surplus of zones above the window to zones below it. Each step
 * leaves the flow the cheapest of its kind, so the end is the cheapest that fits. Undefined when none fits.
 */
export function cheapestFlow(groups: readonly Group[], window: Window): Flow | undefined {
  const flow = cheapestWithoutWindow(groups, window);
  for (;;) {
    const surplus = nodesWhere(flow, (balance) => balance > 0);
    if (surplus.length === 0) return flow;
    const paths = shortestPaths(flow, surplus);
    const target = nearest(nodesWhere(flow, (balance) => balance < 0), paths);
    if (target === undefined) return undefined;
    pushAlong(flow, pathTo(target, paths));
  }
}

function cheapestWithoutWindow(groups: readonly Group[], window: Window): Flow {
  const { zoneCount, lowest, highest } = window;
  const at = groups.map(({ size, costs }) => {
    const cheapest = costs.reduce<number | undefined>((best, cost, zone) => (cost !== undefined && (best === undefined || cost < (costs[best] ?? cost)) ? zone : best), undefined);
    return Array.from({ length: zoneCount }, (_, zone) => (zone === cheapest ? size : 0));
  });
  const counts = Array.from({ length: zoneCount }, (_, zone) => sum(at.map((row) => row[zone] ?? 0)));
  const taken = counts.map((count) => Math.min(Math.max(count, lowest), highest));
  return { ...window, groups, at, counts, taken, exchanges: Array.from({ length: zoneCount }, () => []) };
}

/** Zones are nodes 0 … zoneCount-1, the common end is node zoneCount. */
function nodesWhere(flow: Flow, holds: (balance: number) => boolean): number[] {
  return Array.from({ length: flow.zoneCount + 1 }, (_, node) => node).filter((node) => holds(balanceOf(flow, node)));
}

/** What has come to a node and not gone on. */
function balanceOf({ zoneCount, counts, taken }: Flow, node: number): number {
  if (node < zoneCount) return (counts[node] ?? 0) - (taken[node] ?? 0);
  return sum(taken) - sum(counts);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

interface Arc {
  from: number;
  to: number;
  cost: bigint;
  /** Which group gives one of its ordinals from zone to zone; undefined for arcs to and from the common end. */
  group: number | undefined;
  /** How many can go this way at once. */
  capacity: number;
}

interface Paths {
  distances: (bigint | undefined)[];
  arcs: (Arc | undefined)[];
}

/** Bellman-Ford: costs may be negative on the way, circles never are. */
function shortestPaths(flow: Flow, sources: readonly number[]): Paths {
  const distances: (bigint | undefined)[] = Array.from({ length: flow.zoneCount + 1 }, () => undefined);
  const arcs: (Arc | undefined)[] = distances.map(() => undefined);
  for (const source of sources) distances[source] = 0n;
  const usable = arcsOf(flow);
  for (let changed = true; changed; ) {
    changed = false;
    for (const arc of usable) changed = relax(arc, { distances, arcs }) || changed;
  }
  return { distances, arcs };
}

function relax(arc: Arc, { distances, arcs }: Paths): boolean {
  const start = distances[arc.from];
  const known = distances[arc.to];
  if (start === undefined || (known !== undefined && known <= start + arc.cost)) return false;
  distances[arc.to] = start + arc.cost;
  arcs[arc.to] = arc;
  return true;
}

function arcsOf(flow: Flow): Arc[] {
  const { zoneCount, lowest, highest, taken } = flow;
  const arcs: Arc[] = [];
  for (let zone = 0; zone < zoneCount; zone += 1) {
    const through = taken[zone] ?? 0;
    if (through < highest) arcs.push({ from: zone, to: zoneCount, cost: 0n, group: undefined, capacity: highest - through });
    if (through > lowest) arcs.push({ from: zoneCount, to: zone, cost: 0n, group: undefined, capacity: through - lowest });
    for (let other = 0; other < zoneCount; other += 1) {
      const exchange = other === zone ? undefined : exchangeBetween(flow, zone, other);
      if (exchange !== undefined) arcs.push({ from: zone, to: other, ...exchange, capacity: flow.at[exchange.group]?.[zone] ?? 0 });
    }
  }
  return arcs;
}

/** No group can: an exchange of group -1. */
const NOBODY: Exchange = { group: -1, cost: 0n };

function exchangeBetween(flow: Flow, from: number, to: number): Exchange | undefined {
  const row = flow.exchanges[from] ?? [];
  const exchange = row[to] ?? cheapestExchange(flow, from, to);
  row[to] = exchange;
  return exchange === NOBODY ? undefined : exchange;
}

function cheapestExchange({ groups, at }: Flow, from: number, to: number): Exchange {
  let best = NOBODY;
  for (const [group, { costs }] of groups.entries()) {
    if ((at[group]?.[from] ?? 0) === 0) continue;
    const here = costs[from];
    const there = costs[to];
    if (here === undefined || there === undefined) continue;
    if (best === NOBODY || there - here < best.cost) best = { group, cost: there - here };
  }
  return best;
}

function nearest(nodes: readonly number[], { distances }: Paths): number | undefined {
  const reached = nodes.filter((node) => distances[node] !== undefined);
  return reached.reduce<number | undefined>((best, node) => (best === undefined || (distances[node] ?? 0n) < (distances[best] ?? 0n) ? node : best), undefined);
}

function pathTo(node: number, { arcs }: Paths): Arc[] {
  const path: Arc[] = [];
  for (let arc = arcs[node]; arc !== undefined; arc = arcs[arc.from]) path.unshift(arc);
  return path;
}

/** As many at once as fit through the path and mend both its ends. */
function pushAlong(flow: Flow, path: readonly Arc[]): void {
  const start = path.at(0)?.from ?? 0;
  const end = path.at(-1)?.to ?? 0;
  const amount = Math.min(balanceOf(flow, start), -balanceOf(flow, end), ...path.map(({ capacity }) => capacity));
  for (const arc of path) shift(flow, arc, amount);
}

function shift(flow: Flow, { from, to, group }: Arc, amount: number): void {
  if (group !== undefined) {
    addOrdinals(flow, { group, zone: from }, -amount);
    addOrdinals(flow, { group, zone: to }, amount);
  } else if (to === flow.zoneCount) flow.taken[from] = (flow.taken[from] ?? 0) + amount;
  else flow.taken[to] = (flow.taken[to] ?? 0) - amount;
}

function addOrdinals(flow: Flow, { group, zone }: { group: number; zone: number }, amount: number): void {
  const row = flow.at[group];
  if (row !== undefined) row[zone] = (row[zone] ?? 0) + amount;
  flow.counts[zone] = (flow.counts[zone] ?? 0) + amount;
  flow.exchanges[zone] = [];
}

export function costOfFlow({ groups, at }: Flow): bigint {
  return groups.reduce((total, { costs }, group) => total + costs.reduce<bigint>((part, cost, zone) => part + (cost ?? 0n) * BigInt(at[group]?.[zone] ?? 0), 0n), 0n);
}

/** Makes room for one of the group in the zone if that costs nothing: it is there already, or a circle of exchanges is free. */
export function secure(flow: Flow, group: number, zone: number): boolean {
  const row = flow.at[group] ?? [];
  if ((row[zone] ?? 0) > 0) return true;
  const costs = flow.groups[group]?.costs ?? [];
  const wanted = costs[zone];
  if (wanted === undefined) return false;
  const paths = shortestPaths(flow, [zone]);
  const giver = row.findIndex((amount, from) => amount > 0 && closesForFree(paths.distances[from], wanted - (costs[from] ?? 0n)));
  if (giver < 0) return false;
  for (const arc of pathTo(giver, paths)) shift(flow, arc, 1);
  addOrdinals(flow, { group, zone: giver }, -1);
  addOrdinals(flow, { group, zone }, 1);
  return true;
}

function closesForFree(distance: bigint | undefined, cost: bigint): boolean {
  return distance !== undefined && distance + cost === 0n;
}

/** One of the group is settled in the zone: from now on it counts there, and is exchanged no more. */
export function keep(flow: Flow, group: number, zone: number): void {
  const row = flow.at[group];
  if (row !== undefined) row[zone] = (row[zone] ?? 0) - 1;
  flow.exchanges[zone] = [];
}

