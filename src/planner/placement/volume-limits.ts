// How many volumes of a driver a node can attach (CSINode), and how many it has: those of its pods, and those that are attached without
// one. Nothing is limited where the driver names no number.

import type { PersistentVolumeClaim, Pod } from '../../kubernetes/objects.ts';
import { ephemeralClaimNameOf } from '../../layout/names.ts';
import { classNameOf, leavesFrom, staying, type Arrival } from './arrival.ts';
import { PASSES, type Filter } from './filter.ts';
import type { Landscape, NodeSite } from './landscape.ts';

const FULL = ['node(s) exceed max volume count'];

/** Driver by `driver/handle`: a volume that several pods share counts once. */
type Attached = ReadonlyMap<string, string>;

export const volumeLimits: Filter = (arrival, landscape) => {
  const wanted = wantedBy(arrival);
  if (wanted.size === 0) return () => PASSES;
  return (site) => {
    const limits = limitsOf(site);
    if (limits.size === 0) return PASSES;
    const inUse = inUseOn(site, arrival, landscape);
    const attached = new Map([...inUse, ...attachedTo(site, arrival, landscape)]);
    const more = [...wanted].filter(([volume]) => !inUse.has(volume)).map(([, driver]) => driver);
    return [...limits].some(([driver, limit]) => more.includes(driver) && count([...attached.values()], driver) + count(more, driver) > limit) ? FULL : PASSES;
  };
};

function wantedBy({ volumes, newDisks, openClaims }: Arrival): Attached {
  const there = volumes.flatMap(({ spec: { csi } }) => (csi === undefined ? [] : [[`${csi.driver}/${csi.volumeHandle}`, csi.driver] as const]));
  const coming = newDisks.flatMap(({ driver }, index) => (driver === undefined ? [] : [[`new disk ${index}`, driver] as const]));
  const open = openClaims.flatMap(({ name, storageClass }) => (storageClass === undefined ? [] : [[`claim ${name}`, storageClass.provisioner] as const]));
  return new Map([...there, ...coming, ...open]);
}

function limitsOf({ csiNode }: NodeSite): Map<string, number> {
  return new Map((csiNode?.spec.drivers ?? []).flatMap(({ name, allocatable }) => (allocatable?.count === undefined ? [] : [[name, allocatable.count] as const])));
}

const inUse = new WeakMap<NodeSite, Attached>();

function inUseOn(site: NodeSite, arrival: Arrival, landscape: Landscape): Attached {
  if (leavesFrom(site, arrival.leaving)) return volumesOf(staying(site, arrival), landscape);
  const known = inUse.get(site) ?? volumesOf(site.pods, landscape);
  inUse.set(site, known);
  return known;
}

function volumesOf(pods: readonly Pod[], landscape: Landscape): Attached {
  return new Map(pods.flatMap((pod) => claimsOf(pod, landscape).flatMap((claim) => volumeOf(claim, landscape))));
}

function claimsOf({ metadata, spec }: Pod, landscape: Landscape): PersistentVolumeClaim[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claimName = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : ephemeralClaimNameOf(metadata.name, name));
    return (claimName === undefined ? undefined : landscape.claim(metadata.namespace ?? '', claimName)) ?? [];
  });
}

/** A claim without its volume will get one of its class's driver. */
function volumeOf(claim: PersistentVolumeClaim, landscape: Landscape): (readonly [string, string])[] {
  const volume = landscape.volume(claim.spec.volumeName ?? '');
  if (volume !== undefined) return volume.spec.csi === undefined ? [] : [[`${volume.spec.csi.driver}/${volume.spec.csi.volumeHandle}`, volume.spec.csi.driver]];
  const className = classNameOf(claim);
  const storageClass = className === undefined || className === '' ? undefined : landscape.storageClass(className);
  return storageClass === undefined ? [] : [[`claim ${claim.metadata.namespace}/${claim.metadata.name}`, storageClass.provisioner]];
}

function attachedTo({ attachments }: NodeSite, { released }: Arrival, landscape: Landscape): [string, string][] {
  return attachments.flatMap(({ spec: { attacher, source } }) => {
    const name = source.persistentVolumeName ?? '';
    const handle = landscape.volume(name)?.spec.csi?.volumeHandle;
    return handle === undefined || released.has(name) ? [] : [[`${attacher}/${handle}`, attacher]];
  });
}

function count(drivers: readonly string[], driver: string): number {
  return drivers.filter((one) => one === driver).length;
}
