// Which volume a claim gets: the PV controller's FindMatchingVolume, and what of it the scheduler uses with a node in mind.

import type { PersistentVolume, PersistentVolumeClaim } from '../../../kubernetes/objects.ts';
import { compareQuantities } from '../../../kubernetes/quantity.ts';
import { isTerminating, storageCapacity, storageRequest, uidOf, volumePhase } from '../../../kubernetes/reading.ts';
import { matchesSelector } from '../../../kubernetes/selector.ts';
import type { Random } from '../../../ports/random.ts';

export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
export const BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

/** Its claimRef names the claim; without a UID any claim of that name. */
export function isForClaim({ spec: { claimRef } }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (claimRef?.name !== claim.metadata.name || claimRef.namespace !== claim.metadata.namespace) return false;
  return (claimRef.uid ?? '') === '' || claimRef.uid === uidOf(claim);
}

export interface MatchInput {
  claim: PersistentVolumeClaim;
  volumes: readonly PersistentVolume[];
  /** Wait for the first consumer: only what was prepared for this claim counts. */
  delayed: boolean;
  random: Pick<Random, 'next'>;
}

/**
 * What was prepared for the claim comes before everything; of two such, chance decides (the real one goes through a hash map). Else the
 * smallest that fits, if the claim need not wait. Neither the class nor the selector of a prepared one is looked at.
 */
export function matchingVolume({ claim, volumes, delayed, random }: MatchInput): PersistentVolume | undefined {
  const possible = volumes.filter((volume) => isPossible(volume, claim));
  const prepared = possible.filter((volume) => isForClaim(volume, claim));
  if (prepared.length > 0) return prepared[Math.floor(random.next() * prepared.length)];
  return delayed ? undefined : smallest(possible.filter((volume) => isFree(volume, claim)));
}

/** The smallest free one that the filter lets pass, e.g. that a node can reach. */
export function freeVolume(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], passes: (volume: PersistentVolume) => boolean): PersistentVolume | undefined {
  return smallest(volumes.filter((volume) => isPossible(volume, claim) && isFree(volume, claim) && passes(volume)));
}

/** Big enough, of the same mode, with every access mode asked for, living, and nobody else's. */
function isPossible(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (volume.spec.claimRef !== undefined && !isForClaim(volume, claim)) return false;
  if (isTerminating(volume) || compareQuantities(storageCapacity(volume), storageRequest(claim)) < 0) return false;
  return modesFit(volume, claim) && (volume.spec.volumeAttributesClassName ?? '') === (claim.spec.volumeAttributesClassName ?? '');
}

function modesFit(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const sameMode = (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem');
  return sameMode && (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode) === true);
}

function isFree(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (volume.spec.claimRef !== undefined || volumePhase(volume) !== 'Available') return false;
  if ((volume.spec.storageClassName ?? '') !== (claim.spec.storageClassName ?? '')) return false;
  return claim.spec.selector === undefined || matchesSelector(claim.spec.selector, volume.metadata.labels);
}

function smallest(volumes: readonly PersistentVolume[]): PersistentVolume | undefined {
  return volumes.toSorted((a, b) => compareQuantities(storageCapacity(a), storageCapacity(b)))[0];
}

/** Why a claim that asks for an unclaimed volume by name does not get it; undefined when it does. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (isTerminating(volume)) return 'the volume is marked for deletion';
  if (compareQuantities(storageCapacity(volume), storageRequest(claim)) < 0) return 'requested PV is too small';
  if ((volume.spec.storageClassName ?? '') !== (claim.spec.storageClassName ?? '')) return 'storageClassName does not match';
  return modesFit(volume, claim) ? undefined : 'incompatible accessMode or volumeMode';
}
