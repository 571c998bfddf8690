// The plan: from what is declared and what is, which ordinals move where, and why every other one stays. Minimal in moves, exact, and the
// same for the same inputs.

import { zoneOf, type Layout, type OrdinalFacts } from '../layout/layout.ts';
import type { Policy } from '../policy/policy.ts';
import { digestOf } from './digest.ts';
import { costOf, sizeGiBToMove, UNMEASURED, type Cost, type Estimates, type MoveEstimate } from './estimate.ts';
import type { GuardContext } from './guards/guard.ts';
import { assign, optionsOf, pinnedIntoEvacuation, possibilitiesOf, type Assignment, type Possibility, type World } from './possibilities.ts';
import type { BlockReason, PlannedReason, STAY_REASONS } from './reasons.ts';
import { whyUnsatisfied, type Unsatisfied } from './unsatisfied.ts';

export interface PlanInputs {
  layout: Layout;
  policy: Policy;
  nowMs: number;
  /** For zones `*`: those that count as the set's, whatever their order. Zones in which it has disks count anyway: they never leave by themselves. */
  zonesSeen?: readonly string[];
  /** Nothing may be moved into them now, with why; what is there stays. */
  unusableZones?: ReadonlyMap<string, string>;
  /** What is there leaves, with why. */
  evacuatedZones?: ReadonlyMap<string, string>;
  /** Where only room is wanting a node will be made for a pod that waits for one. */
  nodesMayCome?: boolean;
  /** Until when an ordinal that has moved stays where it is, milliseconds. */
  recentMoves?: ReadonlyMap<number, number>;
  /** Target zone of the moves that are under way: the plan counts them as done. */
  inFlight?: ReadonlyMap<number, string>;
  /** How long moves take; absent: as nothing was measured yet. */
  estimates?: Estimates;
  /** Pairs of ordinal and zone to leave out, with why. */
  forbidden?: (ordinal: number, zone: string) => string | undefined;
}

export interface PlannedMove {
  ordinal: number;
  podName: string;
  /** Several zones joined by "+" when its disks are torn apart. */
  from: string;
  to: string;
  reason: PlannedReason;
  /** A sentence. */
  why: string;
  sizeGiB: number;
  estimate: MoveEstimate;
  /** Its pod matches zonespread.io/move-last. */
  moveLast: boolean;
}

export interface StayingOrdinal {
  ordinal: number;
  reason: (typeof STAY_REASONS)[number] | BlockReason;
  message: string;
}

export interface PlannedZone {
  zone: string;
  desired: number;
  actual: number;
  /** That are there now. */
  ordinals: number[];
}

export interface Plan {
  /** In the order in which they are to run. */
  moves: PlannedMove[];
  /** Ascending. */
  staying: StayingOrdinal[];
  /** Declared zones in preference order, then others that have disks. */
  zones: PlannedZone[];
  /** Now: largest count minus smallest over the zones that may hold disks. */
  skew: number;
  /** Now, without any move. */
  satisfied: boolean;
  /** Absent when satisfied. */
  unsatisfied?: Unsatisfied;
  /** SHA-256 of the moves, 64 hexadecimal digits. */
  digest: string;
  cost: Cost;
}

export function plan(inputs: PlanInputs): Plan {
  const world = worldOf(inputs);
  const possibilities = possibilitiesOf(world);
  const assignment = assign(possibilities, world);
  const outcome = { world, inputs, assignment, inZone: Map.groupBy(inputs.layout.ordinals, zoneOf) };
  const moves = possibilities.flatMap((possibility) => moveOf(possibility, outcome));
  const satisfied = moves.length === 0 && isMet(possibilities, world);
  return {
    moves,
    staying: stayingOrdinals({ world, possibilities, assignment, moves }),
    zones: zonesOf({ inputs, possibilities, assignment }),
    skew: skewOf(possibilities, world.homes),
    satisfied,
    ...(satisfied ? {} : { unsatisfied: whyUnsatisfied(possibilities, world, { moves: moves.length, met: assignment.met }) }),
    digest: digestOf(moves),
    cost: costOf(moves, inputs.policy),
  };
}

/** Zones of the policy, `*` resolved, evacuated ones included. */
function declaredZones({ policy, layout, zonesSeen = [] }: PlanInputs): string[] {
  if (policy.zones.kind === 'list') return policy.zones.zones;
  return [...new Set([...zonesSeen, ...layout.ordinals.flatMap(({ zones }) => zones)])].toSorted();
}

const ALWAYS_READY: Pick<GuardContext, 'inFlight' | 'budget' | 'webhook'> = { inFlight: [], budget: () => undefined, webhook: { ready: true, message: '' } };

function worldOf(inputs: PlanInputs): World {
  const { layout, policy, nowMs, unusableZones = new Map(), evacuatedZones = new Map(), recentMoves, inFlight = new Map(), estimates = UNMEASURED, forbidden, nodesMayCome = false } = inputs;
  const declared = declaredZones(inputs);
  const homes = declared.filter((zone) => !evacuatedZones.has(zone));
  return {
    layout,
    policy,
    nowMs,
    homes,
    nowhere: homes.length === 0 && declared.length > 0 ? allEvacuated(declared, evacuatedZones) : undefined,
    evacuatedZones,
    inFlight,
    context: { ...ALWAYS_READY, unusableZones, estimates, nodesMayCome, ...(recentMoves === undefined ? {} : { recentMoves }), ...(forbidden === undefined ? {} : { forbidden }) },
  };
}

function allEvacuated(declared: readonly string[], evacuatedZones: ReadonlyMap<string, string>): string {
  const who = [...new Set(declared.map((zone) => evacuatedZones.get(zone)))].join(', ');
  return `every zone of zonespread.io/zones (${declared.join(',')}) is being evacuated: ${who}; declare another zone, or delete the evacuation`;
}

function isMet(possibilities: readonly Possibility[], { homes, policy }: World): boolean {
  const inPlace = possibilities.every(({ from, pin }) => from !== undefined && homes.includes(from) && (pin === undefined || pin === from));
  return inPlace && skewOf(possibilities, homes) <= policy.maxSkew;
}

function skewOf(possibilities: readonly Possibility[], homes: readonly string[]): number {
  const counts = homes.map((home) => possibilities.filter(({ from }) => from === home).length);
  return counts.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts);
}

interface Outcome {
  world: World;
  inputs: PlanInputs;
  assignment: Assignment;
  /** Ordinals that are in one zone now, by zone. */
  inZone: ReadonlyMap<string | undefined, readonly OrdinalFacts[]>;
}

function moveOf({ facts, from, inFlightTo, pin, moveLast }: Possibility, outcome: Outcome): PlannedMove[] {
  const to = outcome.assignment.targets.get(facts.ordinal);
  if (to === undefined || to === from || inFlightTo !== undefined) return [];
  const { ordinal, podName, zones } = facts;
  const { policy, estimates = UNMEASURED } = outcome.inputs;
  const estimate = estimates.of(facts, to, policy);
  return [{ ordinal, podName, from: zones.join('+'), to, sizeGiB: sizeGiBToMove(facts, to), estimate, moveLast, ...reasonFor({ facts, from, to, pin }, outcome) }];
}

interface Departure {
  facts: OrdinalFacts;
  from: string | undefined;
  to: string;
  pin: string | undefined;
}

function reasonFor({ facts, from, to, pin }: Departure, { world, inputs, inZone }: Outcome): Pick<PlannedMove, 'reason' | 'why'> {
  const { podName, zones } = facts;
  if (pin === to) return { reason: 'Pin', why: `${podName} is pinned to zone ${to} by zonespread.io/pin.` };
  if (from === undefined) return { reason: 'Evacuate', why: `${podName} has disks in ${zones.join(' and ')} and fits on no node; all of them go to zone ${to}.` };
  const evacuated = inputs.evacuatedZones?.get(from);
  if (evacuated !== undefined) return { reason: 'Evacuate', why: `${podName} leaves zone ${from}, which is being evacuated: ${evacuated}.` };
  if (!world.homes.includes(from)) return { reason: 'Evacuate', why: `${podName} leaves zone ${from}, which is not in zonespread.io/zones (${world.homes.join(',')}).` };
  const countIn = (zone: string): number => inZone.get(zone)?.length ?? 0;
  return { reason: 'Spread', why: `${podName} goes to zone ${to}, which has ${countIn(to)} of the set's ordinals while zone ${from} has ${countIn(from)}; zonespread.io/max-skew is ${world.policy.maxSkew}.` };
}

interface Settled {
  world: World;
  possibilities: readonly Possibility[];
  assignment: Assignment;
  moves: readonly PlannedMove[];
}

function stayingOrdinals({ world, possibilities, assignment, moves }: Settled): StayingOrdinal[] {
  const moving = new Set(moves.map(({ ordinal }) => ordinal));
  const byOrdinal = new Map(possibilities.map((possibility) => [possibility.facts.ordinal, possibility]));
  const staying = world.layout.ordinals.filter(({ ordinal }) => !moving.has(ordinal));
  return staying.map((facts) => {
    const possibility = byOrdinal.get(facts.ordinal);
    const { reason, message } = possibility === undefined ? withoutZone(facts) : whyStaying(possibility, world, assignment);
    return { ordinal: facts.ordinal, reason, message };
  });
}

function withoutZone({ podName, volumes }: OrdinalFacts): Omit<StayingOrdinal, 'ordinal'> {
  const unbound = volumes.find(({ source, volume }) => source === 'template' && volume === undefined);
  const why = unbound === undefined ? 'no disk that belongs to one zone' : `no disk yet (claim ${unbound.claimName} is not bound)`;
  return { reason: 'NoZonalDisk', message: `${podName} has ${why}` };
}

function whyStaying(possibility: Possibility, world: World, assignment: Assignment): Omit<StayingOrdinal, 'ordinal'> {
  const { facts, inFlightTo, from } = possibility;
  if (inFlightTo !== undefined) return { reason: 'InFlight', message: `${facts.podName} is being moved to zone ${inFlightTo}` };
  const held = isWanted(possibility, world, assignment) ? holdOf(possibility, world) : undefined;
  return held ?? { reason: 'InPlace', message: `the disks of ${facts.podName} are in zone ${from ?? facts.zones.join('+')}, where they may stay` };
}

/** It ought to move: it is in no home, its pin is not met, or the set stays uneven and it has nowhere to go. */
function isWanted(possibility: Possibility, { homes }: World, { met }: Assignment): boolean {
  const { from, pin } = possibility;
  if (from === undefined || !homes.includes(from) || (pin !== undefined && pin !== from)) return true;
  return !met && optionsOf(possibility, homes, { hold: possibility.holds.of }).every((zone) => zone === from);
}

function holdOf(possibility: Possibility, world: World): Omit<StayingOrdinal, 'ordinal'> | undefined {
  const { facts, coolingUntilMs, pin, holds } = possibility;
  const { homes, nowhere } = world;
  const closed = nowhere ?? pinnedIntoEvacuation(possibility, world);
  if (closed !== undefined) return { reason: 'ZoneUnavailable', message: closed };
  if (coolingUntilMs !== undefined) return { reason: 'CoolDown', message: `${facts.podName} has moved only just and stays where it is until ${new Date(coolingUntilMs).toISOString()} (flag --cool-down)` };
  const wanted = pin === undefined ? homes : [pin];
  const hold = wanted.map((zone) => holds.of(zone)).find((found) => found !== undefined);
  return hold === undefined ? undefined : { reason: hold.reason, message: hold.message };
}

function zonesOf({ inputs, possibilities, assignment }: { inputs: PlanInputs; possibilities: readonly Possibility[]; assignment: Assignment }): PlannedZone[] {
  const occupied = possibilities.flatMap(({ from }) => from ?? []).toSorted();
  const wanted = possibilities.map(({ facts, from, inFlightTo }) => assignment.targets.get(facts.ordinal) ?? inFlightTo ?? from);
  return [...new Set([...declaredZones(inputs), ...occupied])].map((zone) => {
    const ordinals = possibilities.filter(({ from }) => from === zone).map(({ facts }) => facts.ordinal);
    return { zone, desired: wanted.filter((other) => other === zone).length, actual: ordinals.length, ordinals: ordinals.toSorted((a, b) => a - b) };
  });
}
