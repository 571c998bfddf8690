// Where the daemon reads the cluster: from its watch caches to see whether there is anything to do, live right before it does it. Both
// give the same values, so the same decision runs on either.

import type { Api } from '../kubernetes/api.ts';
import {
  claims,
  csiNodes,
  disruptionBudgets,
  namespaces,
  nodes,
  pods,
  statefulSets,
  storageClasses,
  volumes,
  type CSINode,
  type Namespace,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  type StatefulSet,
  type StorageClass,
} from '../kubernetes/objects.ts';
import { buildLayout, type Layout } from '../layout/layout.ts';
import { ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import type { Disk, Disks, Snapshot } from '../ports/disks.ts';

export interface SetKey {
  namespace: string;
  name: string;
}

export interface Cluster {
  set(key: SetKey): Promise<StatefulSet | undefined>;
  namespace(name: string): Promise<Namespace | undefined>;
  pods(namespace: string): Promise<readonly Pod[]>;
  claims(namespace: string): Promise<readonly PersistentVolumeClaim[]>;
  volumes(): Promise<readonly PersistentVolume[]>;
  nodes(): Promise<readonly Node[]>;
  csiNodes(): Promise<readonly CSINode[]>;
  storageClasses(): Promise<readonly StorageClass[]>;
  budgets(namespace: string): Promise<readonly PodDisruptionBudget[]>;
  /** Of one namespace, or of all that we look after. */
  migrations(namespace?: string): Promise<readonly OrdinalMigration[]>;
}

export function liveCluster(api: Api): Cluster {
  return {
    set: (key) => api.get(statefulSets, key),
    namespace: (name) => api.get(namespaces, { name }),
    pods: (namespace) => api.list(pods, { namespace }),
    claims: (namespace) => api.list(claims, { namespace }),
    volumes: () => api.list(volumes),
    nodes: () => api.list(nodes),
    csiNodes: () => api.list(csiNodes),
    storageClasses: () => api.list(storageClasses),
    budgets: (namespace) => api.list(disruptionBudgets, { namespace }),
    migrations: (namespace) => api.list(ordinalMigrations, namespace === undefined ? {} : { namespace }),
  };
}

/** The layout of one set. `withSnapshots`: also ask the cloud for the snapshots of these disks (one call each). */
export async function readLayout(cluster: Cluster, disks: Disks, set: StatefulSet, withSnapshots: readonly string[] = []): Promise<Layout> {
  const namespaceName = set.metadata.namespace ?? '';
  const [namespace, allPods, allClaims, allVolumes] = await Promise.all([cluster.namespace(namespaceName), cluster.pods(namespaceName), cluster.claims(namespaceName), cluster.volumes()]);
  const [allNodes, allCsiNodes, classes, budgets] = await Promise.all([cluster.nodes(), cluster.csiNodes(), cluster.storageClasses(), cluster.budgets(namespaceName)]);
  const bound = volumesOfClaims(allClaims, allVolumes, set.metadata.name);
  const ids = bound.flatMap((volume) => volume.spec.csi?.volumeHandle ?? []);
  const [known, snapshots] = await Promise.all([disks.disks(ids), snapshotsOf(disks, withSnapshots)]);
  return buildLayout({
    set,
    namespaceTerminating: namespace?.metadata.deletionTimestamp !== undefined,
    pods: allPods,
    claims: allClaims,
    volumes: allVolumes,
    volumesByHandle: byHandle(allVolumes),
    storageClasses: classes,
    nodes: allNodes,
    csiNodes: allCsiNodes,
    budgets,
    disks: known,
    snapshots,
    cloud: disks,
  });
}

/** Volumes of the set's own claims (`<template>-<set>-<ordinal>`): the disks that the cloud is asked about. */
function volumesOfClaims(all: readonly PersistentVolumeClaim[], volumesByName: readonly PersistentVolume[], setName: string): PersistentVolume[] {
  const names = new Set(all.filter((claim) => new RegExp(`-${escapeRegExp(setName)}-\\d+$`).test(claim.metadata.name)).map((claim) => claim.spec.volumeName));
  return volumesByName.filter((volume) => names.has(volume.metadata.name));
}

function escapeRegExp(text: string): string {
  return text.replaceAll('.', String.raw`\.`);
}

function byHandle(all: readonly PersistentVolume[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const volume of all) {
    const handle = volume.spec.csi?.volumeHandle;
    if (handle !== undefined) names.set(handle, [...(names.get(handle) ?? []), volume.metadata.name]);
  }
  return names;
}

async function snapshotsOf(disks: Disks, ids: readonly string[]): Promise<Map<string, Snapshot[]>> {
  return new Map(await Promise.all(ids.map(async (id): Promise<[string, Snapshot[]]> => [id, await disks.snapshotsOf(id)])));
}

/** Ids of the disks that a layout names, for a second look with their snapshots. */
export function diskIdsOf(layout: Layout, ordinals: readonly number[]): string[] {
  const wanted = new Set(ordinals);
  return layout.ordinals.filter(({ ordinal }) => wanted.has(ordinal)).flatMap(({ volumes: own }) => own.flatMap((volume): string[] => volume.disk === undefined ? [] : [(volume.disk satisfies Disk).id]));
}
