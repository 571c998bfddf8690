// The objects by which a node and its CSI driver make themselves known: Node, CSINode and Lease.

import { DISK_DRIVER, DRIVER_ZONE_KEY, NODE_DISK_TYPE_PREFIX, REGION_KEY, ZONE_KEY } from '../csi/names.ts';

export interface NodeSpec {
  /** Also the name of the Node. */
  name: string;
  zone: string;
  /** Of the ECS instance; default `i-<name>`. */
  instanceId?: string;
  /** Disk categories that the instance type takes; default `cloud_essd`, `cloud_auto`. */
  categories?: string[];
  instanceType?: string;
  /** Quantities; default 8 cpu, 32Gi memory, 110 pods. */
  capacity?: { cpu?: string; memory?: string; pods?: string };
  /** How many disks fit; default 15. */
  maxDisks?: number;
  /** Added to the ordinary ones. */
  labels?: Record<string, string>;
  taints?: Taint[];
}

export interface Taint {
  key: string;
  value?: string;
  effect: string;
}

export const NODE_LEASE_NAMESPACE = 'kube-node-lease';
/** The kubelet's default; the controller waits this long, and some more, before it takes the node for lost. */
export const LEASE_SECONDS = 40;

export function instanceIdOf(node: NodeSpec): string {
  return node.instanceId ?? `i-${node.name}`;
}

export interface NodeAddresses {
  /** IPv4. */
  hostIP: string;
}

/** `metadata`, `spec` and `status` of the Node. `now`: RFC 3339. */
export function nodeObject(node: NodeSpec, { region, hostIP, now }: { region: string; hostIP: string; now: string }) {
  return {
    metadata: {
      name: node.name,
      labels: labelsOf(node, region),
      annotations: {
        // Without it the attach-detach controller makes no VolumeAttachment for the node.
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
        'csi.volume.kubernetes.io/nodeid': JSON.stringify({ [DISK_DRIVER]: instanceIdOf(node) }),
      },
    },
    spec: { providerID: `${region}.${instanceIdOf(node)}`, ...(node.taints === undefined ? {} : { taints: node.taints }) },
    status: nodeStatus(node, { hostIP, now }),
  };
}

function labelsOf(node: NodeSpec, region: string): Record<string, string> {
  const categories = node.categories ?? ['cloud_essd', 'cloud_auto'];
  return {
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'node.kubernetes.io/instance-type': node.instanceType ?? 'ecs.g8i.2xlarge',
    [ZONE_KEY]: node.zone,
    [REGION_KEY]: region,
    [DRIVER_ZONE_KEY]: node.zone,
    ...Object.fromEntries(categories.map((category) => [`${NODE_DISK_TYPE_PREFIX}${category}`, 'available'])),
    ...node.labels,
  };
}

function nodeStatus(node: NodeSpec, { hostIP, now }: { hostIP: string; now: string }) {
  const capacity = { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi', ...node.capacity };
  return {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: 'InternalIP', address: hostIP },
      { type: 'Hostname', address: node.name },
    ],
    conditions: [...pressures(now), readyCondition('True', now)],
    nodeInfo: {
      kubeletVersion: 'v1.36.3',
      kubeProxyVersion: '',
      containerRuntimeVersion: 'simulated://1',
      operatingSystem: 'linux',
      architecture: 'amd64',
      osImage: 'simulated',
      kernelVersion: 'simulated',
      machineID: node.name,
      systemUUID: node.name,
      bootID: node.name,
    },
  };
}

function pressures(now: string) {
  return ['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
    type,
    status: 'False' as const,
    reason: `KubeletHasNo${type}`,
    message: '',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  }));
}

/** `Unknown` is what the node controller writes once it has not heard of the kubelet for long enough. */
export function readyCondition(status: 'True' | 'Unknown', now: string) {
  const said =
    status === 'True'
      ? { reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
  return { type: 'Ready', status, ...said, lastHeartbeatTime: now, lastTransitionTime: now };
}

export function csiNodeObject(node: NodeSpec, nodeUid: string) {
  return {
    metadata: { name: node.name, ownerReferences: [ownerReference(node, nodeUid)] },
    spec: { drivers: [{ name: DISK_DRIVER, nodeID: instanceIdOf(node), topologyKeys: [DRIVER_ZONE_KEY], allocatable: { count: node.maxDisks ?? 15 } }] },
  };
}

/** `now`: RFC 3339 with microseconds. */
export function leaseObject(node: NodeSpec, nodeUid: string, now: string) {
  return {
    metadata: { name: node.name, namespace: NODE_LEASE_NAMESPACE, ownerReferences: [ownerReference(node, nodeUid)] },
    spec: { holderIdentity: node.name, leaseDurationSeconds: LEASE_SECONDS, renewTime: now },
  };
}

function ownerReference(node: NodeSpec, uid: string) {
  return { apiVersion: 'v1', kind: 'Node', name: node.name, uid };
}
