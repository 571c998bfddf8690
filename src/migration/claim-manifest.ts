// The claim of a moved ordinal: what is kept of the old one, and the one that takes its place. Pure.

import { MIGRATION_LABEL, OVERRIDE_ANNOTATION, ROLE_LABEL, TOUCH_ANNOTATION } from '../kubernetes/names.ts';
import type { PersistentVolumeClaim } from '../kubernetes/objects.ts';
import type { ClaimRecord } from './record.ts';

/** With these kept, a re-created claim goes Lost or waits for a node that no longer matters (trap 3 of kubernetes-facts.md). */
const NOT_COPIED = new Set([
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'volume.kubernetes.io/selected-node',
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
  TOUCH_ANNOTATION,
  // A person's word for this one object.
  OVERRIDE_ANNOTATION,
]);

/** Labels, annotations and spec as they must come back. Owner references stay behind: the StatefulSet controller adds what its retention policy needs. */
export function manifestOf(claim: PersistentVolumeClaim): ClaimRecord['manifest'] {
  const { volumeName: _bound, ...spec } = claim.spec;
  return {
    labels: Object.fromEntries(Object.entries(claim.metadata.labels ?? {}).filter(([key]) => key !== MIGRATION_LABEL && key !== ROLE_LABEL)),
    annotations: Object.fromEntries(Object.entries(claim.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key))),
    spec,
  };
}

/**
 * What is kept, with the labels and annotations that people have put on the claim meanwhile. `dressed`: it has had all that is kept, so what
 * it lacks was taken off; a claim that was just made from its template lacks everything.
 */
export function manifestSince(kept: ClaimRecord['manifest'], claim: PersistentVolumeClaim, { dressed }: { dressed: boolean }): ClaimRecord['manifest'] {
  const { labels, annotations } = manifestOf(claim);
  if (dressed) return { ...kept, labels, annotations };
  return { ...kept, labels: { ...labels, ...kept.labels }, annotations: { ...annotations, ...kept.annotations } };
}

export function claimFor(claim: ClaimRecord, to: { namespace: string; volumeName: string; labels: Record<string, string> }): PersistentVolumeClaim {
  return {
    metadata: {
      namespace: to.namespace,
      name: claim.claimName,
      labels: { ...claim.manifest.labels, ...to.labels },
      annotations: claim.manifest.annotations,
    },
    spec: { ...claim.manifest.spec, volumeName: to.volumeName },
  };
}
