// Metadata of any object: what the server fills in itself, and what it accepts from others.

import type { KubernetesObject, ObjectMeta } from '../../kubernetes/objects.ts';
import { isLabelKey, isLabelValue } from '../../kubernetes/selector.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { forbids, IMMUTABLE, required, wrong, type FieldError } from './field-errors.ts';
import { equal, isObject, listAt, textAt } from './json.ts';

const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const LONGEST_BASE = 58;

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

export type NameForm = 'subdomain' | 'label';

const FORMS: Record<NameForm, { longest: number; pattern: RegExp; words: string }> = {
  subdomain: { longest: 253, pattern: SUBDOMAIN, words: SUBDOMAIN_WORDS },
  label: { longest: 63, pattern: LABEL, words: LABEL_WORDS },
};

/** RFC 3339 in whole seconds, as metav1.Time is written. */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function generatedName(base: string, random: Random): string {
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => SUFFIX[Math.floor(random.next() * SUFFIX.length)]).join('');
  return `${base.slice(0, LONGEST_BASE)}${suffix}`;
}

/** What a client cannot set when it creates something. */
export function wiped({ metadata, ...object }: KubernetesObject): KubernetesObject {
  const { creationTimestamp: _created, uid: _uid, deletionTimestamp: _deleted, deletionGracePeriodSeconds: _grace, selfLink: _link, managedFields: _managed, ...kept } = metadata;
  return { ...object, metadata: kept };
}

/** Name, UID and time of birth. */
export function born(object: KubernetesObject, { clock, random }: { clock: Clock; random: Random }): KubernetesObject {
  const { name, generateName = '' } = object.metadata;
  const unnamed = textAt(object, 'metadata', 'name') === '';
  const metadata = {
    ...object.metadata,
    name: unnamed && generateName !== '' ? generatedName(generateName, random) : unnamed ? '' : name,
    uid: random.uuid(),
    creationTimestamp: wholeSeconds(clock.now()),
  };
  return { ...object, metadata };
}

/** What an update cannot change is as it was; what it may leave out is filled in. */
export function carriedOver(next: KubernetesObject, previous: KubernetesObject): KubernetesObject {
  const old = previous.metadata;
  const metadata: ObjectMeta = { ...next.metadata };
  metadata.uid = metadata.uid === undefined || metadata.uid === '' ? (old.uid as string) : metadata.uid;
  for (const field of ['creationTimestamp', 'generation'] as const) copyField(metadata, old, field);
  if (old.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.deletionTimestamp;
  if (metadata.deletionGracePeriodSeconds === undefined) copyField(metadata, old, 'deletionGracePeriodSeconds');
  return { ...next, metadata };
}

function copyField(to: ObjectMeta, from: ObjectMeta, field: string): void {
  if (from[field] === undefined) delete to[field];
  else to[field] = from[field];
}

export function validateName(name: string, form: NameForm, field = 'metadata.name'): FieldError[] {
  if (name === '') return [required(field, 'name or generateName is required')];
  const { longest, pattern, words } = FORMS[form];
  const errors: FieldError[] = [];
  if (name.length > longest) errors.push(wrong(field, name, `must be no more than ${longest} bytes`));
  if (!pattern.test(name)) errors.push(wrong(field, name, words));
  return errors;
}

const QUALIFIED_WORDS =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_WORDS =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

export function validateQualifiedName(name: string, field: string): FieldError[] {
  return isLabelKey(name) ? [] : [wrong(field, name, QUALIFIED_WORDS)];
}

export function validateLabels(labels: unknown, field: string): FieldError[] {
  if (!isObject(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]) => validateQualifiedName(key, field).concat(validateLabelValue(value, field)));
}

function validateLabelValue(value: unknown, field: string): FieldError[] {
  if (typeof value === 'string' && isLabelValue(value)) return [];
  return [wrong(field, value, typeof value === 'string' && value.length > 63 ? 'must be no more than 63 bytes' : LABEL_VALUE_WORDS)];
}

/** Of the metadata alone, on create and on update. */
export function validateMetadata({ metadata }: KubernetesObject): FieldError[] {
  const annotations = Object.keys(metadata.annotations ?? {});
  return [
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...annotations.flatMap((key) => validateQualifiedName(key.toLowerCase(), 'metadata.annotations')),
    ...(metadata.finalizers ?? []).flatMap((name) => validateQualifiedName(name, 'metadata.finalizers')),
    ...validateOwners(metadata),
  ];
}

function validateOwners({ ownerReferences }: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, owner] of (ownerReferences ?? []).entries()) {
    const field = `metadata.ownerReferences[${index}]`;
    for (const part of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if ((owner[part] ?? '') === '') errors.push(wrong(`${field}.${part}`, owner[part] ?? '', 'must not be empty'));
    }
  }
  const controllers = (ownerReferences ?? []).filter((owner) => owner.controller === true);
  if (controllers.length > 1) errors.push(wrong('metadata.ownerReferences', ownerReferences, 'Only one reference can have Controller set to true. Found "true" in references for ' + controllers.map(({ kind, name }) => `${kind}/${name}`).join(' and ')));
  return errors;
}

const FIXED = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

/** Of the change. */
export function validateMetadataUpdate(next: KubernetesObject, previous: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  if (previous.metadata.deletionTimestamp !== undefined) {
    const had = new Set(listAt(previous, 'metadata', 'finalizers'));
    const added = (next.metadata.finalizers ?? []).filter((name) => !had.has(name));
    if (added.length > 0) {
      const listed = added.map((name) => JSON.stringify(name)).join(', ');
      errors.push(forbids('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers []string{${listed}}`));
    }
  }
  for (const field of FIXED) {
    if (!equal(next.metadata[field], previous.metadata[field])) errors.push(wrong(`metadata.${field}`, next.metadata[field], IMMUTABLE));
  }
  return errors;
}
