// A claim and its volume as people see them. The claim may be another object than before, so what names it is left out; so are our own
// marks, which say nothing of the object.

import { MIGRATION_LABEL, OVERRIDE_ANNOTATION, ROLE_LABEL, TOUCH_ANNOTATION } from '../../kubernetes/names.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../kubernetes/objects.ts';

/** Written by Kubernetes itself as it binds, by us, or as a word for one object alone. */
const BOOKKEEPING = new Set([
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'volume.kubernetes.io/selected-node',
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
  TOUCH_ANNOTATION,
  MIGRATION_LABEL,
  ROLE_LABEL,
  OVERRIDE_ANNOTATION,
]);

/** `reclaimPolicy: false`: leaves it out. */
export function pictureOf(claim: PersistentVolumeClaim, volume: PersistentVolume, { reclaimPolicy = true } = {}): Record<string, unknown> {
  const { claimRef, persistentVolumeReclaimPolicy, ...spec } = volume.spec;
  return {
    claim: { labels: own(claim.metadata.labels), annotations: own(claim.metadata.annotations), spec: claim.spec },
    volume: { labels: own(volume.metadata.labels), annotations: own(volume.metadata.annotations), spec, claim: `${claimRef?.namespace ?? ''}/${claimRef?.name ?? ''}` },
    ...(reclaimPolicy ? { reclaimPolicy: persistentVolumeReclaimPolicy } : {}),
  };
}

function own(values: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !BOOKKEEPING.has(key)));
}
