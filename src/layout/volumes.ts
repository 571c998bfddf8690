// Every volume of a pod that can tie it to a place: claims of the templates (the disks that a move copies), other claims, generic
// ephemeral volumes, and paths of the node.

import type { PersistentVolume, PersistentVolumeClaim, StorageClass, Volume } from '../kubernetes/objects.ts';
import { gibRoundedUp, wholeUnits } from '../kubernetes/quantity.ts';
import type { Disk, Snapshot } from '../ports/disks.ts';
import { managementSigns, type Inherited, type ManagementSign } from './signs.ts';
import { placeOf, type VolumePlace } from './zones.ts';

export interface ClaimFacts {
  name: string;
  uid: string;
  /** `Bound`, `Pending`, `Lost`. */
  phase: string;
  terminating: boolean;
  /** Whole GiB, rounded up; undefined when the claim asks for nothing that can be read. */
  requestedGiB: number | undefined;
  storageClass: string | undefined;
  volumeMode: string;
  accessModes: readonly string[];
  finalizers: readonly string[];
  /** Without what the set's template or selector gives every claim. */
  managedBy: readonly ManagementSign[];
  /** Names of other pods that name it, ended ones included. */
  otherPods: readonly string[];
  /** What resize is pending, for people; undefined when none is. */
  resizing: string | undefined;
}

export interface PersistentVolumeFacts {
  name: string;
  uid: string;
  /** `Bound`, `Released` … */
  phase: string;
  /** UID of the claim that it is bound to. */
  claimUID: string | undefined;
  driver: string | undefined;
  /** Volume handle of a CSI volume: the disk's id. */
  diskId: string | undefined;
  capacityBytes: bigint;
  sizeGiB: number;
  reclaimPolicy: string;
  storageClass: string | undefined;
  volumeMode: string;
  finalizers: readonly string[];
  managedBy: readonly ManagementSign[];
  place: VolumePlace;
  /** Names of other PVs with the same handle: there must be none. */
  sameHandle: readonly string[];
}

export interface VolumeFacts {
  /** In the pod's spec. */
  name: string;
  source: 'template' | 'claim' | 'ephemeral' | 'hostPath';
  /** Undefined for a hostPath. */
  claimName: string | undefined;
  /** Undefined while it does not exist. */
  claim: ClaimFacts | undefined;
  /** Undefined while the claim is not bound. */
  volume: PersistentVolumeFacts | undefined;
  /** `Immediate` or `WaitForFirstConsumer` of its class; undefined when the class is not known. */
  bindingMode: string | undefined;
  /** As the cloud has it; undefined when the cloud knows no such disk. */
  disk: Disk | undefined;
  snapshots: readonly Snapshot[];
  /** Whether a snapshot of it is usable within seconds. */
  instantSnapshots: boolean;
  /** The one zone that ties the pod; undefined when it can be used in several, or nobody knows. */
  zone: string | undefined;
}

/** What volumes are looked up in. */
export interface VolumeSources {
  claims: ReadonlyMap<string, PersistentVolumeClaim>;
  volumes: ReadonlyMap<string, PersistentVolume>;
  volumesByHandle: ReadonlyMap<string, readonly string[]>;
  classes: ReadonlyMap<string, StorageClass>;
  defaultClass: string | undefined;
  disks: ReadonlyMap<string, Disk>;
  snapshots: ReadonlyMap<string, readonly Snapshot[]>;
  instantSnapshots: (disk: Disk) => boolean;
  /** Names of the pods that name a claim, by claim. */
  podsByClaim: ReadonlyMap<string, readonly string[]>;
  /** Zone of a node by host name or node name. */
  zoneByHostname: ReadonlyMap<string, string>;
}

export interface VolumeDescription {
  podName: string;
  volume: Pick<Volume, 'name'>;
  source: VolumeFacts['source'];
  claimName?: string | undefined;
  /** Class that the claim will ask for while it does not exist. */
  expectedClass?: string | undefined;
  inherited?: Inherited;
}

export function volumeFacts(description: VolumeDescription, sources: VolumeSources): VolumeFacts {
  const { claimName } = description;
  // No object has an empty name: what is not named is not found.
  const claim = sources.claims.get(claimName ?? '');
  const volume = sources.volumes.get(claim?.spec.volumeName ?? '');
  const facts = volume === undefined ? undefined : persistentVolumeFacts(volume, sources.volumesByHandle);
  return {
    name: description.volume.name,
    source: description.source,
    claimName,
    claim: claim === undefined ? undefined : claimFacts({ claim, volume, description, podsByClaim: sources.podsByClaim }),
    volume: facts,
    bindingMode: bindingModeOf(claim?.spec.storageClassName ?? description.expectedClass, sources),
    ...diskOf(facts?.diskId, sources),
    zone: zoneOf(facts?.place, sources.zoneByHostname),
  };
}

function diskOf(diskId: string | undefined, sources: VolumeSources): Pick<VolumeFacts, 'disk' | 'snapshots' | 'instantSnapshots'> {
  if (diskId === undefined) return { disk: undefined, snapshots: [], instantSnapshots: false };
  const disk = sources.disks.get(diskId);
  return { disk, snapshots: sources.snapshots.get(diskId) ?? [], instantSnapshots: disk !== undefined && sources.instantSnapshots(disk) };
}

function persistentVolumeFacts(volume: PersistentVolume, volumesByHandle: VolumeSources['volumesByHandle']): PersistentVolumeFacts {
  const { metadata, spec, status } = volume;
  const capacity = capacityOf(volume);
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    phase: status?.phase ?? 'Pending',
    claimUID: spec.claimRef?.uid,
    ...handleOf(volume, volumesByHandle),
    capacityBytes: wholeUnits(capacity),
    sizeGiB: gibRoundedUp(capacity),
    reclaimPolicy: spec.persistentVolumeReclaimPolicy ?? 'Retain',
    storageClass: spec.storageClassName,
    volumeMode: spec.volumeMode ?? FILESYSTEM,
    finalizers: metadata.finalizers ?? [],
    managedBy: managementSigns(metadata),
    place: placeOf(volume),
  };
}

/** Kubernetes' default. */
const FILESYSTEM = 'Filesystem';

function capacityOf({ spec }: PersistentVolume): string {
  return spec.capacity?.['storage'] ?? '0';
}

function handleOf({ metadata, spec: { csi } }: PersistentVolume, volumesByHandle: VolumeSources['volumesByHandle']): Pick<PersistentVolumeFacts, 'driver' | 'diskId' | 'sameHandle'> {
  if (csi === undefined) return { driver: undefined, diskId: undefined, sameHandle: [] };
  const others = (volumesByHandle.get(csi.volumeHandle) ?? []).filter((name) => name !== metadata.name);
  return { driver: csi.driver, diskId: csi.volumeHandle, sameHandle: others };
}

interface ClaimContext {
  claim: PersistentVolumeClaim;
  volume: PersistentVolume | undefined;
  description: VolumeDescription;
  podsByClaim: ReadonlyMap<string, readonly string[]>;
}

function claimFacts({ claim, volume, description, podsByClaim }: ClaimContext): ClaimFacts {
  const { metadata, spec } = claim;
  const requested = requestOf(claim);
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    phase: claim.status?.phase ?? 'Pending',
    terminating: metadata.deletionTimestamp !== undefined,
    requestedGiB: requested === undefined ? undefined : gibRoundedUp(requested),
    storageClass: spec.storageClassName,
    volumeMode: spec.volumeMode ?? FILESYSTEM,
    accessModes: spec.accessModes ?? [],
    finalizers: metadata.finalizers ?? [],
    managedBy: managementSigns(metadata, description.inherited),
    otherPods: (podsByClaim.get(metadata.name) ?? []).filter((name) => name !== description.podName),
    resizing: resizingOf(claim, volume),
  };
}

function requestOf({ spec }: PersistentVolumeClaim): string | undefined {
  return spec.resources?.requests?.['storage'];
}

const RESIZE_CONDITIONS = new Set(['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError']);

/** A claim that asks for more than its volume has is about to be resized, conditions or not. */
function resizingOf(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): string | undefined {
  const condition = claim.status?.conditions?.find((candidate) => RESIZE_CONDITIONS.has(candidate.type) && candidate.status === 'True');
  if (condition !== undefined) return `condition ${condition.type} is True`;
  const requested = requestOf(claim);
  if (requested === undefined || volume === undefined) return undefined;
  const capacity = capacityOf(volume);
  return wholeUnits(requested) > wholeUnits(capacity) ? `it asks for ${requested} and its volume has ${capacity}` : undefined;
}

/** Without a class the default one; Kubernetes binds at once when a class does not say. */
function bindingModeOf(className: string | undefined, { classes, defaultClass }: VolumeSources): string | undefined {
  const storageClass = classes.get(className ?? defaultClass ?? '');
  return storageClass === undefined ? undefined : (storageClass.volumeBindingMode ?? 'Immediate');
}

function zoneOf(place: VolumePlace | undefined, zoneByHostname: ReadonlyMap<string, string>): string | undefined {
  if (place?.kind === 'zonal' || place?.kind === 'unknown') return place.zone;
  if (place?.kind !== 'node') return undefined;
  const zones = new Set(place.hostnames.map((hostname) => zoneByHostname.get(hostname)));
  const [only] = zones;
  return zones.size === 1 ? only : undefined;
}
