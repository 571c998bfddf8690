// What files do not say is assumed, and said to be: a manifest as people write it has no pods, no claims and no status. Everything is
// assumed to be well, so that the plan shows what would be done, not what a file leaves out.

import { claims, csiNodes, disruptionBudgets, nodes, pods, volumes, type KubernetesObject, type Node, type PersistentVolume, type PersistentVolumeClaim, type Pod, type PodDisruptionBudget, type StatefulSet } from '../../kubernetes/objects.ts';
import { claimNameOf, claimNamesOf, podNameOf } from '../../layout/names.ts';
import { DISK_DRIVER, zoneOfNode, zoneOfVolume, ZONE_KEYS } from '../../layout/zones.ts';
import { everyOrdinalOf } from '../../migration/owner.ts';
import { wrongUsage } from '../exit.ts';
import type { ZoneOfOrdinal } from './disks-flag.ts';
import { ofKind } from './manifests.ts';

const REVISION = 'assumed';
export const ASSUMED_CATEGORY = 'cloud_essd';
/** Where a node does not say what it has, it has room. */
const ROOM = { cpu: '1000', memory: '10Ti', 'ephemeral-storage': '10Ti', pods: '1000' };

export interface Completed {
  objects: KubernetesObject[];
  set: StatefulSet;
  /** Sentences. */
  assumed: string[];
}

/** @throws VerbEnded (wrong usage) where nobody can know: no nodes, or no disks. */
export function completed(found: StatefulSet, objects: readonly KubernetesObject[], zoneOf: ZoneOfOrdinal | undefined): Completed {
  const assumed: string[] = [];
  const note = (sentence: string): void => void assumed.push(sentence);
  if (ofKind(objects, nodes).length === 0) throw wrongUsage('there is no Node in the files: a plan asks where pods can land. Name them with --nodes, from: kubectl get nodes,csinodes -o yaml > nodes.yaml');
  const silent = ofKind(objects, nodes).filter((node) => !saysHowItIs(node)).length;
  if (silent > 0) note(`${silent === 1 ? 'one node is Ready and has' : `${silent} nodes are Ready and have`} room`);
  const others = objects.filter((object) => object !== found).map((object) => wellObject(object, note));
  const set = wellSet(found, ofKind(others, pods), note);
  const all = withDisks({ set, objects: others, zoneOf, note });
  const withPods = [...all, ...missingPods(set, all, note)];
  if (ofKind(withPods, csiNodes).length === 0) note('every node has the disk driver, and room for one more disk (no CSINode)');
  note('the cloud was not asked: every disk is pay-as-you-go, not locked, and on sale in every zone that has nodes');
  return { objects: [...withPods, set], set, assumed };
}

type Note = (sentence: string) => void;

function wellObject(object: KubernetesObject, note: Note): KubernetesObject {
  if (object.kind === nodes.kind) return wellNode(object as Node);
  if (object.kind === disruptionBudgets.kind && (object as PodDisruptionBudget).status === undefined) {
    note(`PodDisruptionBudget ${object.metadata.name} allows one eviction`);
    return { ...object, status: { disruptionsAllowed: 1 } };
  }
  return object;
}

function saysHowItIs({ status }: Node): boolean {
  return status?.conditions !== undefined && status.allocatable !== undefined;
}

function wellNode(node: Node): Node {
  if (saysHowItIs(node)) return node;
  return { ...node, spec: node.spec ?? {}, status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable: ROOM, ...node.status } };
}

function wellSet(set: StatefulSet, allPods: readonly Pod[], note: Note): StatefulSet {
  const uid = set.metadata.uid ?? `assumed-${set.metadata.name}`;
  const metadata = { ...set.metadata, uid, generation: set.metadata.generation ?? 1 };
  if (set.status?.currentRevision !== undefined) return { ...set, metadata };
  const own = allPods.find((pod) => pod.metadata.namespace === set.metadata.namespace && ownerOf(pod) === uid);
  const revision = own?.metadata.labels?.['controller-revision-hash'] ?? REVISION;
  note('the set is at rest: no rollout and no scaling is under way');
  const replicas = set.spec.replicas ?? 1;
  return { ...set, metadata, status: { observedGeneration: metadata.generation, replicas, readyReplicas: replicas, currentRevision: revision, updateRevision: revision } };
}

interface Disks {
  set: StatefulSet;
  objects: readonly KubernetesObject[];
  zoneOf: ZoneOfOrdinal | undefined;
  note: Note;
}

/** Claims and volumes of ordinals that have none, where `--disks` says their zone. */
function withDisks({ set, objects, zoneOf, note }: Disks): KubernetesObject[] {
  const { namespace = '', name } = set.metadata;
  const there = new Set(ofKind(objects, claims).filter(({ metadata }) => metadata.namespace === namespace).map(({ metadata }) => metadata.name));
  const templates = set.spec.volumeClaimTemplates ?? [];
  const missing = everyOrdinalOf(set).flatMap((ordinal) => templates.map((template) => ({ ordinal, template, claimName: claimNameOf(template.metadata.name, name, ordinal) }))).filter(({ claimName }) => !there.has(claimName));
  if (missing.length > 0 && missing.length === everyOrdinalOf(set).length * templates.length && zoneOf === undefined) {
    throw wrongUsage(`nobody knows where the disks of ${namespace}/${name} are: there is no claim of it in the files. Add what kubectl get pvc,pv -o yaml gives, or say it: --disks <zone>, or --disks 0-2=<zone>,3=<zone>`);
  }
  const made = missing.flatMap(({ ordinal, template, claimName }) => {
    const zone = zoneOf?.(ordinal);
    return zone === undefined ? [] : boundClaim(set, { claimName, zone, template });
  });
  if (made.length > 0) note(`${made.length === 2 ? 'one disk is' : `${made.length / 2} disks are`} where --disks says, ${ASSUMED_CATEGORY}, each as large as its claim template`);
  return [...objects, ...made];
}

function boundClaim(set: StatefulSet, { claimName, zone, template }: { claimName: string; zone: string; template: NonNullable<StatefulSet['spec']['volumeClaimTemplates']>[number] }): [PersistentVolumeClaim, PersistentVolume] {
  const { namespace = '' } = set.metadata;
  const [claimUID, volumeName, storage] = [`assumed-${namespace}-${claimName}`, `assumed-${namespace}-${claimName}`, template.spec.resources?.requests?.['storage'] ?? '20Gi'];
  return [
    { apiVersion: 'v1', kind: claims.kind, metadata: { namespace, name: claimName, uid: claimUID, labels: { ...set.spec.selector.matchLabels } }, spec: { ...template.spec, volumeName }, status: { phase: 'Bound', capacity: { storage } } },
    {
      apiVersion: 'v1',
      kind: volumes.kind,
      metadata: { name: volumeName, uid: `assumed-volume-${claimUID}` },
      spec: {
        capacity: { storage },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Delete',
        claimRef: { namespace, name: claimName, uid: claimUID },
        csi: { driver: DISK_DRIVER, volumeHandle: `d-${claimUID}`, volumeAttributes: { type: ASSUMED_CATEGORY } },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE_KEYS[0], operator: 'In', values: [zone] }] }] } },
      },
      status: { phase: 'Bound' },
    },
  ];
}

/** Only where no pod of the set is in the files: one that is missing among others is missing. */
function missingPods(set: StatefulSet, objects: readonly KubernetesObject[], note: Note): Pod[] {
  const uid = set.metadata.uid ?? '';
  const { namespace = '', name } = set.metadata;
  if (ofKind(objects, pods).some((pod) => ownerOf(pod) === uid)) return [];
  note(`its ${set.spec.replicas ?? 1} pods run and are Ready, each on a node in the zone of its disks`);
  return everyOrdinalOf(set).map((ordinal) => {
    const nodeName = nodeFor(set, ordinal, objects);
    return {
      apiVersion: 'v1',
      kind: pods.kind,
      metadata: { namespace, name: podNameOf(name, ordinal), uid: `assumed-${name}-${ordinal}`, labels: { ...set.spec.template.metadata?.labels, 'controller-revision-hash': set.status?.updateRevision ?? REVISION }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid, controller: true }] },
      spec: { ...set.spec.template.spec, ...(nodeName === undefined ? {} : { nodeName }), volumes: [...(set.spec.template.spec.volumes ?? []), ...(set.spec.volumeClaimTemplates ?? []).map((template) => ({ name: template.metadata.name, persistentVolumeClaim: { claimName: claimNameOf(template.metadata.name, name, ordinal) } }))] },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2000-01-01T00:00:00Z' }] },
    };
  });
}

function nodeFor(set: StatefulSet, ordinal: number, objects: readonly KubernetesObject[]): string | undefined {
  const names = new Set(claimNamesOf(set, ordinal));
  const bound = ofKind(objects, claims).find(({ metadata }) => metadata.namespace === set.metadata.namespace && names.has(metadata.name));
  const volume = ofKind(objects, volumes).find(({ metadata }) => metadata.name === bound?.spec.volumeName);
  const zone = volume === undefined ? undefined : zoneOfVolume(volume);
  return ofKind(objects, nodes).find((node) => zoneOfNode(node) === zone)?.metadata.name;
}

/** UID of the controller. */
function ownerOf({ metadata }: Pod): string | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
}
