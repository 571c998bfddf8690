// Why a set is not as declared: moves that will put it right, or the restriction without which it could be.

import { fewOf } from './few.ts';
import { couldBeMet, pinnedIntoEvacuation, restrictionOf, type Possibility, type Restriction, type World } from './possibilities.ts';
import type { Blocked, UnsatisfiedReason } from './reasons.ts';

export interface Unsatisfied {
  reason: UnsatisfiedReason;
  message: string;
}

/** Looked at in this order: the first whose lifting would do, else the first there is. */
const RESTRICTIONS: readonly Restriction[] = ['ZoneUnavailable', 'CoolDown', 'PinsConflict', 'OrdinalsHeld', 'InFlight'];

export function whyUnsatisfied(possibilities: readonly Possibility[], world: World, { moves, met }: { moves: number; met: boolean }): Unsatisfied {
  const underWay = possibilities.filter(({ inFlightTo }) => inFlightTo !== undefined).length;
  if (met && moves === 0) return { reason: 'InFlight', message: `${count(underWay, 'ordinal')} being moved` };
  if (met) return { reason: 'MovesPlanned', message: `${count(moves, 'move')} planned${underWay === 0 ? '' : `, ${count(underWay, 'ordinal')} being moved`}` };
  const present = RESTRICTIONS.filter((restriction) => DESCRIPTIONS[restriction](possibilities, world) !== undefined);
  const reason = present.find((restriction) => couldBeMet(possibilities, world, restriction)) ?? present[0] ?? 'OrdinalsHeld';
  const nearest = moves === 0 ? 'the layout is as near as it can be' : `the nearest layout is planned (${count(moves, 'move')})`;
  return { reason, message: `${DESCRIPTIONS[reason](possibilities, world) ?? 'no layout meets the policy'}; ${nearest}` };
}

/** Undefined when there is no such restriction. */
type Description = (possibilities: readonly Possibility[], world: World) => string | undefined;

const DESCRIPTIONS: Record<Restriction, Description> = {
  ZoneUnavailable: (possibilities, { homes, nowhere }) => nowhere ?? holdMessages('ZoneUnavailable', possibilities, homes),
  CoolDown: (possibilities) =>
    listed(
      possibilities.flatMap(({ facts, coolingUntilMs }) => (coolingUntilMs === undefined ? [] : [`${facts.podName} until ${new Date(coolingUntilMs).toISOString()}`])),
      (names) => `ordinals that have moved only just stay where they are (${names})`,
    ),
  PinsConflict: (possibilities, world) => pinsIntoEvacuation(possibilities, world) ?? pinsAgainstSkew(possibilities, world),
  OrdinalsHeld: (possibilities, { homes }) => holdMessages('OrdinalsHeld', possibilities, homes),
  InFlight: (possibilities) =>
    listed(
      possibilities.flatMap(({ facts, inFlightTo }) => (inFlightTo === undefined ? [] : [`${facts.podName} to ${inFlightTo}`])),
      (names) => `moves under way lead elsewhere (${names}); the plan goes on from there`,
    ),
};

function pinsIntoEvacuation(possibilities: readonly Possibility[], world: World): string | undefined {
  return summary(possibilities.flatMap((possibility) => pinnedIntoEvacuation(possibility, world) ?? []).toReversed());
}

function pinsAgainstSkew(possibilities: readonly Possibility[], { policy, homes }: World): string | undefined {
  return listed(
    possibilities.flatMap(({ facts, pin }) => (pin === undefined ? [] : [`${facts.ordinal}=${pin}`])),
    (pins) => `zonespread.io/pin (${pins}) does not go with zonespread.io/max-skew "${policy.maxSkew}" over ${homes.join(',')}; change one of them`,
  );
}

function listed(items: string[], sentence: (items: string) => string): string | undefined {
  return items.length === 0 ? undefined : sentence(fewOf(items.toReversed()));
}

/** One message a zone, or one an ordinal. */
function holdMessages(restriction: Restriction, possibilities: readonly Possibility[], homes: readonly string[]): string | undefined {
  const messages = new Map<string, string>();
  for (const { facts, holds } of possibilities) {
    for (const zone of homes) {
      const hold = holds.of(zone);
      if (hold === undefined || restrictionOf(hold) !== restriction) continue;
      const about = restriction === 'ZoneUnavailable' ? zone : facts.podName;
      messages.set(about, messages.get(about) ?? sentenceOf(hold, facts.podName));
    }
  }
  return summary([...messages.values()]);
}

function sentenceOf(hold: Blocked, podName: string): string {
  return hold.reason === 'ZoneUnavailable' ? hold.message : `${podName} cannot move: ${hold.message}`;
}

const MOST_MESSAGES = 3;

function summary(messages: string[]): string | undefined {
  if (messages.length === 0) return undefined;
  const rest = messages.length - MOST_MESSAGES;
  return messages.slice(0, MOST_MESSAGES).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
