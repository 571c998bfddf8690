// The daemon's work on one migration: begin it when the guards allow, visit it while it is in flight, retire it when it has ended.

import type { Api } from '../kubernetes/api.ts';
import { statefulSetsOf, type StatefulSet } from '../kubernetes/objects.ts';
import { nameOf } from '../kubernetes/reading.ts';
import { begin, waitOrGiveUp } from '../migration/begin.ts';
import { endMigration } from '../migration/ending.ts';
import { ended, ordinalMigrations, phaseOf, type MigrationTerms, type OrdinalMigration } from '../migration/record.ts';
import { handleRequest } from '../migration/requests.ts';
import { retire } from '../migration/retirement.ts';
import { contextFor, visitRead, type Visit } from '../migration/runner.ts';
import type { MigrationPorts, StepContext } from '../migration/step.ts';
import { checkGuards } from '../planner/guards/index.ts';
import { parseDuration } from '../policy/duration.ts';
import { defaultPolicy, parsePolicy, parseRules, parseTerms, termsOf, type PolicySource, type Rules, type Terms } from '../policy/policy.ts';
import { diskIdsOf, readLayout, type View } from './cluster.ts';
import { guardContext, recordsOf, type DecisionPorts } from './decision.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { closedByEvacuation } from './zone-evacuation.ts';

/** How often a Pending record is looked at when nothing wakes it. */
const PENDING_EVERY_MS = 10_000;
/** Retentions last months, timers 24.8 days: whatever is due later is looked at once a day. */
const LONGEST_WAIT_MS = 86_400_000;

export interface Moves {
  /** One look at one record, whatever its phase. Undefined: it needs no more looks. */
  work(ref: { namespace: string; name: string }): Promise<{ afterMs: number } | undefined>;
}

export function createMoves(ports: MigrationPorts, deciding: DecisionPorts): Moves {
  const faults = new Map<string, number>();
  const beginning: Beginning = { ports, deciding, alone: oneAtATime() };
  return {
    async work(ref) {
      const record = await ports.api.get(ordinalMigrations, ref);
      if (record === undefined) return undefined;
      if (ended(record)) return next(await retire(ports, ref));
      if (phaseOf(record) !== 'Pending') return next(await visitRead(ports, record, faults)) ?? { afterMs: 0 };
      return (await beginWhenAllowed(beginning, contextFor(ports, record))) === 'waiting' ? { afterMs: PENDING_EVERY_MS } : { afterMs: 0 };
    },
  };
}

function next(result: Visit): { afterMs: number } | undefined {
  return result.kind === 'again' ? { afterMs: Math.min(result.afterMs, LONGEST_WAIT_MS) } : undefined;
}

interface Beginning {
  ports: MigrationPorts;
  deciding: DecisionPorts;
  /** Two that begin at once would not see each other. */
  alone: <T>(act: () => Promise<T>) => Promise<T>;
}

type Outcome = 'begun' | 'waiting' | 'ended';

async function beginWhenAllowed(beginning: Beginning, context: StepContext): Promise<Outcome> {
  if (context.record.metadata.deletionTimestamp !== undefined) {
    await endMigration(context, { phase: 'Failed', reason: 'Aborted', message: 'its record was deleted before it began' });
    return 'ended';
  }
  await handleRequest(context);
  if (ended(context.record)) return 'ended';
  // One that waits, perhaps for weeks, must not read the whole cluster every ten seconds: that is for when it may go.
  const held = await heldAtAGlance(beginning.deciding, context.record);
  if (held !== undefined) return waitOrGiveUp(context, held);
  const judged = async (): Promise<Outcome> => {
    const verdict = await judge(beginning, context.record);
    return verdict.kind === 'held' ? waitOrGiveUp(context, verdict) : begin(beginning.ports, context.record, verdict.terms);
  };
  return takesBack(context.record) ? judged() : beginning.alone(judged);
}

type Verdict = { kind: 'free'; terms: MigrationTerms } | Held;

interface Held {
  kind: 'held';
  reason: string;
  message: string;
}

/** What holds it by the watch caches; that nothing does is for the live look to say. (One of a plan is also given up by them: the next plan looks anew.) */
async function heldAtAGlance(deciding: DecisionPorts, record: OrdinalMigration): Promise<Held | undefined> {
  const { apiVersion, name } = record.spec.statefulSetRef;
  const set = await deciding.watched.cluster.set({ namespace: record.metadata.namespace ?? '', name });
  if (set?.apiVersion !== apiVersion) return undefined;
  const verdict = await verdictOn(deciding, deciding.watched, { record, set });
  return verdict.kind === 'held' ? verdict : undefined;
}

async function judge({ ports, deciding }: Beginning, record: OrdinalMigration): Promise<Verdict> {
  const set = await setOf(ports.api, record);
  // Without its set the record ends by itself.
  return set === undefined ? { kind: 'free', terms: termsFor(record, termsOf(defaultPolicy)) } : verdictOn(deciding, deciding.live, { record, set });
}

/** A move that takes another one back is exempt from guards, cool-down and windows: the ordinal is down already. */
async function verdictOn(deciding: DecisionPorts, view: View, { record, set }: { record: OrdinalMigration; set: StatefulSet }): Promise<Verdict> {
  const namespace = await view.cluster.namespace(record.metadata.namespace ?? '');
  const source = { setAnnotations: set.metadata.annotations, namespaceAnnotations: namespace?.metadata.annotations, podManagementPolicy: set.spec.podManagementPolicy };
  if (takesBack(record)) return { kind: 'free', terms: termsFor(record, declaredTerms(source)) };
  const read = parseRules(source);
  if (read.kind === 'invalid') return { kind: 'held', reason: 'InvalidPolicy', message: read.problems.map(({ message }) => message).join(' ') };
  return notWanted(record, source) ?? (await holds(deciding, view, { record, set, rules: read.rules })) ?? { kind: 'free', terms: termsFor(record, termsOf(read.rules)) };
}

/** Only the daemon makes such a record, and it names the move. */
function takesBack({ spec }: OrdinalMigration): boolean {
  return spec.reason === 'Reverse' && spec.reverses !== undefined;
}

/** What the daemon planned starts only while the set still asks for it; a move by hand needs no policy. */
function notWanted(record: OrdinalMigration, source: PolicySource): Held | undefined {
  if (record.spec.planDigest === undefined) return undefined;
  const declared = parsePolicy(source);
  const off = declared.kind === 'off' || (declared.kind === 'policy' && declared.policy.mode === 'disabled');
  return off ? { kind: 'held', reason: 'Disabled', message: 'it was planned, and the set has been switched off since (zonespread.io/zones removed, or zonespread.io/mode "disabled")' } : undefined;
}

async function holds(deciding: DecisionPorts, view: View, on: { record: OrdinalMigration; set: StatefulSet; rules: Rules }): Promise<Held | undefined> {
  const { markets, clock } = deciding;
  const { ordinal, targetZone } = on.record.spec;
  const reading = await readLayout(view, on.set);
  const layout = view.snapshots ? await reading.withSnapshotsOf(diskIdsOf(reading.layout, [ordinal])) : reading.layout;
  const others = (await view.cluster.migrations()).filter((other) => other.metadata.uid !== on.record.metadata.uid);
  const own = recordsOf(others, on.set);
  const earlier = own.find((other) => !ended(other) && other.spec.ordinal === ordinal && isBefore(other, on.record));
  if (earlier !== undefined) return { kind: 'held', reason: 'AlreadyInFlight', message: `${nameOf(earlier)} is for the same ordinal and came first; this one waits until it has ended` };
  // Those that have not begun hold nobody up but later ones of their own ordinal.
  const begun = own.filter((other) => phaseOf(other) !== 'Pending');
  const closed = closedByEvacuation(await view.cluster.evacuations());
  const unusableZones = closed.has(targetZone) ? closed : await markets.unusableZones(layout, [targetZone]);
  const context = await guardContext(deciding, { records: others.filter((other) => phaseOf(other) !== 'Pending'), own: begun, rules: on.rules, unusableZones, moving: true });
  const [first] = checkGuards({ layout, rules: on.rules, ordinal, targetZone, nowMs: clock.now(), context });
  return first === undefined ? undefined : { kind: 'held', reason: first.reason, message: first.message };
}

function isBefore(other: OrdinalMigration, record: OrdinalMigration): boolean {
  if (phaseOf(other) !== 'Pending') return true;
  const [a, b] = [other.metadata.creationTimestamp ?? '', record.metadata.creationTimestamp ?? ''];
  return a === b ? other.metadata.name < record.metadata.name : a < b;
}

async function setOf(api: Api, record: OrdinalMigration): Promise<StatefulSet | undefined> {
  const { apiVersion, name } = record.spec.statefulSetRef;
  return api.get(statefulSetsOf(apiVersion), { namespace: record.metadata.namespace ?? '', name });
}

/** What the record says, else what the set and its namespace declare, else the defaults. */
export function termsFor({ spec }: OrdinalMigration, declared: Terms): MigrationTerms {
  const sourceRetentionMs = plannedRetention(spec.sourceRetention) ?? declared.sourceRetentionMs;
  return {
    readyTimeoutMs: milliseconds(spec.readyTimeout) ?? declared.readyTimeoutMs,
    healthDurationMs: milliseconds(spec.healthDuration) ?? declared.healthDurationMs,
    onUnready: spec.onUnready ?? declared.onUnready,
    snapshotRetentionMs: plannedRetention(spec.snapshotRetention) ?? declared.snapshotRetentionMs,
    ...(sourceRetentionMs === undefined ? {} : { sourceRetentionMs }),
  };
}

/** A wrong value does not stand in the way of a move back. */
function declaredTerms(source: PolicySource): Terms {
  const read = parseTerms(source);
  return read.kind === 'terms' ? read.terms : termsOf(defaultPolicy);
}

function milliseconds(text: string | undefined): number | undefined {
  const read = text === undefined ? undefined : parseDuration(text);
  return read?.ok === true ? read.ms : undefined;
}

/** As a record's spec has it; undefined where it says nothing, or nothing that is a duration. */
export function plannedRetention(text: string | undefined): number | 'forever' | undefined {
  return text === 'forever' ? 'forever' : milliseconds(text);
}
