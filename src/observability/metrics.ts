// The metrics of interface.md: what each means, in which unit, and typed ways to set them. Names and labels are a contract.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type OpenMetricsContentType } from 'prom-client';
import { SeriesOfSets } from './series-of-sets.ts';

export interface SetName {
  namespace: string;
  statefulset: string;
}

/** What is known of one annotated set; replaces what was known before. */
export interface SetState {
  disksByZone: Readonly<Record<string, number>>;
  skew: number;
  satisfied: boolean;
  plannedMoves: number;
  /** Ordinals that may not move, by reason. */
  blockedByReason: Readonly<Record<string, number>>;
}

export interface Metrics {
  setStatefulSet(set: SetName, state: SetState): void;
  /** The set is gone or no longer annotated: so are all its series. */
  forgetStatefulSet(namespace: string, statefulset: string): void;
  /** Migrations in flight by step; steps that are not in it have none. */
  setMigrationsInFlight(byStep: Readonly<Record<string, number>>): void;
  /** 0 to 1; undefined when the migration has ended. */
  setMigrationProgress(migration: SetName & { ordinal: number }, ratio: number | undefined): void;
  /** `outcome`: the phase in which it ended. */
  migrationEnded(set: SetName, outcome: string, seconds: number): void;
  stepEnded(step: string, seconds: number): void;
  ordinalWasDown(seconds: number): void;
  setRetained(retained: { disks: number; bytes: number }): void;
  setOrphanedDisks(disks: number): void;
  reviewed(labels: ReviewLabels, seconds: number): void;
  diskApiCalled(call: { action: string; code: string }, seconds: number): void;
  reconciled(seconds: number): void;
  sweepSucceeded(epochSeconds: number): void;
  setLeader(leader: boolean): void;
  certificateExpires(epochSeconds: number): void;
  /** All of it, as Prometheus asks for it: OpenMetrics when its `Accept` header says so, else the older text format. */
  expose(accept: string | undefined): Promise<{ contentType: string; text: string }>;
}

export interface ReviewLabels {
  kind: string;
  operation: string;
  decision: string;
  rule: string;
}

/** Minutes to hours: snapshots of large disks take their time. */
const LONG_SECONDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];
/** A pod's downtime: seconds to half an hour. */
const DOWNTIME_SECONDS = [1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800];
const STEP_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
/** The API server gives the webhook two seconds. */
const REVIEW_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2];
const CALL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const RECONCILE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface MetricsOptions {
  /** These go into build_info. */
  version: string;
  commit?: string;
  /** Whether Node's own series (memory, event loop, garbage collector) are kept as well; each set of them observes the whole process. Default true. */
  ofProcess?: boolean;
}

/** One per process. */
export function createMetrics({ version, commit = '', ofProcess = true }: MetricsOptions): Metrics {
  // The same series in both formats: prom-client's registries have one format each.
  const plain = new Registry();
  const open = new Registry<OpenMetricsContentType>();
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  if (ofProcess) collectDefaultMetrics({ register: plain });
  const series = defineSeries([plain]);
  // An OpenMetrics registry takes `_total` off the names of its counters for good, so it gets objects with names of their own, whose values
  // are those of the metrics. (Typed as their data, they are the metrics themselves.)
  for (const metric of plain.getMetricsAsArray()) open.registerMetric(Object.create(metric) as never);
  const sets = new SeriesOfSets();
  series.buildInfo.set({ version, commit, node: process.version }, 1);

  return {
    setStatefulSet({ namespace, statefulset }, state) {
      const set = { namespace, statefulset };
      sets.replace(set, series.disks, Object.entries(state.disksByZone).map(([zone, count]) => ({ labels: { ...set, zone }, value: count })));
      sets.replace(set, series.blocked, Object.entries(state.blockedByReason).map(([reason, count]) => ({ labels: { ...set, reason }, value: count })));
      sets.replace(set, series.skew, [{ labels: set, value: state.skew }]);
      sets.replace(set, series.satisfied, [{ labels: set, value: state.satisfied ? 1 : 0 }]);
      sets.replace(set, series.plannedMoves, [{ labels: set, value: state.plannedMoves }]);
    },
    forgetStatefulSet: (namespace, statefulset) => sets.forget({ namespace, statefulset }),
    setMigrationsInFlight(byStep) {
      series.inFlight.reset();
      for (const [step, count] of Object.entries(byStep)) series.inFlight.set({ step }, count);
    },
    setMigrationProgress({ namespace, statefulset, ordinal }, ratio) {
      const labels = { namespace, statefulset, ordinal: String(ordinal) };
      if (ratio === undefined) sets.remove({ namespace, statefulset }, series.progress, labels);
      else sets.add({ namespace, statefulset }, series.progress, labels).set(labels, ratio);
    },
    migrationEnded({ namespace, statefulset }, outcome, seconds) {
      const labels = { namespace, statefulset, outcome };
      sets.add({ namespace, statefulset }, series.migrations, labels).inc(labels);
      series.migrationSeconds.observe(seconds);
    },
    stepEnded: (step, seconds) => series.stepSeconds.observe({ step }, seconds),
    ordinalWasDown: (seconds) => series.downtimeSeconds.observe(seconds),
    setRetained({ disks, bytes }) {
      series.retainedDisks.set(disks);
      series.retainedBytes.set(bytes);
    },
    setOrphanedDisks: (disks) => series.orphanedDisks.set(disks),
    reviewed({ kind, operation, decision, rule }, seconds) {
      series.reviews.inc({ kind, operation, decision, rule });
      series.reviewSeconds.observe(seconds);
    },
    diskApiCalled({ action, code }, seconds) {
      series.diskApiCalls.inc({ action, code });
      series.diskApiSeconds.observe({ action }, seconds);
    },
    reconciled: (seconds) => series.reconcileSeconds.observe(seconds),
    sweepSucceeded: (epochSeconds) => series.lastSweep.set(epochSeconds),
    setLeader: (leader) => series.leader.set(leader ? 1 : 0),
    certificateExpires: (epochSeconds) => series.certificateExpiry.set(epochSeconds),
    async expose(accept) {
      const registry = accept?.includes('application/openmetrics-text') === true ? open : plain;
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

function defineSeries(registers: Registry[]) {
  const named = (name: string, help: string) => ({ name: `zonespread_${name}`, help, registers });
  const ofSet = ['namespace', 'statefulset'] as const;
  return {
    disks: new Gauge({ ...named('statefulset_disks', 'Disks of the pods of a StatefulSet, by the zone that they are in.'), labelNames: [...ofSet, 'zone'] as const }),
    skew: new Gauge({ ...named('statefulset_skew', 'Largest number of ordinals in a declared zone minus the smallest.'), labelNames: ofSet }),
    satisfied: new Gauge({ ...named('statefulset_satisfied', '1 when every disk is where the policy wants it, else 0.'), labelNames: ofSet }),
    plannedMoves: new Gauge({ ...named('statefulset_planned_moves', 'Moves that the present plan still has.'), labelNames: ofSet }),
    blocked: new Gauge({ ...named('statefulset_blocked', 'Ordinals that should move and may not, by the reason that holds them.'), labelNames: [...ofSet, 'reason'] as const }),
    inFlight: new Gauge({ ...named('migrations_in_flight', 'Migrations under way, by the step that they are at.'), labelNames: ['step'] as const }),
    progress: new Gauge({ ...named('migration_progress_ratio', 'How far the migration of an ordinal has come, from 0 to 1.'), labelNames: [...ofSet, 'ordinal'] as const }),
    migrations: new Counter({ ...named('migrations_total', 'Migrations that have ended, by the phase in which they did.'), labelNames: [...ofSet, 'outcome'] as const }),
    migrationSeconds: new Histogram({ ...named('migration_duration_seconds', 'Time from the start of a migration to its end.'), buckets: LONG_SECONDS }),
    stepSeconds: new Histogram({ ...named('migration_step_duration_seconds', 'Time that a step of a migration took.'), labelNames: ['step'] as const, buckets: STEP_SECONDS }),
    downtimeSeconds: new Histogram({ ...named('ordinal_downtime_seconds', 'Time from the eviction of a pod until its ordinal was Ready on the new disk.'), buckets: DOWNTIME_SECONDS }),
    retainedDisks: new Gauge(named('retained_disks', 'Source disks that are kept until their retention has passed.')),
    retainedBytes: new Gauge(named('retained_bytes', 'Bytes of the source disks that are kept until their retention has passed.')),
    orphanedDisks: new Gauge(named('orphaned_disks', 'Disks that carry the tags of this cluster and that no record knows.')),
    reviews: new Counter({ ...named('admission_reviews_total', 'Admission reviews that were answered.'), labelNames: ['kind', 'operation', 'decision', 'rule'] as const }),
    reviewSeconds: new Histogram({ ...named('admission_review_duration_seconds', 'Time that the answer to an admission review took.'), buckets: REVIEW_SECONDS }),
    diskApiCalls: new Counter({ ...named('disk_api_requests_total', 'Calls to the cloud, by action and by the code that came back (OK when it succeeded).'), labelNames: ['action', 'code'] as const }),
    diskApiSeconds: new Histogram({ ...named('disk_api_request_duration_seconds', 'Time that a call to the cloud took.'), labelNames: ['action'] as const, buckets: CALL_SECONDS }),
    reconcileSeconds: new Histogram({ ...named('reconcile_duration_seconds', 'Time that one look at a StatefulSet took.'), buckets: RECONCILE_SECONDS }),
    lastSweep: new Gauge(named('sweep_last_success_timestamp_seconds', 'When the last sweep over all StatefulSets succeeded, in seconds since 1970.')),
    leader: new Gauge(named('leader', '1 in the process that leads, else 0.')),
    certificateExpiry: new Gauge(named('webhook_certificate_expiry_timestamp_seconds', 'When the certificate that the webhook serves expires, in seconds since 1970.')),
    buildInfo: new Gauge({ ...named('build_info', 'Always 1; the labels say what runs.'), labelNames: ['version', 'commit', 'node'] as const }),
  };
}
