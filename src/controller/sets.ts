// The daemon's work on one set: decide, say so in the report and in events, and record the moves that may start.

import type { Api } from '../kubernetes/api.ts';
import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import { CIRCUMSTANCES_ANNOTATION, VELERO_EXCLUDE_LABEL } from '../kubernetes/names.ts';
import type { StatefulSet } from '../kubernetes/objects.ts';
import { GIB } from '../kubernetes/quantity.ts';
import { ordinalMigrations, type OrdinalMigration, type OrdinalMigrationSpec } from '../migration/record.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { PlannedMove } from '../planner/plan.ts';
import { formatDuration } from '../policy/duration.ts';
import type { Policy } from '../policy/policy.ts';
import { timestamp, type Clock } from '../ports/clock.ts';
import { randomLetters, type Random } from '../ports/random.ts';
import { roomIn } from './budget.ts';
import { circumstancesOf } from './circumstances.ts';
import { nameOfSet, type SetKey } from './cluster.ts';
import { decide, type Decided, type Decision, type DecisionPorts } from './decision.ts';
import { nextLook } from './next-look.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { createPrecedence, type Precedence } from './precedence.ts';
import { invalidReport, removeReport, reportOf, unsatisfiedSince, writeReport } from './report.ts';
import { spreadReports, type SpreadReport } from './spread-report.ts';

export interface SetsOptions extends DecisionPorts {
  api: Api;
  clock: Clock;
  random: Random;
  events: EventRecorder;
  metrics: Metrics;
  reportOf(key: SetKey): SpreadReport | undefined;
  /** Told of what every look has shown. */
  onDecision?(key: SetKey, decision: Decision): void;
  /** `--dry-run`: plans and reports, starts nothing. */
  dryRun: boolean;
}

export interface Sets {
  /** Looks at one set. Gives back when it wants to be looked at again for a reason that no watch tells. */
  work(key: SetKey): Promise<{ afterMs: number } | undefined>;
}

interface Work extends SetsOptions {
  precedence: Precedence;
  /** Sets that have series of their own. */
  told: Set<string>;
}

export function createSets(options: SetsOptions): Sets {
  const work: Work = { ...options, told: new Set(), precedence: createPrecedence(() => options.clock.monotonic()) };
  // Starting moves is one at a time over all sets: the cluster's budgets are counted live and must not be counted twice.
  const alone = oneAtATime();
  return {
    async work(key) {
      const first = await decide(options, options.watched, { key, report: options.reportOf(key) });
      const final = needsLiveLook(first) ? await alone(() => decideLive(work, key)) : first;
      if (final === first) askForRoom(work, key, first);
      options.onDecision?.(key, final);
      if (final.kind !== 'decided') return settleUndecided(work, key, final);
      await say(work, key, final);
      return nextLook(final, { nowMs: options.clock.now(), coolDownMs: options.coolDownMs });
    },
  };
}

/** Something may start; or an approval that the cache of reports has not seen frozen yet must not be taken for none. */
function needsLiveLook(decision: Decision): boolean {
  if (decision.kind !== 'decided') return false;
  const { turn, policy } = decision;
  return turn.start.length > 0 || (policy.mode === 'plan' && policy.approve !== undefined && turn.approval === undefined);
}

async function settleUndecided(work: Work, key: SetKey, decision: Exclude<Decision, Decided>): Promise<undefined> {
  const report = work.reportOf(key);
  if (decision.kind === 'off') {
    // Moves by hand have series, too: those of a set that never declared anything go when it goes.
    if (work.told.delete(nameOfSet(key)) || decision.set === undefined) work.metrics.forgetStatefulSet(key.namespace, key.name);
    if (report !== undefined && report.metadata.deletionTimestamp === undefined) await removeReport(work.api, report);
    return undefined;
  }
  const { set, problems } = decision;
  for (const problem of problems) work.events.record(set, { type: 'Warning', reason: 'InvalidPolicy', message: problem.message });
  work.told.add(nameOfSet(key));
  const status = invalidReport(decision, report, timestamp(work.clock));
  work.metrics.setStatefulSet(
    { namespace: key.namespace, statefulset: key.name },
    { zones: [], skew: undefined, maxSkew: undefined, satisfied: false, unsatisfiedSince: unsatisfiedSince(set, report, status), planned: { moves: 0, bytes: 0, seconds: 0 }, blockedByReason: { InvalidPolicy: 1 } },
  );
  await writeReport(work.api, set, report, status);
  return undefined;
}

/** Decides once more, live, and records what may start. The approved list is frozen in the report before its first move. */
async function decideLive(options: Work, key: SetKey): Promise<Decision> {
  const report = await options.api.get(spreadReports, key);
  const decision = withinRoom(options, key, await decide(options, options.live, { key, report }));
  if (decision.kind !== 'decided' || decision.turn.start.length === 0 || options.dryRun) return decision;
  if (decision.turn.approval !== undefined) await writeReport(options.api, decision.set, report, reportOf(decision, timestamp(options.clock)));
  const made: OrdinalMigration[] = [];
  for (const move of decision.turn.start) made.push(await recordMove(options, decision, move));
  options.events.record(decision.set, { type: 'Normal', reason: 'SpreadPlanned', message: `${decision.plan.moves.length} moves planned: ${decision.turn.start.map(describe).join(', ')} first` });
  return { ...decision, records: [...decision.records, ...made] };
}

/** Of what may start, as much as there is room for after those that come first. */
function withinRoom(options: Work, key: SetKey, decision: Decision): Decision {
  const { moves, before } = askForRoom(options, key, decision);
  if (decision.kind !== 'decided' || moves >= decision.turn.start.length) return decision;
  const { turn } = decision;
  const message = `there is room for it (--max-migrations, --max-migrations-per-hour), kept for ${before.join(', ')}: whoever leaves an evacuated zone, is more uneven, or has waited for an hour goes first`;
  const held = turn.start.slice(moves).map(({ ordinal }) => ({ ordinal, reason: 'BudgetUsedUp' as const, message }));
  return { ...decision, turn: { ...turn, start: turn.start.slice(0, moves), blocked: [...held, ...turn.blocked] } };
}

/** Also asked by a set that can start nothing: it takes its place among those that wait, or leaves it. */
function askForRoom({ precedence, budgets, clock }: Work, key: SetKey, decision: Decision): ReturnType<Precedence['ask']> {
  if (decision.kind !== 'decided') return precedence.ask({ set: nameOfSet(key), moves: 0, evacuates: undefined, skew: 0 }, 0);
  const { turn, plan, layout, allRecords, evacuated } = decision;
  const room = roomIn(budgets, allRecords, clock.now());
  const wanting = [...turn.start.map(({ ordinal }) => ordinal), ...(room > 0 ? [] : heldByBudgetAlone(turn))];
  const leaving = plan.moves.some(({ ordinal, from }) => wanting.includes(ordinal) && from.split('+').some((zone) => evacuated.has(zone)));
  return precedence.ask({ set: nameOfSet(key), moves: wanting.length, evacuates: leaving ? priorityOf(layout) : undefined, skew: plan.skew }, room);
}

function priorityOf({ ordinals }: Decided['layout']): number {
  return Math.max(...ordinals.map(({ incoming }) => (incoming.spec['priority'] as number | undefined) ?? 0));
}

function heldByBudgetAlone({ blocked }: Decided['turn']): number[] {
  if (blocked.some(({ ordinal }) => ordinal === undefined)) return [];
  const byOrdinal = Map.groupBy(blocked, ({ ordinal }) => ordinal ?? -1);
  return [...byOrdinal].filter(([, reasons]) => reasons.every(({ reason }) => reason === 'BudgetUsedUp')).map(([ordinal]) => ordinal);
}

function describe({ podName, from, to }: PlannedMove): string {
  return `${podName} from ${from} to ${to}`;
}

async function recordMove(options: SetsOptions, { set, policy, plan, layout: { nodes } }: Decided, move: PlannedMove): Promise<OrdinalMigration> {
  return options.api.create(ordinalMigrations, {
    metadata: {
      namespace: set.metadata.namespace ?? '',
      name: `${move.podName}-${randomLetters(options.random, 5)}`,
      labels: { [VELERO_EXCLUDE_LABEL]: 'true' },
      annotations: { [CIRCUMSTANCES_ANNOTATION]: circumstancesOf({ set, policy, nodes }, move.to) },
    },
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

async function say(work: Work, key: SetKey, decision: Decided): Promise<void> {
  const { set, policy, plan, turn } = decision;
  const report = work.reportOf(key);
  const status = reportOf(decision, timestamp(work.clock));
  work.told.add(nameOfSet(key));
  work.metrics.setStatefulSet(
    { namespace: key.namespace, statefulset: key.name },
    {
      zones: plan.zones,
      skew: plan.skew,
      maxSkew: policy.maxSkew,
      satisfied: plan.satisfied,
      unsatisfiedSince: unsatisfiedSince(set, report, status),
      planned: { moves: plan.moves.length, bytes: plan.cost.sizeGiB * GIB, seconds: plan.cost.estimatedMinutes * 60 },
      blockedByReason: countBy(turn.blocked.map(({ reason }) => reason)),
    },
  );
  for (const blocked of turn.blocked) work.events.record(set, { type: 'Warning', reason: 'SpreadBlocked', message: `${blocked.reason}: ${blocked.message}` });
  await writeReport(work.api, set, report, status);
}

function countBy(reasons: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
