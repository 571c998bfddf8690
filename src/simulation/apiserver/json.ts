// Plain JSON as the store keeps it: copied once when it comes in, then frozen and shared by everybody, so that equality and text are
// found by identity most of the time.

export type JsonObject = Record<string, unknown>;

/** Every container that `intern` made: frozen deeply, without undefined fields. */
const interned = new WeakSet<object>();
const texts = new WeakMap<object, string>();

/** The same value, frozen deeply and owned by nobody else; what was interned before is taken over as it is. Undefined fields are left out, as JSON does. */
export function intern<T>(value: T): T {
  if (typeof value !== 'object' || value === null || interned.has(value)) return value;
  const copy = Array.isArray(value) ? value.map((item: unknown) => (item === undefined ? null : intern(item))) : internFields(value as JsonObject);
  Object.freeze(copy);
  interned.add(copy);
  return copy as T;
}

function internFields(object: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value !== undefined) copy[key] = intern(value);
  }
  return copy;
}

/** JSON text; of an interned object it is made once. */
export function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || !interned.has(value)) return JSON.stringify(value);
  let text = texts.get(value);
  if (text === undefined) {
    text = JSON.stringify(value);
    texts.set(value, text);
  }
  return text;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON; an undefined field counts as absent. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  return isObject(a) && isObject(b) && haveEqualFields(a, b);
}

function haveEqualFields(a: JsonObject, b: JsonObject): boolean {
  for (const key of Object.keys(a)) if (!equal(a[key], b[key])) return false;
  for (const key of Object.keys(b)) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}

/** The value at a path of field names; undefined when something on the way is missing. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as JsonObject)[key];
  }
  return current;
}

/** The string at a path; empty when there is none. */
export function textAt(value: unknown, ...path: (string | number)[]): string {
  const found = at(value, ...path);
  if (typeof found === 'string') return found;
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : '';
}

export function listAt(value: unknown, ...path: (string | number)[]): unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function objectAt(value: unknown, ...path: (string | number)[]): JsonObject {
  const found = at(value, ...path);
  return isObject(found) ? found : {};
}

/** A copy with one field, at a path of field names, set (or, for undefined, taken away); everything else is shared. */
export function withField<T>(value: T, path: readonly string[], field: unknown): T {
  const [key, ...rest] = path;
  if (key === undefined) return field as T;
  const object: JsonObject = isObject(value) ? value : {};
  const next: unknown = withField(object[key], rest, field);
  if (next === undefined) {
    const { [key]: _gone, ...others } = object;
    return others as T;
  }
  return { ...object, [key]: next } as T;
}
