// Kubernetes objects as the API server and Alibaba Cloud's disk CSI driver leave them: complete, healthy and consistent with each other
// (the pod web-2 names the claim data-web-2, bound to the volume disk-data-web-2 on the disk d-data-web-2). Change what a test is about.

import type {
  CSINode,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  PodSpec,
  StatefulSet,
  StorageClass,
  Volume,
} from '../../src/kubernetes/objects.ts';

export const NAMESPACE = 'db';
export const DISK_DRIVER = 'diskplugin.csi.alibabacloud.com';
export const STORAGE_CLASS = 'alicloud-disk-essd';
export const REVISION = 'web-6d5f8c9b7';
/** 2026-11-20T00:00:00Z: "now" for tests that need one. */
export const NOW_MS = Date.UTC(2026, 10, 20);

/** The same object always has the same UID. */
export function uid(kind: string, name: string): string {
  return `uid-${kind}-${name}`.toLowerCase();
}

export interface SetOptions {
  name?: string;
  namespace?: string;
  replicas?: number;
  start?: number;
  /** Names of the claim templates; default `data`. */
  templates?: string[];
  sizeGiB?: number;
  annotations?: Record<string, string>;
  podManagementPolicy?: 'OrderedReady' | 'Parallel';
  updateStrategy?: StatefulSet['spec']['updateStrategy'];
  /** Pod spec of the template. */
  podSpec?: PodSpec;
}

export function statefulSet(options: SetOptions = {}): StatefulSet {
  const { name = 'web', namespace = NAMESPACE, replicas = 3, start = 0, templates = ['data'], sizeGiB = 20, annotations = {} } = options;
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace, uid: uid('statefulset', name), resourceVersion: '1', generation: 1, labels: { app: name }, annotations },
    spec: {
      replicas,
      ...(start === 0 ? {} : { ordinals: { start } }),
      selector: { matchLabels: { app: name } },
      serviceName: name,
      template: { metadata: { labels: { app: name } }, spec: options.podSpec ?? { containers: [{ name: 'main', image: 'example.com/web:1' }] } },
      volumeClaimTemplates: templates.map((template) => ({
        metadata: { name: template },
        spec: { accessModes: ['ReadWriteOnce'], storageClassName: STORAGE_CLASS, resources: { requests: { storage: `${sizeGiB}Gi` } } },
      })),
      podManagementPolicy: options.podManagementPolicy ?? 'OrderedReady',
      updateStrategy: options.updateStrategy ?? { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    },
    status: { observedGeneration: 1, replicas, readyReplicas: replicas, currentRevision: REVISION, updateRevision: REVISION },
  };
}

export interface PodOptions {
  set?: StatefulSet;
  ordinal?: number;
  /** Where it runs; without one it is Pending. */
  node?: string | undefined;
  ready?: boolean;
  labels?: Record<string, string>;
  /** Beside those of the claim templates. */
  volumes?: Volume[];
}

/** A pod of a set, Running and Ready on its node. */
export function pod(options: PodOptions = {}): Pod {
  const { set = statefulSet(), ordinal = 0, node: nodeName, ready = nodeName !== undefined, labels = {}, volumes = [] } = options;
  const name = `${set.metadata.name}-${ordinal}`;
  const templates = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
  const status = ready ? ('True' as const) : ('False' as const);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: set.metadata.namespace ?? NAMESPACE,
      uid: uid('pod', name),
      resourceVersion: '1',
      labels: { app: set.metadata.name, 'controller-revision-hash': REVISION, 'apps.kubernetes.io/pod-index': String(ordinal), 'statefulset.kubernetes.io/pod-name': name, ...labels },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: set.metadata.name, uid: set.metadata.uid ?? '', controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      ...set.spec.template.spec,
      ...(nodeName === undefined ? {} : { nodeName }),
      volumes: [...templates.map((template) => claimVolume(template, `${template}-${name}`)), ...volumes, ...(set.spec.template.spec.volumes ?? [])],
    },
    status: { phase: nodeName === undefined ? 'Pending' : 'Running', conditions: [{ type: 'Ready', status, lastTransitionTime: '2026-11-19T00:00:00Z' }] },
  };
}

/** A pod of nobody's, e.g. of a backup Job. */
export function strayPod(name: string, claimNames: string[], phase = 'Running'): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, uid: uid('pod', name) },
    spec: { nodeName: 'node-a', volumes: claimNames.map((claimName) => claimVolume(claimName, claimName)) },
    status: { phase },
  };
}

export function claimVolume(name: string, claimName: string): Volume {
  return { name, persistentVolumeClaim: { claimName } };
}

export interface ClaimOptions {
  name?: string;
  namespace?: string;
  sizeGiB?: number;
  /** Absent: `disk-<name>`; null: not bound. */
  volumeName?: string | null;
  storageClass?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export function claim(options: ClaimOptions = {}): PersistentVolumeClaim {
  const { name = 'data-web-0', namespace = NAMESPACE, sizeGiB = 20, storageClass: className = STORAGE_CLASS, labels = { app: 'web' }, annotations = {} } = options;
  const volumeName = options.volumeName === undefined ? `disk-${name}` : options.volumeName;
  const storage = `${sizeGiB}Gi`;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name,
      namespace,
      uid: uid('claim', name),
      resourceVersion: '1',
      labels,
      annotations: volumeName === null ? annotations : { 'pv.kubernetes.io/bind-completed': 'yes', 'volume.kubernetes.io/storage-provisioner': DISK_DRIVER, ...annotations },
      finalizers: ['kubernetes.io/pvc-protection'],
    },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: className, volumeMode: 'Filesystem', resources: { requests: { storage } }, ...(volumeName === null ? {} : { volumeName }) },
    status: volumeName === null ? { phase: 'Pending' } : { phase: 'Bound', capacity: { storage } },
  };
}

export interface VolumeOptions {
  /** Name of the claim that it is bound to; its own name is `disk-<claim>`, its disk `d-<claim>`. */
  claim?: string;
  name?: string;
  namespace?: string;
  diskId?: string;
  zone?: string;
  sizeGiB?: number;
  reclaimPolicy?: 'Delete' | 'Retain';
  category?: string;
}

/** As the disk CSI driver provisions it. */
export function volume(options: VolumeOptions = {}): PersistentVolume {
  const { claim: claimName = 'data-web-0', namespace = NAMESPACE, zone = 'a', sizeGiB = 20, reclaimPolicy = 'Delete', category = 'cloud_essd' } = options;
  const name = options.name ?? `disk-${claimName}`;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name,
      uid: uid('volume', name),
      resourceVersion: '1',
      labels: { 'csi.alibabacloud.com/disktype': `${category}.PL1` },
      annotations: { 'pv.kubernetes.io/provisioned-by': DISK_DRIVER },
      finalizers: ['kubernetes.io/pv-protection', 'external-attacher/diskplugin-csi-alibabacloud-com'],
    },
    spec: {
      capacity: { storage: `${sizeGiB}Gi` },
      accessModes: ['ReadWriteOnce'],
      storageClassName: STORAGE_CLASS,
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: reclaimPolicy,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName, uid: uid('claim', claimName), resourceVersion: '1' },
      csi: { driver: DISK_DRIVER, volumeHandle: options.diskId ?? `d-${claimName}`, fsType: 'ext4', volumeAttributes: { type: category, performanceLevel: 'PL1' } },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.diskplugin.csi.alibabacloud.com/zone', operator: 'In', values: [zone] }] }] } },
    },
    status: { phase: 'Bound' },
  };
}

export interface NodeOptions {
  name?: string;
  zone?: string;
  ready?: boolean;
  /** Disk categories it attaches. */
  categories?: string[];
  labels?: Record<string, string>;
  taints?: { key: string; value?: string; effect: string }[];
}

export function node(options: NodeOptions = {}): Node {
  const { zone = 'a', name = `node-${zone}`, ready = true, categories = ['cloud_essd', 'cloud_auto'], labels = {}, taints = [] } = options;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: uid('node', name),
      labels: {
        'kubernetes.io/hostname': name,
        'topology.kubernetes.io/zone': zone,
        'topology.diskplugin.csi.alibabacloud.com/zone': zone,
        ...Object.fromEntries(categories.map((category) => [`node.csi.alibabacloud.com/disktype.${category}`, 'available'])),
        ...labels,
      },
    },
    spec: taints.length === 0 ? {} : { taints },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }], allocatable: { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' } },
  };
}

export function csiNode(name: string, drivers: string[] = [DISK_DRIVER]): CSINode {
  return { apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: { name }, spec: { drivers: drivers.map((driver) => ({ name: driver, nodeID: `i-${name}`, allocatable: { count: 15 } })) } };
}

export function storageClass(changes: Partial<StorageClass> & { name?: string } = {}): StorageClass {
  const { name = STORAGE_CLASS, ...rest } = changes;
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: DISK_DRIVER,
    parameters: { type: 'cloud_essd', performanceLevel: 'PL1' },
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
    ...rest,
  };
}

export function disruptionBudget(changes: { name?: string; matchLabels?: Record<string, string>; disruptionsAllowed?: number } = {}): PodDisruptionBudget {
  const { name = 'web', matchLabels = { app: 'web' }, disruptionsAllowed = 1 } = changes;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: NAMESPACE, uid: uid('budget', name) },
    spec: { selector: { matchLabels }, maxUnavailable: 1 },
    status: { disruptionsAllowed, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 },
  };
}
