// The metrics of migrations, from the watch: what is in flight by step, how far, how long steps took, how moves ended, what is retained.

import type { Reflector } from '../kubernetes/reflector.ts';
import { ended, inFlight, phaseOf, statusOf, type OrdinalMigration } from '../migration/record.ts';
import type { Metrics, SetName } from '../observability/metrics.ts';
import { retainedVolumes } from './report.ts';

const GIB = 1024 ** 3;

export function migrationMetrics(migrations: Reflector<OrdinalMigration>, metrics: Metrics): () => void {
  setGauges(migrations.list(), metrics);
  return migrations.onChange(({ type, object, previous }) => {
    setGauges(migrations.list(), metrics);
    const set = { namespace: object.metadata.namespace ?? '', statefulset: object.spec.statefulSetRef.name };
    const { progress = 0 } = statusOf(object);
    const underWay = type !== 'deleted' && inFlight(object);
    metrics.setMigrationProgress({ ...set, ordinal: object.spec.ordinal }, underWay ? progress / 100 : undefined);
    // Counted on the change alone: what had ended before this daemon began is not counted again.
    if (previous === undefined || type === 'deleted') return;
    observeSteps(object, previous, metrics);
    if (ended(object) && !ended(previous)) observeEnd(object, set, metrics);
  });
}

function observeEnd(record: OrdinalMigration, set: SetName, metrics: Metrics): void {
  const { startedAt, finishedAt, downtimeSeconds } = statusOf(record);
  metrics.migrationEnded(set, phaseOf(record), secondsBetween(startedAt, finishedAt));
  if (downtimeSeconds !== undefined) metrics.ordinalWasDown(downtimeSeconds);
}

function setGauges(records: readonly OrdinalMigration[], metrics: Metrics): void {
  const byStep: Record<string, number> = {};
  for (const record of records.filter((one) => inFlight(one))) {
    const step = record.status?.step ?? '';
    byStep[step] = (byStep[step] ?? 0) + 1;
  }
  metrics.setMigrationsInFlight(byStep);
  const retained = records.flatMap((record) => retainedVolumes(record));
  metrics.setRetained({ disks: retained.length, bytes: retained.reduce((sum, { sizeGiB }) => sum + sizeGiB * GIB, 0) });
}

function observeSteps(record: OrdinalMigration, previous: OrdinalMigration, metrics: Metrics): void {
  const before = new Set((previous.status?.history ?? []).filter(({ finishedAt }) => finishedAt !== undefined).map(({ step, startedAt }) => `${step} ${startedAt}`));
  for (const { step, startedAt, finishedAt } of record.status?.history ?? []) {
    if (finishedAt !== undefined && !before.has(`${step} ${startedAt}`)) metrics.stepEnded(step, secondsBetween(startedAt, finishedAt));
  }
}

function secondsBetween(from: string | undefined, to: string | undefined): number {
  const ms = Date.parse(to ?? '') - Date.parse(from ?? '');
  return Number.isFinite(ms) ? Math.max(0, ms / 1000) : 0;
}
