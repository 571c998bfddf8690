// The metrics of migrations, from the watch: what is in flight by step, how far, how long steps took, how moves ended, what is retained.

import type { Reflector } from '../kubernetes/reflector.ts';
import { ended, inFlight, phaseOf, statusOf, type OrdinalMigration } from '../migration/record.ts';
import { steeringRecord } from '../migration/steering.ts';
import type { Metrics, SetName } from '../observability/metrics.ts';
import { retainedVolumes } from './report.ts';

const GIB = 1024 ** 3;

export function migrationMetrics(migrations: Reflector<OrdinalMigration>, metrics: Metrics): () => void {
  setGauges(migrations.list(), metrics);
  for (const record of migrations.list()) setProgress(record, migrations, metrics);
  return migrations.onChange(({ type, object, previous }) => {
    setGauges(migrations.list(), metrics);
    setProgress(object, migrations, metrics);
    // Counted on the change alone: what had ended before this daemon began is not counted again.
    if (previous === undefined || type === 'deleted') return;
    observeSteps(object, previous, metrics);
    if (ended(object) && !ended(previous)) observeEnd(object, setOf(object), metrics);
  });
}

function setOf({ metadata, spec }: OrdinalMigration): SetName {
  return { namespace: metadata.namespace ?? '', statefulset: spec.statefulSetRef.name };
}

/** Of the ordinal that the record is about: an old record that is being retired says nothing about the move that is under way. */
function setProgress({ metadata, spec }: OrdinalMigration, migrations: Reflector<OrdinalMigration>, metrics: Metrics): void {
  const moving = steeringRecord(migrations.list(metadata.namespace).filter((other) => other.spec.statefulSetRef.name === spec.statefulSetRef.name && other.spec.ordinal === spec.ordinal));
  const ratio = moving === undefined ? undefined : (statusOf(moving).progress ?? 0) / 100;
  metrics.setMigrationProgress({ namespace: metadata.namespace ?? '', statefulset: spec.statefulSetRef.name, ordinal: spec.ordinal }, ratio);
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
