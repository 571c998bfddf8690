// The metrics: what each means, in which unit, and typed ways to set them. Names and labels are a contract; docs/metrics.md lists them all.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type OpenMetricsContentType } from 'prom-client';
import { BoundedLabel } from './bounded-label.ts';
import { SeriesOfSets } from './series-of-sets.ts';

export interface SetName {
  namespace: string;
  statefulset: string;
}

/** What is known of one annotated set; replaces what was known before. */
export interface SetState {
  /** Ordinals by zone: those there, and those that the plan wants there. */
  zones: readonly { zone: string; actual: number; desired: number }[];
  /** Both undefined while the policy cannot be read. */
  skew: number | undefined;
  maxSkew: number | undefined;
  satisfied: boolean;
  /** Since when it is not satisfied, in seconds since 1970; undefined when it is. */
  unsatisfiedSince: number | undefined;
  planned: { moves: number; bytes: number; seconds: number };
  /** Ordinals that may not move, by reason. */
  blockedByReason: Readonly<Record<string, number>>;
}

/** A move under way. */
export interface MoveState {
  ordinal: number;
  /** 0 to 1. */
  progress: number;
  phase: string;
  step: string;
  /** When it came to the step, in seconds since 1970; undefined when it does not say. */
  stepStarted: number | undefined;
  /** Why it is Frozen; undefined when it is not. */
  frozen: string | undefined;
}

export interface Retained {
  disks: number;
  bytes: number;
  /** When the first retention ends or has ended, in seconds since 1970; undefined when none does. */
  firstExpiry: number | undefined;
}

export interface Metrics {
  setStatefulSet(set: SetName, state: SetState): void;
  /** The set is gone or no longer annotated: so are all its series. */
  forgetStatefulSet(namespace: string, statefulset: string): void;
  /** Forgets every set that has series and is not wanted: a move that outlives its set leaves a count behind. */
  forgetStatefulSetsBut(isWanted: (namespace: string, statefulset: string) => boolean): void;
  /** Migrations in flight by step; steps that are not in it have none. */
  setMigrationsInFlight(byStep: Readonly<Record<string, number>>): void;
  /** All moves of the set that are under way, one for each ordinal. */
  setMigrations(set: SetName, moves: readonly MoveState[]): void;
  /** `outcome`: the phase in which it ended. */
  migrationEnded(set: SetName, outcome: string, seconds: number): void;
  stepEnded(step: string, seconds: number): void;
  ordinalWasDown(seconds: number): void;
  setRetained(retained: Retained): void;
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

/** The phases in which a move ends: each is counted from 0 on, for a count that begins at 1 is no increase to Prometheus. */
const OUTCOMES = ['Succeeded', 'RolledBack', 'Failed'];

/** Minutes to hours: snapshots of large disks take their time. */
const LONG_SECONDS = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];
/** A pod’s downtime: seconds, and hours where its move was frozen. */
const DOWNTIME_SECONDS = [1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600, 7200, 14_400];
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
  const codes = new BoundedLabel();
  // A gauge without labels begins at 0, which here would say something: no leader, a certificate of 1970. What a process does not know
  // it does not show.
  for (const gauge of [series.retainedDisks, series.retainedBytes, series.retainedExpiry, series.orphanedDisks, series.lastSweep, series.leader, series.certificateExpiry]) gauge.remove();
  const countFromZero = (set: SetName): void => {
    for (const outcome of OUTCOMES) sets.add(set, series.migrations, { ...set, outcome }).inc({ ...set, outcome }, 0);
  };
  series.buildInfo.set({ version, commit, node: process.version }, 1);

  return {
    setStatefulSet({ namespace, statefulset }, { zones, ...state }) {
      const set = { namespace, statefulset };
      const one = (value: number | undefined): { labels: typeof set; value: number }[] => (value === undefined ? [] : [{ labels: set, value }]);
      sets.replace(set, series.disks, zones.map(({ zone, actual }) => ({ labels: { ...set, zone }, value: actual })));
      sets.replace(set, series.desiredDisks, zones.map(({ zone, desired }) => ({ labels: { ...set, zone }, value: desired })));
      sets.replace(set, series.blocked, Object.entries(state.blockedByReason).map(([reason, count]) => ({ labels: { ...set, reason }, value: count })));
      sets.replace(set, series.skew, one(state.skew));
      sets.replace(set, series.maxSkew, one(state.maxSkew));
      sets.replace(set, series.satisfied, one(state.satisfied ? 1 : 0));
      sets.replace(set, series.unsatisfiedSince, one(state.unsatisfiedSince));
      sets.replace(set, series.plannedMoves, one(state.planned.moves));
      sets.replace(set, series.plannedBytes, one(state.planned.bytes));
      sets.replace(set, series.plannedSeconds, one(state.planned.seconds));
      countFromZero(set);
    },
    forgetStatefulSet: (namespace, statefulset) => sets.forget({ namespace, statefulset }),
    forgetStatefulSetsBut(isWanted) {
      for (const set of sets.owners()) if (!isWanted(set.namespace, set.statefulset)) sets.forget(set);
    },
    setMigrationsInFlight(byStep) {
      series.inFlight.reset();
      for (const [step, count] of Object.entries(byStep)) series.inFlight.set({ step }, count);
    },
    setMigrations({ namespace, statefulset }, moves) {
      const set = { namespace, statefulset };
      const labelled = moves.map((move) => ({ ...move, labels: { ...set, ordinal: String(move.ordinal) } }));
      sets.replace(set, series.progress, labelled.map(({ labels, progress }) => ({ labels, value: progress })));
      sets.replace(set, series.stepStart, labelled.flatMap(({ labels, phase, step, stepStarted }) => (stepStarted === undefined ? [] : [{ labels: { ...labels, phase, step }, value: stepStarted }])));
      sets.replace(set, series.frozen, labelled.flatMap(({ labels, frozen }) => (frozen === undefined ? [] : [{ labels: { ...labels, reason: frozen }, value: 1 }])));
      if (moves.length > 0) countFromZero(set);
    },
    migrationEnded({ namespace, statefulset }, outcome, seconds) {
      const labels = { namespace, statefulset, outcome };
      countFromZero({ namespace, statefulset });
      sets.add({ namespace, statefulset }, series.migrations, labels).inc(labels);
      series.migrationSeconds.observe(seconds);
    },
    stepEnded: (step, seconds) => series.stepSeconds.observe({ step }, seconds),
    ordinalWasDown: (seconds) => series.downtimeSeconds.observe(seconds),
    setRetained({ disks, bytes, firstExpiry }) {
      series.retainedDisks.set(disks);
      series.retainedBytes.set(bytes);
      if (firstExpiry === undefined) series.retainedExpiry.remove();
      else series.retainedExpiry.set(firstExpiry);
    },
    setOrphanedDisks: (disks) => series.orphanedDisks.set(disks),
    reviewed({ kind, operation, decision, rule }, seconds) {
      series.reviews.inc({ kind, operation, decision, rule });
      series.reviewSeconds.observe(seconds);
    },
    diskApiCalled({ action, code }, seconds) {
      series.diskApiCalls.inc({ action, code: codes.bounded(code) });
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
    disks: new Gauge({ ...named('statefulset_disks', 'Ordinals of a StatefulSet whose disks are in the zone; the disks of one pod count as one.'), labelNames: [...ofSet, 'zone'] as const }),
    desiredDisks: new Gauge({ ...named('statefulset_desired_disks', 'Ordinals of a StatefulSet whose disks the plan wants in the zone.'), labelNames: [...ofSet, 'zone'] as const }),
    skew: new Gauge({ ...named('statefulset_skew', 'Largest number of ordinals in a declared zone minus the smallest.'), labelNames: ofSet }),
    maxSkew: new Gauge({ ...named('statefulset_max_skew', 'Largest skew that the policy allows.'), labelNames: ofSet }),
    satisfied: new Gauge({ ...named('statefulset_satisfied', '1 when every disk is where the policy wants it, else 0.'), labelNames: ofSet }),
    unsatisfiedSince: new Gauge({ ...named('statefulset_unsatisfied_since_timestamp_seconds', 'Since when the disks are not as the policy wants them, in seconds since 1970; absent when they are.'), labelNames: ofSet }),
    plannedMoves: new Gauge({ ...named('statefulset_planned_moves', 'Moves that the present plan still has.'), labelNames: ofSet }),
    plannedBytes: new Gauge({ ...named('statefulset_planned_bytes', 'Bytes of the disks that the present plan still moves.'), labelNames: ofSet }),
    plannedSeconds: new Gauge({ ...named('statefulset_planned_duration_seconds', 'Estimated time that the moves of the present plan take.'), labelNames: ofSet }),
    blocked: new Gauge({ ...named('statefulset_blocked', 'Ordinals that should move and may not, by the reason that holds them; what holds the whole set counts as one.'), labelNames: [...ofSet, 'reason'] as const }),
    inFlight: new Gauge({ ...named('migrations_in_flight', 'Migrations under way, Frozen ones included, by the step that they are at.'), labelNames: ['step'] as const }),
    progress: new Gauge({ ...named('migration_progress_ratio', 'How far the migration of an ordinal has come, from 0 to 1.'), labelNames: [...ofSet, 'ordinal'] as const }),
    stepStart: new Gauge({ ...named('migration_step_start_timestamp_seconds', 'When the migration of an ordinal came to the step that it is at, in seconds since 1970.'), labelNames: [...ofSet, 'ordinal', 'phase', 'step'] as const }),
    frozen: new Gauge({ ...named('migration_frozen', '1 for each migration that is Frozen and waits for a person, by the reason.'), labelNames: [...ofSet, 'ordinal', 'reason'] as const }),
    migrations: new Counter({ ...named('migrations_total', 'Migrations that have ended, by the phase in which they did.'), labelNames: [...ofSet, 'outcome'] as const }),
    migrationSeconds: new Histogram({ ...named('migration_duration_seconds', 'Time from the start of a migration to its end.'), buckets: LONG_SECONDS }),
    stepSeconds: new Histogram({ ...named('migration_step_duration_seconds', 'Time that a step of a migration took.'), labelNames: ['step'] as const, buckets: STEP_SECONDS }),
    downtimeSeconds: new Histogram({ ...named('ordinal_downtime_seconds', 'Time from the eviction of a pod until its ordinal was Ready on the new disk.'), buckets: DOWNTIME_SECONDS }),
    retainedDisks: new Gauge(named('retained_disks', 'Source disks that are kept until their retention has passed.')),
    retainedBytes: new Gauge(named('retained_bytes', 'Bytes of the source disks that are kept until their retention has passed.')),
    retainedExpiry: new Gauge(named('retained_first_expiry_timestamp_seconds', 'When the retention of the source disk that goes first ends, in seconds since 1970; absent when none does.')),
    orphanedDisks: new Gauge(named('orphaned_disks', 'Disks that carry the tags of this cluster, or volumes its labels, and that no record knows.')),
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
