// Every annotation of the contract: what is allowed, an example, and how its value is read. One line each in the table; the messages
// that people see are put together in problem.ts.

import { parseDuration } from './duration.ts';
import { selectorProblem } from './selector-syntax.ts';
import { parseWindows, type Window } from './window.ts';

export const PREFIX = 'zonespread.io/';

/** In preference order; `any` takes whatever zones the cluster has. */
export type ZoneSet = { kind: 'list'; zones: string[] } | { kind: 'any' };
export type Mode = 'auto' | 'plan' | 'disabled';
export type OnUnready = 'hold' | 'reverse' | 'restore-source';
export type Retention = number | 'forever';

/** A value, or why it is none. */
export type Reading<T> = { ok: true; value: T } | { ok: false; why: string };

export interface Annotation<T> {
  allowed: string;
  example: string;
  /** `pin` and `approve` are about the ordinals of one set: a Namespace cannot say them for all. */
  setOnly?: boolean;
  read: (text: string) => Reading<T>;
}

export const ANNOTATIONS = {
  zones: annotation({ allowed: 'zone names in preference order, separated by commas, or "*" for every zone', example: 'cn-beijing-h,cn-beijing-j', read: readZones }),
  'max-skew': annotation({ allowed: 'a whole number of at least 1', example: '1', read: readCount }),
  pin: annotation({ allowed: '<ordinal>=<zone>, separated by commas, with zones of zonespread.io/zones', example: '0=cn-beijing-h,3=cn-beijing-j', setOnly: true, read: readPins }),
  mode: annotation({ allowed: 'auto, plan or disabled', example: 'plan', read: oneOf('auto', 'plan', 'disabled') }),
  approve: annotation({ allowed: 'the digest of a plan: 64 digits 0-9 and a-f, as status.plan.digest of the SpreadReport has it', example: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', setOnly: true, read: readDigest }),
  strategy: annotation({ allowed: 'rolling', example: 'rolling', read: readStrategy }),
  'max-unavailable': annotation({ allowed: 'a whole number of at least 1; more than 1 only with podManagementPolicy Parallel', example: '1', read: readCount }),
  window: annotation({ allowed: '<cron of five fields> for <duration> in <IANA time zone>, several separated by ";"', example: '0 2 * * 6 for 4h in Asia/Shanghai', read: readWindows }),
  'ready-timeout': annotation({ allowed: 'a duration longer than 0s', example: '10m', read: readPositiveDuration }),
  'health-duration': annotation({ allowed: 'a duration', example: '1m', read: readDuration }),
  'health-query': annotation({ allowed: 'a PromQL expression that is true while the set is healthy', example: 'min(mysql_global_status_wsrep_ready) == 1', read: readHealthQuery }),
  'on-unready': annotation({ allowed: 'hold, reverse or restore-source', example: 'hold', read: oneOf('hold', 'reverse', 'restore-source') }),
  'max-downtime': annotation({ allowed: 'a duration longer than 0s', example: '15m', read: readPositiveDuration }),
  'move-last': annotation({ allowed: 'a label selector', example: 'role=primary', read: readSelector }),
  'snapshot-retention': annotation({ allowed: 'a duration, or forever', example: '7d', read: readRetention }),
  'source-retention': annotation({ allowed: 'a duration, or forever', example: '24h', read: readRetention }),
  'allow-operator': annotation({ allowed: '"true" or "false"', example: 'true', read: readBoolean }),
  'place-new': annotation({ allowed: '"false"', example: 'false', read: readPlaceNew }),
  paused: annotation({ allowed: '"true" or "false"', example: 'true', read: readBoolean }),
};

export type AnnotationName = keyof typeof ANNOTATIONS;
type ValueOf<A> = A extends Annotation<infer T> ? T : never;
export type Values = { [Name in AnnotationName]?: ValueOf<(typeof ANNOTATIONS)[Name]> };

export const ANNOTATION_NAMES = Object.keys(ANNOTATIONS) as AnnotationName[];

export function keyOf(name: AnnotationName): string {
  return PREFIX + name;
}

function annotation<T>(definition: Annotation<T>): Annotation<T> {
  return definition;
}

function good<T>(value: T): Reading<T> {
  return { ok: true, value };
}

function bad(why: string): { ok: false; why: string } {
  return { ok: false, why };
}

function oneOf<const T extends string>(...values: T[]): (text: string) => Reading<T> {
  return (text) => {
    const value = values.find((candidate) => candidate === text);
    return value === undefined ? bad(`"${text}" is none of ${values.join(', ')}`) : good(value);
  };
}

/** A zone is a label value on nodes. */
const ZONE_NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

export function isZoneName(text: string): boolean {
  return ZONE_NAME.test(text);
}

/** No region has nearly as many; it bounds what a hostile value can cost. */
const MOST_ZONES = 100;

function readZones(text: string): Reading<ZoneSet> {
  if (text === '*') return good({ kind: 'any' });
  const zones = text.split(',').map((zone) => zone.trim());
  if (zones.length > MOST_ZONES) return bad(`it lists more than ${MOST_ZONES} zones`);
  if (zones.includes('*')) return bad('"*" means every zone and stands alone');
  const wrong = zones.find((zone) => !ZONE_NAME.test(zone));
  if (wrong !== undefined) return bad(wrong === '' ? 'a zone is empty; to switch the set off remove the annotation or set zonespread.io/mode to "disabled"' : `"${wrong}" cannot be the name of a zone`);
  const twice = firstRepeated(zones);
  return twice === undefined ? good({ kind: 'list', zones }) : bad(`zone "${twice}" is there twice`);
}

/** Far beyond any StatefulSet; keeps sums exact. */
const LARGEST_COUNT_DIGITS = 9;

function readCount(text: string): Reading<number> {
  if (!/^[0-9]+$/.test(text) || /^0+$/.test(text)) return bad('it is not a whole number of at least 1');
  return text.length > LARGEST_COUNT_DIGITS ? bad(`it has more than ${LARGEST_COUNT_DIGITS} digits`) : good(Number(text));
}

function readPins(text: string): Reading<Record<number, string>> {
  const pins = new Map<number, string>();
  for (const part of text.split(',').map((entry) => entry.trim())) {
    const { ordinal, zone } = /^(?<ordinal>[0-9]{1,9})\s*=\s*(?<zone>\S+)$/.exec(part)?.groups ?? {};
    if (ordinal === undefined || zone === undefined || !ZONE_NAME.test(zone)) return bad(`"${part}" does not have the form <ordinal>=<zone>`);
    if (pins.has(Number(ordinal))) return bad(`ordinal ${Number(ordinal)} is there twice`);
    pins.set(Number(ordinal), zone);
  }
  return good(Object.fromEntries(pins));
}

function readDigest(text: string): Reading<string> {
  return /^[0-9a-f]{64}$/.test(text) ? good(text) : bad('it is not the digest of a plan');
}

function readStrategy(text: string): Reading<'rolling'> {
  if (text === 'recreate') return bad('"recreate" comes in a later version of zonespread; this one moves one ordinal at a time');
  return text === 'rolling' ? good('rolling') : bad(`"${text}" is no strategy`);
}

function readWindows(text: string): Reading<Window[]> {
  const parsed = parseWindows(text);
  return parsed.ok ? good(parsed.windows) : bad(parsed.why);
}

function readDuration(text: string): Reading<number> {
  const parsed = parseDuration(text);
  return parsed.ok ? good(parsed.ms) : bad(parsed.why);
}

function readPositiveDuration(text: string): Reading<number> {
  const parsed = readDuration(text);
  return parsed.ok && parsed.value === 0 ? bad('it is no time at all') : parsed;
}

/** Whether it is PromQL, Prometheus says when it is asked. */
function readHealthQuery(text: string): Reading<string> {
  if (text === '') return bad('it asks for nothing');
  return text.length > LONGEST_QUERY ? bad(`it has more than ${LONGEST_QUERY} characters`) : good(text);
}

/** It goes into the address of a request. */
const LONGEST_QUERY = 2_000;

function readSelector(text: string): Reading<string> {
  const why = selectorProblem(text);
  return why === undefined ? good(text) : bad(why);
}

function readRetention(text: string): Reading<Retention> {
  return text === 'forever' ? good('forever') : readDuration(text);
}

function readBoolean(text: string): Reading<boolean> {
  if (text === 'true') return good(true);
  return text === 'false' ? good(false) : bad(`"${text}" is neither "true" nor "false"`);
}

function readPlaceNew(text: string): Reading<boolean> {
  const read = readBoolean(text);
  return read.ok && read.value ? bad('placing the pods of new ordinals comes in a later version of zonespread') : read;
}

function firstRepeated(items: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return items.find((item) => seen.size === seen.add(item).size);
}
