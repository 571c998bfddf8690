// Sets of fields, as managedFields writes them (FieldsV1): a tree whose branches are `f:name` (a field), `k:{"name":"web"}` (an item of a
// list by its keys) and `v:"x"` (an item by its value). A branch is in the set itself when it is empty or has the branch `.`.

import { isObject, type JsonObject } from '../json.ts';

export interface FieldSet {
  /** The place itself is in the set, not only what is below it. */
  member: boolean;
  children: ReadonlyMap<string, FieldSet>;
}

export const NOTHING: FieldSet = { member: false, children: new Map() };
export const ITSELF: FieldSet = { member: true, children: new Map() };

/** Branches with nothing in them are left out. */
export function fieldSet(member: boolean, children: Iterable<[string, FieldSet]>): FieldSet {
  const kept = new Map([...children].filter(([, child]) => !isEmpty(child)));
  return member || kept.size > 0 ? { member, children: kept } : NOTHING;
}

export function isEmpty({ member, children }: FieldSet): boolean {
  return !member && children.size === 0;
}

export function readFields(fields: unknown): FieldSet {
  if (!isObject(fields)) return NOTHING;
  return { member: false, children: new Map(Object.entries(fields).map(([branch, below]) => [branch, readBranch(below)])) };
}

function readBranch(below: unknown): FieldSet {
  const { '.': own, ...branches } = isObject(below) ? below : {};
  const children = Object.entries(branches).map(([branch, one]): [string, FieldSet] => [branch, readBranch(one)]);
  return { member: own !== undefined || children.length === 0, children: new Map(children) };
}

export function writeFields({ children }: FieldSet): JsonObject {
  return Object.fromEntries([...children].sort(([a], [b]) => (a < b ? -1 : 1)).map(([branch, child]) => [branch, writeBranch(child)]));
}

function writeBranch(child: FieldSet): JsonObject {
  return child.member && child.children.size > 0 ? { '.': {}, ...writeFields(child) } : writeFields(child);
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const branches = new Set([...a.children.keys(), ...b.children.keys()]);
  return fieldSet(a.member || b.member, [...branches].map((branch) => [branch, union(at(a, branch), at(b, branch))]));
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return a;
  return fieldSet(a.member && !b.member, [...a.children].map(([branch, child]) => [branch, difference(child, at(b, branch))]));
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return NOTHING;
  return fieldSet(a.member && b.member, [...a.children].map(([branch, child]) => [branch, intersection(child, at(b, branch))]));
}

/** What of `a` is neither in `b` itself nor above or below anything in it. */
export function unclaimed(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  if (b.member && b.children.size === 0) return NOTHING;
  return fieldSet(false, [...a.children].map(([branch, child]) => [branch, unclaimed(child, at(b, branch))]));
}

export function at({ children }: FieldSet, branch: string): FieldSet {
  return children.get(branch) ?? NOTHING;
}

/** As the API server words them: `.spec.containers[name="web"].image`. */
export function pathsOf({ children }: FieldSet, prefix = ''): string[] {
  return [...children].flatMap(([branch, child]) => {
    const path = prefix + wordOf(branch);
    const deeper = pathsOf(child, path);
    return child.member ? [path].concat(deeper) : deeper;
  });
}

function wordOf(branch: string): string {
  const rest = branch.slice(2);
  if (branch.startsWith('f:')) return `.${rest}`;
  if (branch.startsWith('v:')) return `[=${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as JsonObject).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `[${keys.join(',')}]`;
}
