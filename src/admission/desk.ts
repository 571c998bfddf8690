// The desk where reviews are answered, whatever door they come in by: read, judged, told to log and metrics; an override also to events.

import type { EventRecorder } from '../kubernetes/event-recorder.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { MIGRATION_API_VERSION, type OrdinalMigration } from '../migration/record.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { allow, type Decision } from './decision.ts';
import { judge, MUTATING, VALIDATING, type Judgement } from './judge.ts';
import { answerOf, plainAllow, reviewIn, reviewOf, type Review } from './review.ts';
import type { Rule, World } from './rules/rule.ts';
import { allSilent, surelyAllowed } from './shortcut.ts';

/** As registered. */
export const PATHS = ['/mutate', '/validate'] as const;
export type ReviewPath = (typeof PATHS)[number];

export interface ReviewLabels {
  kind: string;
  operation: string;
  /** `error`: a rule threw, whatever the answer was. */
  decision: 'allow' | 'patch' | 'deny' | 'override' | 'error';
  /** Empty when no rule had anything to say. */
  rule: string;
}

export interface DeskOptions {
  world: World;
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'reviewed'>;
  /** Where an override is told beside the log; recording returns at once and is in nobody's way. */
  events?: Pick<EventRecorder, 'record'>;
  /** Others than ours: for tests. */
  rules?: { mutating: readonly Rule[]; validating: readonly Rule[] };
}

export interface Desk {
  /** An AdmissionReview with its response. @throws MalformedReview */
  answer(path: ReviewPath, body: unknown): object;
  /** The same from JSON to JSON. @throws MalformedReview */
  reply(path: ReviewPath, body: string): string;
}

export function createDesk({ world, clock, log, metrics, events, rules = { mutating: MUTATING, validating: VALIDATING } }: DeskOptions): Desk {
  const judged = (path: ReviewPath, review: Review): Judgement => judge(path === '/mutate' ? rules.mutating : rules.validating, review, world);
  const note = (review: Review, judgement: Judgement, begun: number): void => {
    tell(log, review, judgement);
    if (events !== undefined) tellOverride(events, review, judgement, world);
    metrics.reviewed(labelsOf(review, judgement), (clock.monotonic() - begun) / 1_000);
  };
  const hasShortcut = { '/mutate': allSilent(rules.mutating), '/validate': allSilent(rules.validating) };
  return {
    answer(path, body) {
      const begun = clock.monotonic();
      const review = reviewOf(body);
      const judgement = judged(path, review);
      note(review, judgement, begun);
      return answerOf(review.uid, judgement.decision);
    },
    reply(path, body) {
      const begun = clock.monotonic();
      const known = hasShortcut[path] ? surelyAllowed(body, world) : undefined;
      const review = known ?? reviewIn(body);
      const judgement = known === undefined ? judged(path, review) : NOTHING_TO_SAY;
      note(review, judgement, begun);
      return isPlainAllow(judgement.decision) ? plainAllow(review.uid) : JSON.stringify(answerOf(review.uid, judgement.decision));
    },
  };
}

const NOTHING_TO_SAY: Judgement = { decision: allow(), failures: [] };

/** Nearly all answers are this one. */
function isPlainAllow(decision: Decision): boolean {
  return decision.kind === 'allow' && decision.patch.length === 0 && decision.warnings.length === 0;
}

function tell(log: Log, review: Review, { decision, failures }: Judgement): void {
  const about = { operation: review.operation, kind: review.kind.kind, namespace: review.namespace, name: review.name, user: review.user.username, dryRun: review.dryRun };
  for (const { rule, error } of failures) log.error('an admission rule failed', { ...about, rule, error });
  if (decision.kind === 'deny') log.info('refused', { ...about, rule: decision.rule, message: decision.message });
  else if (decision.overrides !== undefined) log.warn('a person overrode the guard of a migration', { ...about, rule: decision.rule, migration: decision.overrides });
  else if (decision.patch.length > 0) log.info('patched', { ...about, rule: decision.rule });
}

/** A dry run changes nothing, so nothing has happened that one should read of later. */
function tellOverride(events: Pick<EventRecorder, 'record'>, review: Review, { decision }: Judgement, world: World): void {
  if (decision.kind !== 'allow' || decision.overrides === undefined || review.dryRun) return;
  const [namespace = '', name = ''] = decision.overrides.split('/');
  const record = world.inFlight.named(namespace, name);
  if (record === undefined) return;
  const where = review.namespace === '' ? review.name : `${review.namespace}/${review.name}`;
  const message = `${review.user.username} overrode the guard of migration ${name} (rule ${decision.rule}): ${review.operation} of ${review.kind.kind} ${where}`;
  for (const object of concerned(record)) events.record(object, { type: 'Warning', reason: 'GuardOverridden', message });
}

function concerned({ metadata, spec, status }: OrdinalMigration): KubernetesObject[] {
  const { namespace = '', name, uid } = metadata;
  const { apiVersion, kind, name: set } = spec.statefulSetRef;
  return [
    { apiVersion: MIGRATION_API_VERSION, kind: 'OrdinalMigration', metadata: { namespace, name, ...(uid === undefined ? {} : { uid }) } },
    { apiVersion, kind, metadata: { namespace, name: set, ...(status?.statefulSetUID === undefined ? {} : { uid: status.statefulSetUID }) } },
  ];
}

/** Kinds and rules are ours, so nobody can blow the series up by inventing some. */
const KINDS = new Set(['Pod', 'PersistentVolumeClaim', 'PersistentVolume', 'StatefulSet', 'Scale', 'Namespace', 'OrdinalMigration', 'SpreadReport', 'ZoneEvacuation']);

function labelsOf(review: Review, judgement: Judgement): ReviewLabels {
  const { decision, failures } = judgement;
  return {
    kind: KINDS.has(review.kind.kind) ? review.kind.kind : 'other',
    operation: review.operation,
    decision: failures.length > 0 ? 'error' : verdictOf(decision),
    rule: failures[0]?.rule ?? decision.rule,
  };
}

function verdictOf(decision: Judgement['decision']): ReviewLabels['decision'] {
  if (decision.kind === 'deny') return 'deny';
  if (decision.overrides !== undefined) return 'override';
  return decision.patch.length > 0 ? 'patch' : 'allow';
}
