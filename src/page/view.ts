// What each page shows, as a value, made purely from what the replica sees.

import type { Role, Sight } from '../controller/outlook.ts';
import type { ReportedBlock, ReportedMove, ReportedPlan, RetainedVolume, SpreadReportStatus } from '../controller/spread-report.ts';
import type { ZoneEvacuation } from '../controller/zone-evacuation.ts';
import type { Condition } from '../kubernetes/objects.ts';
import { ended, statusOf, type OrdinalMigration } from '../migration/record.ts';
import { several, span } from '../standing/amounts.ts';
import { leftMsOf, measuredBy, type Measured } from '../standing/moves.ts';
import { standingsOf, type SetStanding } from '../standing/sets.ts';
import { addressOf, type Place } from './addresses.ts';
import { BLOCKS, cut, ENDED_MOVES, MOVES_ON_A_PAGE, NAMESPACES_TO_CHOOSE, ORDINALS_IN_A_MAP, RETAINED, SETS_ON_A_PAGE, some, type Some } from './limits.ts';
import { endedMove, moveUnderWay, type EndedMove, type MoveUnderWay } from './move.ts';
import { inShort, isOpen, toneOfSet, zoneInShort, type SetInShort, type ZoneInShort } from './set-in-short.ts';

export interface Scene {
  sight: Sight;
  role: Role;
  complete: boolean;
  silentMs: number | undefined;
  nowMs: number;
}

/** What is said above everything on every page. */
export interface Remarks {
  /** Why what is shown may not be all, or no longer be so; empty when it is. */
  cautions: string[];
  /** Of a replica that does not lead. */
  note: string | undefined;
}

export function remarksOn({ role, complete, silentMs }: Scene): Remarks {
  return {
    cautions: [
      ...(complete ? [] : ['This replica is still reading the cluster: what is below is not all.']),
      ...(silentMs !== undefined && silentMs > LONGEST_SILENCE_MS ? [`The API server has said nothing for ${span(silentMs)}: what you see may be old.`] : []),
    ],
    note: role === 'waiting' ? 'This replica waits for the lease; another one leads and writes what you see. Sets without a report show on the leader only.' : undefined,
  };
}

/** A healthy watch says something at least every 50 s. */
const LONGEST_SILENCE_MS = 90_000;

export interface AllView {
  place: Extract<Place, { kind: 'all' }>;
  remarks: Remarks;
  /** Of all that the filter lets through. */
  counts: { sets: number; asDeclared: number; moving: number; attention: number };
  namespaces: string[];
  evacuations: { name: string; zone: string; words: string }[];
  underWay: Some<MoveUnderWay>;
  sets: readonly SetInShort[];
  /** Of the next page. */
  next: string | undefined;
  /** For those who listen: changes when something of note does. */
  says: string;
}

export function allView(place: AllView['place'], scene: Scene): AllView {
  const all = standingsOf(scene.sight);
  const here = all.filter(({ namespace }) => place.namespace === '' || namespace === place.namespace);
  const counts = countsOf(here);
  const shown = here.filter((standing) => (!place.open || isOpen(toneOfSet(standing))) && keyOf(standing) > place.after);
  const sets = shown.slice(0, SETS_ON_A_PAGE).map((standing) => inShort(standing));
  const last = sets.at(-1);
  return {
    place,
    remarks: remarksOn(scene),
    counts,
    namespaces: [...new Set(all.map(({ namespace }) => namespace))].slice(0, NAMESPACES_TO_CHOOSE),
    evacuations: scene.sight.evacuations.map((one) => evacuationView(one)),
    underWay: movesOf(here, measuredBy(scene.sight.records, scene.nowMs)),
    sets,
    next: last === undefined || shown.length <= sets.length ? undefined : addressOf({ ...place, after: keyOf(last) }),
    says: `${several(counts.sets, 'set')}: ${counts.asDeclared} as declared, ${counts.moving} moving, ${counts.attention} to look at.`,
  };
}

/** As standingsOf orders them. */
function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}

function countsOf(standings: readonly SetStanding[]): AllView['counts'] {
  const tones = standings.map((standing) => toneOfSet(standing));
  return {
    sets: standings.length,
    asDeclared: tones.filter((tone) => tone === 'good').length,
    moving: standings.filter(({ underWay }) => underWay.length > 0).length,
    attention: tones.filter((tone) => tone === 'bad').length,
  };
}

function movesOf(standings: readonly SetStanding[], measured: Measured): Some<MoveUnderWay> {
  const { first, more } = some(standings.flatMap(({ underWay }) => underWay), MOVES_ON_A_PAGE);
  return { first: first.map((record) => moveUnderWay(record, measured)), more };
}

function evacuationView({ metadata, spec, status = {} }: ZoneEvacuation): AllView['evacuations'][number] {
  const { disksLeft, disksMoved = 0, disksBlocked = 0 } = status;
  const progress = disksLeft === undefined ? 'nothing is known of it yet' : `${several(disksLeft, 'disk')} left, ${disksMoved} moved, ${disksBlocked} blocked`;
  return { name: metadata.name, zone: spec.zone, words: `${progress}${spec.reason === undefined ? '' : ` (${cut(spec.reason)})`}` };
}

export interface SetView {
  short: SetInShort;
  remarks: Remarks;
  /** `about 6 min to go`, or empty. */
  toGo: string;
  map: ZoneMap | undefined;
  underWay: Some<MoveUnderWay>;
  blocked: Some<ReportedBlock>;
  plan: ReportedPlan | undefined;
  /** Digest of the list that was approved, whole. */
  approved: string | undefined;
  history: Some<EndedMove>;
  retained: Some<RetainedVolume>;
  conditions: readonly Condition[];
  says: string;
}

/** Zone by ordinal where that fits, else the zones with their ranges only. */
export interface ZoneMap {
  zones: ZoneInShort[];
  /** Empty: they are too many for columns. */
  ordinals: number[];
}

/** Undefined: nothing is known of such a set. */
export function setView({ namespace, name }: Extract<Place, { kind: 'set' }>, scene: Scene): SetView | undefined {
  const { reports, records, sets, namespaces } = scene.sight;
  const seen = { reports: ofNamespace(reports, namespace), records: ofNamespace(records, namespace), sets: ofNamespace(sets, namespace), namespaces };
  const history = seen.records.filter((record) => record.spec.statefulSetRef.name === name && ended(record)).toSorted(byEnd);
  const standing = standingsOf(seen).find((one) => one.name === name);
  if (standing === undefined && history.length === 0) return undefined;
  const known = standing ?? { namespace, name, report: undefined, declares: false, underWay: [] };
  const short = inShort(known);
  const measured = measuredBy(scene.sight.records, scene.nowMs);
  return {
    short,
    remarks: remarksOn(scene),
    toGo: toGoWords(known, measured),
    underWay: movesOf([known], measured),
    history: some(history.map((record) => endedMove(record)), ENDED_MOVES),
    ...reportView(known.report?.status),
    says: `${name}: ${short.state}`,
  };
}

function reportView(status: SpreadReportStatus = {}): Pick<SetView, 'map' | 'blocked' | 'plan' | 'approved' | 'retained' | 'conditions'> {
  const { plan, approved, blocked = [], retained = [], conditions = [] } = status;
  return {
    map: mapOf(status),
    blocked: some(blocked.map((one) => ({ ...one, message: cut(one.message) })), BLOCKS),
    plan: plan === undefined ? undefined : { ...plan, moves: plan.moves.map((move) => sentenced(move)) },
    approved: approved?.digest,
    retained: some(retained, RETAINED),
    conditions: conditions.map((condition) => ({ ...condition, message: cut(condition.message ?? '') })),
  };
}

function ofNamespace<T extends { metadata: { namespace?: string } }>(objects: readonly T[], namespace: string): T[] {
  return objects.filter(({ metadata }) => metadata.namespace === namespace);
}

/** The newest first. */
function byEnd(a: OrdinalMigration, b: OrdinalMigration): number {
  return (statusOf(a).finishedAt ?? '') < (statusOf(b).finishedAt ?? '') ? 1 : -1;
}

function sentenced(move: ReportedMove): ReportedMove {
  return { ...move, message: cut(move.message ?? '') };
}

/** Of what is under way and what is planned, one after the other. */
function toGoWords({ underWay, report }: SetStanding, measured: Measured): string {
  if (underWay.length === 0) return '';
  const lefts = underWay.map((record) => leftMsOf(record, measured) ?? 0);
  const totalMs = Math.max(0, ...lefts) + (report?.status?.plan?.estimatedMinutes ?? 0) * 60_000;
  return totalMs === 0 ? '' : `about ${span(totalMs)} to go`;
}

function mapOf(status: SpreadReportStatus): ZoneMap | undefined {
  if (status.zones === undefined || status.zones.length === 0) return undefined;
  const zones = status.zones.map((zone) => zoneInShort(zone, status));
  const ordinals = [...new Set(zones.flatMap(({ marks }) => marks.map(({ ordinal }) => ordinal)))].toSorted((a, b) => a - b);
  return { zones, ordinals: ordinals.length <= ORDINALS_IN_A_MAP ? ordinals : [] };
}
