// What is declared: the annotations of a StatefulSet, with those of its Namespace as defaults key by key, read into a Policy, or into the
// list of everything that is wrong with them. Durations are milliseconds from here on.

import { ANNOTATION_NAMES, ANNOTATIONS, keyOf, type Mode, type OnUnready, type Reading, type Retention, type Values, type ZoneSet } from './annotations.ts';
import { conflicts, remarks } from './conflicts.ts';
import { misplaced, problem, unknownKeys, type Declared, type Holder, type Problem } from './problem.ts';
import type { Window } from './window.ts';

/** What a move that has begun needs to know. */
export interface Terms {
  readyTimeoutMs: number;
  healthDurationMs: number;
  onUnready: OnUnready;
  snapshotRetentionMs: Retention;
  /** Absent: `forever` where the source PV's own policy was Retain, else 24 h. */
  sourceRetentionMs?: Retention;
}

/** Everything but the zones: it also holds for a move by hand of a set that declares none. */
export interface Rules extends Terms {
  maxSkew: number;
  /** Zone by ordinal. */
  pins: Readonly<Record<number, string>>;
  mode: Mode;
  /** Digest of the plan that may run (mode `plan`). */
  approve?: string;
  strategy: 'rolling';
  maxUnavailable: number;
  /** None: always open. */
  windows: readonly Window[];
  maxDowntimeMs?: number;
  /** PromQL that must be true for the health duration before a move starts. */
  healthQuery?: string;
  /** Label selector in its string form. */
  moveLast?: string;
  allowOperator: boolean;
  placeNew: boolean;
  paused: boolean;
}

export interface Policy extends Rules {
  zones: ZoneSet;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The defaults of the contract. */
export const defaultPolicy: Rules = {
  maxSkew: 1,
  pins: {},
  mode: 'auto',
  strategy: 'rolling',
  maxUnavailable: 1,
  windows: [],
  readyTimeoutMs: 10 * MINUTE_MS,
  healthDurationMs: MINUTE_MS,
  onUnready: 'hold',
  snapshotRetentionMs: DAY_MS,
  allowOperator: false,
  placeNew: false,
  paused: false,
};

export interface PolicySource {
  setAnnotations: Record<string, string> | undefined;
  namespaceAnnotations?: Record<string, string> | undefined;
  /** Of the set; absent means OrderedReady, as in Kubernetes. */
  podManagementPolicy?: string | undefined;
}

export interface Invalid {
  kind: 'invalid';
  problems: Problem[];
  warnings: string[];
}

/** `off`: no zones are declared, the set is not ours to keep. */
export type PolicyResult = { kind: 'off' } | { kind: 'policy'; policy: Policy; warnings: string[] } | Invalid;

export function parsePolicy(source: PolicySource): PolicyResult {
  const { declared, values, ...verdict } = readSource(source);
  if (!declared.some(({ name }) => name === 'zones')) return { kind: 'off' };
  if (verdict.problems.length > 0 || values.zones === undefined) return { kind: 'invalid', ...verdict };
  return { kind: 'policy', policy: { ...rulesFrom(values), zones: values.zones }, warnings: verdict.warnings };
}

/** For a move by hand: what the set's annotations say about how to move, whether it declares zones or not. */
export function parseRules(source: PolicySource): { kind: 'rules'; rules: Rules; warnings: string[] } | Invalid {
  const { values, problems, warnings } = readSource(source);
  const concerning = problems.filter(({ key }) => key !== keyOf('zones') && key !== keyOf('pin'));
  return concerning.length > 0 ? { kind: 'invalid', problems: concerning, warnings } : { kind: 'rules', rules: rulesFrom(values), warnings };
}

const TERM_KEYS = new Set((['ready-timeout', 'health-duration', 'on-unready', 'snapshot-retention', 'source-retention'] as const).map(keyOf));

/** Only what a move that has begun needs: a wrong value elsewhere does not stand in its way. */
export function parseTerms(source: PolicySource): { kind: 'terms'; terms: Terms } | Invalid {
  const { values, problems, warnings } = readSource(source);
  const concerning = problems.filter(({ key }) => TERM_KEYS.has(key));
  return concerning.length > 0 ? { kind: 'invalid', problems: concerning, warnings } : { kind: 'terms', terms: termsOf(rulesFrom(values)) };
}

export function termsOf(rules: Rules): Terms {
  const { readyTimeoutMs, healthDurationMs, onUnready, snapshotRetentionMs, sourceRetentionMs } = rules;
  return { readyTimeoutMs, healthDurationMs, onUnready, snapshotRetentionMs, ...(sourceRetentionMs === undefined ? {} : { sourceRetentionMs }) };
}

/** For admission: one object by itself, StatefulSet or Namespace, without the other one at hand. */
export function checkAnnotations(object: { on: Holder; annotations: Record<string, string> | undefined; podManagementPolicy?: string | undefined }): { problems: Problem[]; warnings: string[] } {
  const { on, annotations, podManagementPolicy } = object;
  if (on === 'StatefulSet') return verdictOf(readSource({ setAnnotations: annotations, podManagementPolicy }));
  // A Namespace has sets of both kinds: what only OrderedReady forbids is judged at each set.
  return verdictOf(readSource({ setAnnotations: {}, namespaceAnnotations: annotations, podManagementPolicy: 'Parallel' }));
}

interface ReadSource {
  declared: Declared[];
  values: Values;
  problems: Problem[];
  warnings: string[];
}

function verdictOf({ problems, warnings }: ReadSource): { problems: Problem[]; warnings: string[] } {
  return { problems, warnings };
}

function readSource({ setAnnotations = {}, namespaceAnnotations = {}, podManagementPolicy }: PolicySource): ReadSource {
  const declared = ANNOTATION_NAMES.flatMap((name) => declaredValue(name, setAnnotations, namespaceAnnotations));
  const { values, problems } = readValues(declared);
  const parallel = podManagementPolicy === 'Parallel';
  problems.push(...conflicts({ declared, values, parallel }));
  const warnings = [...unknownKeys(setAnnotations, 'StatefulSet'), ...unknownKeys(namespaceAnnotations, 'Namespace'), ...remarks({ declared, values, parallel })];
  return { declared, values, problems, warnings };
}

/** The set wins key by key. */
function declaredValue(name: Declared['name'], set: Record<string, string>, namespace: Record<string, string>): Declared[] {
  const ofSet = set[keyOf(name)];
  if (ofSet !== undefined) return [{ name, value: ofSet, on: 'StatefulSet' }];
  const ofNamespace = namespace[keyOf(name)];
  return ofNamespace === undefined ? [] : [{ name, value: ofNamespace, on: 'Namespace' }];
}

function readValues(declared: Declared[]): { values: Values; problems: Problem[] } {
  const values: Values = {};
  const problems: Problem[] = [];
  for (const one of declared) {
    if (one.on === 'Namespace' && ANNOTATIONS[one.name].setOnly === true) {
      problems.push(misplaced(one));
      continue;
    }
    const reading: Reading<unknown> = ANNOTATIONS[one.name].read(one.value.trim());
    if (reading.ok) Object.assign(values, { [one.name]: reading.value });
    else problems.push(problem(one, reading.why));
  }
  return { values, problems };
}

function rulesFrom(values: Values): Rules {
  const declared = {
    maxSkew: values['max-skew'],
    pins: values.pin,
    mode: values.mode,
    approve: values.approve,
    strategy: values.strategy,
    maxUnavailable: values['max-unavailable'],
    windows: values.window,
    readyTimeoutMs: values['ready-timeout'],
    healthDurationMs: values['health-duration'],
    onUnready: values['on-unready'],
    healthQuery: values['health-query'],
    maxDowntimeMs: values['max-downtime'],
    moveLast: values['move-last'],
    snapshotRetentionMs: values['snapshot-retention'],
    sourceRetentionMs: values['source-retention'],
    allowOperator: values['allow-operator'],
    placeNew: values['place-new'],
    paused: values.paused,
  } satisfies { [Field in keyof Rules]-?: Rules[Field] | undefined };
  const given = Object.fromEntries(Object.entries(declared).filter(([, value]) => value !== undefined)) as Partial<Rules>;
  return { ...defaultPolicy, ...given };
}
