// The product as it is installed in a cluster: its custom resources, its namespace, and a service account for each of its two parts, so
// that admission, audit log and field managers can tell them from people.

import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { kubeconfigOfServiceAccount, type AdministeredCluster } from '../../test/controlplane/service-account.ts';

/** The product's own. */
export const OWN_NAMESPACE = 'zonespread-system';

export type ProductPart = 'controller' | 'webhook';

export interface ProductIdentity {
  /** As the API server names it. */
  user: string;
  /** Path of its kubeconfig. */
  kubeconfig: string;
}

const CRDS = fileURLToPath(new URL('../../charts/zonespread/crds/', import.meta.url));

export async function installCustomResources(cluster: AdministeredCluster): Promise<void> {
  await cluster.kubectl(['apply', '--server-side', '--filename', CRDS]);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', '--filename', CRDS]);
}

/** With an administrator's rights: what the product may do at least is the business of its chart. */
export async function makeIdentity(cluster: AdministeredCluster, part: ProductPart): Promise<ProductIdentity> {
  const name = `zonespread-${part}`;
  await cluster.kubectl(['apply', '--filename', '-'], manifests(name));
  const kubeconfig = await kubeconfigOfServiceAccount(cluster, { namespace: OWN_NAMESPACE, name });
  return { user: `system:serviceaccount:${OWN_NAMESPACE}:${name}`, kubeconfig };
}

function manifests(name: string): string {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OWN_NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: OWN_NAMESPACE, name } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      subjects: [{ kind: 'ServiceAccount', namespace: OWN_NAMESPACE, name }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    },
  ]
    .map((object) => stringify(object))
    .join('---\n');
}
