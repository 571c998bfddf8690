// CustomResourceDefinitions: each becomes a kind when it is stored, and is gone with it.

import { selectorText } from '../../../kubernetes/selector.ts';
import type { KubernetesObject, Resource } from '../../../kubernetes/objects.ts';
import { required, wrong, type FieldError } from '../field-errors.ts';
import { at, equal, isObject, listAt, objectAt, textAt, type JsonObject } from '../json.ts';
import { wholeSeconds } from '../metadata.ts';
import { customResourceDefinitions } from '../kinds/built-in.ts';
import { kind, type Kind } from '../kinds/kind.ts';
import { compileSchema, shaped, UnknownSchema, validateSchema, type Schema } from './schema.ts';

export const definitionKind = kind({
  resource: customResourceDefinitions,
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  unconditionalUpdate: false,
  defaults: (definition) => {
    const names = objectAt(definition, 'spec', 'names');
    const kindName = textAt(names, 'kind');
    return { ...definition, spec: { ...(definition.spec as JsonObject), conversion: { strategy: 'None' }, names: { listKind: `${kindName}List`, singular: kindName.toLowerCase(), ...names } } };
  },
  // Here names are accepted and kinds are served at once.
  prepareCreate: (definition, now) => ({ ...definition, status: established(definition, now) }),
  validate: validateDefinition,
});

function established(definition: KubernetesObject, now: number): JsonObject {
  const lastTransitionTime = wholeSeconds(now);
  const stored = listAt(definition, 'spec', 'versions').filter((version) => at(version, 'storage') === true);
  return {
    acceptedNames: objectAt(definition, 'spec', 'names'),
    conditions: [
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found', lastTransitionTime },
      { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted', lastTransitionTime },
    ],
    storedVersions: stored.map((version) => textAt(version, 'name')),
  };
}

function validateDefinition(definition: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const [group, plural] = [textAt(definition, 'spec', 'group'), textAt(definition, 'spec', 'names', 'plural')];
  for (const [field, value] of Object.entries({ 'spec.group': group, 'spec.names.plural': plural, 'spec.names.kind': textAt(definition, 'spec', 'names', 'kind') })) {
    if (value === '') errors.push(required(field));
  }
  if (definition.metadata.name !== `${plural}.${group}`) errors.push(wrong('metadata.name', definition.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  const versions = listAt(definition, 'spec', 'versions');
  if (versions.filter((version) => at(version, 'storage') === true).length !== 1) errors.push(wrong('spec.versions', versions.length, 'must have exactly one version marked as storage version'));
  for (const [index, version] of versions.entries()) {
    try {
      compileSchema(at(version, 'schema', 'openAPIV3Schema'), `spec.versions[${index}].schema.openAPIV3Schema`);
    } catch (error) {
      if (!(error instanceof UnknownSchema)) throw error;
      errors.push(wrong(error.field, '', error.message));
    }
  }
  return errors;
}

/** The served kind of a valid definition: this server serves the stored version only. */
export function kindOf(definition: KubernetesObject): Kind {
  const names = objectAt(definition, 'spec', 'names');
  const version = listAt(definition, 'spec', 'versions').find((one) => at(one, 'storage') === true);
  const raw = objectAt(version, 'schema', 'openAPIV3Schema');
  const schema = compileSchema(raw, 'schema');
  const resource: Resource = {
    group: textAt(definition, 'spec', 'group'),
    version: textAt(version, 'name'),
    plural: textAt(names, 'plural'),
    kind: textAt(names, 'kind'),
    namespaced: textAt(definition, 'spec', 'scope') === 'Namespaced',
  };
  return {
    resource,
    singular: textAt(names, 'singular'),
    shortNames: listAt(names, 'shortNames').map(String),
    generation: true,
    unconditionalUpdate: false,
    returnsDeleted: false,
    name: 'subdomain' as const,
    custom: true,
    definition: { schema: raw, columns: listAt(version, 'additionalPrinterColumns').filter(isObject) },
    ...(names.categories === undefined ? {} : { categories: listAt(names, 'categories').map(String) }),
    ...behaviour(schema, { hasStatus: isObject(at(version, 'subresources', 'status')), scale: at(version, 'subresources', 'scale') }),
  };
}

function behaviour(schema: Schema, { hasStatus, scale }: { hasStatus: boolean; scale: unknown }): Pick<Kind, 'status'> & Partial<Kind> {
  return {
    status: hasStatus,
    defaults: (object) => shaped(schema, object) as KubernetesObject,
    // A status write carries nothing but the status.
    prepareStatus: (next, previous) => ({ ...previous, status: next.status }),
    validate: (object) => validateSchema(schema, object, undefined),
    validateUpdate: (next, previous) => changeErrors(schema, next, previous),
    validateStatus: (next, previous) => validateSchema(schema, next, previous),
    ...(isObject(scale) ? { scale: scaleOf(scale) } : {}),
  };
}

/** What `validate` has found already is not said twice. */
function changeErrors(schema: Schema, next: KubernetesObject, previous: KubernetesObject): FieldError[] {
  const known = validateSchema(schema, next, undefined);
  return validateSchema(schema, next, previous).filter((error) => !known.some((one) => equal(one, error)));
}

function scaleOf(scale: JsonObject): NonNullable<Kind['scale']> {
  const path = (name: string): string[] => textAt(scale, name).split('.').filter((part) => part !== '');
  const selectorPath = path('labelSelectorPath');
  const selector = (object: KubernetesObject): string => {
    const found = at(object, ...selectorPath);
    return isObject(found) ? selectorText(found) : textAt(object, ...selectorPath);
  };
  return { replicas: path('specReplicasPath'), statusReplicas: path('statusReplicasPath'), selector };
}
