// Which ordinals a StatefulSet has. Pure.

import type { StatefulSet } from '../../kubernetes/objects.ts';

export function startOf(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0;
}

export function replicasOf(set: { spec: { replicas?: number } }): number {
  // The API server fills in 1; absent in a Scale it means 0 (the wire leaves zeros out).
  return set.spec.replicas ?? 0;
}

/** Whether the set wants a pod of that ordinal. OpenKruise skips its reserved ordinals and takes the next ones instead. */
export function hasOrdinal(set: StatefulSet, ordinal: number): boolean {
  const start = startOf(set);
  const reserved = reservedOf(set);
  if (ordinal < start || reserved.some(({ first, last }) => first <= ordinal && ordinal <= last)) return false;
  const skipped = reserved.reduce((sum, { first, last }) => sum + Math.max(0, Math.min(last, ordinal - 1) - Math.max(first, start) + 1), 0);
  return ordinal - start - skipped < replicasOf(set);
}

interface Range {
  first: number;
  last: number;
}

/** `reserveOrdinals: [3, "5-7"]` of OpenKruise's Advanced StatefulSet, as ranges that do not overlap: nothing is as long as what it names. */
function reservedOf(set: StatefulSet): Range[] {
  const entries = Array.isArray(set.spec.reserveOrdinals) ? (set.spec.reserveOrdinals as unknown[]) : [];
  const merged: Range[] = [];
  for (const range of entries.flatMap(rangeOf).toSorted((one, other) => one.first - other.first)) {
    const before = merged.at(-1);
    if (before !== undefined && range.first <= before.last) before.last = Math.max(before.last, range.last);
    else merged.push({ ...range });
  }
  return merged;
}

function rangeOf(entry: unknown): Range[] {
  const [first, last = first] = String(entry).split('-').map(Number);
  return Number.isInteger(first) && Number.isInteger(last) && first !== undefined && last !== undefined && first <= last ? [{ first, last }] : [];
}
