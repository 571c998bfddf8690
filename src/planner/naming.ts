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
}

/** Steps before `tie` leave, the step at `tie` (if `tied`) may as well stay, the others stay. */
interface FamilyKinds {
  leaves: number;
  either: number;
  stays: number;
  tie: number;
  tied: boolean;
}

/** One ordinal, of one kind, before it is named. */
interface Room {
  optimum: Optimum;
  kind: number;
  /** By zone: the next one in the chain of exchanges that makes room there; -1 without one. Looked for when it is asked for. */
  chains: Int32Array | undefined;
}

/** Zone by candidate; candidates come in the order of moving. All flows cost the same. */
export function nameOrdinals(candidates: readonly { ordinal: number }[], families: Families, flows: readonly PricedFlow[]): Int32Array {
  const zones = new Int32Array(candidates.length);
  let optima = flows.map((priced) => optimumOf(families, priced));
  for (const [index, { ordinal }] of candidates.entries()) {
    const number = families.familyOf[index] ?? 0;
    const step = families.stepOf[index] ?? 0;
    const rooms = optima.map((optimum): Room => ({ optimum, kind: kindAt(optimum, number, step), chains: undefined }));
    const home = families.families[number]?.home ?? -1;
    const zone = onlyZone(rooms) ?? firstWish({ ordinal, home, zoneCount: families.zoneCount }, (wish) => rooms.some((room) => hasRoom(room, wish)));
    const fitting = rooms.filter((room) => hasRoom(room, zone));
    for (const room of fitting) settle(room, zone);
    optima = fitting.map(({ optimum }) => optimum);
    zones[index] = zone;
  }
  return zones;
}

function onlyZone([room, ...others]: readonly Room[]): number | undefined {
  if (room === undefined || others.length > 0) return undefined;
  const kind = room.optimum.kinds[room.kind] ?? [];
  return kind.length === 1 ? kind[0] : undefined;
}

/**
 * Each ordinal has its own order of the zones, spelled by its number and by nothing else, so that it wishes the same whatever becomes of
 * the others. Counted down, the ordinals take the zones in turn, 0 the first one; those that miss the same zone differ in the next digit.
 * Home comes last: who is named first moves.
 */
function firstWish({ ordinal, home, zoneCount }: { ordinal: number; home: number; zoneCount: number }, isOpen: (zone: number) => boolean): number {
  const left = Array.from({ length: zoneCount }, (_, zone) => zone);
  for (let number = ordinal + zoneCount - 1; left.length > 0; ) {
    const digit = number % left.length;
    number = Math.floor(number / left.length);
    const [zone = home] = left.splice(left.length - 1 - digit, 1);
    if (zone !== home && isOpen(zone)) return zone;
  }
  return home;
}

function optimumOf({ zoneCount, families }: Families, { flow, prices }: PricedFlow): Optimum {
  const kinds: number[][] = [];
  const numbers = new Map<string, number>();
  const kindOf = (zones: number[]): number => {
    const key = zones.join(',');
    const number = numbers.get(key) ?? kinds.push(zones) - 1;
    numbers.set(key, number);
    return number;
  };
  const kindsOf = families.map((family) => familyKinds(family, prices, kindOf));
  const optimum: Optimum = {
    zoneCount,
    kinds,
    kindsOf,
    at: new Int32Array(kinds.length * zoneCount),
    links: new Int32Array(zoneCount * zoneCount),
  };
  for (const [number, family] of families.entries()) populate(optimum, { family, kinds: kindsOf[number], left: flow.left[number] ?? 0, at: (zone) => flow.at[number * zoneCount + zone] ?? 0 });
  return optimum;
}

function familyKinds({ zones, home, costs, leaving }: Family, prices: Prices, kindOf: (zones: number[]) => number): FamilyKinds {
  const price = (zone: number): number => (costs[zone] ?? Infinity) + (prices[zone] ?? 0);
  const away = zones.filter((zone) => zone !== home);
  const least = away.reduce((cheapest, zone) => Math.min(cheapest, price(zone)), Infinity);
  const cheapestAway = away.filter((zone) => price(zone) === least);
  const leaves = kindOf(cheapestAway);
  if (home < 0) return { leaves, either: leaves, stays: leaves, tie: leaving.length, tied: false };
  const worth = price(home) - least;
  const tie = stepAt(leaving, worth);
  return { leaves, either: kindOf(zones.filter((zone) => zone === home || cheapestAway.includes(zone))), stays: kindOf([home]), tie, tied: leaving[tie] === worth };
}

interface Population {
  family: Family;
  kinds: FamilyKinds | undefined;
  left: number;
  at: (zone: number) => number;
}

/** Which of those that left are in which zone is open: any distribution is as good. */
function populate(optimum: Optimum, { family, kinds, left, at }: Population): void {
  if (kinds === undefined) return;
  const { zones, home, size, before } = family;
  let leaving = home < 0 ? size : Math.min(left, before[kinds.tie] ?? size);
  for (const zone of zones) {
    if (zone === home) continue;
    const certain = Math.min(leaving, at(zone));
    leaving -= certain;
    add(optimum, { kind: kinds.leaves, zone }, certain);
    add(optimum, { kind: kinds.either, zone }, at(zone) - certain);
  }
  if (home < 0) return;
  const staying = size - (before[kinds.tied ? kinds.tie + 1 : kinds.tie] ?? size);
  add(optimum, { kind: kinds.stays, zone: home }, staying);
  add(optimum, { kind: kinds.either, zone: home }, at(home) - staying);
}

function kindAt({ kindsOf }: Optimum, family: number, step: number): number {
  const kinds = kindsOf[family];
  if (kinds === undefined) return 0;
  if (step < kinds.tie) return kinds.leaves;
  return step === kinds.tie && kinds.tied ? kinds.either : kinds.stays;
}

function add({ zoneCount, kinds, at, links }: Optimum, { kind, zone }: { kind: number; zone: number }, amount: number): void {
  if (amount === 0) return;
  at[kind * zoneCount + zone] = (at[kind * zoneCount + zone] ?? 0) + amount;
  for (const other of kinds[kind] ?? []) links[zone * zoneCount + other] = (links[zone * zoneCount + other] ?? 0) + amount;
}

function hasRoom(room: Room, zone: number): boolean {
  const { optimum, kind } = room;
  if (isThere(optimum, kind, zone)) return true;
  if (optimum.kinds[kind]?.includes(zone) !== true) return false;
  room.chains ??= chainsTo(optimum, kind);
  return (room.chains[zone] ?? -1) >= 0;
}

function isThere({ zoneCount, at }: Optimum, kind: number, zone: number): boolean {
  return (at[kind * zoneCount + zone] ?? 0) > 0;
}

/** To a zone that has one of the kind. The counts of all zones stay: any other counts would have other ranks of preference. */
function chainsTo({ zoneCount, kinds, at, links }: Optimum, kind: number): Int32Array {
  const next = new Int32Array(zoneCount).fill(-1);
  const queue = (kinds[kind] ?? []).filter((zone) => (at[kind * zoneCount + zone] ?? 0) > 0);
  const reached = new Set(queue);
  for (const to of queue) {
    for (let from = 0; from < zoneCount; from += 1) {
      if (reached.has(from) || (links[from * zoneCount + to] ?? 0) === 0) continue;
      next[from] = to;
      reached.add(from);
      queue.push(from);
    }
  }
  return next;
}

/** The ordinal is in the zone from now on, and is exchanged no more. */
function settle(room: Room, zone: number): void {
  const { optimum, kind, chains } = room;
  if (!isThere(optimum, kind, zone)) makeRoom(optimum, { kind, zone, chains });
  add(optimum, { kind, zone }, -1);
}

/** Each zone of the chain gives one to the next; the last one gives the ordinal itself. */
function makeRoom(optimum: Optimum, { kind, zone, chains }: { kind: number; zone: number; chains: Int32Array | undefined }): void {
  let from = zone;
  for (let to = chains?.[from] ?? -1; to >= 0; from = to, to = chains?.[from] ?? -1) pass(optimum, { kind: giverOf(optimum, from, to), from, to });
  pass(optimum, { kind, from, to: zone });
}

function giverOf(optimum: Optimum, from: number, to: number): number {
  return optimum.kinds.findIndex((zones, kind) => isThere(optimum, kind, from) && zones.includes(to));
}

function pass(optimum: Optimum, { kind, from, to }: { kind: number; from: number; to: number }): void {
  add(optimum, { kind, zone: from }, -1);
  add(optimum, { kind, zone: to }, 1);
}
