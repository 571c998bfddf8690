// The Kubernetes objects that the product reads and writes, as raw JSON: only the fields it looks at are named, the rest rides along
// untouched (client-node's typed models drop unknown fields and cut timestamps, and a claim or a volume must be copied whole).

export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: { manager?: string; operation?: string; subresource?: string }[];
  [field: string]: unknown;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  observedGeneration?: number;
}

export interface PodSpec {
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  affinity?: Record<string, unknown>;
  tolerations?: Record<string, unknown>[];
  priorityClassName?: string;
  schedulingGates?: { name: string }[];
  containers?: Record<string, unknown>[];
  volumes?: Volume[];
  topologySpreadConstraints?: Record<string, unknown>[];
  terminationGracePeriodSeconds?: number;
  [field: string]: unknown;
}

export interface Volume {
  name: string;
  persistentVolumeClaim?: { claimName: string; readOnly?: boolean };
  ephemeral?: { volumeClaimTemplate: { metadata?: Partial<ObjectMeta>; spec: ClaimSpec } };
  [source: string]: unknown;
}

export interface Pod extends KubernetesObject {
  spec: PodSpec;
  status?: { phase?: string; conditions?: Condition[]; reason?: string; containerStatuses?: Record<string, unknown>[]; [field: string]: unknown };
}

export interface ClaimSpec {
  accessModes?: string[];
  storageClassName?: string;
  volumeMode?: string;
  volumeName?: string;
  volumeAttributesClassName?: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  selector?: LabelSelector;
  [field: string]: unknown;
}

export interface PersistentVolumeClaim extends KubernetesObject {
  spec: ClaimSpec;
  status?: { phase?: string; capacity?: Record<string, string>; conditions?: Condition[]; [field: string]: unknown };
}

export interface NodeSelectorTerm {
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
  matchFields?: { key: string; operator: string; values?: string[] }[];
}

export interface PersistentVolume extends KubernetesObject {
  spec: {
    capacity?: Record<string, string>;
    accessModes?: string[];
    storageClassName?: string;
    volumeMode?: string;
    persistentVolumeReclaimPolicy?: string;
    claimRef?: { apiVersion?: string; kind?: string; namespace?: string; name?: string; uid?: string; resourceVersion?: string };
    csi?: { driver: string; volumeHandle: string; volumeAttributes?: Record<string, string>; fsType?: string; [field: string]: unknown };
    local?: { path: string };
    hostPath?: { path: string };
    nodeAffinity?: { required?: { nodeSelectorTerms: NodeSelectorTerm[] } };
    [field: string]: unknown;
  };
  status?: { phase?: string; reason?: string; message?: string };
}

export interface StatefulSet extends KubernetesObject {
  spec: {
    replicas?: number;
    selector: LabelSelector;
    serviceName?: string;
    template: { metadata?: Partial<ObjectMeta>; spec: PodSpec };
    volumeClaimTemplates?: { metadata: Partial<ObjectMeta> & { name: string }; spec: ClaimSpec }[];
    podManagementPolicy?: string;
    updateStrategy?: { type?: string; rollingUpdate?: { partition?: number; maxUnavailable?: number | string } };
    ordinals?: { start?: number };
    persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string; whenScaled?: string };
    [field: string]: unknown;
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
    [field: string]: unknown;
  };
}

export interface Node extends KubernetesObject {
  spec: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[]; providerID?: string; [field: string]: unknown };
  status?: {
    conditions?: Condition[];
    allocatable?: Record<string, string>;
    capacity?: Record<string, string>;
    volumesInUse?: string[];
    volumesAttached?: { name: string; devicePath: string }[];
    [field: string]: unknown;
  };
}

export interface VolumeAttachment extends KubernetesObject {
  spec: { attacher: string; nodeName: string; source: { persistentVolumeName?: string } };
  status?: { attached: boolean; [field: string]: unknown };
}

export interface StorageClass extends KubernetesObject {
  provisioner: string;
  parameters?: Record<string, string>;
  reclaimPolicy?: string;
  volumeBindingMode?: string;
  allowVolumeExpansion?: boolean;
  allowedTopologies?: { matchLabelExpressions?: { key: string; values: string[] }[] }[];
}

export interface CSINode extends KubernetesObject {
  spec: { drivers: { name: string; nodeID: string; topologyKeys?: string[]; allocatable?: { count?: number } }[] };
}

export interface PodDisruptionBudget extends KubernetesObject {
  spec: { selector?: LabelSelector; minAvailable?: number | string; maxUnavailable?: number | string; [field: string]: unknown };
  status?: { disruptionsAllowed?: number; currentHealthy?: number; desiredHealthy?: number; expectedPods?: number; observedGeneration?: number };
}

export interface Namespace extends KubernetesObject {
  status?: { phase?: string };
}

export interface ResourceQuota extends KubernetesObject {
  spec: { hard?: Record<string, string>; [field: string]: unknown };
  status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

export interface PriorityClass extends KubernetesObject {
  value: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
  description?: string;
}

export interface Lease extends KubernetesObject {
  spec: { holderIdentity?: string; leaseDurationSeconds?: number; acquireTime?: string; renewTime?: string; leaseTransitions?: number };
}

export interface Deployment extends KubernetesObject {
  spec: { replicas?: number; template: { spec: { containers: { name: string; env?: { name: string; value?: string }[] }[] } } };
  status?: { observedGeneration?: number; replicas?: number; updatedReplicas?: number; [field: string]: unknown };
}

/** How a kind is reached over HTTP. */
export interface Resource<T extends KubernetesObject = KubernetesObject> {
  /** Empty for the core group. */
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
  /** Never set: carries the type. */
  readonly __object?: T;
}

function resource<T extends KubernetesObject>(apiVersion: string, kind: string, plural: string, scope: 'Namespaced' | 'Cluster'): Resource<T> {
  const slash = apiVersion.indexOf('/');
  return {
    group: slash === -1 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    plural,
    kind,
    namespaced: scope === 'Namespaced',
  };
}

export const pods = resource<Pod>('v1', 'Pod', 'pods', 'Namespaced');
export const claims = resource<PersistentVolumeClaim>('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', 'Namespaced');
export const volumes = resource<PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes', 'Cluster');
export const nodes = resource<Node>('v1', 'Node', 'nodes', 'Cluster');
export const namespaces = resource<Namespace>('v1', 'Namespace', 'namespaces', 'Cluster');
export const resourceQuotas = resource<ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas', 'Namespaced');
export const statefulSets = resource<StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets', 'Namespaced');
export const kruiseStatefulSets = resource<StatefulSet>('apps.kruise.io/v1beta1', 'StatefulSet', 'statefulsets', 'Namespaced');
export const volumeAttachments = resource<VolumeAttachment>('storage.k8s.io/v1', 'VolumeAttachment', 'volumeattachments', 'Cluster');
export const storageClasses = resource<StorageClass>('storage.k8s.io/v1', 'StorageClass', 'storageclasses', 'Cluster');
export const csiNodes = resource<CSINode>('storage.k8s.io/v1', 'CSINode', 'csinodes', 'Cluster');
export const disruptionBudgets = resource<PodDisruptionBudget>('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', 'Namespaced');
export const priorityClasses = resource<PriorityClass>('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', 'Cluster');
export const leases = resource<Lease>('coordination.k8s.io/v1', 'Lease', 'leases', 'Namespaced');
export const events = resource<KubernetesObject>('v1', 'Event', 'events', 'Namespaced');
export const secrets = resource<KubernetesObject & { data?: Record<string, string> }>('v1', 'Secret', 'secrets', 'Namespaced');
export const validatingWebhooks = resource<KubernetesObject>('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'validatingwebhookconfigurations', 'Cluster');
export const mutatingWebhooks = resource<KubernetesObject>('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', 'Cluster');
export const clusterRoles = resource<KubernetesObject>('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', 'Cluster');
export const deployments = resource<Deployment>('apps/v1', 'Deployment', 'deployments', 'Namespaced');

/** Kubernetes 1.36 and later. */
export const mutatingPolicies = resource<KubernetesObject>('admissionregistration.k8s.io/v1', 'MutatingAdmissionPolicy', 'mutatingadmissionpolicies', 'Cluster');

/** Kubernetes' own sets or OpenKruise's, as the group of a set, or of a reference to one, says. */
export function statefulSetsOf(apiVersion: string): Resource<StatefulSet> {
  return apiVersion.startsWith(`${kruiseStatefulSets.group}/`) ? kruiseStatefulSets : statefulSets;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(kind: Resource): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
