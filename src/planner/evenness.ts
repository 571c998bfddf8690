// How even a layout can be at all, whatever it costs: the counts of the fullest and of the emptiest zone in the most even layout. No
// layout has a fullest zone with fewer, or an emptiest one with more; so they say which skews, and which windows of counts, can be had.

import type { Families } from './families.ts';

export interface Evenness {
  fullest: number;
  emptiest: number;
}

/** Ordinals that may be in the same zones, wherever they are now. */
interface Crowd {
  size: number;
  zones: readonly number[];
  /** How many of them are in each zone. */
  at: Int32Array;
}

/** Everybody goes to its emptiest zone, those with the least choice first; then chains of exchanges even out what is left. */
export function evennessOf({ zoneCount, families }: Families): Evenness {
  const crowds = crowdsOf(families, zoneCount);
  const counts = new Int32Array(zoneCount);
  for (const crowd of crowds) settle(crowd, counts);
  while (evenOut(crowds, counts));
  return { fullest: Math.max(...counts), emptiest: Math.min(...counts) };
}

function crowdsOf(families: Families['families'], zoneCount: number): Crowd[] {
  const crowds = new Map<readonly number[], Crowd>(); // Families with the same zones share the array.
  for (const { zones, size } of families) {
    const crowd = crowds.get(zones) ?? { size: 0, zones, at: new Int32Array(zoneCount) };
    crowd.size += size;
    crowds.set(zones, crowd);
  }
  return [...crowds.values()].toSorted((a, b) => a.zones.length - b.zones.length);
}

function settle({ size, zones, at }: Crowd, counts: Int32Array): void {
  for (let settled = 0; settled < size; settled += 1) {
    let emptiest = zones[0] ?? 0;
    for (const zone of zones) if ((counts[zone] ?? 0) < (counts[emptiest] ?? 0)) emptiest = zone;
    at[emptiest] = (at[emptiest] ?? 0) + 1;
    counts[emptiest] = (counts[emptiest] ?? 0) + 1;
  }
}

/** One chain from a fuller zone to one that has at least two fewer; false when there is none. */
function evenOut(crowds: readonly Crowd[], counts: Int32Array): boolean {
  const fullestFirst = [...counts.keys()].toSorted((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0));
  for (const start of fullestFirst) {
    const givers = reachedFrom(start, crowds, counts.length);
    const end = [...givers.keys()].reduce((emptiest, zone) => ((counts[zone] ?? 0) < (counts[emptiest] ?? 0) ? zone : emptiest), start);
    const difference = (counts[start] ?? 0) - (counts[end] ?? 0);
    if (difference < 2) continue;
    passOn(chainTo(end, givers), Math.floor(difference / 2), counts);
    return true;
  }
  return false;
}

/** Who gives an ordinal to the zone, and from where. */
interface Giver {
  crowd: Crowd;
  from: number;
  to: number;
}

function reachedFrom(start: number, crowds: readonly Crowd[], zoneCount: number): Map<number, Giver> {
  const givers = new Map<number, Giver>();
  const queue = [start];
  for (const from of queue) {
    for (const crowd of crowds) {
      if ((crowd.at[from] ?? 0) === 0) continue;
      for (const to of crowd.zones) {
        if (to === start || givers.has(to)) continue;
        givers.set(to, { crowd, from, to });
        queue.push(to);
      }
    }
    if (queue.length === zoneCount) break;
  }
  return givers;
}

function chainTo(end: number, givers: ReadonlyMap<number, Giver>): Giver[] {
  const chain: Giver[] = [];
  for (let giver = givers.get(end); giver !== undefined; giver = givers.get(giver.from)) chain.push(giver);
  return chain;
}

/** As many at once as every link of the chain has. */
function passOn(chain: readonly Giver[], wanted: number, counts: Int32Array): void {
  const amount = Math.min(wanted, ...chain.map(({ crowd, from }) => crowd.at[from] ?? 0));
  for (const { crowd, from, to } of chain) {
    crowd.at[from] = (crowd.at[from] ?? 0) - amount;
    crowd.at[to] = (crowd.at[to] ?? 0) + amount;
    counts[from] = (counts[from] ?? 0) - amount;
    counts[to] = (counts[to] ?? 0) + amount;
  }
}
