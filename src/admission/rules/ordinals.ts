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
  if (ordinal < start || reserved.has(ordinal)) return false;
  const skipped = [...reserved].filter((other) => other >= start && other < ordinal).length;
  return ordinal - start - skipped < replicasOf(set);
}

/** `reserveOrdinals: [3, "5-7"]` of OpenKruise's Advanced StatefulSet. */
function reservedOf(set: StatefulSet): Set<number> {
  const entries = Array.isArray(set.spec.reserveOrdinals) ? (set.spec.reserveOrdinals as unknown[]) : [];
  return new Set(entries.flatMap(expand));
}

function expand(entry: unknown): number[] {
  const [first, last = first] = String(entry).split('-').map(Number);
  if (first === undefined || last === undefined || !Number.isInteger(first) || !Number.isInteger(last)) return [];
  // A range far beyond any set must not cost memory.
  return Array.from({ length: Math.min(Math.max(last - first + 1, 0), 10_000) }, (_, index) => first + index);
}
