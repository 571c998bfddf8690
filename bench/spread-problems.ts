// Spread problems of any size, the same ones every time.

import type { Candidate, SpreadProblem } from '../src/planner/spread.ts';
import { drawFrom, type Draw } from '../test/planner/random-numbers.ts';

export interface Kind {
  name: string;
  candidate: (ordinal: number, zones: readonly string[], draw: Draw) => Omit<Candidate, 'ordinal' | 'moveLast'>;
}

const differentSize = (ordinal: number): number => 20 + ((ordinal * 7919) % 10_007);

export const KINDS: readonly Kind[] = [
  { name: 'all in one zone, disks alike', candidate: (_, zones) => ({ from: zones[0], options: zones, sizeGiB: 20 }) },
  { name: 'all in one zone, all sizes', candidate: (ordinal, zones) => ({ from: zones[0], options: zones, sizeGiB: differentSize(ordinal) }) },
  { name: 'anywhere, all sizes', candidate: (ordinal, zones, draw) => ({ from: draw.of(zones), options: zones, sizeGiB: differentSize(ordinal) }) },
  { name: 'pins and disks that cannot move', candidate: restricted },
  { name: 'every ordinal its own zones', candidate: ownZones },
];

/** A tenth is pinned, a tenth cannot move, the others do without the last zone. */
function restricted(ordinal: number, zones: readonly string[], draw: Draw): Omit<Candidate, 'ordinal' | 'moveLast'> {
  const from = draw.of(zones.slice(0, 4));
  const fate = draw.number(10);
  const options = fate === 0 ? [draw.of(zones)] : fate === 1 ? [from] : zones.slice(0, -1);
  return { from, options, sizeGiB: differentSize(ordinal) };
}

/** The worst case: hardly two ordinals have the same choice. */
function ownZones(ordinal: number, zones: readonly string[], draw: Draw): Omit<Candidate, 'ordinal' | 'moveLast'> {
  const from = draw.of(zones.slice(0, 4));
  return { from, options: zones.filter((zone) => zone === from || draw.chance(0.6)), sizeGiB: differentSize(ordinal) };
}

export function problemOf({ candidate }: Kind, { ordinals, zoneCount }: { ordinals: number; zoneCount: number }): SpreadProblem {
  const zones = Array.from({ length: zoneCount }, (_, zone) => `zone-${zone}`);
  const draw = drawFrom(ordinals);
  const candidates = Array.from({ length: ordinals }, (_, index): Candidate => {
    const ordinal = ordinals - 1 - index;
    return { ordinal, moveLast: false, ...candidate(ordinal, zones, draw) };
  });
  return { zones, maxSkew: 1, candidates };
}
