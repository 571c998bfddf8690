// The daemon's work on one set: decide, say so in the report and in events, and record the moves that may start.

import type { Api } from '../kubernetes/api.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import { VELERO_EXCLUDE_LABEL } from '../kubernetes/names.ts';
import type { StatefulSet } from '../kubernetes/objects.ts';
import { ended, ordinalMigrations, type OrdinalMigration, type OrdinalMigrationSpec } from '../migration/record.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { PlannedMove } from '../planner/plan.ts';
import { formatDuration } from '../policy/duration.ts';
import type { Policy } from '../policy/policy.ts';
import { timestamp, type Clock } from '../ports/clock.ts';
import { randomLetters, type Random } from '../ports/random.ts';
import { liveCluster, type Cluster, type SetKey } from './cluster.ts';
import { decide, type Decision, type DecisionPorts } from './decision.ts';
import { invalidReport, removeReport, reportOf, writeReport } from './report.ts';
import { spreadReports, type SpreadReport } from './spread-report.ts';

export interface SetsOptions extends DecisionPorts {
  api: Api;
  clock: Clock;
  random: Random;
  events: EventRecorder;
  metrics: Metrics;
  /** The watch caches. */
  watched: Cluster;
  reportOf(key: SetKey): SpreadReport | undefined;
  /** `--dry-run`: plans and reports, starts nothing. */
  dryRun: boolean;
}

export interface Sets {
  /** Looks at one set. Gives back when it wants to be looked at again for a reason that no watch tells. */
  work(key: SetKey): Promise<{ afterMs: number } | undefined>;
}

type Decided = Extract<Decision, { kind: 'decided' }>;

export function createSets(options: SetsOptions): Sets {
  // Starting moves is one at a time over all sets: the cluster's budgets are counted live and must not be counted twice.
  let starting: Promise<unknown> = Promise.resolve();
  const alone = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = starting.then(act, act);
    starting = turn.catch(() => undefined);
    return turn;
  };
  return {
    async work(key) {
      const decision = await decide(options, options.watched, { key, report: options.reportOf(key), snapshots: false });
      if (decision.kind !== 'decided') return settleUndecided(options, key, decision);
      const worthStarting = decision.turn.start.length > 0 && !options.dryRun;
      const final = worthStarting ? await alone(() => startMoves(options, key)) : decision;
      if (final.kind !== 'decided') return settleUndecided(options, key, final);
      await say(options, final);
      return nextLook(final, options.clock.now());
    },
  };
}

async function settleUndecided(options: SetsOptions, key: SetKey, decision: Exclude<Decision, Decided>): Promise<undefined> {
  const report = options.reportOf(key);
  if (decision.kind === 'off') {
    options.metrics.forgetStatefulSet(key.namespace, key.name);
    if (report !== undefined && report.metadata.deletionTimestamp === undefined) await removeReport(options.api, report);
    return undefined;
  }
  const { set, problems } = decision;
  for (const problem of problems) options.events.record(set, { type: 'Warning', reason: 'InvalidPolicy', message: problem.message });
  options.metrics.setStatefulSet({ namespace: key.namespace, statefulset: key.name }, { disksByZone: {}, skew: 0, satisfied: false, plannedMoves: 0, blockedByReason: { InvalidPolicy: 1 } });
  await writeReport(options.api, set, report, invalidReport(set, problems, timestamp(options.clock)));
  return undefined;
}

/** Decides once more, live, and records what may start. The approved list is frozen in the report before its first move. */
async function startMoves(options: SetsOptions, key: SetKey): Promise<Decision> {
  const report = await options.api.get(spreadReports, key);
  const decision = await decide(options, liveCluster(options.api), { key, report, snapshots: true });
  if (decision.kind !== 'decided') return decision;
  if (decision.turn.start.length === 0) return decision;
  if (decision.turn.approval !== undefined) await writeReport(options.api, decision.set, report, reportOf(decision, timestamp(options.clock)));
  const made: OrdinalMigration[] = [];
  for (const move of decision.turn.start) made.push(await recordMove(options, decision, move));
  options.events.record(decision.set, { type: 'Normal', reason: 'SpreadPlanned', message: `${decision.plan.moves.length} moves planned: ${decision.turn.start.map(describe).join(', ')} first` });
  return { ...decision, records: [...decision.records, ...made] };
}

function describe({ podName, from, to }: PlannedMove): string {
  return `${podName} from ${from} to ${to}`;
}

async function recordMove(options: SetsOptions, { set, policy, plan }: Decided, move: PlannedMove): Promise<OrdinalMigration> {
  return options.api.create(ordinalMigrations, {
    metadata: { namespace: set.metadata.namespace ?? '', name: `${move.podName}-${randomLetters(options.random, 5)}`, labels: { [VELERO_EXCLUDE_LABEL]: 'true' } },
    spec: specOf(set, policy, { move, digest: plan.digest }),
  });
}

/** The terms are written out: what was declared when the move was planned holds for it. */
function specOf(set: StatefulSet, policy: Policy, planned: { move: PlannedMove; digest: string }): OrdinalMigrationSpec {
  const retention = (value: number | 'forever'): string => (value === 'forever' ? 'forever' : formatDuration(value));
  return {
    statefulSetRef: { apiVersion: set.apiVersion ?? 'apps/v1', kind: set.kind ?? 'StatefulSet', name: set.metadata.name, uid: set.metadata.uid ?? '' },
    ordinal: planned.move.ordinal,
    targetZone: planned.move.to,
    reason: planned.move.reason,
    planDigest: planned.digest,
    strategy: policy.strategy,
    readyTimeout: formatDuration(policy.readyTimeoutMs),
    healthDuration: formatDuration(policy.healthDurationMs),
    onUnready: policy.onUnready,
    snapshotRetention: retention(policy.snapshotRetentionMs),
    ...(policy.sourceRetentionMs === undefined ? {} : { sourceRetention: retention(policy.sourceRetentionMs) }),
  };
}

async function say(options: SetsOptions, decision: Decided): Promise<void> {
  const { set, plan, turn } = decision;
  const name = { namespace: set.metadata.namespace ?? '', statefulset: set.metadata.name };
  options.metrics.setStatefulSet(name, {
    disksByZone: Object.fromEntries(plan.zones.map(({ zone, actual }) => [zone, actual])),
    skew: plan.skew,
    satisfied: plan.satisfied,
    plannedMoves: plan.moves.length,
    blockedByReason: countBy(turn.blocked.map(({ reason }) => reason)),
  });
  for (const blocked of turn.blocked) options.events.record(set, { type: 'Warning', reason: 'SpreadBlocked', message: `${blocked.reason}: ${blocked.message}` });
  const report = options.reportOf({ namespace: name.namespace, name: name.statefulset });
  await writeReport(options.api, set, report, reportOf(decision, timestamp(options.clock)));
}

function countBy(reasons: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

/** When something that only time changes is due: a back-off, while nothing is under way. */
function nextLook({ holdings, records }: Decided, nowMs: number): { afterMs: number } | undefined {
  if (holdings.length === 0 || records.some((record) => !ended(record))) return undefined;
  return { afterMs: Math.max(0, Math.min(...holdings.map(({ untilMs }) => untilMs)) - nowMs) + 10 };
}
