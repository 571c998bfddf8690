// The cluster's budgets: how many moves at once, per hour, and between two zones. Pure.

import { isAboutToBegin, isGoingOn, type OrdinalMigration } from '../migration/record.ts';
import type { Relocation } from '../planner/guards/guard.ts';

export interface Budgets {
  /** `--max-migrations`. 0: what is under way ends, nothing more begins. */
  atOnce: number;
  /** `--max-migrations-per-hour`. */
  perHour?: number | undefined;
  /** `--max-migrations-per-zone`: at once, for each pair of zones. */
  perZonePair?: number | undefined;
}

const HOUR_MS = 3_600_000;

/** Undefined while there is room for the move; else what is used up. Frozen ones count against their set, not here. */
export function budgetProblem(budgets: Budgets, records: readonly OrdinalMigration[], nowMs: number): (move: Relocation, startedNow: readonly Relocation[]) => string | undefined {
  const { running, lastHour } = countedIn(records, nowMs);
  return (move, startedNow) => {
    if (budgets.atOnce === 0) return 'no move may begin (--max-migrations 0): what is under way ends, and then there is rest';
    const atOnce = running.length + startedNow.length;
    if (atOnce >= budgets.atOnce) return `${atOnce} of ${budgets.atOnce} moves of the whole cluster are under way (--max-migrations)`;
    if (budgets.perHour !== undefined && lastHour + startedNow.length >= budgets.perHour) return `${budgets.perHour} moves have begun within the last hour (--max-migrations-per-hour)`;
    return pairProblem(budgets, running, { move, startedNow });
  };
}

/** How many moves may start now in the whole cluster, between whichever zones. */
export function roomIn({ atOnce, perHour = Number.POSITIVE_INFINITY }: Budgets, records: readonly OrdinalMigration[], nowMs: number): number {
  const { running, lastHour } = countedIn(records, nowMs);
  return Math.max(0, Math.min(atOnce - running.length, perHour - lastHour));
}

function countedIn(records: readonly OrdinalMigration[], nowMs: number): { running: OrdinalMigration[]; lastHour: number } {
  // What takes another move back is exempt: it asks for no room and takes none away. A move by hand takes its room only when it begins.
  const counted = records.filter((record) => record.spec.reason !== 'Reverse');
  return {
    running: counted.filter((record) => isAboutToBegin(record) || isGoingOn(record)),
    lastHour: counted.filter((record) => isAboutToBegin(record) || nowMs - Date.parse(record.status?.startedAt ?? '') < HOUR_MS).length,
  };
}

function pairProblem({ perZonePair }: Budgets, running: readonly OrdinalMigration[], { move, startedNow }: { move: Relocation; startedNow: readonly Relocation[] }): string | undefined {
  if (perZonePair === undefined) return undefined;
  // A Pending record does not say yet where it comes from: it may be this pair.
  const underWay = running.map((record) => ({ from: record.status?.claims?.[0]?.source.zone ?? move.from, to: record.spec.targetZone }));
  const same = [...underWay, ...startedNow].filter(({ from, to }) => from === move.from && to === move.to);
  return same.length < perZonePair ? undefined : `${perZonePair} moves from ${move.from} to ${move.to} are under way (--max-migrations-per-zone)`;
}
