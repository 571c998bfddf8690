// Where each ordinal could be: pins, cool-downs, moves under way and lasting holds turned into the options of the spread problem. Every
// restriction carries its name, so that one can be lifted to see whether it is what stands in the way.

import { matchesRequirements, parseSelector, type Requirement } from '../kubernetes/selector.ts';
import { zoneOf, type Layout, type OrdinalFacts } from '../layout/layout.ts';
import type { Policy } from '../policy/policy.ts';
import { sizeGiBToMove } from './estimate.ts';
import type { GuardContext } from './guards/guard.ts';
import { lastingHold } from './guards/index.ts';
import type { Blocked } from './reasons.ts';
import { spread, type Candidate } from './spread.ts';

export type Restriction = 'ZoneUnavailable' | 'CoolDown' | 'PinsConflict' | 'OrdinalsHeld' | 'InFlight';

export interface Possibility {
  facts: OrdinalFacts;
  /** Undefined when its disks are in several zones. */
  from: string | undefined;
  /** Target of the move that is under way. */
  inFlightTo: string | undefined;
  /** It has moved only just, until then (milliseconds). */
  coolingUntilMs: number | undefined;
  pin: string | undefined;
  moveLast: boolean;
  /** What keeps it out of a zone for good, by zone. */
  holds: ReadonlyMap<string, Blocked>;
}

export interface World {
  layout: Layout;
  policy: Policy;
  nowMs: number;
  /** Zones that may hold disks of the set, in preference order. */
  homes: readonly string[];
  context: GuardContext;
  inFlight: ReadonlyMap<number, string>;
}

/** Of the ordinals that have zonal disks or are under way, in the order of moving: highest first, move-last pods after all others. */
export function possibilitiesOf(world: World): Possibility[] {
  const { layout, policy, nowMs, context, inFlight } = world;
  const last = policy.moveLast === undefined ? undefined : parseSelector(policy.moveLast);
  const all = layout.ordinals
    .filter(({ ordinal, zones }) => zones.length > 0 || inFlight.has(ordinal)) // In the middle of a move there may be no claim.
    .map((facts) => {
      const until = context.recentMoves?.get(facts.ordinal);
      return {
        facts,
        from: zoneOf(facts),
        inFlightTo: inFlight.get(facts.ordinal),
        coolingUntilMs: until !== undefined && until > nowMs ? until : undefined,
        pin: policy.pins[facts.ordinal],
        moveLast: movesLast(facts, last),
        holds: holdsOf(facts, world),
      };
    });
  return all.toSorted((a, b) => Number(a.moveLast) - Number(b.moveLast) || b.facts.ordinal - a.facts.ordinal);
}

function movesLast({ pod }: OrdinalFacts, requirements: Requirement[] | undefined): boolean {
  return requirements !== undefined && pod !== undefined && matchesRequirements(requirements, pod.labels);
}

function holdsOf(facts: OrdinalFacts, { layout, policy, nowMs, homes, context }: World): Map<string, Blocked> {
  const others = homes.filter((zone) => zone !== zoneOf(facts));
  const holds = others.map((zone) => [zone, lastingHold({ layout, rules: policy, ordinal: facts.ordinal, targetZone: zone, nowMs, context })] as const);
  return new Map(holds.flatMap(([zone, hold]) => (hold === undefined ? [] : [[zone, hold] as const])));
}

export interface Assignment {
  /** Zone by ordinal; those that stay outside every home are left out. */
  targets: ReadonlyMap<number, string>;
  /** The policy is met once everything is there. */
  met: boolean;
}

/** The best layout under all restrictions but the lifted one. */
export function assign(possibilities: readonly Possibility[], world: Pick<World, 'homes' | 'policy'>, lifted?: Restriction): Assignment {
  const { homes, policy } = world;
  const candidates = possibilities.flatMap((possibility): Candidate[] => {
    const options = optionsOf(possibility, homes, lifted);
    return options.length === 0 ? [] : [candidateOf(possibility, options, lifted)];
  });
  const { zones, excess } = spread({ zones: homes, maxSkew: policy.maxSkew, candidates });
  const pinsMet = possibilities.every(({ facts, pin }) => pin === undefined || lifted === 'PinsConflict' || zones.get(facts.ordinal) === pin);
  return { targets: zones, met: excess === 0 && pinsMet && zones.size === possibilities.length };
}

function candidateOf({ facts, from, inFlightTo, moveLast }: Possibility, options: readonly string[], lifted: Restriction | undefined): Candidate {
  const there = inFlightTo !== undefined && lifted !== 'InFlight' ? inFlightTo : from;
  const candidate = { ordinal: facts.ordinal, from: there, options, moveLast };
  if (facts.zones.length <= 1) return { ...candidate, sizeGiB: sizeGiBToMove(facts, NOWHERE) };
  return { ...candidate, sizeGiB: 0, sizeGiBTo: Object.fromEntries(options.map((zone) => [zone, sizeGiBToMove(facts, zone)])) };
}

/** No disk is there: from one zone to any other all disks go. */
const NOWHERE = '';

/** Empty: it can only stay where it is, which is no home. */
export function optionsOf(possibility: Possibility, homes: readonly string[], lifted?: Restriction): string[] {
  const { from, inFlightTo, coolingUntilMs, pin, holds } = possibility;
  if (inFlightTo !== undefined && lifted !== 'InFlight') return homes.filter((zone) => zone === inFlightTo);
  const own = homes.filter((zone) => zone === from);
  if (coolingUntilMs !== undefined && lifted !== 'CoolDown') return own;
  const reachable = homes.filter((zone) => zone === from || isFree(holds.get(zone), lifted));
  if (pin === undefined || lifted === 'PinsConflict') return reachable;
  return reachable.includes(pin) ? [pin] : own;
}

function isFree(hold: Blocked | undefined, lifted: Restriction | undefined): boolean {
  return hold === undefined || restrictionOf(hold) === lifted;
}

export function restrictionOf(hold: Blocked): Restriction {
  return hold.reason === 'ZoneUnavailable' ? 'ZoneUnavailable' : 'OrdinalsHeld';
}
