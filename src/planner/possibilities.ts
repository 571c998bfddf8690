// Where each ordinal could be: pins, cool-downs, moves under way and lasting holds turned into the options of the spread problem. Every
// restriction carries its name, so that one can be lifted to see whether it is what stands in the way.

import { matchesRequirements, parseSelector, type Requirement } from '../kubernetes/selector.ts';
import { zoneOf, type Layout, type OrdinalFacts } from '../layout/layout.ts';
import type { Policy } from '../policy/policy.ts';
import { sizeGiBToMove } from './estimate.ts';
import type { GuardContext } from './guards/guard.ts';
import { lastingHold } from './guards/index.ts';
import type { Blocked } from './reasons.ts';
import { excessOf, spread, type Candidate, type Spread } from './spread.ts';

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
  holds: Holds;
}

/** What keeps an ordinal out of zones for good. To ask about a zone means to look at its nodes, so each is asked about once, and only if need be. */
export interface Holds {
  of: (zone: string) => Blocked | undefined;
  /** The same, of what has been asked before; undefined also when it has not. */
  known: (zone: string) => Blocked | undefined;
}

export interface World {
  layout: Layout;
  policy: Policy;
  nowMs: number;
  /** Zones that may hold disks of the set, in preference order. */
  homes: readonly string[];
  /** Why there are no homes at all, for people. */
  nowhere?: string | undefined;
  /** Zones that are no homes as long as they are being evacuated, with who asks for it. */
  evacuatedZones: ReadonlyMap<string, string>;
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

function holdsOf(facts: OrdinalFacts, { layout, policy, nowMs, context }: World): Holds {
  const asked = new Map<string, Blocked | undefined>([[zoneOf(facts) ?? '', undefined]]); // Nothing keeps it out of where it is.
  const look = (zone: string): Blocked | undefined => {
    const hold = lastingHold({ layout, rules: policy, ordinal: facts.ordinal, targetZone: zone, nowMs, context });
    asked.set(zone, hold);
    return hold;
  };
  return { of: (zone) => (asked.has(zone) ? asked.get(zone) : look(zone)), known: (zone) => asked.get(zone) };
}

export interface Assignment {
  /** Zone by ordinal; those that stay outside every home are left out. */
  targets: ReadonlyMap<number, string>;
  /** The policy is met once everything is there. */
  met: boolean;
}

/**
 * The best layout. What nobody has asked about counts as possible at first; then each move of the layout is asked about. A layout of which
 * every move is possible would have come out of full knowledge too: to exclude what was not chosen changes no choice.
 */
export function assign(possibilities: readonly Possibility[], world: Pick<World, 'homes' | 'policy'>): Assignment {
  for (;;) {
    const { zones, excess } = spreadAsKnown(possibilities, world);
    if (learnFrom(zones, possibilities, world.homes)) continue;
    const pinsMet = possibilities.every(({ facts, pin }) => pin === undefined || zones.get(facts.ordinal) === pin);
    return { targets: zones, met: excess === 0 && pinsMet && zones.size === possibilities.length };
  }
}

function spreadAsKnown(possibilities: readonly Possibility[], { homes, policy }: Pick<World, 'homes' | 'policy'>): Spread {
  const candidates = candidatesOf(possibilities, (possibility) => optionsOf(possibility, homes, { hold: possibility.holds.known }));
  return spread({ zones: homes, maxSkew: policy.maxSkew, candidates });
}

/** Asks about every move. What stands in the way of one may well stand in the way of others: all about its zone, and all about it, is asked too. */
function learnFrom(zones: Spread['zones'], possibilities: readonly Possibility[], homes: readonly string[]): boolean {
  const refused = possibilities.filter(({ facts, inFlightTo, holds }) => {
    const zone = zones.get(facts.ordinal);
    return inFlightTo === undefined && zone !== undefined && holds.of(zone) !== undefined;
  });
  const closed = new Set(refused.map(({ facts }) => zones.get(facts.ordinal) ?? ''));
  for (const { holds } of refused) for (const zone of homes) holds.of(zone);
  for (const zone of closed) for (const { holds } of possibilities) holds.of(zone);
  return refused.length > 0;
}

/** Whether the policy could be met, were it not for the lifted restriction. */
export function couldBeMet(possibilities: readonly Possibility[], { homes, policy }: Pick<World, 'homes' | 'policy'>, lifted: Restriction): boolean {
  const options = new Map(possibilities.map((possibility) => [possibility, optionsOf(possibility, homes, { hold: possibility.holds.of, lifted })]));
  const eachHasItsPlace = [...options].every(([{ pin }, zones]) => zones.length > 0 && (pin === undefined || lifted === 'PinsConflict' || zones.every((zone) => zone === pin)));
  return eachHasItsPlace && excessOf({ zones: homes, maxSkew: policy.maxSkew, candidates: candidatesOf(possibilities, (possibility) => options.get(possibility) ?? []) }) === 0;
}

function candidatesOf(possibilities: readonly Possibility[], optionsFor: (possibility: Possibility) => readonly string[]): Candidate[] {
  const shared = new Map<string, readonly string[]>();
  return possibilities.flatMap((possibility): Candidate[] => {
    const options = optionsFor(possibility);
    if (options.length === 0) return [];
    const key = options.join(',');
    const first = shared.get(key) ?? options;
    shared.set(key, first);
    return [candidateOf(possibility, first)];
  });
}

function candidateOf({ facts, from, inFlightTo, moveLast }: Possibility, options: readonly string[]): Candidate {
  const candidate = { ordinal: facts.ordinal, from: inFlightTo ?? from, options, moveLast };
  if (facts.zones.length <= 1) return { ...candidate, sizeGiB: sizeGiBToMove(facts, NOWHERE) };
  return { ...candidate, sizeGiB: 0, sizeGiBTo: Object.fromEntries(options.map((zone) => [zone, sizeGiBToMove(facts, zone)])) };
}

/** No disk is there: from one zone to any other all disks go. */
const NOWHERE = '';

interface Restrictions {
  hold: (zone: string) => Blocked | undefined;
  /** This one does not count. */
  lifted?: Restriction;
}

/** Empty: it can only stay where it is, which is no home. */
export function optionsOf({ from, inFlightTo, coolingUntilMs, pin }: Possibility, homes: readonly string[], { hold, lifted }: Restrictions): readonly string[] {
  if (inFlightTo !== undefined && lifted !== 'InFlight') return homes.filter((zone) => zone === inFlightTo);
  const own = homes.filter((zone) => zone === from);
  if (coolingUntilMs !== undefined && lifted !== 'CoolDown') return own;
  const isReachable = (zone: string): boolean => zone === from || isFree(hold(zone), lifted);
  if (pin === undefined || lifted === 'PinsConflict') return homes.every(isReachable) ? homes : homes.filter(isReachable);
  return homes.includes(pin) && isReachable(pin) ? [pin] : own;
}

function isFree(hold: Blocked | undefined, lifted: Restriction | undefined): boolean {
  return hold === undefined || restrictionOf(hold) === lifted;
}

/** A pin outlasts an evacuation: only who has pinned it knows whether the ordinal may go elsewhere. Undefined when the pin names no such zone. */
export function pinnedIntoEvacuation({ facts, pin }: Possibility, { evacuatedZones }: Pick<World, 'evacuatedZones'>): string | undefined {
  const who = evacuatedZones.get(pin ?? '');
  return pin === undefined || who === undefined ? undefined : `${facts.podName} is pinned to zone ${pin} by zonespread.io/pin, and that zone is being evacuated: ${who}; pin it elsewhere or not at all, or delete the evacuation`;
}

export function restrictionOf(hold: Blocked): Restriction {
  return hold.reason === 'ZoneUnavailable' ? 'ZoneUnavailable' : 'OrdinalsHeld';
}
