// Moves of a set that are there and do not go on by themselves: frozen ones, and those made by hand that are held. The plan leaves their
// ordinals to them, and behind a frozen one others of the set wait.

import { isAboutToBegin, isGoingOn, phaseOf, podNameOf, type OrdinalMigration } from '../migration/record.ts';
import type { Blocked } from '../planner/reasons.ts';
import type { Decided } from './decision.ts';

/** By ordinal: what holds it. */
export function standstillsOf({ records, turn }: Pick<Decided, 'records' | 'turn'>): Map<number, Blocked> {
  const own = records.filter(isStill).map((record): [number, Blocked] => [record.spec.ordinal, { ordinal: record.spec.ordinal, reason: 'AlreadyInFlight', message: told(record) }]);
  const frozen = records.some(isGoingOn) ? undefined : records.find((record) => phaseOf(record) === 'Frozen');
  if (frozen === undefined) return new Map(own);
  const behind = turn.waiting.map(({ ordinal, podName }): [number, Blocked] => [ordinal, { ordinal, reason: 'AwaitsTurn', message: `${podName} waits: ${told(frozen)}` }]);
  return new Map([...behind, ...own]);
}

function isStill(record: OrdinalMigration): boolean {
  return phaseOf(record) === 'Frozen' || (phaseOf(record) === 'Pending' && !isAboutToBegin(record) && record.status?.reason !== undefined);
}

function told(record: OrdinalMigration): string {
  const { reason = '', message = '' } = record.status ?? {};
  return `OrdinalMigration ${record.metadata.name} of ${podNameOf(record)} is ${phaseOf(record)} (${reason}: ${message})`;
}
