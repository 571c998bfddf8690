// What is published under /openapi/v3: one document for each group version, as far as kubectl reads them: which patches a kind takes, that
// it knows field validation, and the fields of each kind.

import { createHash } from 'node:crypto';
import { isObject, type JsonObject } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import { patchTypesOf } from '../patch-types.ts';
import { builtInSchemas, GROUP_VERSION_KIND, isOfKind, schemaOf, type RawSchema } from './schemas.ts';

const ROOT = '/openapi/v3';

/** Undefined for a path that is none of a document. */
export function openApi(path: string, kinds: Kind[]): object | undefined {
  if (path === ROOT || path === `${ROOT}/`) return index(kinds);
  const served = kinds.filter((kind) => `${ROOT}/${pathOf(kind)}` === path);
  return served.length === 0 ? undefined : documentOf(served);
}

/** `api/v1`, `apis/apps/v1`. */
function pathOf({ resource: { group, version } }: Kind): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** kubectl keeps a document for as long as its hash stays. */
function index(kinds: Kind[]): object {
  const paths = [...new Set(kinds.map(pathOf))].map((path) => {
    const document = documentOf(kinds.filter((kind) => pathOf(kind) === path));
    const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex').toUpperCase();
    return [path, { serverRelativeURL: `${ROOT}/${path}?hash=${hash}` }];
  });
  return { paths: Object.fromEntries(paths) as JsonObject };
}

function documentOf(kinds: Kind[]): object {
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.3' },
    paths: Object.fromEntries(kinds.flatMap(pathsOf)),
    components: { schemas: schemasFor(kinds) },
  };
}

function pathsOf(kind: Kind): [string, object][] {
  const { plural, namespaced, group, version } = kind.resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = `${root}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`;
  const operation = (action: string, more: object = {}): object => ({
    'x-kubernetes-action': action,
    [GROUP_VERSION_KIND]: { group, kind: kind.resource.kind, version },
    parameters: ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
    responses: { 200: { description: 'OK' } },
    ...more,
  });
  const patched = operation('patch', { requestBody: { content: Object.fromEntries(patchTypesOf(kind).map((type) => [type, { schema: { type: 'object' } }])) } });
  return [
    [collection, { get: operation('list'), post: operation('post') }],
    [`${collection}/{name}`, { get: operation('get'), put: operation('put'), patch: patched, delete: operation('delete') }],
  ];
}

/** Of the kinds, and whatever they refer to. */
function schemasFor(kinds: Kind[]): Record<string, RawSchema> {
  const own = kinds.map((kind): [string, RawSchema] => [schemaName(kind), { ...schemaOf(kind), [GROUP_VERSION_KIND]: [typeOf(kind)] }]);
  const schemas = new Map(own);
  for (const [, schema] of own) addReferred(schemas, schema);
  return Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function addReferred(schemas: Map<string, RawSchema>, schema: unknown): void {
  if (Array.isArray(schema)) for (const one of schema) addReferred(schemas, one);
  if (!isObject(schema)) return;
  const name = typeof schema.$ref === 'string' ? (schema.$ref.split('/').at(-1) ?? '') : '';
  const referred = builtInSchemas()[name];
  if (referred !== undefined && !schemas.has(name)) {
    schemas.set(name, referred);
    addReferred(schemas, referred);
  }
  for (const value of Object.values(schema)) addReferred(schemas, value);
}

function typeOf({ resource: { group, version, kind } }: Kind): object {
  return { group, kind, version };
}

/** As published, or for a custom kind `io.zonespread.v1alpha1.SpreadReport`: its group backwards. */
function schemaName(kind: Kind): string {
  const { group, version, kind: name } = kind.resource;
  if (kind.custom === true) return [...group.split('.').toReversed(), version, name].join('.');
  return Object.entries(builtInSchemas()).find(([, schema]) => isOfKind(schema, kind))?.[0] ?? name;
}
