// Strategic merge patches (k8s.io/apimachinery, strategicpatch): like JSON merge patches, but lists of objects merge by a key that the
// schema names, lists of plain values by value, and directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`)
// say what a merge cannot. What a patch does not touch is shared with the original, which is never changed.

import { equal, isObject, textAt, type JsonObject } from '../json.ts';
import { fieldSchema, itemSchema, type RawSchema } from '../openapi/schemas.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const ORDER = '$setElementOrder/';
const DELETE = '$deleteFromPrimitiveList/';

/** The patch says something that no strategic merge patch may say. `unexplained`: the real server gives no reason for it. */
export class BadPatch extends Error {
  readonly unexplained: boolean;

  constructor(message: string, { isUnexplained = false }: { isUnexplained?: boolean } = {}) {
    super(message);
    this.name = 'BadPatch';
    this.unexplained = isUnexplained;
  }
}

/** @throws BadPatch */
export function applyStrategicPatch(original: JsonObject, patch: JsonObject, schema: RawSchema | undefined): JsonObject {
  if (DIRECTIVE in patch) return replacedOrDeleted(patch);
  const merged = retained(original, patch);
  for (const [field, value] of Object.entries(patch)) {
    if (field === RETAIN_KEYS) continue;
    const name = fieldOf(field);
    // Where there is an order, it is applied together with its list.
    if (name !== field || patch[ORDER + field] === undefined) applyField(merged, { name, field, value, patch, schema });
  }
  return merged;
}

/** The list that a directive is about. */
function fieldOf(field: string): string {
  const prefix = [ORDER, DELETE].find((one) => field.startsWith(one));
  return prefix === undefined ? field : field.slice(prefix.length);
}

function replacedOrDeleted({ [DIRECTIVE]: directive, ...rest }: JsonObject): JsonObject {
  if (directive === 'replace') return rest;
  if (directive === 'delete') return {};
  throw new BadPatch(`Unknown patch type: ${String(directive)}`);
}

/** Of a union: the members that the patch does not name are gone. */
function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[RETAIN_KEYS];
  if (keys === undefined) return { ...original };
  if (!Array.isArray(keys)) throw new BadPatch('invalid patch format of retainKeys');
  const stray = Object.entries(patch).find(([field, value]) => field !== RETAIN_KEYS && value !== null && fieldOf(field) === field && !keys.includes(field));
  if (stray !== undefined) throw new BadPatch('invalid patch format of retainKeys');
  return Object.fromEntries(Object.entries(original).filter(([field]) => keys.includes(field)));
}

interface Change {
  name: string;
  /** As in the patch: the name, or a directive about it. */
  field: string;
  value: unknown;
  patch: JsonObject;
  schema: RawSchema | undefined;
}

function applyField(merged: JsonObject, { name, field, value, patch, schema }: Change): void {
  const of = schema === undefined ? undefined : fieldSchema(schema, name);
  if (field.startsWith(DELETE)) merged[name] = withoutValues(merged[name], value);
  else if (field.startsWith(ORDER)) setList(merged, name, inOrder(mergedList(merged[name], patch[name], of), { order: listOf(value), before: merged[name], of }));
  else if (value === null) delete merged[name];
  else merged[name] = mergedValue(merged[name], value, of);
}

function setList(merged: JsonObject, name: string, list: unknown[] | undefined): void {
  if (list === undefined) delete merged[name];
  else merged[name] = list;
}

function withoutValues(list: unknown, values: unknown): unknown {
  return Array.isArray(list) && Array.isArray(values) ? list.filter((item) => !values.some((value) => equal(value, item))) : list;
}

function mergedValue(before: unknown, value: unknown, of: RawSchema | undefined): unknown {
  if (isObject(value) && isObject(before)) return strategiesOf(of).includes('replace') ? value : applyStrategicPatch(before, value, of);
  if (Array.isArray(value) && Array.isArray(before) && strategiesOf(of).includes('merge')) return sorted(mergedItems(before, value, of), { patch: value, before, of });
  return withoutDirectives(value);
}

function mergedList(before: unknown, value: unknown, of: RawSchema | undefined): unknown[] | undefined {
  if (value === undefined) return Array.isArray(before) ? before : undefined;
  if (value === null) return undefined;
  return listOf(mergedValue(before, value, of));
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new BadPatch(`expected a list, got ${JSON.stringify(value)}`);
  return value;
}

function strategiesOf(of: RawSchema | undefined): string[] {
  return textAt(of, 'x-kubernetes-patch-strategy').split(',');
}

function mergeKeyOf(of: RawSchema | undefined): string {
  return textAt(of, 'x-kubernetes-patch-merge-key');
}

/** Of something new there is nothing to merge with: it comes without nulls and without what tells how to merge. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !(isObject(item) && DIRECTIVE in item)).map(withoutDirectives);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([field, one]) => (field.startsWith('$') || one === null ? [] : [[field, withoutDirectives(one)]])));
}

// ── Lists ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function mergedItems(before: unknown[], patch: unknown[], of: RawSchema | undefined): unknown[] {
  const key = mergeKeyOf(of);
  if (![...before, ...patch].some(isObject)) return [...before, ...patch].filter((item, index, all) => all.findIndex((other) => equal(other, item)) === index);
  if (patch.some((item) => isObject(item) && item[DIRECTIVE] === 'replace')) return patch.filter((item) => !(isObject(item) && DIRECTIVE in item));
  return patch.reduce<unknown[]>((items, item) => withItem(items, { item: item as JsonObject, key, of: of === undefined ? undefined : itemSchema(of) }), before);
}

function withItem(items: unknown[], { item, key, of }: { item: JsonObject; key: string; of: RawSchema | undefined }): unknown[] {
  if (item[key] === undefined) throw new BadPatch(`map: ${goMap(item)} does not contain declared merge key: ${key}`, { isUnexplained: true });
  const isSame = (other: unknown): boolean => isObject(other) && equal(other[key], item[key]);
  if (item[DIRECTIVE] === 'delete') return items.filter((other) => !isSame(other));
  if (DIRECTIVE in item) throw new BadPatch(`Unknown patch type: ${String(item[DIRECTIVE])}`);
  if (!items.some(isSame)) return [...items, withoutDirectives(item)];
  return items.map((other) => (isSame(other) ? applyStrategicPatch(other as JsonObject, item, of) : other));
}

function goMap(item: JsonObject): string {
  const fields = Object.keys(item).sort();
  return `map[${fields.map((field) => `${field}:${textAt(item, field)}`).join(' ')}]`;
}

interface Ordered {
  order: unknown[];
  before: unknown;
  of: RawSchema | undefined;
}

/** Without an order of its own, a patch's items keep the order in which it names them. */
function sorted(items: unknown[], { patch, before, of }: { patch: unknown[]; before: unknown[]; of: RawSchema | undefined }): unknown[] {
  return inOrder(items, { order: patch.filter((item) => !(isObject(item) && DIRECTIVE in item)), before, of }) ?? [];
}

/** What the order names comes in that order; the server's own items keep their places among it as far as they can. */
function inOrder(items: unknown[] | undefined, { order, before, of }: Ordered): unknown[] | undefined {
  if (items === undefined) return undefined;
  const key = mergeKeyOf(of);
  const identity = (item: unknown): unknown => (isObject(item) && key !== '' ? item[key] : item);
  const place = (list: unknown[], item: unknown): number => list.findIndex((other) => equal(identity(other), identity(item)));
  const named = items.filter((item) => place(order, item) !== -1).sort((a, b) => place(order, a) - place(order, b));
  const others = items.filter((item) => place(order, item) === -1);
  const live = Array.isArray(before) ? before : [];
  return interleaved(others, named, (other, one) => place(live, other) < place(live, one) && place(live, other) !== -1);
}

function interleaved(others: unknown[], named: unknown[], isBefore: (other: unknown, named: unknown) => boolean): unknown[] {
  const [left, right, result] = [[...others], [...named], [] as unknown[]];
  while (left.length > 0 && right.length > 0) result.push(isBefore(left[0], right[0]) ? left.shift() : right.shift());
  return [...result, ...left, ...right];
}
