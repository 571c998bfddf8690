// The pod that is to land: what it asks for, the volumes it brings, and the pod that goes away for it. A pod that moves is never counted
// against itself, wherever it still runs.

import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../kubernetes/objects.ts';
import { volumesToMove, type Layout, type OrdinalFacts } from '../../layout/layout.ts';
import type { IncomingPod } from '../../layout/surroundings.ts';
import type { VolumeFacts } from '../../layout/volumes.ts';
import type { Landscape, NodeSite } from './landscape.ts';

/** A disk that the move makes: it goes wherever the pod goes within the zone. */
export interface NewDisk {
  driver: string | undefined;
  category: string | undefined;
}

/** A claim without a volume: one is made, or found, where the pod lands. */
export interface OpenClaim {
  name: string;
  /** Undefined when the claim goes with its pod and is made anew. */
  claim: PersistentVolumeClaim | undefined;
  storageClass: StorageClass | undefined;
}

export interface Arrival {
  readonly pod: IncomingPod;
  /** The pod that goes away for it, if it is on a node. */
  readonly leaving: Pod | undefined;
  /** Volumes that are there already and have to be reachable from the node. */
  readonly volumes: readonly PersistentVolume[];
  readonly newDisks: readonly NewDisk[];
  readonly openClaims: readonly OpenClaim[];
  /** Volumes of the pod that goes away, moved ones included: attached or not, they are detached by then. */
  readonly released: ReadonlySet<string>;
  /** The set's other pods may be elsewhere when it lands: how they are spread now does not count. */
  readonly siblingsMayMove: boolean;
}

export interface Landing {
  layout: Layout;
  ordinal: OrdinalFacts;
  zone: string;
  siblingsMayMove?: boolean;
}

export function arrivalOf({ layout, ordinal, zone, siblingsMayMove = false }: Landing, landscape: Landscape): Arrival {
  const moved = new Set(volumesToMove(ordinal, zone));
  const rest = ordinal.volumes.filter((volume) => !moved.has(volume));
  return {
    pod: ordinal.incoming,
    leaving: ordinal.pod === undefined ? undefined : landscape.pod(ordinal.pod.uid),
    volumes: rest.flatMap((facts) => (facts.source === 'ephemeral' ? [] : (landscape.volume(facts.volume?.name ?? '') ?? []))),
    newDisks: [...moved].map(({ volume, disk }) => ({ driver: volume?.driver, category: disk?.category })),
    openClaims: rest.flatMap((facts) => openClaim(facts, ordinal.incoming, { landscape, namespace: layout.set.namespace })),
    released: new Set(ordinal.volumes.flatMap(({ volume }) => volume?.name ?? [])),
    siblingsMayMove,
  };
}

/** Claims that bind at once, and those that are absent, are the guards' business. */
function openClaim(facts: VolumeFacts, pod: IncomingPod, { landscape, namespace }: { landscape: Landscape; namespace: string }): OpenClaim[] {
  if (facts.bindingMode !== 'WaitForFirstConsumer' || facts.claimName === undefined) return [];
  if (facts.source === 'ephemeral') {
    const template = pod.spec.volumes?.find(({ name }) => name === facts.name)?.ephemeral?.volumeClaimTemplate;
    return [{ name: facts.claimName, claim: undefined, storageClass: landscape.storageClass(template?.spec.storageClassName) }];
  }
  const claim = landscape.claim(namespace, facts.claimName);
  if (facts.volume !== undefined || claim === undefined) return [];
  return [{ name: facts.claimName, claim, storageClass: landscape.storageClass(classNameOf(claim)) }];
}

/** The annotation is older than the field, and wins. */
export function classNameOf({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  return metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName;
}

/** The pods on a node that will still be there. */
export function staying(site: NodeSite, { leaving }: Pick<Arrival, 'leaving'>): readonly Pod[] {
  return leavesFrom(site, leaving) ? site.pods.filter(({ metadata }) => metadata.uid !== leaving?.metadata.uid) : site.pods;
}

/** Whether the pod that goes away is on this node. */
export function leavesFrom(site: NodeSite, leaving: Pod | undefined): boolean {
  return leaving !== undefined && leaving.spec.nodeName === site.name;
}
