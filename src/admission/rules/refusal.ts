// A guard's refusal in words that help (who holds the object, why, what to do instead), and the way out for a person.

import { OVERRIDE_ANNOTATION, REQUEST_ANNOTATION } from '../../kubernetes/names.ts';
import { phaseOf, type OrdinalMigration } from '../../migration/record.ts';
import { allow, deny, type Decision } from '../decision.ts';
import type { Review } from '../review.ts';
import type { World } from './rule.ts';

export interface Refusal {
  rule: string;
  record: OrdinalMigration;
  /** What was asked for and what is wrong with it, e.g. `scaling to 4 replicas would take ordinal 5 away`. */
  wrong: string;
  /** Value of the override annotation where the review itself cannot show it. */
  override?: string | undefined;
}

/** Undefined where nothing is to be held up: a namespace that is being deleted goes, whatever is in flight in it. */
export function refuse(review: Review, world: World, refusal: Refusal): Decision | undefined {
  const { record, rule } = refusal;
  const namespace = record.metadata.namespace ?? '';
  if (world.namespaces.get(namespace)?.terminating === true) return undefined;
  const name = record.metadata.name;
  if (isOverridden(review, refusal)) {
    return { ...allow(rule, [`zonespread: the guard of migration ${namespace}/${name} was overridden: ${refusal.wrong}`]), overrides: `${namespace}/${name}` };
  }
  return deny(rule, sentence(review, refusal));
}

/** On the object, before or after the change, or on the record itself; several names are separated by commas. */
function isOverridden(review: Review, { record, override }: Refusal): boolean {
  const values = [review.object, review.oldObject, record].map((object) => object?.metadata.annotations?.[OVERRIDE_ANNOTATION]);
  return [...values, override].some((value) => value !== undefined && value.split(',').some((name) => name.trim() === record.metadata.name));
}

function sentence(review: Review, { record, wrong }: Refusal): string {
  const { namespace = '', name } = record.metadata;
  return (
    `${subjectNamed(review)}: ${wrong}. ${moveNamed(record)}. Wait until it has ended, or have it undone: ` +
    `kubectl annotate om ${name} -n ${namespace} ${REQUEST_ANNOTATION}=abort. To do it all the same, put the annotation ${OVERRIDE_ANNOTATION}: ${name} on the object first`
  );
}

function subjectNamed({ kind, namespace, name }: Review): string {
  // A Scale is a view of its set.
  const noun = kind.kind === 'Scale' ? 'StatefulSet' : kind.kind;
  return namespace === '' ? `${noun} ${name}` : `${noun} ${namespace}/${name}`;
}

function moveNamed(record: OrdinalMigration): string {
  const { statefulSetRef, ordinal, targetZone } = record.spec;
  const from = record.status?.claims?.[0]?.source.zone;
  const route = from === undefined ? `to ${targetZone}` : `from ${from} to ${targetZone}`;
  const { namespace = '', name } = record.metadata;
  return `OrdinalMigration ${namespace}/${name} is moving ordinal ${ordinal} of ${statefulSetRef.name} ${route} (${phaseOf(record)}, step ${record.status?.step ?? 'not begun'})`;
}
