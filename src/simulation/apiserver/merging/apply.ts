// Server-side apply as a request: what may be applied, and onto what.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { required } from '../field-errors.ts';
import { withField } from '../json.ts';
import { wholeSeconds } from '../metadata.ts';
import { applyWords, judge } from '../openapi/field-validation.ts';
import { schemaOf } from '../openapi/schemas.ts';
import { badRequest, conflict, invalid, unexplained } from '../refusals.ts';
import type { Registry, Written } from '../registry.ts';
import type { Target } from '../target.ts';
import { apply, managedFields } from './ownership.ts';

export interface Application {
  applied: KubernetesObject;
  force: boolean;
}

/** Creates what is not there. @throws Refusal 400, 409 for what others own, 422, 500 for what does not fit the schema */
export async function applyTo(registry: Registry, target: Target, { applied, force }: Application): Promise<Written> {
  refuseMisdirected(target, applied);
  refuseUnfit(target, applied);
  if (target.subresource === '' && registry.find(target) === undefined) return { ...(await createApplied(registry, target, applied)), created: true };
  const change = (existing: KubernetesObject): KubernetesObject => {
    const { object, managers } = apply({ target, now: wholeSeconds(registry.world.clock.now()) }, existing, { applied, force });
    return withField(object, ['metadata', 'managedFields'], managedFields(managers, { kept: !registry.world.fieldOwnership }));
  };
  return registry.update(target, change, { uid: applied.metadata.uid });
}

function createApplied(registry: Registry, target: Target, applied: KubernetesObject): Promise<Written> {
  const { uid = '' } = applied.metadata;
  if (uid !== '') throw conflict(target.kind.resource, target.name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
  return registry.create(target, applied);
}

function refuseMisdirected({ kind, name, fieldManager }: Target, { apiVersion = '', kind: appliedKind = '', metadata }: KubernetesObject): void {
  const { group, version, kind: ownKind } = kind.resource;
  const type = group === '' ? version : `${group}/${version}`;
  if (apiVersion !== type || appliedKind !== ownKind) throw badRequest(`${apiVersion}, Kind=${appliedKind} is applied where ${type}, Kind=${ownKind} is served`);
  if ((metadata.name ?? name) !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  if (fieldManager === '') throw invalid({ group: 'meta.k8s.io', version: 'v1', plural: '', kind: 'PatchOptions', namespaced: false }, '', [required('fieldManager', 'is required for apply patch')]);
}

function refuseUnfit({ kind, name }: Target, applied: KubernetesObject): void {
  const { group, version, kind: ownKind } = kind.resource;
  const words = applyWords(judge(schemaOf(kind), applied, ownKind));
  if (words.length === 0) return;
  const why = words.length === 1 ? (words[0] ?? '') : `errors:\n${words.map((word) => `  ${word}`).join('\n')}`;
  throw unexplained(`failed to create typed patch object (${applied.metadata.namespace ?? ''}/${name}; ${group}/${version}, Kind=${ownKind}): ${why}`);
}
