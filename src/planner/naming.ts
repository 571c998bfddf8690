// Which ordinal it is. A flow says how many of a family go where; often many layouts are as good. Of all of them this one is taken: in
// the order of moving, each ordinal gets the first of its wishes that leaves an optimal layout for the others.
//
// At the prices of a flow everybody is in a zone where it is cheapest, in every optimal layout: so ordinals with the same cheapest zones
// are of one kind, costs no longer matter, and whether a wish can be had is whether a chain of exchanges makes room.

import { stepAt, type Families, type Family } from './families.ts';
import type { Prices } from './flow.ts';
import type { PricedFlow } from './windows.ts';

/** The layouts of one window that cost the least, less those that the named ordinals exclude. */
interface Optimum {
  zoneCount: number;
  kinds: readonly (readonly number[])[];
  /** By family. */
  kindsOf: readonly FamilyKinds[];
  /** Ordinals not named yet, by kind and zone. */
  at: Int32Array;
  /** Ordinals not named yet that are in one zone and could as well be in the other, by pair. */
  links: Int32Array;
  /** Named or not, by zone. */
  counts: Int32Array;
  /** How many each zone has at least and at most, by zone. */
  lowest: Int32Array;
  highest: Int32Array;
}

/** Steps before `tie` leave, the step at `tie` (if `tied`) may as well stay, the others stay. */
interface FamilyKinds {
  leaves: number;
  either: number;
  stays: number;
  tie: number;
  tied: boolean;
}

export interface Named {
  ordinal: number;
}

/** Zone by candidate; candidates come in the order of moving. All flows cost the same. */
export function nameOrdinals(candidates: readonly Named[], families: Families, flows: readonly PricedFlow[]): Int32Array {
  let optima = flows.map((priced) => optimumOf(families, priced));
  const zones = new Int32Array(candidates.length);
  for (const [index, { ordinal }] of candidates.entries()) {
    const family = families.familyOf[index] ?? 0;
    const step = families.stepOf[index] ?? 0;
    const rooms = optima.map((optimum) => new Room(optimum, kindAt(optimum, family, step)));
    const home = families.families[family]?.home ?? -1;
    const wish = firstWish({ ordinal, home, zoneCount: families.zoneCount, options: onlyZone(rooms) }, (zone) => rooms.some((room) => room.has(zone)));
    optima = rooms.filter((room) => room.has(wish)).map((room) => room.take(wish));
    zones[index] = wish;
  }
  return zones;
}
