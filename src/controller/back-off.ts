// After a move that did not succeed its ordinal waits before the next try: a minute, doubled each time, six hours at most; a minute again
// once what made it fail may have been mended. Pure: it reads what ended from the records, so that a restart forgets nothing.

import { ended, statusOf, type OrdinalMigration } from '../migration/record.ts';

const FIRST_MS = 60_000;
const LONGEST_MS = 6 * 3_600_000;

export interface Holding {
  ordinal: number;
  untilMs: number;
  message: string;
}

/** How long an ended record may still count: the longest wait, and what the last doubling of it counted from. */
export const BACK_OFF_COUNTS_MS = 2 * LONGEST_MS;

/** These say nothing about the next try. One that a person aborted or released does: the same move must not begin again the moment after. */
const NOT_A_FAILURE = new Set(['OwnerGone', 'NothingToMove']);

/** Ordinals that wait because their last moves failed. `records`: those of one set. `mended`: the record failed under other circumstances. */
export function backOffs(records: readonly OrdinalMigration[], nowMs: number, mended: (record: OrdinalMigration) => boolean = () => false): Holding[] {
  return byOrdinal(records).flatMap(([ordinal, own]) => {
    const failures = trailingFailures(own);
    const last = failures.at(0);
    if (last === undefined) return [];
    const { finishedAt = '', phase = '', reason = '', message = '' } = statusOf(last);
    const untilMs = Date.parse(finishedAt) + Math.min(LONGEST_MS, FIRST_MS * 2 ** (inARow(failures, mended) - 1));
    if (!isStillToCome(untilMs, nowMs)) return [];
    return [{ ordinal, untilMs, message: `the last move of ordinal ${ordinal} ended ${phase} (${reason}: ${message}); it is tried again after ${new Date(untilMs).toISOString()}` }];
  });
}

/** Ordinals that have moved and stay for the cool-down. */
export function coolDowns(records: readonly OrdinalMigration[], coolDownMs: number, nowMs: number): Holding[] {
  return byOrdinal(records).flatMap(([ordinal, own]) => {
    const last = own.find((record) => record.status?.phase === 'Succeeded');
    const untilMs = Date.parse(last?.status?.finishedAt ?? '') + coolDownMs;
    return !isStillToCome(untilMs, nowMs) ? [] : [{ ordinal, untilMs, message: `ordinal ${ordinal} has just moved; it stays until ${new Date(untilMs).toISOString()} (--cool-down)` }];
  });
}

/** Not for a time that is no time: anybody may have written it. */
function isStillToCome(untilMs: number, nowMs: number): boolean {
  return untilMs > nowMs && !Number.isNaN(new Date(untilMs).getTime());
}

/** Ended records per ordinal, the newest first. */
function byOrdinal(records: readonly OrdinalMigration[]): [number, OrdinalMigration[]][] {
  const groups = Map.groupBy(
    records.filter((record) => ended(record) && record.status?.finishedAt !== undefined).toSorted((a, b) => (b.status?.finishedAt ?? '').localeCompare(a.status?.finishedAt ?? '')),
    (record) => record.spec.ordinal,
  );
  return [...groups];
}

/** Those that count: what failed before something was mended does not, but for the last one, which is never tried again at once. */
function inARow(failures: readonly OrdinalMigration[], mended: (record: OrdinalMigration) => boolean): number {
  const end = failures.findIndex((record) => mended(record));
  return Math.max(1, end === -1 ? failures.length : end);
}

/** A move that only takes another back is no try of its own; the one that was taken back has failed. */
function trailingFailures(all: readonly OrdinalMigration[]): OrdinalMigration[] {
  const newestFirst = all.filter((record) => record.spec.reason !== 'Reverse');
  const end = newestFirst.findIndex((record) => record.status?.phase === 'Succeeded' || NOT_A_FAILURE.has(record.status?.reason ?? ''));
  return end === -1 ? [...newestFirst] : newestFirst.slice(0, end);
}
