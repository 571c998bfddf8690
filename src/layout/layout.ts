// What is: one StatefulSet with each of its ordinals, every volume of each pod, and the nodes that could take them, as one immutable
// value. Nothing here judges; the planner and its guards do.

import type { CSINode, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodDisruptionBudget, PodSpec, StatefulSet, StorageClass } from '../kubernetes/objects.ts';
import type { Disk, Disks, Snapshot } from '../ports/disks.ts';
import { claimNameOf, ephemeralClaimNameOf, ordinalOf, podNameOf } from './names.ts';
import { nodeFacts, type NodeFacts } from './nodes.ts';
import { nodeDemands, podFacts, type NodeDemands, type PodFacts } from './pods.ts';
import { setFacts, type SetFacts } from './set.ts';
import { inheritedBy } from './signs.ts';
import type { IncomingPod, Surroundings } from './surroundings.ts';
import { volumeFacts, type VolumeFacts, type VolumeSources } from './volumes.ts';

export interface LayoutInputs {
  set: StatefulSet;
  namespaceTerminating: boolean;
  /** Every pod of the namespace, whoever's: others may use the set's claims. */
  pods: readonly Pod[];
  /** The namespace's, or at least those that the set's pods name. */
  claims: readonly PersistentVolumeClaim[];
  /** At least those that the claims name. */
  volumes: readonly PersistentVolume[];
  /** Names of all PVs of the cluster that have a handle, by handle. */
  volumesByHandle: ReadonlyMap<string, readonly string[]>;
  storageClasses: readonly StorageClass[];
  nodes: readonly Node[];
  /** Empty when the cluster has none at all: then nobody knows which node has which driver. */
  csiNodes: readonly CSINode[];
  budgets: readonly PodDisruptionBudget[];
  /** What is around the set; absent: what the other fields tell of it, which is its own namespace. */
  surroundings?: Surroundings;
  /** By id. A disk that is missing is one that the cloud does not know: never call with a reading that failed. */
  disks: ReadonlyMap<string, Disk>;
  /** By disk. */
  snapshots: ReadonlyMap<string, readonly Snapshot[]>;
  cloud: Pick<Disks, 'instantSnapshots' | 'maxTags'>;
}

export interface Layout {
  readonly set: SetFacts;
  readonly namespaceTerminating: boolean;
  /** [start, start+replicas), ascending. */
  readonly ordinals: readonly OrdinalFacts[];
  /** Pods of the set outside that range: a scale-down under way. */
  readonly podsOutside: readonly string[];
  readonly nodes: readonly NodeFacts[];
  readonly budgets: readonly PodDisruptionBudget[];
  readonly maxTags: number;
  readonly surroundings: Surroundings;
}

export interface OrdinalFacts {
  readonly ordinal: number;
  readonly podName: string;
  /** Undefined while it does not exist. */
  readonly pod: PodFacts | undefined;
  /** Of the pod, else of the template that it will be made from. */
  readonly demands: NodeDemands;
  /** The pod, or the one that will be made from the template: with its volumes only if it exists. */
  readonly incoming: IncomingPod;
  readonly volumes: readonly VolumeFacts[];
  /** Zones of the disks that a move would copy; more than one is a pod that fits nowhere. */
  readonly zones: readonly string[];
}

export function buildLayout(inputs: LayoutInputs): Layout {
  const set = setFacts(inputs.set);
  const nodes = nodeFacts(inputs.nodes, inputs.csiNodes);
  const ownPods = ownPodsByOrdinal(inputs.pods, set);
  const sources = volumeSources(inputs, nodes);
  const inRange = (ordinal: number): boolean => ordinal >= set.start && ordinal < set.start + set.replicas;
  return {
    set,
    namespaceTerminating: inputs.namespaceTerminating,
    ordinals: Array.from({ length: set.replicas }, (_, index) => ordinalFacts(inputs.set, { ordinal: set.start + index, pod: ownPods.get(set.start + index), sources })),
    podsOutside: [...ownPods].filter(([ordinal]) => !inRange(ordinal)).map(([, pod]) => pod.metadata.name),
    nodes,
    budgets: inputs.budgets,
    maxTags: inputs.cloud.maxTags,
    surroundings: inputs.surroundings ?? ownSurroundings(inputs),
  };
}

export function ordinalIn(layout: Layout, ordinal: number): OrdinalFacts | undefined {
  return layout.ordinals[ordinal - layout.set.start];
}

/** The one zone of the ordinal's disks; undefined when it has no zonal disk, or disks in several zones. */
export function zoneOf(ordinal: OrdinalFacts): string | undefined {
  return ordinal.zones.length === 1 ? ordinal.zones[0] : undefined;
}

/** The volumes that a move into the zone would copy: those of the templates that are in another one. */
export function volumesToMove(ordinal: OrdinalFacts, zone: string): VolumeFacts[] {
  return zonalVolumes(ordinal).filter((volume) => volume.zone !== zone);
}

export function zonalVolumes(ordinal: OrdinalFacts): VolumeFacts[] {
  return ordinal.volumes.filter((volume) => volume.source === 'template' && volume.zone !== undefined);
}

function ownSurroundings({ nodes, csiNodes, pods, claims, volumes, storageClasses }: LayoutInputs): Surroundings {
  return { nodes, csiNodes, pods, claims, volumes, storageClasses, namespaces: [], attachments: [] };
}

/** Pods are ours by the owner's UID: a pod of the same name that the set has not adopted is somebody else's. */
function ownPodsByOrdinal(pods: readonly Pod[], set: SetFacts): Map<number, Pod> {
  const own = new Map<number, Pod>();
  for (const pod of pods) {
    const ordinal = ordinalOf(pod.metadata.name, set.name);
    if (ordinal !== undefined && (pod.metadata.ownerReferences ?? []).some(({ uid }) => uid === set.uid)) own.set(ordinal, pod);
  }
  return own;
}

const DEFAULT_CLASS_ANNOTATIONS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

function volumeSources(inputs: LayoutInputs, nodes: readonly NodeFacts[]): VolumeSources {
  const isDefault = (storageClass: StorageClass): boolean => DEFAULT_CLASS_ANNOTATIONS.some((key) => storageClass.metadata.annotations?.[key] === 'true');
  return {
    claims: byName(inputs.claims),
    volumes: byName(inputs.volumes),
    volumesByHandle: inputs.volumesByHandle,
    classes: byName(inputs.storageClasses),
    defaultClass: inputs.storageClasses.find(isDefault)?.metadata.name,
    disks: inputs.disks,
    snapshots: inputs.snapshots,
    instantSnapshots: (disk) => inputs.cloud.instantSnapshots(disk),
    podsByClaim: podsByClaim(inputs.pods),
    zoneByHostname: zoneByHostname(nodes),
  };
}

function byName<T extends { metadata: { name: string } }>(objects: readonly T[]): Map<string, T> {
  return new Map(objects.map((object) => [object.metadata.name, object]));
}

function podsByClaim(pods: readonly Pod[]): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const { metadata, spec } of pods) {
    for (const claim of (spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])) {
      users.set(claim, [...(users.get(claim) ?? []), metadata.name]);
    }
  }
  return users;
}

function zoneByHostname(nodes: readonly NodeFacts[]): Map<string, string> {
  const zones = new Map<string, string>();
  for (const { name, labels, zone } of nodes) {
    if (zone === undefined) continue;
    zones.set(name, zone);
    zones.set(labels['kubernetes.io/hostname'] ?? name, zone);
  }
  return zones;
}

interface OrdinalContext {
  ordinal: number;
  pod: Pod | undefined;
  sources: VolumeSources;
}

function ordinalFacts(set: StatefulSet, { ordinal, pod, sources }: OrdinalContext): OrdinalFacts {
  const spec = pod?.spec ?? set.spec.template.spec;
  const podName = podNameOf(set.metadata.name, ordinal);
  const volumes = [...templateVolumes(set, { ordinal, podName, sources }), ...otherVolumes(set, { podName, spec, sources })];
  const zones = volumes.flatMap(({ source, zone }) => (source === 'template' && zone !== undefined ? [zone] : []));
  return { ordinal, podName, pod: pod === undefined ? undefined : podFacts(pod), demands: nodeDemands(spec), incoming: incomingPod(set, { podName, pod }), volumes, zones: [...new Set(zones)].toSorted() };
}

/** A pod that exists has what admission gave it: injected containers, defaults, overhead. */
function incomingPod(set: StatefulSet, { podName, pod }: { podName: string; pod: Pod | undefined }): IncomingPod {
  const { template } = set.spec;
  const labels = pod?.metadata.labels ?? { ...template.metadata?.labels, 'statefulset.kubernetes.io/pod-name': podName };
  return { namespace: set.metadata.namespace ?? '', labels, spec: pod?.spec ?? template.spec };
}

function templateVolumes(set: StatefulSet, { ordinal, podName, sources }: { ordinal: number; podName: string; sources: VolumeSources }): VolumeFacts[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) =>
    volumeFacts(
      {
        podName,
        volume: { name: metadata.name },
        source: 'template',
        claimName: claimNameOf(metadata.name, set.metadata.name, ordinal),
        expectedClass: spec.storageClassName,
        inherited: inheritedBy(set, metadata.name),
      },
      sources,
    ),
  );
}

/** Of a pod that does not exist yet: those of its template. A template of claims hides a volume of the same name. */
function otherVolumes(set: StatefulSet, { podName, spec, sources }: { podName: string; spec: PodSpec; sources: VolumeSources }): VolumeFacts[] {
  const templates = new Set((set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name));
  return (spec.volumes ?? []).flatMap((volume) => {
    if (templates.has(volume.name)) return [];
    if (volume.persistentVolumeClaim !== undefined) return [volumeFacts({ podName, volume, source: 'claim', claimName: volume.persistentVolumeClaim.claimName }, sources)];
    if (volume.ephemeral !== undefined) {
      const expectedClass = volume.ephemeral.volumeClaimTemplate.spec.storageClassName;
      return [volumeFacts({ podName, volume, source: 'ephemeral', claimName: ephemeralClaimNameOf(podName, volume.name), expectedClass }, sources)];
    }
    return volume['hostPath'] === undefined ? [] : [volumeFacts({ podName, volume, source: 'hostPath' }, sources)];
  });
}
