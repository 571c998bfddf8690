// Whether what a client sends fits the kind's schema: fields that it does not have, and values of another type. The real server drops the
// former of built-in kinds, with a warning unless the client asks for `Strict` (as kubectl create and apply do), and refuses the latter.

import { isObject, textAt, type JsonObject } from '../json.ts';
import { fieldSchema, itemSchema, keepsUnknown, referredName, resolved, type RawSchema } from './schemas.ts';

export interface Judgement {
  /** The same without unknown fields; the very same when there are none. */
  known: unknown;
  /** E.g. `spec.replica`, `spec.containers[0].imag`. */
  unknown: string[];
  misfits: Misfit[];
}

/** A value of another type than its field's. */
export interface Misfit {
  place: Place;
  schema: RawSchema;
  value: unknown;
}

interface Place {
  /** With indexes, from the root. */
  path: string;
  /** Without, as Go's decoder names it. */
  field: string;
  /** The structure that the field is in. */
  structure: string;
}

/** Of a whole object or of a merge patch. @param kind the structure at the root */
export function judge(schema: RawSchema, value: unknown, kind: string): Judgement {
  const found: Pick<Judgement, 'unknown' | 'misfits'> = { unknown: [], misfits: [] };
  return { known: known(schema, value, { found, place: { path: '', field: '', structure: kind } }), ...found };
}

interface Walk {
  found: Pick<Judgement, 'unknown' | 'misfits'>;
  place: Place;
}

function known(schema: RawSchema, value: unknown, walk: Walk): unknown {
  if (value === null) return value;
  const own = resolved(schema);
  if (!fits(own, value)) walk.found.misfits.push({ place: walk.place, schema, value });
  else if (Array.isArray(value)) return knownItems(schema, value, walk);
  else if (isObject(value)) return knownFields(schema, value, walk);
  return value;
}

/** A schema without a type (a quantity, a port) takes more than one, and judges itself elsewhere. */
function fits({ type }: RawSchema, value: unknown): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
      return typeof value === type;
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    default:
      return true;
  }
}

function knownItems(schema: RawSchema, list: unknown[], { found, place }: Walk): unknown[] {
  const item = itemSchema(schema);
  if (item === undefined) return list;
  return sameOr(list, list.map((one, index) => known(item, one, { found, place: { ...place, path: `${place.path}[${index}]` } })));
}

function sameOr(list: unknown[], next: unknown[]): unknown[] {
  return next.every((item, index) => item === list[index]) ? list : next;
}

function knownFields(schema: RawSchema, object: JsonObject, { found, place }: Walk): JsonObject {
  const structure = referredName(schema) || place.structure;
  const kept: JsonObject = {};
  let same = true;
  for (const [name, value] of Object.entries(object)) {
    const of = fieldSchema(schema, name);
    const path = place.path === '' ? name : `${place.path}.${name}`;
    // What begins with $ tells a strategic merge how.
    if (of === undefined && !name.startsWith('$') && !keepsUnknown(schema)) {
      found.unknown.push(path);
      same = false;
      continue;
    }
    kept[name] = of === undefined ? value : known(of, value, { found, place: { path, field: fieldIn(schema, place, name), structure } });
    same &&= kept[name] === value;
  }
  return same ? object : kept;
}

/** Go's decoder does not name the keys of a map. */
function fieldIn(schema: RawSchema, { field }: Place, name: string): string {
  if (resolved(schema).properties === undefined) return field;
  return field === '' ? name : `${field}.${name}`;
}

// ── In the words of the real server ────────────────────────────────────────────────────────────────────────────────────────────────

/** Of a strict decoder. */
export function strictWords(unknown: string[]): string {
  return `strict decoding error: ${unknown.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ')}`;
}

/** Of Go's JSON decoder. */
export function decoderWords({ place, schema, value }: Misfit): string {
  return `json: cannot unmarshal ${jsonType(value)} into Go struct field ${place.structure}.${place.field} of type ${goType(schema)}`;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function goType(schema: RawSchema): string {
  const name = referredName(schema);
  const { type, format } = resolved(schema);
  if (name !== '') return `v1.${name}`;
  if (type === 'array') return `[]${goType(itemSchema(schema) ?? {})}`;
  if (type === 'object') return `map[string]${goType(fieldSchema(schema, '') ?? {})}`;
  if (type === 'integer') return textAt({ format }, 'format') || 'int';
  return type === 'boolean' ? 'bool' : textAt({ type }, 'type');
}

const EXPECTED: Record<string, string> = { integer: 'numeric (int or float)', number: 'numeric (int or float)', boolean: 'boolean', array: 'list', object: 'map', string: 'string' };

/** Of server-side apply, each with its path. */
export function applyWords({ unknown, misfits }: Judgement): string[] {
  return [
    ...unknown.map((path) => `.${path}: field not declared in schema`),
    ...misfits.map(({ place, schema, value }) => {
      const got = typeof value === 'string' ? 'string' : `&value.valueUnstructured{Value:${JSON.stringify(value)}}`;
      return `.${place.path}: expected ${EXPECTED[textAt(resolved(schema), 'type')] ?? 'another type'}, got ${got}`;
    }),
  ];
}
