// How values fall into fields that have owners, as the schema says: objects into their fields, lists into items by keys or by value; what
// is atomic has one owner as a whole (sigs.k8s.io/structured-merge-diff).

import { equal, isObject, type JsonObject } from '../json.ts';
import { fieldSchema, itemSchema, resolved, type RawSchema } from '../openapi/schemas.ts';
import { at, fieldSet, isEmpty, ITSELF, NOTHING, type FieldSet } from './field-set.ts';

/** One field or item of a value. */
interface Part {
  branch: string;
  value: unknown;
  schema: RawSchema | undefined;
  /** An item, or an entry of a map: it has an owner beside what is in it. */
  entry: boolean;
}

/** Undefined for a value that has one owner as a whole. */
function partsOf(schema: RawSchema | undefined, value: unknown): Part[] | undefined {
  if (Array.isArray(value)) return itemsOf(schema, value);
  if (!isObject(value) || isAtomic(schema)) return undefined;
  const isMap = schema !== undefined && isObject(resolved(schema).additionalProperties);
  return Object.entries(value).map(([name, one]) => ({ branch: `f:${name}`, value: one, schema: schema === undefined ? undefined : fieldSchema(schema, name), entry: isMap }));
}

function isAtomic(schema: RawSchema | undefined): boolean {
  return schema !== undefined && (schema['x-kubernetes-map-type'] === 'atomic' || resolved(schema)['x-kubernetes-map-type'] === 'atomic');
}

function itemsOf(schema: RawSchema | undefined, list: unknown[]): Part[] | undefined {
  const own = schema === undefined ? {} : { ...resolved(schema), ...schema };
  const item = schema === undefined ? undefined : itemSchema(schema);
  const part = (branch: string, value: unknown): Part => ({ branch, value, schema: item, entry: true });
  if (own['x-kubernetes-list-type'] === 'set') return list.map((value) => part(`v:${JSON.stringify(value)}`, value));
  if (own['x-kubernetes-list-type'] !== 'map') return undefined;
  const keys = (own['x-kubernetes-list-map-keys'] as string[]).toSorted();
  return list.map((value) => part(`k:${JSON.stringify(keysOf(keys, value, item))}`, value));
}

/** A key that is left out has its default, e.g. the protocol of a port. */
function keysOf(keys: string[], value: unknown, item: RawSchema | undefined): JsonObject {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const given = isObject(value) ? value[key] : undefined;
      const standing = given ?? (item === undefined ? undefined : fieldSchema(item, key)?.default);
      return standing === undefined ? [] : [[key, standing]];
    }),
  );
}

/** Every field of a value that somebody sets. */
export function fieldsOf(schema: RawSchema | undefined, value: unknown): FieldSet {
  const parts = partsOf(schema, value);
  if (parts === undefined || parts.length === 0) return ITSELF;
  return fieldSet(
    false,
    parts.map((part) => [part.branch, ownedBy(part, fieldsOf(part.schema, part.value))]),
  );
}

/** An item that comes or goes is itself a place with an owner. */
function ownedBy(part: Part | undefined, fields: FieldSet): FieldSet {
  return part?.entry === true ? { ...fields, member: true } : fields;
}

export interface Comparison {
  /** Added or with another value. */
  changed: FieldSet;
  removed: FieldSet;
}

const SAME: Comparison = { changed: NOTHING, removed: NOTHING };

/** What became of a value; either side may be absent. */
export function compare(schema: RawSchema | undefined, before: unknown, after: unknown): Comparison {
  if (before === after) return SAME;
  if (before === undefined) return { changed: fieldsOf(schema, after), removed: NOTHING };
  if (after === undefined) return { changed: NOTHING, removed: fieldsOf(schema, before) };
  const [old, now] = [partsOf(schema, before), partsOf(schema, after)];
  if (old === undefined || now === undefined) return equal(before, after) ? SAME : { changed: ITSELF, removed: NOTHING };
  const [oldParts, nowParts] = [byBranch(old), byBranch(now)];
  const both = [...new Set([...oldParts.keys(), ...nowParts.keys()])].map((branch): [string, Comparison] => [branch, compareParts(oldParts.get(branch), nowParts.get(branch))]);
  return {
    changed: fieldSet(
      false,
      both.map(([branch, { changed }]) => [branch, changed]),
    ),
    removed: fieldSet(
      false,
      both.map(([branch, { removed }]) => [branch, removed]),
    ),
  };
}

function compareParts(old: Part | undefined, now: Part | undefined): Comparison {
  const { changed, removed } = compare((now ?? old)?.schema, old?.value, now?.value);
  return { changed: old === undefined ? ownedBy(now, changed) : changed, removed: now === undefined ? ownedBy(old, removed) : removed };
}

function byBranch(parts: Part[]): Map<string, Part> {
  return new Map(parts.map((part) => [part.branch, part]));
}

/**
 * The live value with what somebody applies to it. Items keep the order of the live list, new ones come after it: the real server
 * interleaves both orders. A null says nothing.
 */
export function merged(schema: RawSchema | undefined, live: unknown, applied: unknown): unknown {
  const [old, now] = [partsOf(schema, live), partsOf(schema, applied)];
  if (old === undefined || now === undefined) return applied;
  const given = byBranch(now.filter(({ value }) => value !== null));
  const kept = old.map((part) => ({ ...part, value: given.has(part.branch) ? merged(part.schema, part.value, given.get(part.branch)?.value) : part.value }));
  const had = new Set(old.map(({ branch }) => branch));
  return assembled(live, [...kept, ...[...given.values()].filter(({ branch }) => !had.has(branch))]);
}

function assembled(like: unknown, parts: Part[]): unknown {
  return Array.isArray(like) ? parts.map(({ value }) => value) : Object.fromEntries(parts.map(({ branch, value }) => [branch.slice(2), value]));
}

/** A value without the fields of a set; what is left empty by that goes as well. */
export function without(schema: RawSchema | undefined, value: unknown, gone: FieldSet): unknown {
  const parts = isEmpty(gone) ? undefined : partsOf(schema, value);
  if (parts === undefined) return value;
  const left = parts.flatMap((part) => {
    const set = at(gone, part.branch);
    const rest = set.member ? undefined : without(part.schema, part.value, set);
    return rest === undefined ? [] : [{ ...part, value: rest }];
  });
  return left.length === 0 && parts.length > 0 ? undefined : assembled(value, left);
}
