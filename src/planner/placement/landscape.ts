// The cluster as the scheduler's cache holds it: every node with the pods that count there, and what the filters look up by name.

import type { CSINode, Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, VolumeAttachment } from '../../kubernetes/objects.ts';
import type { Surroundings } from '../../layout/surroundings.ts';
import { zoneOfNode } from '../../layout/zones.ts';

export type Labels = Readonly<Record<string, string>>;

/** A node with what is bound to it. The same object as long as the landscape is the same. */
export interface NodeSite {
  readonly name: string;
  readonly node: Node;
  readonly labels: Labels;
  /** Bound to it and not ended; terminating ones count until they are gone. */
  readonly pods: readonly Pod[];
  readonly csiNode: CSINode | undefined;
  readonly attachments: readonly VolumeAttachment[];
}

export interface Landscape {
  readonly sites: readonly NodeSite[];
  readonly sitesByZone: ReadonlyMap<string, readonly NodeSite[]>;
  site(name: string): NodeSite | undefined;
  /** Of a namespace that nobody knows: none. */
  namespaceLabels(namespace: string): Labels;
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  /** Names of the nodes that a volume is attached to. */
  attachedTo(volume: string): readonly string[];
  /** By UID, if it occupies a node. */
  pod(uid: string): Pod | undefined;
  /** Without a name the default one. */
  storageClass(name: string | undefined): StorageClass | undefined;
}

const known = new WeakMap<Surroundings, Landscape>();

export function landscapeOf(surroundings: Surroundings): Landscape {
  const found = known.get(surroundings) ?? build(surroundings);
  known.set(surroundings, found);
  return found;
}

const DEFAULT_CLASS_ANNOTATIONS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

function build(around: Surroundings): Landscape {
  const namespaces = new Map(around.namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const claims = new Map(around.claims.map((claim) => [namespaced(claim.metadata.namespace, claim.metadata.name), claim]));
  const volumes = new Map(around.volumes.map((volume) => [volume.metadata.name, volume]));
  const pods = new Map(around.pods.filter(occupies).map((pod) => [pod.metadata.uid ?? '', pod]));
  const classes = new Map(around.storageClasses.map((storageClass) => [storageClass.metadata.name, storageClass]));
  const defaultClass = around.storageClasses.find(({ metadata }) => DEFAULT_CLASS_ANNOTATIONS.some((key) => metadata.annotations?.[key] === 'true'));
  const attachments = Map.groupBy(around.attachments, ({ spec }) => spec.source.persistentVolumeName ?? '');
  const sites = sitesOf(around);
  const sitesByName = new Map(sites.map((site) => [site.name, site]));
  return {
    sites,
    sitesByZone: Map.groupBy(sites, ({ node }) => zoneOfNode(node) ?? ''),
    site: (name) => sitesByName.get(name),
    namespaceLabels: (namespace) => namespaces.get(namespace) ?? {},
    claim: (namespace, name) => claims.get(namespaced(namespace, name)),
    volume: (name) => volumes.get(name),
    attachedTo: (volume) => (attachments.get(volume) ?? []).map(({ spec }) => spec.nodeName),
    pod: (uid) => pods.get(uid),
    storageClass: (name) => (name === undefined ? defaultClass : classes.get(name)),
  };
}

function sitesOf({ nodes, csiNodes, pods, attachments }: Surroundings): NodeSite[] {
  const podsByNode = Map.groupBy(pods.filter(occupies), ({ spec }) => spec.nodeName ?? '');
  const csiNodesByName = new Map(csiNodes.map((csiNode) => [csiNode.metadata.name, csiNode]));
  const attachmentsByNode = Map.groupBy(attachments, ({ spec }) => spec.nodeName);
  return nodes.map((node) => ({
    name: node.metadata.name,
    node,
    labels: node.metadata.labels ?? {},
    pods: podsByNode.get(node.metadata.name) ?? [],
    csiNode: csiNodesByName.get(node.metadata.name),
    attachments: attachmentsByNode.get(node.metadata.name) ?? [],
  }));
}

/** Ended pods hold nothing any more, whatever their object says. */
function occupies({ spec, status }: Pod): boolean {
  return spec.nodeName !== undefined && spec.nodeName !== '' && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

function namespaced(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}
