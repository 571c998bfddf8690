// What stands around a set and has a say in where its pods can land: the nodes, whatever runs on them, and the volumes in use there. Raw
// objects, as far as the daemon may see them: with `--namespaces` pods elsewhere are unknown, and then count for nothing.

import type { CSINode, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, VolumeAttachment } from '../kubernetes/objects.ts';

export interface Surroundings {
  readonly nodes: readonly Node[];
  /** Empty when the cluster has none at all. */
  readonly csiNodes: readonly CSINode[];
  readonly pods: readonly Pod[];
  readonly claims: readonly PersistentVolumeClaim[];
  readonly volumes: readonly PersistentVolume[];
  readonly namespaces: readonly Namespace[];
  readonly attachments: readonly VolumeAttachment[];
  readonly storageClasses: readonly StorageClass[];
}

/** A pod as its set would create it now. */
export interface IncomingPod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Pod['spec'];
}
