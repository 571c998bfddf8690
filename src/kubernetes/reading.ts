// Short readings of raw objects, for whom every field may be missing. No I/O, no judgement.

import type { Condition, KubernetesObject, PersistentVolume, PersistentVolumeClaim, Pod } from './objects.ts';

export function uidOf(object: KubernetesObject): string {
  return object.metadata.uid ?? '';
}

/** `<namespace>/<name>`: for messages, and as a key. */
export function nameOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** For a delete that must hit this very object, as it was read. */
export function asRead(object: KubernetesObject): { uid: string; resourceVersion: string } {
  return { uid: uidOf(object), resourceVersion: object.metadata.resourceVersion ?? '' };
}

export function isTerminating(object: KubernetesObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function labelOf(object: KubernetesObject, key: string): string | undefined {
  return object.metadata.labels?.[key];
}

export function volumePhase(volume: PersistentVolume): string {
  return volume.status?.phase ?? 'unknown';
}

/** The disk behind a CSI volume. */
export function diskIdOf(volume: PersistentVolume): string | undefined {
  return volume.spec.csi?.volumeHandle;
}

export function holderUID(volume: PersistentVolume): string | undefined {
  return volume.spec.claimRef?.uid;
}

export function isRetained(volume: PersistentVolume): boolean {
  return volume.spec.persistentVolumeReclaimPolicy === 'Retain';
}

/** Both sides say so: the claim is Bound to the volume, and the volume to this very claim. */
export function areBound(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return claim.status?.phase === 'Bound' && claim.spec.volumeName === volume.metadata.name && holderUID(volume) === uidOf(claim);
}

export function storageRequest(claim: Pick<PersistentVolumeClaim, 'spec'>): string {
  return claim.spec.resources?.requests?.['storage'] ?? '0';
}

export function storageCapacity(volume: PersistentVolume): string {
  return volume.spec.capacity?.['storage'] ?? '0';
}

export function conditionOf(object: { status?: { conditions?: Condition[] } }, type: string): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type);
}

export function isTrue(object: { status?: { conditions?: Condition[] } }, type: string): boolean {
  return conditionOf(object, type)?.status === 'True';
}

export function isScheduled(pod: Pod): boolean {
  return (pod.spec.nodeName ?? '') !== '';
}
