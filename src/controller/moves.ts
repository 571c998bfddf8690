// The daemon's work on one migration: begin it when the guards allow, visit it while it is in flight, retire it when it has ended.

import type { Api } from '../kubernetes/api.ts';
import { kruiseStatefulSets, statefulSets, type StatefulSet } from '../kubernetes/objects.ts';
import { begin, notePending } from '../migration/begin.ts';
import { endMigration } from '../migration/ending.ts';
import { ended, nameOf, ordinalMigrations, phaseOf, type MigrationTerms, type OrdinalMigration } from '../migration/record.ts';
import { retire } from '../migration/retirement.ts';
import { contextFor, visit, type Visit } from '../migration/runner.ts';
import type { MigrationPorts } from '../migration/step.ts';
import { checkGuards } from '../planner/guards/index.ts';
import type { Blocked } from '../planner/reasons.ts';
import { parseDuration } from '../policy/duration.ts';
import { parseRules, parseTerms, termsOf, defaultPolicy, type Rules } from '../policy/policy.ts';
import { diskIdsOf, liveCluster, readLayout } from './cluster.ts';
import { guardContext, recordsOf, type DecisionPorts } from './decision.ts';

/** How often a Pending record is looked at when nothing wakes it. */
const PENDING_EVERY_MS = 10_000;

export interface Moves {
  /** One look at one record, whatever its phase. Undefined: it needs no more looks. */
  work(ref: { namespace: string; name: string }): Promise<{ afterMs: number } | undefined>;
}

export function createMoves(ports: MigrationPorts, deciding: DecisionPorts): Moves {
  const faults = new Map<string, number>();
  return {
    async work(ref) {
      const record = await ports.api.get(ordinalMigrations, ref);
      if (record === undefined) return undefined;
      if (ended(record)) return next(await retire(ports, ref));
      if (phaseOf(record) !== 'Pending') return next(await visit(ports, ref, faults)) ?? { afterMs: 0 };
      return (await beginWhenAllowed(ports, deciding, record)) === 'waiting' ? { afterMs: PENDING_EVERY_MS } : { afterMs: 0 };
    },
  };
}

function next(result: Visit): { afterMs: number } | undefined {
  return result.kind === 'again' ? { afterMs: result.afterMs } : undefined;
}

/** A move that takes another one back is exempt from guards, cool-down and windows: the ordinal is down already. */
async function beginWhenAllowed(ports: MigrationPorts, deciding: DecisionPorts, record: OrdinalMigration): Promise<'begun' | 'waiting' | 'ended'> {
  const set = await setOf(ports.api, record);
  const context = contextFor(ports, record);
  const request = record.metadata.annotations?.['zonespread.io/request'];
  if (request === 'abort') {
    await endMigration(context, { phase: 'Failed', reason: 'Aborted', message: 'a person aborted it before it began' });
    return 'ended';
  }
  if (set === undefined || record.spec.reason === 'Reverse') return begin(ports, record, termsFor(record, set, undefined));

  const namespace = await liveCluster(ports.api).namespace(record.metadata.namespace ?? '');
  const source = { setAnnotations: set.metadata.annotations, namespaceAnnotations: namespace?.metadata.annotations, podManagementPolicy: set.spec.podManagementPolicy };
  const read = parseRules(source);
  if (read.kind === 'invalid') {
    await notePending(context, 'InvalidPolicy', read.problems.map(({ message }) => message).join(' '));
    return 'waiting';
  }
  const held = await holds(ports, deciding, { record, set, rules: read.rules });
  if (held === undefined) return begin(ports, record, termsFor(record, set, read.rules));
  return waitOrDrop(ports, record, held);
}

/** A move by hand waits for as long as it takes; one of a plan is given up, since the next plan may want another. */
async function waitOrDrop(ports: MigrationPorts, record: OrdinalMigration, held: Blocked): Promise<'waiting' | 'ended'> {
  const context = contextFor(ports, record);
  const ageMs = ports.clock.now() - Date.parse(record.metadata.creationTimestamp ?? '');
  if (record.spec.planDigest !== undefined && ageMs > ports.stepTimeoutMs) {
    await endMigration(context, { phase: 'Failed', reason: held.reason, message: held.message });
    return 'ended';
  }
  await notePending(context, held.reason, held.message);
  return 'waiting';
}

async function holds(ports: MigrationPorts, deciding: DecisionPorts, on: { record: OrdinalMigration; set: StatefulSet; rules: Rules }): Promise<Blocked | undefined> {
  const cluster = liveCluster(ports.api);
  const { ordinal, targetZone } = on.record.spec;
  const first = await readLayout(cluster, ports.disks, on.set);
  const layout = await readLayout(cluster, ports.disks, on.set, diskIdsOf(first, [ordinal]));
  const others = (await cluster.migrations()).filter((other) => other.metadata.uid !== on.record.metadata.uid);
  const own = recordsOf(others, on.set);
  const earlier = own.find((other) => !ended(other) && other.spec.ordinal === ordinal && isBefore(other, on.record));
  if (earlier !== undefined) return { reason: 'AlreadyInFlight', ordinal, message: `${nameOf(earlier)} is for the same ordinal and came first; this one waits until it has ended` };
  // Those that have not begun hold nobody up but later ones of their own ordinal.
  const begun = own.filter((other) => phaseOf(other) !== 'Pending');
  const context = await guardContext(deciding, { records: others.filter((other) => phaseOf(other) !== 'Pending'), own: begun, moving: true });
  return checkGuards({ layout, rules: on.rules, ordinal, targetZone, nowMs: ports.clock.now(), context })[0];
}

function isBefore(other: OrdinalMigration, record: OrdinalMigration): boolean {
  if (phaseOf(other) !== 'Pending') return true;
  const [a, b] = [other.metadata.creationTimestamp ?? '', record.metadata.creationTimestamp ?? ''];
  return a === b ? other.metadata.name < record.metadata.name : a < b;
}

async function setOf(api: Api, record: OrdinalMigration): Promise<StatefulSet | undefined> {
  const { apiVersion, name } = record.spec.statefulSetRef;
  return api.get(apiVersion.startsWith('apps.kruise.io/') ? kruiseStatefulSets : statefulSets, { namespace: record.metadata.namespace ?? '', name });
}

/** What the record says, else the set's policy, else the defaults. */
export function termsFor(record: OrdinalMigration, set: StatefulSet | undefined, rules: Rules | undefined): MigrationTerms {
  const declared = rules === undefined ? declaredTerms(set) : termsOf(rules);
  const { spec } = record;
  const sourceRetentionMs = retention(spec.sourceRetention) ?? declared.sourceRetentionMs;
  return {
    readyTimeoutMs: milliseconds(spec.readyTimeout) ?? declared.readyTimeoutMs,
    healthDurationMs: milliseconds(spec.healthDuration) ?? declared.healthDurationMs,
    onUnready: spec.onUnready ?? declared.onUnready,
    snapshotRetentionMs: retention(spec.snapshotRetention) ?? declared.snapshotRetentionMs,
    ...(sourceRetentionMs === undefined ? {} : { sourceRetentionMs }),
  };
}

function declaredTerms(set: StatefulSet | undefined) {
  const read = parseTerms({ setAnnotations: set?.metadata.annotations });
  return read.kind === 'terms' ? read.terms : termsOf(defaultPolicy);
}

function milliseconds(text: string | undefined): number | undefined {
  const read = text === undefined ? undefined : parseDuration(text);
  return read?.ok === true ? read.ms : undefined;
}

function retention(text: string | undefined): number | 'forever' | undefined {
  return text === 'forever' ? 'forever' : milliseconds(text);
}
