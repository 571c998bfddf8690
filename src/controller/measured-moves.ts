// What the ended moves took, read from their records, whichever set they were of: what estimates rest on. Anybody may have written a
// record, and some say nothing about the next move: those are left out.

import { nameOf } from '../kubernetes/reading.ts';
import { claimsOf, phaseOf, statusOf, type OrdinalMigration } from '../migration/record.ts';
import { diskKind, estimatesFrom, type Estimates, type MoveSample } from '../planner/estimate.ts';

/** The cloud changes, and one bad night must not hold moves up for ever. */
const COUNTS_FOR_MS = 30 * 86_400_000;
const MOST = 400;

export function estimatesOf(records: readonly OrdinalMigration[], nowMs: number): Estimates {
  return estimatesFrom(movesMeasured(records, nowMs));
}

/** The newest first. */
export function movesMeasured(records: readonly OrdinalMigration[], nowMs: number): MoveSample[] {
  const recent = records
    .filter((record) => phaseOf(record) === 'Succeeded')
    .map((record) => ({ record, endedMs: momentOf(statusOf(record).finishedAt) }))
    .filter(({ endedMs }) => endedMs <= nowMs && nowMs - endedMs < COUNTS_FOR_MS);
  // At the same instant by name: the order in which a cache lists them is not to matter.
  return recent
    .toSorted((a, b) => b.endedMs - a.endedMs || (nameOf(a.record) < nameOf(b.record) ? -1 : 1))
    .slice(0, MOST)
    .flatMap(({ record, endedMs }) => sampleOf(record, endedMs) ?? []);
}

function sampleOf(record: OrdinalMigration, endedMs: number): MoveSample | undefined {
  const downtimeMs = ownDowntimeMs(record);
  const sizeGiB = Math.max(...claimsOf(record).map((claim) => claim.sizeGiB));
  const totalMs = endedMs - momentOf(statusOf(record).startedAt);
  // A comparison with what is no number is false.
  if (downtimeMs === undefined || !(totalMs >= downtimeMs) || !(sizeGiB > 0)) return undefined;
  const { healthDurationMs = 0 } = statusOf(record).terms ?? {};
  return { category: diskKind(claimsOf(record).map(({ source }) => source.category)), sizeGiB, downtimeMs, totalMs: Math.max(downtimeMs, totalMs - healthDurationMs) };
}

/** Undefined when the pod was down before the move came, when nobody knows, and when a person had to mend it after. */
function ownDowntimeMs(record: OrdinalMigration): number | undefined {
  const { downtimeSeconds = Number.NaN, unavailableSince, terms } = statusOf(record);
  const downSinceMs = momentOf(unavailableSince);
  const downtimeMs = downtimeSeconds * 1000;
  const tookHoldByUs = downSinceMs >= beginningOf(record, 'evict');
  const readyInTime = downSinceMs + downtimeMs - beginningOf(record, 'ready') <= (terms?.readyTimeoutMs ?? Number.NaN);
  return downtimeMs > 0 && tookHoldByUs && readyInTime ? downtimeMs : undefined;
}

/** When the step began for the first time. */
function beginningOf(record: OrdinalMigration, step: string): number {
  return momentOf(statusOf(record).history?.find((entry) => entry.step === step)?.startedAt);
}

/** NaN when it is no time. */
function momentOf(time: string | undefined): number {
  return Date.parse(time ?? '');
}
