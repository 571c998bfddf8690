// The one cache of the cluster that all simulated kubelets read: pods by node, claims, volumes, attachments and nodes, as views. It wakes
// only those kubelets that a change concerns.

import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../kubernetes/objects.ts';
import type { AffinityTerm, ClaimView, KubeletView, PodView, VolumeView } from '../kubelet/view.ts';

/** A kubelet as the cache knows it. */
export interface Listener {
  node: string;
  wake(): void;
  /** Whether claims and volumes matter to it now. */
  waits(): boolean;
}

export interface WatchedPod {
  view: PodView;
  pod: Pod;
}

export type Watched =
  | { kind: 'Pod'; object: Pod }
  | { kind: 'PersistentVolumeClaim'; object: PersistentVolumeClaim }
  | { kind: 'PersistentVolume'; object: PersistentVolume }
  | { kind: 'VolumeAttachment'; object: VolumeAttachment }
  | { kind: 'Node'; object: Node };

export class WatchedCluster {
  readonly #pods = new Map<string, Map<string, WatchedPod>>();
  readonly #claims = new Map<string, ClaimView>();
  readonly #volumes = new Map<string, VolumeView>();
  /** By node, then by name. */
  readonly #attachments = new Map<string, Map<string, VolumeAttachment>>();
  readonly #nodes = new Map<string, Node>();
  readonly #listeners = new Map<string, Listener>();
  readonly #volumeListeners = new Set<(volume: PersistentVolume) => void>();
  readonly #nodeListeners = new Set<() => void>();

  /** @returns what ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.set(listener.node, listener);
    return () => {
      if (this.#listeners.get(listener.node) === listener) this.#listeners.delete(listener.node);
    };
  }

  /** Called with every new state of every volume, present ones first. @returns what ends it. */
  onVolume(listener: (volume: PersistentVolume) => void): () => void {
    this.#volumeListeners.add(listener);
    return () => this.#volumeListeners.delete(listener);
  }

  onNodes(listener: () => void): () => void {
    this.#nodeListeners.add(listener);
    return () => this.#nodeListeners.delete(listener);
  }

  node(name: string): Node | undefined {
    return this.#nodes.get(name);
  }

  pod(node: string, uid: string): WatchedPod | undefined {
    return this.#pods.get(node)?.get(uid);
  }

  /** Of a volume on a node. */
  attachment(node: string, volumeName: string): VolumeAttachment | undefined {
    const attachments = [...(this.#attachments.get(node)?.values() ?? [])].filter((attachment) => attachment.spec.source.persistentVolumeName === volumeName);
    return attachments.find((attachment) => attachment.metadata.deletionTimestamp === undefined) ?? attachments[0];
  }

  viewOf(node: string): KubeletView {
    const object = this.#nodes.get(node);
    const attached = new Set(object?.status?.volumesAttached?.map(({ name }) => name));
    return {
      labels: object?.metadata.labels ?? {},
      pods: [...(this.#pods.get(node)?.values() ?? [])].map(({ view }) => view),
      claim: (namespace, name) => this.#claims.get(`${namespace}/${name}`),
      volume: (name) => this.#volumes.get(name),
      attached: ({ uniqueName, name }) => attached.has(uniqueName) && isAttached(this.attachment(node, name)),
    };
  }

  set(watched: Watched): void {
    const { metadata } = watched.object;
    switch (watched.kind) {
      case 'Pod':
        this.#setPod(watched.object);
        break;
      case 'PersistentVolumeClaim':
        this.#claims.set(keyOf(metadata), claimView(watched.object));
        this.#wakeWaiting();
        break;
      case 'PersistentVolume':
        this.#volumes.set(metadata.name, volumeView(watched.object));
        for (const listener of this.#volumeListeners) listener(watched.object);
        this.#wakeWaiting();
        break;
      case 'VolumeAttachment':
        nested(this.#attachments, watched.object.spec.nodeName).set(metadata.name, watched.object);
        this.#wake(watched.object.spec.nodeName);
        break;
      case 'Node':
        this.#nodes.set(metadata.name, watched.object);
        this.#nodeChanged(metadata.name);
        break;
    }
  }

  delete(watched: Watched): void {
    const { metadata } = watched.object;
    switch (watched.kind) {
      case 'Pod':
        this.#deletePod(watched.object);
        break;
      case 'PersistentVolumeClaim':
        this.#claims.delete(keyOf(metadata));
        this.#wakeWaiting();
        break;
      case 'PersistentVolume':
        this.#volumes.delete(metadata.name);
        this.#wakeWaiting();
        break;
      case 'VolumeAttachment':
        this.#attachments.get(watched.object.spec.nodeName)?.delete(metadata.name);
        this.#wake(watched.object.spec.nodeName);
        break;
      case 'Node':
        this.#nodes.delete(metadata.name);
        this.#nodeChanged(metadata.name);
        break;
    }
  }

  #setPod(pod: Pod): void {
    const node = pod.spec.nodeName;
    if (node === undefined || node === '') return;
    nested(this.#pods, node).set(pod.metadata.uid ?? '', { pod, view: podView(pod) });
    this.#wake(node);
  }

  #deletePod(pod: Pod): void {
    const node = pod.spec.nodeName;
    if (node === undefined) return;
    this.#pods.get(node)?.delete(pod.metadata.uid ?? '');
    this.#wake(node);
  }

  #nodeChanged(name: string): void {
    this.#wake(name);
    for (const listener of this.#nodeListeners) listener();
  }

  #wake(node: string): void {
    this.#listeners.get(node)?.wake();
  }

  #wakeWaiting(): void {
    for (const listener of this.#listeners.values()) {
      if (listener.waits()) listener.wake();
    }
  }
}

export function isAttached(attachment: VolumeAttachment | undefined): boolean {
  return attachment?.status?.attached === true && attachment.metadata.deletionTimestamp === undefined;
}

const DEFAULT_GRACE_SECONDS = 30;

function podView(pod: Pod): PodView {
  const { namespace = '', name, uid = '', deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  const grace = typeof deletionGracePeriodSeconds === 'number' ? deletionGracePeriodSeconds : (pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
  return {
    namespace,
    name,
    uid,
    deleting: deletionTimestamp !== undefined,
    graceMs: grace * 1000,
    ended: pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed',
    claims: claimsOf(pod),
  };
}

function claimsOf(pod: Pod): string[] {
  const names = (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.ephemeral !== undefined) return [`${pod.metadata.name}-${volume.name}`];
    return volume.persistentVolumeClaim === undefined ? [] : [volume.persistentVolumeClaim.claimName];
  });
  return [...new Set(names)];
}

function claimView(claim: PersistentVolumeClaim): ClaimView {
  return {
    uid: claim.metadata.uid ?? '',
    bound: claim.status?.phase === 'Bound',
    deleting: claim.metadata.deletionTimestamp !== undefined,
    volumeName: claim.spec.volumeName ?? '',
  };
}

function volumeView(volume: PersistentVolume): VolumeView {
  const { csi, claimRef, nodeAffinity } = volume.spec;
  return {
    name: volume.metadata.name,
    claimUid: claimRef?.uid ?? '',
    ...(csi === undefined ? {} : { csi: { driver: csi.driver, handle: csi.volumeHandle } }),
    affinity: (nodeAffinity?.required?.nodeSelectorTerms ?? []).map(
      (term): AffinityTerm => (term.matchExpressions ?? []).map(({ key, operator, values }) => ({ key, operator, values: values ?? [] })),
    ),
  };
}

function keyOf({ namespace = '', name }: { namespace?: string; name: string }): string {
  return `${namespace}/${name}`;
}

function nested<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const inner = map.get(key) ?? new Map<string, V>();
  map.set(key, inner);
  return inner;
}
