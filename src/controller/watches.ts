// The daemon's watch caches: what they hold (trimmed), and the same questions answered from them as live.

import type { Http } from '../ports/http.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
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
  type VolumeAttachment,
} from '../kubernetes/objects.ts';
import { createReflector, type Reflector } from '../kubernetes/reflector.ts';
import { ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import type { Cluster } from './cluster.ts';
import { policyOf } from './decision.ts';
import { spreadReports, type SpreadReport } from './spread-report.ts';
import { zoneEvacuations, type ZoneEvacuation } from './zone-evacuation.ts';

export interface Watches {
  sets: Reflector<StatefulSet>;
  pods: Reflector<Pod>;
  claims: Reflector<PersistentVolumeClaim>;
  volumes: Reflector<PersistentVolume>;
  attachments: Reflector<VolumeAttachment>;
  nodes: Reflector<Node>;
  csiNodes: Reflector<CSINode>;
  storageClasses: Reflector<StorageClass>;
  budgets: Reflector<PodDisruptionBudget>;
  namespaces: Reflector<Namespace>;
  migrations: Reflector<OrdinalMigration>;
  reports: Reflector<SpreadReport>;
  evacuations: Reflector<ZoneEvacuation>;
  /** OpenKruise's sets, where the cluster has them. */
  kruiseSets: Reflector<StatefulSet> | undefined;
}

export interface WatchOptions {
  http: Http;
  clock: Clock;
  random: Random;
  log: Log;
  /** Undefined: all. */
  namespaces: readonly string[] | undefined;
  kruise: boolean;
}

export function createWatches(options: WatchOptions): Watches {
  const watch = <T extends KubernetesObject>(resource: Resource<T>, trim: (object: T) => T = trimMetadata): Reflector<T> => createReflector<T>({ ...options, resource, trim });
  return {
    sets: watch(statefulSets),
    pods: watch(pods, trimPod),
    claims: watch(claims),
    volumes: watch(volumes),
    attachments: watch(volumeAttachments),
    nodes: watch(nodes, trimNode),
    csiNodes: watch(csiNodes),
    storageClasses: watch(storageClasses),
    budgets: watch(disruptionBudgets),
    namespaces: watch(namespaces),
    migrations: watch(ordinalMigrations),
    reports: watch(spreadReports),
    evacuations: watch(zoneEvacuations),
    kruiseSets: options.kruise ? watch(kruiseStatefulSets) : undefined,
  };
}

export function allWatches(watches: Watches): Reflector<KubernetesObject>[] {
  return Object.values(watches).filter((one): one is Reflector<KubernetesObject> => one !== undefined);
}

/** The sets of both kinds. Where two have one name, the apps/v1 one counts. */
export function watchedSets(watches: Pick<Watches, 'sets' | 'kruiseSets'>): StatefulSet[] {
  return [...watches.sets.list(), ...(watches.kruiseSets?.list() ?? [])];
}

/** Those that declare a policy, right or wrong, themselves or through their namespace. */
export function annotatedSets(watches: Watches): StatefulSet[] {
  return watchedSets(watches).filter((set) => set.metadata.deletionTimestamp === undefined && policyOf(set, watches.namespaces.get(undefined, set.metadata.namespace ?? '')).kind !== 'off');
}

export function watchedCluster(watches: Watches): Cluster {
  const now = <T>(value: T): Promise<T> => Promise.resolve(value);
  return {
    set: ({ namespace, name }) => now(watches.sets.get(namespace, name) ?? watches.kruiseSets?.get(namespace, name)),
    namespace: (name) => now(watches.namespaces.get(undefined, name)),
    pods: (namespace) => now(watches.pods.list(namespace)),
    claims: (namespace) => now(watches.claims.list(namespace)),
    volumes: () => now(watches.volumes.list()),
    nodes: () => now(watches.nodes.list()),
    csiNodes: () => now(watches.csiNodes.list()),
    storageClasses: () => now(watches.storageClasses.list()),
    budgets: (namespace) => now(watches.budgets.list(namespace)),
    everywhere: () => now({ pods: watches.pods.list(), claims: watches.claims.list(), namespaces: watches.namespaces.list(), attachments: watches.attachments.list() }),
    migrations: () => now(watches.migrations.list()),
    evacuations: () => now(watches.evacuations.list()),
  };
}

export function trimMetadata<T extends KubernetesObject>(object: T): T {
  const { managedFields: _fields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** What a pod runs is of no interest, only what it asks of a node. */
export function trimPod(pod: Pod): Pod {
  const trimmed = trimMetadata(pod);
  const parts = ({ name, resources, restartPolicy, ports }: Record<string, unknown>) => ({ name, resources, restartPolicy, ports });
  const initContainers = (trimmed.spec['initContainers'] as Record<string, unknown>[] | undefined) ?? [];
  return { ...trimmed, spec: { ...trimmed.spec, containers: (trimmed.spec.containers ?? []).map(parts), initContainers: initContainers.map(parts) } };
}

function trimNode(node: Node): Node {
  const trimmed = trimMetadata(node);
  const { images: _images, nodeInfo: _info, ...status } = trimmed.status ?? {};
  return { ...trimmed, status };
}
