// The schemas of the built-in kinds, taken from what a real API server publishes under /openapi/v3 and cut down to what the simulated one
// needs of them: types, merge keys and list types, without the prose. kubectl.e2e.test.ts holds src/…/openapi/built-in.json to it.

import { BUILT_IN } from '../../../src/simulation/apiserver/kinds/built-in.ts';
import { definitionKind } from '../../../src/simulation/apiserver/crd/definitions.ts';

type Json = Record<string, unknown>;

/** `/openapi/v3/…` of each group version that the simulated server has built in, e.g. `api/v1`, `apis/apps/v1`. */
export const DOCUMENTS: string[] = [
  ...new Set([...BUILT_IN, definitionKind].map(({ resource: { group, version } }) => (group === '' ? `api/${version}` : `apis/${group}/${version}`))),
].toSorted();

const GVK = 'x-kubernetes-group-version-kind';

/** Of all documents together: each schema that a built-in kind needs, by its name, in the order of the names. */
export function builtInSchemas(documents: Json[]): Json {
  const all = new Map(documents.flatMap((document) => Object.entries(((document.components as Json).schemas as Json) ?? {})));
  const kept = new Map<string, unknown>();
  const keep = (name: string): void => {
    if (kept.has(name)) return;
    const schema = withoutProse(all.get(name));
    kept.set(name, schema);
    for (const [, used = ''] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) keep(used);
  };
  for (const { resource } of [...BUILT_IN, definitionKind]) {
    const found = [...all].find(([, schema]) => kindsOf(schema).some((one) => one.group === resource.group && one.version === resource.version && one.kind === resource.kind));
    if (found === undefined) throw new Error(`No document has a schema of ${resource.kind} in ${resource.group}/${resource.version}.`);
    keep(found[0]);
  }
  return Object.fromEntries([...kept].toSorted(byName));
}

function kindsOf(schema: unknown): Record<string, string>[] {
  return ((schema as Json)[GVK] ?? []) as Record<string, string>[];
}

function withoutProse(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutProse);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).toSorted(byName).flatMap(([keyword, value]): [string, unknown][] => {
      if (keyword === 'description' || isNoDefault(keyword, value) || (keyword === GVK && (value as unknown[]).length > 1)) return [];
      if (keyword === 'properties') return [[keyword, Object.fromEntries(Object.entries(value as Json).toSorted(byName).map(([name, one]) => [name, withoutProse(one)]))]];
      return [[keyword, withoutProse(value)]];
    }),
  );
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Go's zero values, which say nothing. */
function isNoDefault(keyword: string, value: unknown): boolean {
  return keyword === 'default' && (typeof value === 'object' || value === '' || value === 0 || value === false);
}
