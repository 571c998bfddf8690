// What is known of the fields of a kind: of built-in kinds what Kubernetes 1.36 publishes (built-in.json, recorded from a real API server,
// without the prose), of custom kinds their definition's schema. Server-side apply, strategic merge patches, field validation and
// `kubectl explain` all read from here.

import { readFileSync } from 'node:fs';
import { at, isObject, objectAt, textAt, type JsonObject } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';

/** A schema of OpenAPI 3, as published. */
export type RawSchema = JsonObject;

const REFERENCE = '#/components/schemas/';
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

let builtIn: Record<string, RawSchema> | undefined;

/** Read when it is first needed: most simulations never do. */
export function builtInSchemas(): Record<string, RawSchema> {
  builtIn ??= JSON.parse(readFileSync(new URL('built-in.json', import.meta.url), 'utf8')) as Record<string, RawSchema>;
  return builtIn;
}

const found = new WeakMap<Kind, RawSchema>();

/** Of the whole object. */
export function schemaOf(kind: Kind): RawSchema {
  let schema = found.get(kind);
  if (schema === undefined) {
    schema = kind.definition === undefined ? publishedSchema(kind) : customSchema(kind.definition.schema);
    found.set(kind, schema);
  }
  return schema;
}

export function isOfKind(schema: RawSchema, { resource: { group, version, kind } }: Kind): boolean {
  const [own] = (schema[GROUP_VERSION_KIND] ?? []) as JsonObject[];
  return own?.group === group && own.version === version && own.kind === kind;
}

export const GROUP_VERSION_KIND = 'x-kubernetes-group-version-kind';

function publishedSchema(kind: Kind): RawSchema {
  const own = Object.values(builtInSchemas()).find((schema) => isOfKind(schema, kind));
  if (own === undefined) throw new Error(`built-in.json has no schema of ${kind.resource.kind} in ${kind.resource.group}/${kind.resource.version}: record it again (see kubectl.e2e.test.ts).`);
  return own;
}

/** A definition says nothing of metadata, which is that of every object. */
function customSchema(schema: RawSchema): RawSchema {
  const properties = { ...objectAt(schema, 'properties'), apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { allOf: [{ $ref: REFERENCE + OBJECT_META }] } };
  return { ...schema, type: 'object', properties };
}

/** The last part of what a schema refers to, e.g. `PodSpec`; empty where it stands for itself. */
export function referredName(schema: RawSchema): string {
  const reference = textAt(schema, '$ref') || textAt(schema, 'allOf', 0, '$ref');
  return reference.slice(reference.lastIndexOf('.') + 1);
}

/** The schema behind references; what stands beside a reference (a list's merge key) is the referrer's own. */
export function resolved(schema: RawSchema): RawSchema {
  const reference = textAt(schema, '$ref') || textAt(schema, 'allOf', 0, '$ref');
  return reference === '' ? schema : resolved(objectAt(builtInSchemas(), reference.slice(REFERENCE.length)));
}

/** Of a field; undefined when the schema does not know it. */
export function fieldSchema(schema: RawSchema, name: string): RawSchema | undefined {
  const own = resolved(schema);
  const property = at(own, 'properties', name) ?? own.additionalProperties;
  return isObject(property) ? property : undefined;
}

/** Of an item of a list; undefined when the schema does not say. */
export function itemSchema(schema: RawSchema): RawSchema | undefined {
  const { items } = resolved(schema);
  return isObject(items) ? items : undefined;
}

/** Fields that no schema names are kept as they are. */
export function keepsUnknown(schema: RawSchema): boolean {
  const own = resolved(schema);
  if (own['x-kubernetes-preserve-unknown-fields'] === true || own.additionalProperties === true) return true;
  return own.properties === undefined && own.additionalProperties === undefined;
}
