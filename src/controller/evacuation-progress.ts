// How far a zone's evacuation is, over all annotated sets: what of each set is still in the zone is noted at every look at the set, and
// said on the ZoneEvacuation. Until every set has been looked at since the daemon began, nothing is said.

import type { Api } from '../kubernetes/api.ts';
import type { Condition } from '../kubernetes/objects.ts';
import { isConflict, isNotFound } from '../kubernetes/refusals.ts';
import { zonalVolumes, type OrdinalFacts } from '../layout/layout.ts';
import { ended, phaseOf, type OrdinalMigration } from '../migration/record.ts';
import { isBlockReason, type Blocked } from '../planner/reasons.ts';
import { timestamp, type Clock } from '../ports/clock.ts';
import { nameOfSet, type SetKey } from './cluster.ts';
import type { Decided, Decision } from './decision.ts';
import { groupBlocked, keepTimes, sameJson } from './report.ts';
import { standstillsOf } from './standstill.ts';
import { zoneEvacuations, type ZoneEvacuation, type ZoneEvacuationStatus } from './zone-evacuation.ts';

/** The schema takes no more. */
const MAX_BLOCKED = 100;

export interface EvacuationsOptions {
  api: Api;
  clock: Clock;
  evacuation: (name: string) => ZoneEvacuation | undefined;
  /** Of the sets that declare a policy, right or wrong: those that have to be looked at. */
  annotated: () => SetKey[];
  migrations: () => readonly OrdinalMigration[];
}

export interface Evacuations {
  /** What a look at a set has shown. */
  note(key: SetKey, decision: Decision): void;
  /** Says on one ZoneEvacuation how far it is. */
  work(name: string): Promise<void>;
}

/** Of one set in one zone. */
interface Left {
  disks: number;
  /** Disks of ordinals that are held. */
  blockedDisks: number;
  /** Of what is about the whole set each ordinal has its own. */
  holds: Blocked[];
}

/** By zone; a set whose policy is wrong may have disks in any zone. */
type Tally = { kind: 'known'; zones: ReadonlyMap<string, Left> } | { kind: 'invalid'; message: string };

export function createEvacuations({ api, clock, evacuation, annotated, migrations }: EvacuationsOptions): Evacuations {
  const tallies = new Map<string, Tally>();
  return {
    note(key, decision) {
      if (decision.kind === 'off') tallies.delete(nameOfSet(key));
      else tallies.set(nameOfSet(key), decision.kind === 'invalid' ? { kind: 'invalid', message: decision.problems.map(({ message }) => message).join(' ') } : { kind: 'known', zones: tallyOf(decision) });
    },
    async work(name) {
      const found = evacuation(name);
      const sets = annotated();
      if (found === undefined || sets.some((key) => !tallies.has(nameOfSet(key)))) return;
      const seen = sets.flatMap((key) => ({ key, tally: tallies.get(nameOfSet(key)) as Tally }));
      await write(api, found, statusOf(found, { seen, migrations: migrations(), now: timestamp(clock) }));
    },
  };
}

function tallyOf(decided: Decided): Map<string, Left> {
  const { layout, turn } = decided;
  const zones = new Map<string, Left>();
  const standstills = standstillsOf(decided);
  const starting = new Set([...turn.start, ...turn.waiting].map(({ ordinal }) => ordinal));
  for (const ordinal of layout.ordinals) {
    const hold = standstills.get(ordinal.ordinal) ?? (starting.has(ordinal.ordinal) ? undefined : holdOf(ordinal, decided));
    for (const [zone, volumes] of Map.groupBy(zonalVolumes(ordinal), (volume) => volume.zone ?? '')) {
      const left = zones.get(zone) ?? { disks: 0, blockedDisks: 0, holds: [] };
      zones.set(zone, left);
      left.disks += volumes.length;
      if (hold === undefined) continue;
      left.blockedDisks += volumes.length;
      left.holds.push(hold);
    }
  }
  return zones;
}

/** What keeps the ordinal where it is: a hold of its own, one of the whole set, or that the plan found no place for it. */
function holdOf({ ordinal }: OrdinalFacts, { plan, turn }: Pick<Decided, 'plan' | 'turn'>): Blocked | undefined {
  const staying = plan.staying.find((stays) => stays.ordinal === ordinal);
  if (staying?.reason === 'InFlight') return undefined;
  const held = turn.blocked.find((blocked) => blocked.ordinal === ordinal) ?? turn.blocked.find((blocked) => blocked.ordinal === undefined);
  if (held !== undefined) return { ...held, ordinal };
  return staying !== undefined && isBlockReason(staying.reason) ? { ordinal, reason: staying.reason, message: staying.message } : undefined;
}

interface Seen {
  seen: { key: SetKey; tally: Tally }[];
  migrations: readonly OrdinalMigration[];
  now: string;
}

function statusOf(evacuation: ZoneEvacuation, { seen, migrations, now }: Seen): ZoneEvacuationStatus {
  const { zone } = evacuation.spec;
  const left = seen.flatMap(({ key, tally }) => (tally.kind === 'known' ? [{ key, ...(tally.zones.get(zone) ?? { disks: 0, blockedDisks: 0, holds: [] }) }] : []));
  const disksLeft = left.reduce((sum, { disks }) => sum + disks, 0);
  const disksBlocked = left.reduce((sum, { blockedDisks }) => sum + blockedDisks, 0);
  const blocked = [...seen.flatMap(({ key, tally }) => (tally.kind === 'invalid' ? [{ ...nameParts(key), ordinals: '', reason: 'InvalidPolicy', message: tally.message }] : [])), ...left.flatMap(({ key, holds }) => groupBlocked(holds).map((block) => ({ ...nameParts(key), ...block })))];
  return {
    observedGeneration: evacuation.metadata.generation ?? 0,
    disksLeft,
    // Records go after a while: what has been counted stays counted.
    disksMoved: Math.max(evacuation.status?.disksMoved ?? 0, movedOut(evacuation, migrations)),
    disksBlocked,
    blocked: blocked.slice(0, MAX_BLOCKED),
    conditions: conditionsOf({ zone, disksLeft, disksBlocked, firstBlocked: blocked[0] }, now),
  };
}

function nameParts({ namespace, name }: SetKey): { namespace: string; statefulSet: string } {
  return { namespace, statefulSet: name };
}

/** Disks that moves since the evacuation began have taken out of the zone. */
function movedOut({ metadata, spec }: ZoneEvacuation, migrations: readonly OrdinalMigration[]): number {
  const began = Date.parse(metadata.creationTimestamp ?? '');
  // The creation is said in whole seconds: what ended within that second was under way before.
  const since = migrations.filter((record) => ended(record) && phaseOf(record) === 'Succeeded' && Date.parse(record.status?.finishedAt ?? '') >= began + 1_000);
  return since.flatMap(({ status }) => status?.claims ?? []).filter(({ source }) => source.zone === spec.zone).length;
}

function conditionsOf(state: { zone: string; disksLeft: number; disksBlocked: number; firstBlocked: { reason: string; message: string } | undefined }, now: string): Condition[] {
  const { zone, disksLeft, disksBlocked, firstBlocked } = state;
  const condition = (type: string, status: boolean, reason: string, message: string): Condition => ({ type, status: status ? 'True' : 'False', reason, message, lastTransitionTime: now });
  const remaining = `${disksLeft} disk${disksLeft === 1 ? '' : 's'} of annotated sets left in zone ${zone}`;
  if (disksLeft === 0 && firstBlocked === undefined) {
    return [condition('Complete', true, 'ZoneEmpty', `no disk of an annotated set is left in zone ${zone}`), condition('Progressing', false, 'ZoneEmpty', 'nothing is left to move')];
  }
  if (disksLeft > disksBlocked) return [condition('Complete', false, 'DisksLeft', remaining), condition('Progressing', true, 'Moving', `${remaining}, ${disksBlocked} of them held`)];
  const why = firstBlocked === undefined ? remaining : `${firstBlocked.reason}: ${firstBlocked.message}`;
  return [condition('Complete', false, 'DisksLeft', remaining), condition('Progressing', false, firstBlocked?.reason ?? 'DisksLeft', why)];
}

async function write(api: Api, evacuation: ZoneEvacuation, wanted: ZoneEvacuationStatus): Promise<void> {
  const { metadata, status = {} } = evacuation;
  const next = { ...wanted, conditions: keepTimes(wanted.conditions ?? [], status.conditions ?? []) };
  if (sameJson(status, next)) return;
  try {
    await api.mergePatch(zoneEvacuations, { name: metadata.name }, { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion }, status: next }, { subresource: 'status' });
  } catch (error) {
    // It is gone, or the cache is behind: the change wakes this again.
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
