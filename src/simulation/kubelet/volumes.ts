// Which disks a pod needs, and why they cannot be used yet.

import { uniqueVolumeName } from '../csi/names.ts';
import type { AffinityTerm, ClaimView, KubeletView, PodView, VolumeView } from './view.ts';

export interface PodDisk {
  claim: string;
  /** Name of the PV. */
  volumeName: string;
  /** The PV's handle: the disk's id. */
  diskId: string;
  /** In the words of volumesInUse and volumesAttached. */
  uniqueName: string;
}

export type Resolution = { kind: 'disks'; disks: PodDisk[] } | { kind: 'waiting'; reason: string };

/** The pod's disks once every claim is bound to a volume that is really its own and fits the node. */
export function resolveDisks(pod: PodView, view: KubeletView): Resolution {
  const disks: PodDisk[] = [];
  for (const claimName of pod.claims) {
    const claim = view.claim(pod.namespace, claimName);
    const obstacle = claimObstacle(claimName, claim);
    if (obstacle !== undefined || claim === undefined) return { kind: 'waiting', reason: obstacle ?? '' };
    const volume = view.volume(claim.volumeName);
    const flaw = volumeObstacle(claim, volume, view.labels);
    if (flaw !== undefined || volume === undefined) return { kind: 'waiting', reason: `claim ${claimName}: ${flaw ?? ''}` };
    if (volume.csi !== undefined) {
      const { driver, handle } = volume.csi;
      disks.push({ claim: claimName, volumeName: volume.name, diskId: handle, uniqueName: uniqueVolumeName(driver, handle) });
    }
  }
  return { kind: 'disks', disks };
}

function claimObstacle(name: string, claim: ClaimView | undefined): string | undefined {
  if (claim === undefined) return `claim ${name} not found`;
  if (claim.deleting) return `claim ${name} is being deleted`;
  return claim.bound && claim.volumeName !== '' ? undefined : `claim ${name} is not bound`;
}

function volumeObstacle(claim: ClaimView, volume: VolumeView | undefined, labels: Record<string, string>): string | undefined {
  if (volume === undefined) return `volume ${claim.volumeName} not found`;
  if (volume.claimUid !== claim.uid) return `volume ${volume.name} is bound to a different claim`;
  if (volume.affinity.length > 0 && !volume.affinity.some((term) => holds(term, labels))) return `volume ${volume.name}: node affinity does not match this node`;
  return undefined;
}

function holds(term: AffinityTerm, labels: Record<string, string>): boolean {
  return term.every(({ key, operator, values }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return false;
    }
  });
}
