// The fields that the API server refuses to change, as far as a migration could try: of claims, volumes, pods and our own records.

import { isDeepStrictEqual } from 'node:util';
import { GROUP } from '../../src/kubernetes/names.ts';
import type { KubernetesObject, PersistentVolume, PersistentVolumeClaim, Pod, Resource } from '../../src/kubernetes/objects.ts';

/** Paths of immutable fields that differ; empty when the change is allowed. */
export function immutableFieldsChanged(resource: Resource, before: KubernetesObject, after: KubernetesObject): string[] {
  switch (resource.kind) {
    case 'PersistentVolumeClaim':
      return ofClaim(before as PersistentVolumeClaim, after as PersistentVolumeClaim);
    case 'PersistentVolume':
      return ofVolume(before as PersistentVolume, after as PersistentVolume);
    case 'Pod':
      return ofPod(before as Pod, after as Pod);
    case 'OrdinalMigration':
      return resource.group === GROUP && !isDeepStrictEqual(before.spec, after.spec) ? ['spec'] : [];
    default:
      return [];
  }
}

/** `volumeName` may be set once; requests and the attributes class may change (a bound claim grows). */
function ofClaim(before: PersistentVolumeClaim, after: PersistentVolumeClaim): string[] {
  const fixed = ({ spec }: PersistentVolumeClaim): object => ({ ...spec, volumeName: undefined, resources: undefined, volumeAttributesClassName: undefined });
  const changed = isDeepStrictEqual(fixed(before), fixed(after)) ? [] : ['spec'];
  const bound = before.spec.volumeName ?? '';
  if (bound !== '' && after.spec.volumeName !== bound) changed.push('spec.volumeName');
  return changed;
}

function ofVolume(before: PersistentVolume, after: PersistentVolume): string[] {
  const changed: string[] = [];
  if (!isDeepStrictEqual(before.spec.csi, after.spec.csi)) changed.push('spec.persistentvolumesource');
  if (before.spec.nodeAffinity !== undefined && !isDeepStrictEqual(before.spec.nodeAffinity, after.spec.nodeAffinity)) changed.push('spec.nodeAffinity');
  return changed;
}

/** Gates can only be taken away. */
function ofPod(before: Pod, after: Pod): string[] {
  const had = new Set((before.spec.schedulingGates ?? []).map((gate) => gate.name));
  return (after.spec.schedulingGates ?? []).every((gate) => had.has(gate.name)) ? [] : ['spec.schedulingGates'];
}
