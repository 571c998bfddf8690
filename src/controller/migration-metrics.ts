// The metrics of migrations, from the watch: what is in flight by step, how far, how long steps took, how moves ended, what is retained.

import { GIB } from '../kubernetes/quantity.ts';
import type { Reflector } from '../kubernetes/reflector.ts';
import { ended, inFlight, phaseOf, RESTORE_STEPS, statusOf, STEPS, type OrdinalMigration } from '../migration/record.ts';
import { steeringRecord } from '../migration/steering.ts';
import type { Metrics, MoveState, SetName } from '../observability/metrics.ts';
import { retainedVolumes } from './report.ts';

/** A step of a newer version counts as `other`: a histogram never lets go of a label. */
const KNOWN_STEPS = new Set<string>([...STEPS, ...RESTORE_STEPS]);

export function migrationMetrics(migrations: Reflector<OrdinalMigration>, metrics: Metrics): () => void {
  setGauges(migrations.list(), metrics);
  for (const record of migrations.list()) setMoves(record, migrations, metrics);
  return migrations.onChange(({ type, object, previous }) => {
    setGauges(migrations.list(), metrics);
    setMoves(object, migrations, metrics);
    // Counted on the change alone: what had ended before this daemon began is not counted again.
    if (previous === undefined || type === 'deleted') return;
    observeSteps(object, previous, metrics);
    if (ended(object) && !ended(previous)) observeEnd(object, setOf(object), metrics);
  });
}

function setOf({ metadata, spec }: OrdinalMigration): SetName {
  return { namespace: metadata.namespace ?? '', statefulset: spec.statefulSetRef.name };
}

/** Of the set that the record is about. An old record that is being retired says nothing about the move that is under way. */
function setMoves(record: OrdinalMigration, migrations: Reflector<OrdinalMigration>, metrics: Metrics): void {
  const set = setOf(record);
  const ofSet = migrations.list(set.namespace).filter((other) => other.spec.statefulSetRef.name === set.statefulset);
  const byOrdinal = Map.groupBy(ofSet, ({ spec }) => spec.ordinal);
  metrics.setMigrations(set, [...byOrdinal.values()].flatMap((records) => moveOf(steeringRecord(records)) ?? []));
}

function moveOf(record: OrdinalMigration | undefined): MoveState | undefined {
  if (record === undefined) return undefined;
  const { progress = 0, step = '', stepStartedAt = '', reason = '' } = statusOf(record);
  const started = Date.parse(stepStartedAt) / 1000;
  return {
    ordinal: record.spec.ordinal,
    progress: progress / 100,
    phase: phaseOf(record),
    step,
    stepStarted: Number.isNaN(started) ? undefined : started,
    frozen: phaseOf(record) === 'Frozen' ? reason : undefined,
  };
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
  // `forever` is no date.
  const expiries = retained.map(({ until }) => Date.parse(until) / 1000).filter((seconds) => !Number.isNaN(seconds));
  metrics.setRetained({
    disks: retained.length,
    bytes: retained.reduce((sum, { sizeGiB }) => sum + sizeGiB * GIB, 0),
    firstExpiry: expiries.length === 0 ? undefined : Math.min(...expiries),
  });
}

function observeSteps(record: OrdinalMigration, previous: OrdinalMigration, metrics: Metrics): void {
  const before = new Set((previous.status?.history ?? []).filter(({ finishedAt }) => finishedAt !== undefined).map(({ step, startedAt }) => `${step} ${startedAt}`));
  for (const { step, startedAt, finishedAt } of record.status?.history ?? []) {
    if (finishedAt !== undefined && !before.has(`${step} ${startedAt}`)) metrics.stepEnded(KNOWN_STEPS.has(step) ? step : 'other', secondsBetween(startedAt, finishedAt));
  }
}

function secondsBetween(from: string | undefined, to: string | undefined): number {
  const ms = Date.parse(to ?? '') - Date.parse(from ?? '');
  return Number.isFinite(ms) ? Math.max(0, ms / 1000) : 0;
}
