// Who owns which fields of an object (metadata.managedFields), and server-side apply on top of it.
//
// Simpler than the real server: objects from before their first apply get no owner "before-first-apply"; what admission and defaults add
// to an applied object has no owner; of structures that come or go as a whole only what is in them has an owner.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import type { Refusal } from '../contract.ts';
import { equal, listAt, objectAt, textAt, type JsonObject } from '../json.ts';
import { schemaOf, type RawSchema } from '../openapi/schemas.ts';
import { applyConflict } from '../refusals.ts';
import type { Target } from '../target.ts';
import { difference, intersection, isEmpty, NOTHING, pathsOf, readFields, unclaimed, union, writeFields, type FieldSet } from './field-set.ts';
import { lastApplied, withLastApplied } from './last-applied.ts';
import { compare, fieldsOf, merged, without } from './shapes.ts';

/** An entry of metadata.managedFields. */
export interface Manager {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string;
  time: string;
  fields: FieldSet;
}

/** What is written, by whom, when (RFC 3339, whole seconds). */
export interface Write {
  target: Target;
  now: string;
}

export function managersOf(object: KubernetesObject | undefined): Manager[] {
  return listAt(object, 'metadata', 'managedFields').map((entry) => ({
    manager: textAt(entry, 'manager'),
    operation: textAt(entry, 'operation') === 'Apply' ? 'Apply' : 'Update',
    apiVersion: textAt(entry, 'apiVersion'),
    subresource: textAt(entry, 'subresource'),
    time: textAt(entry, 'time'),
    fields: readFields(objectAt(entry, 'fieldsV1')),
  }));
}

/** `kept`: those that own nothing are listed too. */
export function managedFields(managers: Manager[], { kept = false }: { kept?: boolean } = {}): JsonObject[] {
  return managers
    .filter(({ fields }) => kept || !isEmpty(fields))
    .map(entryOf);
}

function entryOf({ manager, operation, apiVersion, subresource, time, fields }: Manager): JsonObject {
  const entry = { manager, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1: writeFields(fields) };
  return subresource === '' ? entry : { ...entry, subresource };
}

function ownManager({ target, now }: Write, operation: Manager['operation']): Manager {
  const { group, version } = target.kind.resource;
  const subresource = ['status', 'scale'].includes(target.subresource) ? target.subresource : '';
  return { manager: target.fieldManager, operation, apiVersion: group === '' ? version : `${group}/${version}`, subresource, time: now, fields: NOTHING };
}

/** An applier is the same whatever version it applies. */
function isSame(a: Manager, b: Manager): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource && (a.operation === 'Apply' || a.apiVersion === b.apiVersion);
}

/** After any write that is no apply: who wrote a value owns it, and nobody else does. */
export function afterUpdate(write: Write, next: KubernetesObject, previous: KubernetesObject | undefined): Manager[] {
  const { target } = write;
  const { changed, removed } = compare(schemaOf(target.kind), previous === undefined ? {} : ownable(target, previous), ownable(target, next));
  const managers = managersOf(next);
  const me = managers.find((manager) => isSame(manager, ownManager(write, 'Update'))) ?? ownManager(write, 'Update');
  const others = managers.filter((manager) => manager !== me).map((manager) => deprived(manager, union(changed, removed)));
  return [...others, { ...me, time: write.now, fields: union(difference(me.fields, removed), changed) }];
}

/** When nobody keeps books of fields: the writers' names alone. */
export function writersOnly(write: Write, next: KubernetesObject): Manager[] {
  const me = ownManager(write, 'Update');
  return [...managersOf(next).filter((manager) => !isSame(manager, me)), me];
}

export interface Applied {
  object: KubernetesObject;
  managers: Manager[];
}

/** Of an object that is not there yet. */
export function firstApplied(write: Write, applied: KubernetesObject): Manager[] {
  return [{ ...ownManager(write, 'Apply'), fields: fieldsOf(schemaOf(write.target.kind), ownable(write.target, applied)) }];
}

/**
 * The live object with what is applied to it: fields that the manager applied before and does not any more are gone, unless somebody else
 * owns them. @throws Refusal 409 for fields that others own with other values, unless it is forced.
 */
export function apply(write: Write, live: KubernetesObject, { applied, force }: { applied: KubernetesObject; force: boolean }): Applied {
  const { target } = write;
  const schema = schemaOf(target.kind);
  const managers = managersOf(live);
  const before = managers.find((manager) => isSame(manager, ownManager(write, 'Apply')));
  const me = { ...ownManager(write, 'Apply'), fields: fieldsOf(schema, ownable(target, applied)) };
  const others = managers.filter((manager) => manager !== before);
  const owned = [me, ...others].reduce((all, { fields }) => union(all, fields), NOTHING);
  const object = without(schema, merged(schema, live, applied), unclaimed(before?.fields ?? NOTHING, owned)) as KubernetesObject;
  const rest = othersAfter(write, others, { schema, live, object, force });
  const time = before !== undefined && equal(writeFields(before.fields), writeFields(me.fields)) ? before.time : write.now;
  return { object: withLastApplied(object, applied, target.fieldManager), managers: [...rest, { ...me, time }] };
}

/** What is left to the others. @throws Refusal 409 */
function othersAfter({ target }: Write, others: Manager[], { schema, live, object, force }: { schema: RawSchema; live: KubernetesObject; object: KubernetesObject; force: boolean }): Manager[] {
  const { changed, removed } = compare(schema, ownable(target, live), ownable(target, object));
  const disputed = difference(changed, ownByAnnotation(target, schema, live));
  const conflicts = others.flatMap((manager) => pathsOf(intersection(manager.fields, disputed)).map((path) => ({ manager: nameOf(manager), path })));
  if (conflicts.length > 0 && !force) throw refusalOf(conflicts);
  return others.map((manager) => deprived(manager, union(changed, removed)));
}

/** What the manager applied by client-side apply, and nobody has changed since. */
function ownByAnnotation(target: Target, schema: RawSchema, live: KubernetesObject): FieldSet {
  const before = lastApplied(live, target.fieldManager);
  if (before === undefined) return NOTHING;
  const { changed, removed } = compare(schema, ownable(target, before), ownable(target, live));
  return difference(fieldsOf(schema, ownable(target, before)), union(changed, removed));
}

function deprived(manager: Manager, of: FieldSet): Manager {
  return { ...manager, fields: difference(manager.fields, of) };
}

interface Conflict {
  manager: string;
  path: string;
}

function nameOf({ manager, operation, apiVersion, subresource }: Manager): string {
  return `${JSON.stringify(manager)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}${operation === 'Apply' ? '' : ` using ${apiVersion}`}`;
}

function refusalOf(conflicts: Conflict[]): Refusal {
  const names = [...new Set(conflicts.map(({ manager }) => manager))].sort();
  const [first] = conflicts;
  const words =
    conflicts.length === 1 && first !== undefined
      ? `1 conflict: conflict with ${first.manager}: ${first.path}`
      : `${conflicts.length} conflicts: ${names.map((name) => [`conflicts with ${name}:`, ...conflicts.filter(({ manager }) => manager === name).map(({ path }) => `- ${path}`)].join('\n')).join('\n')}`;
  return applyConflict(
    `Apply failed with ${words}`,
    conflicts.map(({ manager, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field: path })),
  );
}

const OWNERLESS = new Set(['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'managedFields']);

/** The part of an object that a write at this place can own: the status through `/status` alone, where there is one. */
function ownable({ kind, subresource }: Target, object: KubernetesObject): JsonObject {
  if (subresource === 'status') return { status: object.status };
  const { apiVersion: _version, kind: _kind, metadata, status, ...rest } = object;
  const own = Object.fromEntries(Object.entries(metadata).filter(([field]) => !OWNERLESS.has(field)));
  return { ...(Object.keys(own).length === 0 ? {} : { metadata: own }), ...rest, ...(kind.status || status === undefined ? {} : { status }) };
}
