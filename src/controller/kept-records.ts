// Ended records are history: the last ten of each set are kept, every one that still answers for something, and every one that budgets,
// cool-downs and back-offs still count.

import type { Api } from '../kubernetes/api.ts';
import { FINALIZER } from '../kubernetes/names.ts';
import { isConflict } from '../kubernetes/refusals.ts';
import { ended, ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import { keepsForEver } from '../migration/retirement.ts';
import { nameOfSet } from './cluster.ts';
import { setRefOf } from './wake.ts';

const KEPT_PER_SET = 10;

/** `countedMs`: how long after its end a record may still decide about the next move. */
export function surplusRecords(records: readonly OrdinalMigration[], { nowMs, countedMs }: { nowMs: number; countedMs: number }): OrdinalMigration[] {
  const done = records.filter((record) => ended(record) && !answersForSomething(record) && record.metadata.deletionTimestamp === undefined);
  const bySet = Map.groupBy(done, (record) => nameOfSet(setRefOf(record)));
  const older = [...bySet.values()].flatMap((own) => own.toSorted((a, b) => (b.status?.finishedAt ?? '').localeCompare(a.status?.finishedAt ?? '')).slice(KEPT_PER_SET));
  return older.filter((record) => !(nowMs - Date.parse(record.status?.finishedAt ?? '') < countedMs));
}

export async function dropSurplusRecords(api: Api, records: readonly OrdinalMigration[], counted: { nowMs: number; countedMs: number }): Promise<void> {
  for (const { metadata } of surplusRecords(records, counted)) {
    try {
      await api.delete(ordinalMigrations, { namespace: metadata.namespace ?? '', name: metadata.name }, { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' });
    } catch (error) {
      if (!isConflict(error)) throw error; // Somebody has just changed it: the next sweep looks again.
    }
  }
}

function answersForSomething(record: OrdinalMigration): boolean {
  return (record.metadata.finalizers ?? []).includes(FINALIZER) || keepsForEver(record);
}
