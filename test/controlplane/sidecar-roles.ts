// What the CSI sidecars may do: the service account, roles and bindings of Alibaba Cloud's own deployment, where one service account
// serves both, cut down to provisioning and attaching.
import { stringify } from 'yaml';

/** Where it runs, and as whom; admission rules that let the cluster's own programs through go by this name. */
export const SIDECAR_SERVICE_ACCOUNT = { namespace: 'kube-system', name: 'alicloud-csi-provisioner' } as const;

const READ = ['get', 'list', 'watch'];

const RULES = [
  { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...READ, 'update', 'create', 'delete', 'patch'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: [...READ, 'update'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims/status'], verbs: [...READ, 'update', 'patch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list', 'watch', 'create', 'update', 'patch'] },
  { apiGroups: [''], resources: ['nodes'], verbs: [...READ, 'patch'] },
  { apiGroups: ['storage.k8s.io'], resources: ['storageclasses', 'csinodes', 'volumeattributesclasses'], verbs: READ },
  { apiGroups: ['storage.k8s.io'], resources: ['volumeattachments'], verbs: [...READ, 'patch'] },
  { apiGroups: ['storage.k8s.io'], resources: ['volumeattachments/status'], verbs: ['patch'] },
];

const { namespace, name } = SIDECAR_SERVICE_ACCOUNT;
const RBAC = 'rbac.authorization.k8s.io';

/** For `kubectl apply`. */
export const SIDECAR_ROLES: string = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } },
  { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules: RULES },
  {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    subjects: [{ kind: 'ServiceAccount', namespace, name }],
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
  },
]
  .map((object) => stringify(object))
  .join('---\n');
