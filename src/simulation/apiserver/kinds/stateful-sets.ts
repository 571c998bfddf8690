// StatefulSets: what may change in one after it was made.

import { statefulSets as resource, type KubernetesObject, type StatefulSet } from '../../../kubernetes/objects.ts';
import { matchesSelector, selectorText } from '../../../kubernetes/selector.ts';
import { forbids, required, unsupported, wrong, type FieldError } from '../field-errors.ts';
import { equal, listAt, objectAt, textAt, type JsonObject } from '../json.ts';
import { kind } from './kind.ts';
import { podSpecDefaults, validatePodSpec } from './pods.ts';

const MUTABLE = new Set(['replicas', 'template', 'updateStrategy', 'minReadySeconds', 'ordinals', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy']);
const FORBIDDEN =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export const statefulSetKind = kind({
  resource,
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  defaults: (set) => ({ ...set, spec: defaults(objectAt(set, 'spec')) }),
  prepareCreate: (set) => ({ ...set, status: { replicas: 0, availableReplicas: 0 } }),
  validate: (set) => validate(set as StatefulSet),
  validateUpdate: (next, previous) => (equal(fixed(next), fixed(previous)) ? [] : [forbids('spec', FORBIDDEN)]),
  scale: { replicas: ['spec', 'replicas'], statusReplicas: ['status', 'replicas'], selector: (set) => selectorText((set as StatefulSet).spec.selector) },
});

function defaults(spec: JsonObject): JsonObject {
  const updateStrategy = objectAt(spec, 'updateStrategy');
  const type = textAt(updateStrategy, 'type') || 'RollingUpdate';
  const rolling = type === 'RollingUpdate' ? { rollingUpdate: { partition: 0, ...objectAt(updateStrategy, 'rollingUpdate') } } : {};
  const template = objectAt(spec, 'template');
  const claimTemplates = spec.volumeClaimTemplates === undefined ? {} : { volumeClaimTemplates: listAt(spec, 'volumeClaimTemplates').map(claimTemplateDefaults) };
  return {
    podManagementPolicy: 'OrderedReady',
    replicas: 1,
    revisionHistoryLimit: 10,
    ...spec,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain', ...objectAt(spec, 'persistentVolumeClaimRetentionPolicy') },
    updateStrategy: { ...updateStrategy, type, ...rolling },
    template: { ...template, metadata: objectAt(template, 'metadata'), spec: podSpecDefaults(template.spec) },
    ...claimTemplates,
  };
}

function claimTemplateDefaults(template: unknown): JsonObject {
  const claim = template as JsonObject;
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: { phase: 'Pending' }, ...claim, spec: { volumeMode: 'Filesystem', ...objectAt(claim, 'spec') } };
}

function fixed(set: KubernetesObject): JsonObject {
  return Object.fromEntries(Object.entries(objectAt(set, 'spec')).filter(([name]) => !MUTABLE.has(name)));
}

function validate({ spec }: StatefulSet): FieldError[] {
  const errors: FieldError[] = [];
  const policy = spec.podManagementPolicy ?? '';
  if (!['OrderedReady', 'Parallel'].includes(policy)) errors.push(wrong('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"));
  const numbers: [string, number | undefined][] = [
    ['spec.replicas', spec.replicas],
    ['spec.ordinals.start', spec.ordinals?.start],
  ];
  for (const [field, value] of numbers) if (value !== undefined && value < 0) errors.push(wrong(field, value, 'must be greater than or equal to 0'));
  return [...errors, ...validateStrategy(spec.updateStrategy), ...validateSelector(spec), ...validateTemplate(spec)];
}

function validateStrategy(strategy: StatefulSet['spec']['updateStrategy']): FieldError[] {
  const { type = '', rollingUpdate } = strategy ?? {};
  if (!['RollingUpdate', 'OnDelete'].includes(type)) return [wrong('spec.updateStrategy', strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  return type === 'OnDelete' && rollingUpdate !== undefined ? [wrong('spec.updateStrategy.rollingUpdate', rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")] : [];
}

function validateSelector({ selector, template }: StatefulSet['spec']): FieldError[] {
  if ((selector as unknown) === undefined) return [required('spec.selector')];
  const count = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length;
  if (count === 0) return [wrong('spec.selector', selector, 'empty selector is invalid for statefulset')];
  const labels = template.metadata?.labels;
  return matchesSelector(selector, labels) ? [] : [wrong('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`')];
}

function validateTemplate(spec: StatefulSet['spec']): FieldError[] {
  // The controller adds a volume for each claim template, in place of one of the same name.
  const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => ({ name: metadata.name }));
  const own = listAt(spec, 'template', 'spec', 'volumes').filter((volume) => !claims.some(({ name }) => name === textAt(volume, 'name')));
  const errors = validatePodSpec({ ...spec.template.spec, volumes: [...claims, ...own] }, 'spec.template.spec');
  const restart = textAt(spec, 'template', 'spec', 'restartPolicy');
  return restart === 'Always' || !['OnFailure', 'Never'].includes(restart) ? errors : [...errors, unsupported('spec.template.spec.restartPolicy', restart, ['Always'])];
}
