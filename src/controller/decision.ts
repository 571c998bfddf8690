// One look at one set: what is declared, what is, what should move, what may move now. The same look is taken at the watch caches, to see
// whether there is anything to do, and live, before it is done.

import { mutatingPolicies, mutatingWebhooks, type Namespace, type StatefulSet } from '../kubernetes/objects.ts';
import { ApiError, type Api } from '../kubernetes/api.ts';
import type { Layout } from '../layout/layout.ts';
import { courseOf, ended, inFlight, phaseOf, statusOf, type OrdinalMigration } from '../migration/record.ts';
import type { Estimates } from '../planner/estimate.ts';
import type { GuardContext } from '../planner/guards/guard.ts';
import { nextMoves, type Turn } from '../planner/next-moves.ts';
import { plan, type Plan } from '../planner/plan.ts';
import { parsePolicy, type Policy, type Rules } from '../policy/policy.ts';
import type { Problem } from '../policy/problem.ts';
import type { Clock } from '../ports/clock.ts';
import { backOffs, coolDowns, type Holding } from './back-off.ts';
import { budgetProblem, type Budgets } from './budget.ts';
import { circumstancesOf, mendedSince } from './circumstances.ts';
import { diskIdsOf, readLayout, type SetKey, type View } from './cluster.ts';
import type { HealthGate } from './health.ts';
import type { Markets } from './markets.ts';
import { estimatesOf } from './measured-moves.ts';
import { isReportOf } from './report.ts';
import type { SeenZone, SpreadReport } from './spread-report.ts';
import { closedByEvacuation, evacuatedZones, type ZoneEvacuation } from './zone-evacuation.ts';
import { zonesSeen } from './zones-seen.ts';

/** Of the configurations that the webhook registers (admission/registration.ts). */
export const WEBHOOK_NAME = 'zonespread';
/** Of the policies that do the same inside the API server (charts/zonespread/files/policies/mutating/). */
const POLICY_NAMES = ['zonespread-gate', 'zonespread-steer'];

export interface DecisionPorts {
  api: Pick<Api, 'get'>;
  /** The cluster and the cloud as they are now. */
  live: View;
  /** The watch caches: whether there is anything to do. */
  watched: View;
  clock: Clock;
  markets: Markets;
  health: HealthGate;
  budgets: Budgets;
  coolDownMs: number;
  /** `--await-autoscaler`: a zone will do where only room is wanting. */
  nodesMayCome: boolean;
}

export type Decision =
  /** Not ours to keep. */
  | { kind: 'off'; set?: StatefulSet }
  | { kind: 'invalid'; set: StatefulSet; problems: Problem[]; warnings: string[]; records: OrdinalMigration[] }
  | Decided;

export interface Decided {
  kind: 'decided';
  set: StatefulSet;
  policy: Policy;
  warnings: string[];
  layout: Layout;
  plan: Plan;
  turn: Turn;
  zonesSeen: SeenZone[];
  /** Of this very set. */
  records: OrdinalMigration[];
  /** Of all sets. */
  allRecords: readonly OrdinalMigration[];
  holdings: Holding[];
  /** Zones that are being evacuated, with who asks for it. */
  evacuated: ReadonlyMap<string, string>;
}

export async function decide(ports: DecisionPorts, view: View, look: { key: SetKey; report: SpreadReport | undefined }): Promise<Decision> {
  const { cluster } = view;
  const set = await cluster.set(look.key);
  if (set === undefined || set.metadata.deletionTimestamp !== undefined) return { kind: 'off' };
  const declared = policyOf(set, await cluster.namespace(look.key.namespace));
  if (declared.kind === 'off') return { kind: 'off', set };
  if (declared.kind === 'invalid') return { kind: 'invalid', set, problems: declared.problems, warnings: declared.warnings, records: recordsOf(await cluster.migrations(), set) };

  const { policy, warnings } = declared;
  // What was said about a set that had this name before is not about this one.
  const report = look.report !== undefined && isReportOf(look.report, set) ? look.report : undefined;
  const reading = await readLayout(view, set);
  const records = await cluster.migrations();
  const facts = await factsOf(ports, { set, policy, layout: reading.layout, records, report, evacuations: await cluster.evacuations() });
  const planned = plan({ layout: reading.layout, policy, ...facts });
  if (!view.snapshots || planned.moves.length === 0) return decided(ports, { set, policy, warnings, layout: reading.layout, planned, records, facts, report });

  // The guards of the disks that would move want to know about snapshots under way.
  const layout = await reading.withSnapshotsOf(diskIdsOf(reading.layout, candidates(planned)));
  return decided(ports, { set, policy, warnings, layout, planned: plan({ layout, policy, ...facts }), records, facts, report });
}

/** Snapshots cost a call per disk: only for those that may go next. */
function candidates(planned: Plan): number[] {
  return planned.moves.slice(0, 8).map(({ ordinal }) => ordinal);
}

export function policyOf(set: StatefulSet, namespace: Namespace | undefined) {
  return parsePolicy({ setAnnotations: set.metadata.annotations, namespaceAnnotations: namespace?.metadata.annotations, podManagementPolicy: set.spec.podManagementPolicy });
}

interface Facts {
  nowMs: number;
  zonesSeen: string[];
  unusableZones: ReadonlyMap<string, string>;
  evacuatedZones: ReadonlyMap<string, string>;
  recentMoves: ReadonlyMap<number, number>;
  inFlight: ReadonlyMap<number, string>;
  estimates: Estimates;
  nodesMayCome: boolean;
  /** Not for the planner: kept for the report. */
  seen: SeenZone[];
  holdings: Holding[];
}

async function factsOf(ports: DecisionPorts, on: { set: StatefulSet; policy: Policy; layout: Layout; records: readonly OrdinalMigration[]; report: SpreadReport | undefined; evacuations: readonly ZoneEvacuation[] }): Promise<Facts> {
  const nowMs = ports.clock.now();
  const own = recordsOf(on.records, on.set);
  const seen = on.policy.zones.kind === 'any' ? zonesSeen(on.layout, on.report?.status?.zonesSeen ?? [], nowMs) : [];
  const homes = on.policy.zones.kind === 'any' ? seen.flatMap((zone) => (zone.enteredAt === undefined ? [] : [zone.zone])) : on.policy.zones.zones;
  const closed = closedByEvacuation(on.evacuations);
  return {
    nowMs,
    seen,
    zonesSeen: homes,
    unusableZones: new Map([...(await ports.markets.unusableZones(on.layout, homes.filter((zone) => !closed.has(zone)))), ...closed]),
    evacuatedZones: evacuatedZones(on.evacuations),
    recentMoves: new Map(coolDowns(own, ports.coolDownMs, nowMs).map(({ ordinal, untilMs }) => [ordinal, untilMs])),
    inFlight: new Map(underWay(own).map((record) => [record.spec.ordinal, headedFor(record)])),
    estimates: estimatesOf(on.records, nowMs),
    nodesMayCome: ports.nodesMayCome,
    holdings: backOffs(own, nowMs, (record) => mendedSince(record, (zone) => circumstancesOf({ ...on, nodes: on.layout.nodes }, zone))),
  };
}

/** Not ended; of two for one ordinal the one that takes the other back comes last. */
function underWay(own: readonly OrdinalMigration[]): OrdinalMigration[] {
  return own.filter((record) => !ended(record)).toSorted((a, b) => Number(a.spec.reason === 'Reverse') - Number(b.spec.reason === 'Reverse'));
}

/** A move by hand may wait for ever: until it begins it holds up its own ordinal alone, which the plan leaves to it. */
function takesTurn(record: OrdinalMigration): boolean {
  return !ended(record) && (phaseOf(record) !== 'Pending' || record.spec.planDigest !== undefined);
}

/** Where the ordinal will be when the move under way is over. */
function headedFor(record: OrdinalMigration): string {
  const { resumeAt, claims: [first] = [] } = statusOf(record);
  const goesBack = courseOf(record) !== 'Forward' && resumeAt === undefined;
  return goesBack && first !== undefined ? first.source.zone : record.spec.targetZone;
}

async function decided(
  ports: DecisionPorts,
  on: { set: StatefulSet; policy: Policy; warnings: string[]; layout: Layout; planned: Plan; records: readonly OrdinalMigration[]; facts: Facts; report: SpreadReport | undefined },
): Promise<Decision> {
  const own = recordsOf(on.records, on.set);
  const { approved } = on.report?.status ?? {};
  const context = await guardContext(ports, { records: on.records, own, rules: on.policy, facts: on.facts, moving: on.planned.moves.length > 0 });
  const turn = nextMoves({ plan: on.planned, layout: on.layout, policy: on.policy, nowMs: on.facts.nowMs, context, ...(approved === undefined ? {} : { approved }) });
  return { kind: 'decided', set: on.set, policy: on.policy, warnings: on.warnings, layout: on.layout, plan: on.planned, turn, zonesSeen: on.facts.seen, records: own, holdings: on.facts.holdings, allRecords: on.records, evacuated: on.facts.evacuatedZones };
}

export async function guardContext(
  ports: DecisionPorts,
  on: { records: readonly OrdinalMigration[]; own: readonly OrdinalMigration[]; rules: Rules; facts?: Facts; unusableZones?: ReadonlyMap<string, string>; moving: boolean },
): Promise<GuardContext> {
  const { facts, unusableZones = facts?.unusableZones } = on;
  const unhealthy = on.moving ? await ports.health.problem(on.rules) : undefined;
  return {
    inFlight: on.own.filter((record) => takesTurn(record)).map((record) => ({ ordinal: record.spec.ordinal, frozen: phaseOf(record) === 'Frozen' })),
    budget: budgetProblem(ports.budgets, on.records, ports.clock.now()),
    estimates: facts?.estimates ?? estimatesOf(on.records, ports.clock.now()),
    nodesMayCome: ports.nodesMayCome,
    webhook: on.moving ? await steererRegistered(ports.api) : { ready: true, message: '' },
    ...(unusableZones === undefined ? {} : { unusableZones }),
    ...(unhealthy === undefined ? {} : { unhealthy }),
    ...(facts === undefined ? {} : { recentMoves: facts.recentMoves, backOffs: new Map(facts.holdings.map(({ ordinal, message }) => [ordinal, message])) }),
  };
}

/** Whether anything is registered that gates pods and steers claims; whether it does so shows in the rehearsal of every move. */
async function steererRegistered(api: DecisionPorts['api']): Promise<{ ready: boolean; message: string }> {
  const registered = await api.get(mutatingWebhooks, { name: WEBHOOK_NAME });
  if (registered !== undefined || (await policiesThere(api))) return { ready: true, message: '' };
  return { ready: false, message: `there is no MutatingWebhookConfiguration ${WEBHOOK_NAME}: start zonespread webhook, which registers itself` };
}

/** An API server that has no such kind has no such policy; neither has a daemon whose roles do not know of them. */
export async function policiesThere(api: Pick<Api, 'get'>): Promise<boolean> {
  try {
    const found = await Promise.all(POLICY_NAMES.map((name) => api.get(mutatingPolicies, { name })));
    return found.every((policy) => policy !== undefined);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return false;
    throw error;
  }
}

/**
 * The records of this very set; its UID tells it from one that had its name before. Of that one only what is still in flight counts: it
 * works on the same claims.
 */
export function recordsOf(records: readonly OrdinalMigration[], set: StatefulSet): OrdinalMigration[] {
  return records.filter(
    (record) =>
      record.metadata.namespace === set.metadata.namespace &&
      record.spec.statefulSetRef.name === set.metadata.name &&
      (inFlight(record) || (record.status?.statefulSetUID ?? record.spec.statefulSetRef.uid ?? set.metadata.uid) === set.metadata.uid),
  );
}
