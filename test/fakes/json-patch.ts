// RFC 6902 (add, remove, replace, test) and RFC 7386 on plain JSON, as the API server applies them.

import { isDeepStrictEqual } from 'node:util';
import type { JsonPatchOperation } from '../../src/kubernetes/api.ts';
import { copyOf } from './json-copy.ts';

type Json = Record<string, unknown> | unknown[];

/** RFC 7386: null deletes, objects merge, anything else replaces. Neither argument is changed. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return copyOf(patch);
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (value !== undefined) merged[key] = applyMergePatch(merged[key], value);
  }
  return merged;
}

/** @throws Error for a failed test or a path that is not there; then nothing has changed. */
export function applyJsonPatch(target: unknown, operations: JsonPatchOperation[]): unknown {
  const root = { document: copyOf(target) };
  for (const operation of operations) applyOperation(root, operation);
  return root.document;
}

function applyOperation(root: { document: unknown }, { op, path, value }: JsonPatchOperation): void {
  const keys = ['document', ...path.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))];
  const last = keys.pop()!;
  const parent = keys.reduce<unknown>((json, key) => child(json, key, path), root);
  if (typeof parent !== 'object' || parent === null) throw new Error(`${op} ${path}: the parent is not there`);
  const container = parent as Json;
  if (op === 'test') {
    if (!isDeepStrictEqual(has(container, last) ? child(container, last, path) : undefined, value)) throw new Error(`testing value ${path} failed: test failed`);
    return;
  }
  if (op !== 'add' && !has(container, last)) throw new Error(`${op} operation does not apply: doc is missing path: ${path}`);
  if (op === 'remove') removeFrom(container, last);
  else putInto(container, last, { value: copyOf(value), insert: op === 'add' });
}

function child(json: unknown, key: string, path: string): unknown {
  if (typeof json !== 'object' || json === null || !has(json as Json, key)) throw new Error(`doc is missing path: ${path}`);
  return (json as Record<string, unknown>)[key];
}

function has(container: Json, key: string): boolean {
  return Array.isArray(container) ? /^\d+$/.test(key) && Number(key) < container.length : Object.hasOwn(container, key);
}

function removeFrom(container: Json, key: string): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
}

function putInto(container: Json, key: string, { value, insert }: { value: unknown; insert: boolean }): void {
  if (!Array.isArray(container)) {
    container[key] = value;
    return;
  }
  const at = key === '-' ? container.length : Number(key);
  if (!Number.isInteger(at) || at > container.length) throw new Error(`index ${key} is out of the array's bounds`);
  container.splice(at, insert ? 0 : 1, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
