// persistentVolumeClaimRetentionPolicy: which owner references a claim of the set should have, so that the garbage collector deletes it
// with the set or with the pod that is scaled away.

import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from '../../../kubernetes/objects.ts';
import { uidOf } from '../../../kubernetes/reading.ts';
import { controllerOf, isInRange, ordinalOf, ownerReferenceTo } from './identity.ts';

interface Policy {
  withSet: boolean;
  withPod: boolean;
}

export function isRetainedWhenScaled(set: StatefulSet): boolean {
  return set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete';
}

/** Whether the claim's owners are what the policy asks for. */
export function ownersMatch(set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim): boolean {
  const wanted = wantedOwners(set, pod);
  return wanted.withSet === isOwnedBy(claim, uidOf(set)) && wanted.withPod === isOwnedBy(claim, uidOf(pod));
}

/** The same claim with the owners that it should have; owners of other kinds stay. */
export function withOwners(set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim): PersistentVolumeClaim {
  const wanted = wantedOwners(set, pod);
  const others = (claim.metadata.ownerReferences ?? []).filter((owner) => !isSet(owner, set) && !isPod(owner, pod));
  const ownerReferences = [...others, ...(wanted.withSet ? [ownerReferenceTo(set)] : []), ...(wanted.withPod ? [podReference(pod)] : [])];
  return { ...claim, metadata: { ...claim.metadata, ownerReferences } };
}

/** Somebody else controls it, or a set or pod of that name before this one: the controller leaves such a claim alone. */
export function isControlledByOthers(set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim): boolean {
  const controller = controllerOf(claim);
  return controller !== undefined && controller.uid !== uidOf(set) && controller.uid !== uidOf(pod);
}

/** It names a pod of this name that is not this one: it is about to be collected, and no pod is made until it is gone. */
export function isStale(pod: Pod, claim: PersistentVolumeClaim): boolean {
  return (claim.metadata.ownerReferences ?? []).some((owner) => isPod(owner, pod) && owner.uid !== uidOf(pod));
}

function wantedOwners(set: StatefulSet, pod: Pod): Policy {
  const deleteWithSet = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';
  const condemned = !isInRange(set, ordinalOf(set, pod.metadata.name));
  const withPod = !isRetainedWhenScaled(set) && condemned;
  return { withSet: deleteWithSet && !withPod, withPod };
}

function isOwnedBy(claim: PersistentVolumeClaim, uid: string): boolean {
  return uid !== '' && (claim.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid);
}

function isSet(owner: OwnerReference, set: StatefulSet): boolean {
  return owner.kind === 'StatefulSet' && owner.name === set.metadata.name;
}

function isPod(owner: OwnerReference, pod: Pod): boolean {
  return owner.kind === 'Pod' && owner.name === pod.metadata.name;
}

function podReference(pod: Pod): OwnerReference {
  return { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: uidOf(pod), controller: true, blockOwnerDeletion: true };
}
