// What a kubelet sees of the cluster, reduced to what it decides on. The shell makes it from watched objects; a simulation from its own.

/** Which pod, for ever: a StatefulSet gives one name to many. */
export interface PodIdentity {
  namespace: string;
  name: string;
  uid: string;
}

export interface PodView extends PodIdentity {
  /** It has a deletionTimestamp. */
  deleting: boolean;
  /** Its deletionGracePeriodSeconds once it is deleting, else its terminationGracePeriodSeconds. */
  graceMs: number;
  /** Succeeded or Failed: its containers ended for good. */
  ended: boolean;
  /** Names of the claims that it mounts, generic ephemeral ones included, without repetition. */
  claims: string[];
}

export interface ClaimView {
  uid: string;
  bound: boolean;
  deleting: boolean;
  /** Empty until it is bound. */
  volumeName: string;
}

export interface VolumeView {
  name: string;
  /** UID of the claim that it is bound to; empty when to none. */
  claimUid: string;
  /** Absent when it is no CSI volume: nothing to attach. */
  csi?: { driver: string; handle: string };
  /** The terms of its nodeAffinity, of which one must hold; empty when it may be used anywhere. */
  affinity: AffinityTerm[];
}

export type AffinityTerm = { key: string; operator: string; values: string[] }[];

/** Everything that one node's kubelet knows when it decides. */
export interface KubeletView {
  labels: Record<string, string>;
  /** Pods that are bound to the node and that the API server still has. */
  pods: PodView[];
  claim(namespace: string, name: string): ClaimView | undefined;
  volume(name: string): VolumeView | undefined;
  /** The controller has attached it: in `node.status.volumesAttached`, and its VolumeAttachment says so and is not being deleted. */
  attached(volume: { uniqueName: string; name: string }): boolean;
}

/** `namespace/name`. */
export function nameOf(pod: { namespace: string; name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}
