// Ended records are history: the last ten of each set are kept, and every one that still answers for something.

import type { Api } from '../kubernetes/api.ts';
import { FINALIZER } from '../kubernetes/names.ts';
import { ended, ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';

const KEPT_PER_SET = 10;

export function surplusRecords(records: readonly OrdinalMigration[]): OrdinalMigration[] {
  const done = records.filter((record) => ended(record) && !(record.metadata.finalizers ?? []).includes(FINALIZER) && record.metadata.deletionTimestamp === undefined);
  const bySet = Map.groupBy(done, (record) => `${record.metadata.namespace ?? ''}/${record.spec.statefulSetRef.name}`);
  return [...bySet.values()].flatMap((own) => own.toSorted((a, b) => (b.status?.finishedAt ?? '').localeCompare(a.status?.finishedAt ?? '')).slice(KEPT_PER_SET));
}

export async function dropSurplusRecords(api: Api, records: readonly OrdinalMigration[]): Promise<void> {
  for (const { metadata } of surplusRecords(records)) {
    await api.delete(ordinalMigrations, { namespace: metadata.namespace ?? '', name: metadata.name }, { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' });
  }
}
