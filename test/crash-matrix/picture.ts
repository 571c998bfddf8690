// The world as it must come back: claims, volumes, disks, pods and the namespace, without what every binding and every start writes anew.

import { claims, namespaces, pods, volumeAttachments, volumes, type KubernetesObject, type PersistentVolume, type PersistentVolumeClaim, type Pod } from '../../src/kubernetes/objects.ts';
import { isTerminating, isTrue } from '../../src/kubernetes/reading.ts';
import type { SimulatedCluster } from '../../src/simulation/cluster.ts';
import type { DiskView } from '../../src/simulation/ecs/model.ts';
import { SHOP } from '../simulation/controllers/stage.ts';

export interface Picture {
  claims: Record<string, ClaimPicture>;
  volumes: Record<string, VolumePicture>;
  disks: Record<string, DiskPicture>;
  pods: Record<string, PodPicture>;
  /** `<volume> on <node>`. */
  attachments: string[];
  snapshots: string[];
  namespaceLabels: Record<string, string>;
}

interface MetadataPicture {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  finalizers: string[];
  ownerReferences: unknown[];
  terminating: boolean;
}

export type ClaimPicture = MetadataPicture & Pick<PersistentVolumeClaim, 'spec'> & { phase: string | undefined };
export type VolumePicture = MetadataPicture & Pick<PersistentVolume, 'spec'> & { uid: string | undefined; phase: string | undefined };
export type DiskPicture = Omit<DiskView, 'attachments' | 'attachedAt' | 'detachedAt' | 'contents' | 'createdAt' | 'visibleAt' | 'creatingUntil'> & { attachedTo: string[] };

export interface PodPicture {
  ready: boolean;
  node: string | undefined;
  gates: unknown[];
  labels: Record<string, string>;
}

/** What Kubernetes writes when it binds: other annotations when the claim was prepared for its volume than when it looked for one. */
const WRITTEN_BY_BINDING = new Set([
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'volume.kubernetes.io/selected-node',
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
]);

export function pictureOf({ server, ecs }: SimulatedCluster): Picture {
  return {
    claims: byName(server.readAll(claims, { namespace: SHOP }), pictureOfClaim),
    volumes: byName(server.readAll(volumes), pictureOfVolume),
    disks: Object.fromEntries(ecs.disks().map((disk) => [disk.id, pictureOfDisk(disk)])),
    pods: byName(server.readAll(pods, { namespace: SHOP }), pictureOfPod),
    attachments: server.readAll(volumeAttachments).map(({ spec }) => `${spec.source.persistentVolumeName} on ${spec.nodeName}`).toSorted(),
    snapshots: ecs.snapshots().map(({ id }) => id),
    namespaceLabels: server.read(namespaces, { name: SHOP })?.metadata.labels ?? {},
  };
}

function pictureOfDisk({ attachments, attachedAt: _attached, detachedAt: _detached, contents: _contents, createdAt: _created, visibleAt: _visible, creatingUntil: _until, ...disk }: DiskView): DiskPicture {
  return { ...disk, attachedTo: attachments.map(({ instanceId }) => instanceId) };
}

function pictureOfPod(pod: Pod): PodPicture {
  return { ready: isTrue(pod, 'Ready') && !isTerminating(pod), node: pod.spec.nodeName, gates: pod.spec.schedulingGates ?? [], labels: pod.metadata.labels ?? {} };
}

function pictureOfClaim({ metadata, spec, status }: PersistentVolumeClaim): ClaimPicture {
  return { ...pictureOfMetadata({ metadata }), spec, phase: status?.phase };
}

function pictureOfVolume({ metadata, spec, status }: PersistentVolume): VolumePicture {
  const { uid: _uid, resourceVersion: _version, ...claimRef } = spec.claimRef ?? { name: '' };
  return { ...pictureOfMetadata({ metadata }), uid: metadata.uid, spec: { ...spec, claimRef }, phase: status?.phase };
}

function pictureOfMetadata({ metadata }: Pick<KubernetesObject, 'metadata'>): MetadataPicture {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => !WRITTEN_BY_BINDING.has(key));
  const { labels = {}, finalizers = [], ownerReferences = [] } = metadata;
  return { labels, annotations: Object.fromEntries(annotations), finalizers: finalizers.toSorted(), ownerReferences, terminating: isTerminating({ metadata }) };
}

function byName<T extends KubernetesObject, P>(objects: T[], picture: (object: T) => P): Record<string, P> {
  return Object.fromEntries(objects.map((object) => [object.metadata.name, picture(object)]));
}
