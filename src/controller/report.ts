// What is said about a set in its SpreadReport: built purely from a decision, and written only when it says something new.

import type { Api } from '../kubernetes/api.ts';
import { isNotFound } from '../kubernetes/refusals.ts';
import { type Condition, type StatefulSet } from '../kubernetes/objects.ts';
import { sourceRetentionEnds } from '../migration/retirement.ts';
import { ended, inFlight, phaseOf, podNameOf, statusOf, type OrdinalMigration } from '../migration/record.ts';
import { ordinalIn } from '../layout/layout.ts';
import type { Approval } from '../planner/approval.ts';
import type { Plan, PlannedMove } from '../planner/plan.ts';
import type { Blocked } from '../planner/reasons.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Decided, Decision } from './decision.ts';
import { MAX_REPORTED_MOVES, spreadReports, type ApprovedMove, type ReportedBlock, type ReportedMigration, type ReportedMove, type RetainedVolume, type SpreadReport, type SpreadReportStatus } from './spread-report.ts';

type Invalid = Extract<Decision, { kind: 'invalid' }>;

export function reportOf(decision: Decided, now: string): SpreadReportStatus {
  const { plan, turn, set, records } = decision;
  const blocked = groupBlocked(turn.blocked);
  const underWay = records.filter((record) => !ended(record));
  return {
    observedGeneration: set.metadata.generation ?? 0,
    summary: plan.zones.map(({ zone, actual }) => `${zone}:${actual}`).join(' '),
    state: stateOf({ plan, blocked: turn.blocked, underWay }),
    zones: plan.zones.map(({ zone, desired, actual, ordinals }) => ({ zone, desired, actual, ordinals: ranges(ordinals) })),
    skew: plan.skew,
    satisfied: plan.satisfied,
    plan: {
      digest: plan.digest,
      total: plan.moves.length,
      sizeGiB: plan.cost.sizeGiB,
      estimatedMinutes: plan.cost.estimatedMinutes,
      highMinutes: plan.cost.highMinutes,
      measuredMoves: plan.cost.measuredMoves,
      moves: plan.moves.slice(0, MAX_REPORTED_MOVES).map((move) => reportedMove(move)),
    },
    ...(turn.approval === undefined ? {} : { approved: { digest: turn.approval.digest, moves: approvedMoves(turn.approval.moves, decision) } }),
    ...(decision.zonesSeen.length === 0 ? {} : { zonesSeen: decision.zonesSeen }),
    blocked,
    blockedOrdinals: new Set(turn.blocked.flatMap(({ ordinal }) => ordinal ?? [])).size,
    inFlight: underWay.map((record) => reportedMigration(record)),
    retained: records.flatMap((record) => retainedVolumes(record)),
    conditions: conditionsOf({ plan, blocked: turn.blocked, underWay }, now),
  };
}

/** What is under way and what is retained is there whatever the annotations say; what was approved and seen is not forgotten over a slip of the pen. */
export function invalidReport({ set, problems, records }: Invalid, before: SpreadReport | undefined, now: string): SpreadReportStatus {
  const message = problems.map((problem) => problem.message).join(' ');
  const { approved, zonesSeen } = (before !== undefined && isReportOf(before, set) ? before.status : undefined) ?? {};
  return {
    observedGeneration: set.metadata.generation ?? 0,
    state: 'waits for a correction: InvalidPolicy',
    satisfied: false,
    ...(approved === undefined ? {} : { approved }),
    ...(zonesSeen === undefined ? {} : { zonesSeen }),
    blocked: [{ ordinals: '', reason: 'InvalidPolicy', message }],
    inFlight: records.filter((record) => !ended(record)).map((record) => reportedMigration(record)),
    retained: records.flatMap((record) => retainedVolumes(record)),
    conditions: [
      { type: 'Satisfied', status: 'False', reason: 'InvalidPolicy', message, lastTransitionTime: now },
      { type: 'Progressing', status: 'False', reason: 'InvalidPolicy', message, lastTransitionTime: now },
      { type: 'Blocked', status: 'True', reason: 'InvalidPolicy', message, lastTransitionTime: now },
    ],
  };
}

interface Standing {
  plan: Plan;
  blocked: readonly Blocked[];
  underWay: readonly OrdinalMigration[];
}

/** What a glance at `kubectl get sr` has to tell: whom to look at first, what goes on, what holds it up, or that all is well. */
function stateOf({ plan, blocked, underWay }: Standing): string {
  const frozen = underWay.find((record) => phaseOf(record) === 'Frozen');
  if (frozen !== undefined) return `${podNameOf(frozen)} is frozen: ${statusOf(frozen).reason ?? ''}`;
  const [moving, ...others] = underWay.filter(inFlight);
  if (moving !== undefined) return `${movement(moving)}${others.length === 0 ? '' : `, and ${others.length} more`}`;
  return blocked[0] === undefined ? outlook(plan) : `waits for ${blocked[0].reason}`;
}

function movement(record: OrdinalMigration): string {
  const { step = '' } = statusOf(record);
  return phaseOf(record) === 'RollingBack' ? `undoing the move of ${podNameOf(record)}, ${step}` : `moving ${podNameOf(record)} to ${record.spec.targetZone}, ${step}`;
}

function outlook({ unsatisfied, moves: [next] }: Plan): string {
  if (unsatisfied === undefined) return 'as declared';
  return next === undefined ? `as near as it can be: ${unsatisfied.reason}` : `about to move ${next.podName} to ${next.to}`;
}

function reportedMove({ ordinal, from, to, reason, why, sizeGiB, estimate: { downtime, total } }: PlannedMove): ReportedMove {
  return {
    ordinal,
    from,
    to,
    reason,
    message: why,
    sizeGiB,
    estimatedMinutes: Math.ceil(total.middleMs / 60_000),
    highMinutes: Math.ceil(total.highMs / 60_000),
    estimatedDowntimeSeconds: downtime.middleMs / 1000,
    highDowntimeSeconds: downtime.highMs / 1000,
  };
}

/** Of the whole list what has become of it: what ran and what is left stays visible, and so does what the plan of the day no longer wants. */
function approvedMoves(moves: Approval['moves'], { plan, layout, records }: Decided): ApprovedMove[] {
  const moving = new Set(records.flatMap((record) => (ended(record) ? [] : `${record.spec.ordinal} ${record.spec.targetZone}`)));
  const planned = new Set(plan.moves.map(({ ordinal, from, to }) => `${ordinal} ${from} ${to}`));
  const stateOfMove = ({ ordinal, from, to }: Approval['moves'][number]): NonNullable<ApprovedMove['state']> => {
    if (moving.has(`${ordinal} ${to}`)) return 'Moving';
    if (ordinalIn(layout, ordinal)?.zones.join('+') === to) return 'Moved';
    return planned.has(`${ordinal} ${from} ${to}`) ? 'Planned' : 'NotWanted';
  };
  return moves.map((move) => ({ ordinal: move.ordinal, from: move.from, to: move.to, state: stateOfMove(move) }));
}

function reportedMigration(record: OrdinalMigration): ReportedMigration {
  const from = record.status?.claims?.[0]?.source.zone;
  return {
    migration: record.metadata.name,
    ordinal: record.spec.ordinal,
    ...(from === undefined ? {} : { from }),
    to: record.spec.targetZone,
    phase: phaseOf(record),
    ...(record.status?.step === undefined ? {} : { step: record.status.step }),
    ...(record.status?.progress === undefined ? {} : { progress: record.status.progress }),
  };
}

/** Old volumes and disks that are still there, and until when. */
export function retainedVolumes(record: OrdinalMigration): RetainedVolume[] {
  if (!ended(record)) return [];
  const moved = phaseOf(record) === 'Succeeded' || record.status?.reason === 'Reversed';
  const restored = record.status?.reason === 'SourceRestored';
  return (record.status?.claims ?? []).flatMap((claim) => {
    const left = moved ? claim.source : restored ? claim.target : undefined;
    if (left?.diskId === undefined || left.retiredAt !== undefined) return [];
    const until = sourceRetentionEnds(record, claim);
    return [
      {
        pv: left.pv ?? '',
        diskId: left.diskId,
        sizeGiB: claim.sizeGiB,
        until: until === undefined ? 'forever' : new Date(until).toISOString(),
        ...(left.zone === undefined ? {} : { zone: left.zone }),
        migration: record.metadata.name,
      },
    ];
  });
}

/** One line for each reason and message; an ordinal is in each that holds it. */
export function groupBlocked(blocked: readonly Blocked[]): ReportedBlock[] {
  const groups = Map.groupBy(blocked, ({ reason, message }) => `${reason} ${message}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ordinals: ranges(group.flatMap(({ ordinal }) => ordinal ?? [])), reason: first.reason, message: first.message }];
  });
}

/** `0,1,2,7` → `0-2,7`. */
export function ranges(ordinals: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const ordinal of [...new Set(ordinals)].toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === ordinal - 1) last[1] = ordinal;
    else runs.push([ordinal, ordinal]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

function conditionsOf(state: { plan: Plan; blocked: readonly Blocked[]; underWay: readonly OrdinalMigration[] }, now: string): Condition[] {
  const { plan, blocked, underWay } = state;
  const condition = (type: string, status: boolean, [reason, message]: [string, string]): Condition => ({ type, status: status ? 'True' : 'False', reason, message, lastTransitionTime: now });
  const moving = underWay.filter((record) => inFlight(record) && phaseOf(record) !== 'Frozen');
  const firstFrozen = underWay.find((record) => phaseOf(record) === 'Frozen');
  const held = firstFrozen === undefined ? blocked[0] : { reason: 'Frozen', message: `${firstFrozen.metadata.name}: ${statusOf(firstFrozen).message ?? ''}` };
  return [
    condition('Satisfied', plan.satisfied, plan.unsatisfied === undefined ? ['AsDeclared', 'every disk is where the policy wants it'] : [plan.unsatisfied.reason, plan.unsatisfied.message]),
    condition('Progressing', moving.length > 0, moving.length > 0 ? ['Moving', `${moving.length} ordinal${moving.length === 1 ? '' : 's'} being moved`] : ['Idle', 'nothing is being moved']),
    condition('Blocked', held !== undefined, held === undefined ? ['NotBlocked', 'nothing holds the plan'] : [held.reason, held.message]),
  ];
}

/** Since when the set is not satisfied, in seconds since 1970, over restarts of the daemon and changes of the reason; undefined when it is. */
export function unsatisfiedSince(set: StatefulSet, before: SpreadReport | undefined, status: SpreadReportStatus): number | undefined {
  const known = before !== undefined && isReportOf(before, set) ? (before.status?.conditions ?? []) : [];
  const satisfied = keepTimes(status.conditions ?? [], known).find(({ type }) => type === 'Satisfied');
  return satisfied?.status === 'False' ? Date.parse(satisfied.lastTransitionTime ?? '') / 1000 : undefined;
}

/** Writes the report when it says something new; times of conditions that did not change stay. */
export async function writeReport(api: Api, set: StatefulSet, before: SpreadReport | undefined, status: SpreadReportStatus): Promise<void> {
  if (before !== undefined && isReportOf(before, set) && sameJson(before.status, withTimesOf(before, status))) return;
  const live = await liveReport(api, set);
  const wanted = withTimesOf(live, status);
  if (sameJson(live.status, wanted)) return;
  // Fields that are said no more must go, so each is either written or removed.
  const removed = Object.fromEntries(Object.keys(live.status ?? {}).map((key) => [key, null]));
  const ref = { namespace: set.metadata.namespace ?? '', name: set.metadata.name };
  await api.mergePatch(spreadReports, ref, { metadata: { uid: live.metadata.uid }, status: { ...removed, ...wanted } }, { subresource: 'status' });
}

async function liveReport(api: Api, set: StatefulSet): Promise<SpreadReport> {
  const found = await api.get(spreadReports, { namespace: set.metadata.namespace ?? '', name: set.metadata.name });
  if (found !== undefined && isReportOf(found, set)) return found;
  // Of a set that had the name before: the garbage collector is about to take it.
  if (found !== undefined) await removeReport(api, found);
  return api.create(spreadReports, emptyReport(set));
}

/** Whether it was made for this very set, not for one that had its name before. */
export function isReportOf(report: SpreadReport, set: StatefulSet): boolean {
  return (report.metadata.ownerReferences ?? []).some(({ uid }) => uid === set.metadata.uid);
}

/** It goes with the set: an owner reference on what is ours, nothing on the set. */
function emptyReport(set: StatefulSet): SpreadReport {
  return {
    metadata: {
      namespace: set.metadata.namespace ?? '',
      name: set.metadata.name,
      ownerReferences: [{ apiVersion: set.apiVersion ?? 'apps/v1', kind: 'StatefulSet', name: set.metadata.name, uid: set.metadata.uid ?? '' }],
    },
  };
}

export async function removeReport(api: Api, report: SpreadReport): Promise<void> {
  try {
    await api.delete(spreadReports, { namespace: report.metadata.namespace ?? '', name: report.metadata.name }, { uid: report.metadata.uid ?? '' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function withTimesOf(report: SpreadReport, status: SpreadReportStatus): SpreadReportStatus {
  return { ...status, conditions: keepTimes(status.conditions ?? [], report.status?.conditions ?? []) };
}

/** A time stays while its condition's status does. */
export function keepTimes(conditions: readonly Condition[], before: readonly Condition[]): Condition[] {
  return conditions.map((condition) => {
    const last = before.find(({ type }) => type === condition.type);
    return last?.status === condition.status && last.lastTransitionTime !== undefined ? { ...condition, lastTransitionTime: last.lastTransitionTime } : condition;
  });
}

/** Equal as JSON, whatever the order of the keys; absent and undefined are the same. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
