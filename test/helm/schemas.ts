// JSON Schemas for kubeconform, from the OpenAPI document of the very Kubernetes that the tests run: nothing is downloaded, and whoever moves
// the control plane to another release moves them too. Stricter than the document, as `--validate=strict` is: no field that it does not know.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { kubernetesSource } from '../controlplane/build.ts';

/** What the document uses of a Swagger 2 schema. */
export interface OpenApiSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema;
  readonly items?: OpenApiSchema;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

export type OpenApiDefinitions = Readonly<Record<string, OpenApiSchema>>;

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const DEFINITIONS = '_definitions.json';

/** Where kubeconform finds a kind in the folder: under the whole group, for it also knows a layout in which only its first word counts. */
export const LAYOUT = '{{.Group}}/{{.ResourceAPIVersion}}/{{.ResourceKind}}.json';

/** Keywords that say nothing about what is valid. */
const SILENT = new Set(['description', 'default', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type', 'x-kubernetes-patch-strategy', 'x-kubernetes-patch-merge-key', 'x-kubernetes-unions']);
const SPEAKING = new Set(['$ref', 'type', 'format', 'properties', 'additionalProperties', 'items', 'required', 'x-kubernetes-group-version-kind', 'x-kubernetes-preserve-unknown-fields']);

const CRD = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const reference = (definition: string): object => ({ $ref: `#/definitions/${definition}` });
const schemaOfCrd = reference(`${CRD}.JSONSchemaProps`);

/** What marshals itself in another form than the document says, or in one that it leaves open. */
const WRITTEN_OTHERWISE: Readonly<Record<string, object>> = {
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: ['integer', 'string'] },
  // The grammar stands in the definition's own description.
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: ['number', 'string'], pattern: String.raw`^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$` },
  [`${CRD}.JSONSchemaPropsOrArray`]: { anyOf: [schemaOfCrd, { type: 'array', items: schemaOfCrd }] },
  [`${CRD}.JSONSchemaPropsOrBool`]: { anyOf: [schemaOfCrd, { type: 'boolean' }] },
  [`${CRD}.JSONSchemaPropsOrStringArray`]: { anyOf: [schemaOfCrd, { type: 'array', items: { type: 'string' } }] },
};

/** Writes a file for every kind, as LAYOUT names it, and one with what they are made of. @throws when Kubernetes' source cannot be got at, or says what is not known here */
export async function writeSchemas(folder: string): Promise<void> {
  const document = join(await kubernetesSource('The real kubeconform'), 'api/openapi-spec/swagger.json');
  const { definitions } = JSON.parse(await readFile(document, 'utf8')) as { definitions: OpenApiDefinitions };
  const gone = Object.keys(WRITTEN_OTHERWISE).filter((name) => !(name in definitions));
  if (gone.length > 0) throw new Error(`The OpenAPI of Kubernetes no longer defines ${gone.join(', ')}. Look in ${document} for what has taken its place and name that in test/helm/schemas.ts.`);
  for (const [path, schema] of schemas(definitions)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), JSON.stringify(schema));
  }
}

/** By path in the folder. */
export function schemas(definitions: OpenApiDefinitions): Map<string, object> {
  const strict = Object.entries(definitions).map(([name, schema]) => [name, WRITTEN_OTHERWISE[name] ?? strictSchema(schema, name)] as const);
  return new Map<string, object>([[DEFINITIONS, { definitions: Object.fromEntries(strict) }], ...Object.entries(definitions).flatMap(([name, schema]) => kindsOf(schema).map((kind) => fileOf(kind, name)))]);
}

/** Only objects of an API: the options of a deletion, say, belong to every group. */
function kindsOf({ 'x-kubernetes-group-version-kind': kinds = [] }: OpenApiSchema): readonly GroupVersionKind[] {
  return kinds.length === 1 ? kinds : [];
}

/** kubeconform finds the file by names in lower case, so the kind is said again. */
function fileOf({ group, version, kind }: GroupVersionKind, definition: string): [string, object] {
  // For a kind of the core, whose apiVersion is the version alone, kubeconform takes that for the group too.
  const path = `${group === '' ? version : group}/${version}/${kind.toLowerCase()}.json`;
  return [path, { allOf: [{ $ref: `../../${DEFINITIONS}#/definitions/${definition}` }, { properties: { kind: { enum: [kind] } } }] }];
}

function strictSchema(schema: OpenApiSchema, name: string): object {
  const unknown = Object.keys(schema).filter((keyword) => !SILENT.has(keyword) && !SPEAKING.has(keyword));
  if (unknown.length > 0) throw new Error(`The OpenAPI of Kubernetes says ${unknown.join(', ')} about ${name}, which test/helm/schemas.ts does not know. Say there what it means.`);
  // JSON Schema reads nothing beside a reference.
  if (schema.$ref !== undefined) return { $ref: schema.$ref };
  const { type, format, required, items } = schema;
  return {
    ...(type === undefined ? {} : { type }),
    ...(format === undefined ? {} : { format }),
    ...(required === undefined ? {} : { required }),
    ...(items === undefined ? {} : { items: strictSchema(items, `${name}[]`) }),
    ...fieldsOf(schema, name),
  };
}

/** An object of which the document names no field (FieldsV1, RawExtension) is open. */
function fieldsOf({ properties, additionalProperties, ...schema }: OpenApiSchema, name: string): object {
  if (additionalProperties !== undefined) return { additionalProperties: strictSchema(additionalProperties, `${name}.*`) };
  if (properties === undefined) return {};
  const fields = Object.entries(properties).map(([field, of]) => [field, strictSchema(of, `${name}.${field}`)]);
  return { properties: Object.fromEntries(fields), ...(schema['x-kubernetes-preserve-unknown-fields'] === true ? {} : { additionalProperties: false }) };
}
