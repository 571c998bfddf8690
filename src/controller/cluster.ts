// Where the daemon reads the cluster: from its watch caches to see whether there is anything to do, live right before it does it. Both
// give the same values, so the same decision runs on either.

import type { Api } from '../kubernetes/api.ts';
import {
  claims,
  csiNodes,
  disruptionBudgets,
  kruiseStatefulSets,
  namespaces,
  nodes,
  pods,
  statefulSets,
  storageClasses,
  volumeAttachments,
  volumes,
  type CSINode,
  type KubernetesObject,
  type Namespace,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  type Resource,
  type StatefulSet,
  type StorageClass,
} from '../kubernetes/objects.ts';
import { buildLayout, type Layout } from '../layout/layout.ts';
import { claimNamesOf } from '../layout/names.ts';
import type { Surroundings } from '../layout/surroundings.ts';
import { everyOrdinalOf } from '../migration/owner.ts';
import { ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import type { Disk, Disks, Snapshot } from '../ports/disks.ts';
import { zoneEvacuations, type ZoneEvacuation } from './zone-evacuation.ts';

export interface SetKey {
  namespace: string;
  name: string;
}

export function nameOfSet({ namespace, name }: SetKey): string {
  return `${namespace}/${name}`;
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
  /** What of other sets has a say in where a pod lands; of all namespaces that we look after. */
  everywhere(): Promise<Pick<Surroundings, 'pods' | 'claims' | 'namespaces' | 'attachments'>>;
  /** Of all namespaces that we look after. */
  migrations(): Promise<readonly OrdinalMigration[]>;
  evacuations(): Promise<readonly ZoneEvacuation[]>;
}

/** What a layout asks of the cloud. */
export type LayoutDisks = Pick<Disks, 'disks' | 'snapshotsOf' | 'instantSnapshots' | 'maxTags'>;

/** Where a decision looks. */
export interface View {
  cluster: Cluster;
  disks: LayoutDisks;
  /** Also at the snapshots of disks that may move next, one question each: what is about to start must know, a first look need not. */
  snapshots: boolean;
}

export interface Scope {
  /** `--namespaces`; undefined: all. Where the list ends so may our rights. */
  namespaces: readonly string[] | undefined;
  /** Whether the cluster has OpenKruise's sets. */
  kruise: boolean;
}

export function liveCluster(api: Api, { namespaces: own, kruise }: Scope): Cluster {
  const everywhere = async <T extends KubernetesObject>(resource: Resource<T>): Promise<T[]> =>
    own === undefined ? api.list(resource) : (await Promise.all(own.map((namespace) => api.list(resource, { namespace })))).flat();
  return {
    set: async (key) => (await api.get(statefulSets, key)) ?? (kruise ? await api.get(kruiseStatefulSets, key) : undefined),
    namespace: (name) => api.get(namespaces, { name }),
    pods: (namespace) => api.list(pods, { namespace }),
    claims: (namespace) => api.list(claims, { namespace }),
    volumes: () => api.list(volumes),
    nodes: () => api.list(nodes),
    csiNodes: () => api.list(csiNodes),
    storageClasses: () => api.list(storageClasses),
    budgets: (namespace) => api.list(disruptionBudgets, { namespace }),
    migrations: () => everywhere(ordinalMigrations),
    evacuations: () => api.list(zoneEvacuations),
    everywhere: async () => {
      const [allPods, allClaims, allNamespaces, attachments] = await Promise.all([everywhere(pods), everywhere(claims), api.list(namespaces), api.list(volumeAttachments)]);
      return { pods: allPods, claims: allClaims, namespaces: allNamespaces, attachments };
    },
  };
}

export interface LayoutReading {
  layout: Layout;
  /** The same moment, with the snapshots of these disks besides. */
  withSnapshotsOf(diskIds: readonly string[]): Promise<Layout>;
}

/** What is, of one set. @throws DiskError when the cloud does not say what its disks are. */
export async function readLayout({ cluster, disks }: Pick<View, 'cluster' | 'disks'>, set: StatefulSet): Promise<LayoutReading> {
  const namespaceName = set.metadata.namespace ?? '';
  const [namespace, allPods, allClaims, allVolumes] = await Promise.all([cluster.namespace(namespaceName), cluster.pods(namespaceName), cluster.claims(namespaceName), cluster.volumes()]);
  const [allNodes, allCsiNodes, classes, budgets, others] = await Promise.all([cluster.nodes(), cluster.csiNodes(), cluster.storageClasses(), cluster.budgets(namespaceName), cluster.everywhere()]);
  const claimsByName = new Map(allClaims.map((claim) => [claim.metadata.name, claim]));
  const volumesByName = new Map(allVolumes.map((volume) => [volume.metadata.name, volume]));
  const known = await disks.disks(disksOfSet(set, { claim: (name) => claimsByName.get(name), volume: (name) => volumesByName.get(name) }));
  const inputs = {
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
    surroundings: { ...others, nodes: allNodes, csiNodes: allCsiNodes, volumes: allVolumes, storageClasses: classes },
    disks: known,
    cloud: disks,
  };
  return {
    layout: buildLayout({ ...inputs, snapshots: new Map() }),
    withSnapshotsOf: async (ids) => buildLayout({ ...inputs, snapshots: await snapshotsOf(disks, ids) }),
  };
}

/** Ids of the disks behind the set's own claims (`<template>-<set>-<ordinal>`): those that the cloud is asked about. */
export function disksOfSet(set: StatefulSet, find: { claim: (name: string) => PersistentVolumeClaim | undefined; volume: (name: string) => PersistentVolume | undefined }): string[] {
  return everyOrdinalOf(set).flatMap((ordinal) => claimNamesOf(set, ordinal)).flatMap((name) => {
    const volume = find.volume(find.claim(name)?.spec.volumeName ?? '');
    return volume?.spec.csi?.volumeHandle ?? [];
  });
}

function byHandle(all: readonly PersistentVolume[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const volume of all) {
    const handle = volume.spec.csi?.volumeHandle;
    if (handle !== undefined) names.set(handle, [...(names.get(handle) ?? []), volume.metadata.name]);
  }
  return names;
}

async function snapshotsOf(disks: LayoutDisks, ids: readonly string[]): Promise<Map<string, Snapshot[]>> {
  return new Map(await Promise.all(ids.map(async (id): Promise<[string, Snapshot[]]> => [id, await disks.snapshotsOf(id)])));
}

/** Ids of the disks that a layout names, for a second look with their snapshots. */
export function diskIdsOf(layout: Layout, ordinals: readonly number[]): string[] {
  const wanted = new Set(ordinals);
  return layout.ordinals.filter(({ ordinal }) => wanted.has(ordinal)).flatMap(({ volumes: own }) => own.flatMap((volume): string[] => volume.disk === undefined ? [] : [(volume.disk satisfies Disk).id]));
}
