// JSON merge patch (RFC 7386) and JSON patch (RFC 6902) as the API server applies them. What a patch does not touch is shared with the
// original, which is never changed.

import type { JsonPatchOperation } from './contract.ts';
import { equal, isObject, type JsonObject } from './json.ts';

/** Null deletes, objects merge, anything else replaces. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (value !== undefined) merged[key] = applyMergePatch(merged[key], value);
  }
  return merged;
}

/** A test that did not hold, or a path that is not there: the whole patch is void. */
export class PatchFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PatchFailed';
  }
}

/** @throws PatchFailed, worded like the library that the API server uses. */
export function applyJsonPatch(document: unknown, operations: readonly JsonPatchOperation[]): unknown {
  return operations.reduce<unknown>((current, operation) => applyOperation(current, operation), document);
}

function applyOperation(document: unknown, operation: JsonPatchOperation): unknown {
  const { op, path, from = '' } = operation;
  switch (op) {
    case 'test':
      return tested(document, operation);
    case 'add':
      return edited(document, operation, 'add');
    case 'replace':
      return edited(document, operation, 'replace');
    case 'remove':
      return edited(document, operation, 'remove');
    case 'copy':
      return edited(document, { op: 'add', path, value: found(document, from, op) }, 'add');
    case 'move':
      return edited(edited(document, { op: 'remove', path: from }, 'remove'), { op: 'add', path, value: found(document, from, op) }, 'add');
    default:
      throw new PatchFailed(`Unexpected kind: ${String(op)}`);
  }
}

function tested(document: unknown, { path, value }: JsonPatchOperation): unknown {
  const missing = Symbol('missing');
  let current: unknown = document;
  for (const key of keysOf(path)) current = hasKey(current, key) ? childOf(current, key) : missing;
  if (!equal(current === missing ? null : current, value ?? null)) throw new PatchFailed(`testing value ${path} failed: test failed`);
  return document;
}

function found(document: unknown, path: string, op: string): unknown {
  return keysOf(path).reduce<unknown>((current, key) => {
    if (!hasKey(current, key)) throw new PatchFailed(`${op} operation does not apply: doc is missing from path: ${path}: missing value`);
    return childOf(current, key);
  }, document);
}

type Edit = 'add' | 'replace' | 'remove';

function edited(document: unknown, operation: JsonPatchOperation, edit: Edit): unknown {
  const keys = keysOf(operation.path);
  if (keys.length === 0) return operation.value;
  return editedAt(document, keys, { operation, edit });
}

function editedAt(container: unknown, keys: string[], what: { operation: JsonPatchOperation; edit: Edit }): unknown {
  const [key = '', ...rest] = keys;
  const { operation, edit } = what;
  if (rest.length > 0) {
    if (!hasKey(container, key)) throw new PatchFailed(`${edit} operation does not apply: doc is missing path: "${operation.path}": missing value`);
    return withChild(container, key, editedAt(childOf(container, key), rest, what));
  }
  if (edit !== 'add' && !hasKey(container, key)) throw new PatchFailed(`${edit} operation does not apply: doc is missing key: ${operation.path}: missing value`);
  if (edit === 'remove') return withoutChild(container, key);
  return edit === 'add' && Array.isArray(container) ? inserted(container, key, operation) : withChild(container, key, operation.value);
}

function inserted(list: unknown[], key: string, { path, value }: JsonPatchOperation): unknown[] {
  const index = key === '-' ? list.length : Number(key);
  if (!Number.isInteger(index) || index < 0 || index > list.length) throw new PatchFailed(`add operation does not apply: doc is missing path: "${path}": Unable to access invalid index: ${key}: invalid index referenced`);
  return [...list.slice(0, index), value, ...list.slice(index)];
}

function withChild(container: unknown, key: string, value: unknown): unknown {
  if (Array.isArray(container)) return container.map((item: unknown, index) => (index === Number(key) ? value : item));
  return { ...(container as JsonObject), [key]: value };
}

function withoutChild(container: unknown, key: string): unknown {
  if (Array.isArray(container)) return container.filter((_, index) => index !== Number(key));
  const { [key]: _gone, ...rest } = container as JsonObject;
  return rest;
}

function keysOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function hasKey(container: unknown, key: string): boolean {
  if (Array.isArray(container)) return /^\d+$/.test(key) && Number(key) < container.length;
  return isObject(container) && Object.hasOwn(container, key);
}

function childOf(container: unknown, key: string): unknown {
  return (container as JsonObject)[key];
}
