// Volumes: a source that is fixed, a node affinity that may be set once, and a claimRef that anybody may write.

import { volumes as resource, type KubernetesObject } from '../../../kubernetes/objects.ts';
import { forbids, IMMUTABLE, required, unsupported, wrong, type FieldError } from '../field-errors.ts';
import { equal, listAt, objectAt, textAt, withField, type JsonObject } from '../json.ts';
import { wholeSeconds } from '../metadata.ts';
import { kind } from './kind.ts';

/** Everything else in a volume's spec is its source. */
const NOT_SOURCE = new Set(['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy', 'storageClassName', 'volumeAttributesClassName', 'volumeMode']);
const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

export const volumeKind = kind({
  resource,
  singular: 'persistentvolume',
  shortNames: ['pv'],
  generation: false,
  returnsDeleted: true,
  defaults: (volume) => ({ ...volume, spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', ...(volume.spec as JsonObject) } }),
  prepareCreate: (volume, now) => ({ ...volume, status: { phase: 'Pending', lastPhaseTransitionTime: wholeSeconds(now) } }),
  validate,
  validateUpdate,
});

function sourceOf(spec: unknown): JsonObject {
  return Object.fromEntries(Object.entries(objectOf(spec)).filter(([name]) => !NOT_SOURCE.has(name)));
}

function objectOf(spec: unknown): JsonObject {
  return objectAt({ spec }, 'spec');
}

function validate({ spec }: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const modes = listAt(spec, 'accessModes');
  if (modes.length === 0) errors.push(required('spec.accessModes'));
  for (const mode of modes) if (!ACCESS_MODES.includes(String(mode))) errors.push(unsupported('spec.accessModes', mode, ACCESS_MODES));
  const capacity = objectAt(spec, 'capacity');
  if (Object.keys(capacity).length === 0) errors.push(required('spec.capacity'));
  if (capacity.storage === undefined || Object.keys(capacity).length > 1) errors.push(unsupported('spec.capacity', capacity, ['storage']));
  const policy = textAt(spec, 'persistentVolumeReclaimPolicy');
  if (!RECLAIM_POLICIES.includes(policy)) errors.push(unsupported('spec.persistentVolumeReclaimPolicy', policy, RECLAIM_POLICIES));
  return [...errors, ...validateAffinity(spec), ...validateSource(spec)];
}

function validateAffinity(spec: unknown): FieldError[] {
  const affinity = objectOf(spec).nodeAffinity;
  if (affinity === undefined) return [];
  if (objectAt(affinity, 'required').nodeSelectorTerms === undefined) return [required('spec.nodeAffinity.required', 'must specify required node constraints')];
  return listAt(affinity, 'required', 'nodeSelectorTerms').length === 0 ? [required('spec.nodeAffinity.required.nodeSelectorTerms', 'must have at least one node selector term')] : [];
}

function validateSource(spec: unknown): FieldError[] {
  const source = sourceOf(spec);
  const errors: FieldError[] = Object.keys(source).length === 0 ? [required('spec', 'must specify a volume type')] : [];
  if (source.csi !== undefined) {
    for (const part of ['driver', 'volumeHandle']) if (textAt(source.csi, part) === '') errors.push(required(`spec.csi.${part}`));
  }
  if (source.local !== undefined && objectOf(spec).nodeAffinity === undefined) errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
  return errors;
}

function validateUpdate(next: KubernetesObject, previous: KubernetesObject): FieldError[] {
  const errors: FieldError[] = [];
  const [spec, old] = [objectOf(next.spec), objectOf(previous.spec)];
  let source = sourceOf(spec);
  // The one part of a source that may be added.
  if (old.csi !== undefined && objectAt(old, 'csi').controllerExpandSecretRef === undefined) source = withField(source, ['csi', 'controllerExpandSecretRef'], undefined);
  if (!equal(source, sourceOf(old))) errors.push(forbids('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation\n'));
  if (!equal(spec.volumeMode, old.volumeMode)) errors.push(wrong('volumeMode', spec.volumeMode, IMMUTABLE));
  if (old.nodeAffinity !== undefined && !equal(spec.nodeAffinity, old.nodeAffinity)) {
    errors.push(wrong('nodeAffinity', spec.nodeAffinity, `${IMMUTABLE}, except for updating from beta label to GA`));
  }
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    errors.push(forbids('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}
