// The product as it is installed in a cluster: its custom resources, its namespace, and a service account for each of its two parts, so
// that admission, audit log and field managers can tell them from people. The demo and the end-to-end tests install it the same way.

import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { kubeconfigOfServiceAccount, type AdministeredCluster } from '../../../test/controlplane/service-account.ts';

/** The product's own. */
export const OWN_NAMESPACE = 'zonespread-system';

export type ProductPart = 'controller' | 'webhook';

export interface ProductIdentity {
  /** As the API server names it. */
  user: string;
  /** Path of its kubeconfig. */
  kubeconfig: string;
}

export type ProductIdentities = Record<ProductPart, ProductIdentity>;

const CRDS = fileURLToPath(new URL('../../../charts/zonespread/crds/', import.meta.url));

/** With an administrator's rights for both parts: what the product may do at least is the business of its chart. */
export async function installProduct(cluster: AdministeredCluster): Promise<ProductIdentities> {
  await cluster.kubectl(['apply', '--server-side', '--filename', CRDS]);
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', '--filename', CRDS]);
  return { controller: await makeIdentity(cluster, 'controller'), webhook: await makeIdentity(cluster, 'webhook') };
}

/** All but the custom resources, which others may use; resolves when the product's namespace is gone, so that it can be made again. */
export async function removeProduct(cluster: AdministeredCluster): Promise<void> {
  await cluster.kubectl(['delete', 'mutatingwebhookconfiguration,validatingwebhookconfiguration', 'zonespread', '--ignore-not-found']);
  await cluster.kubectl(['delete', 'clusterrolebinding', nameOf('controller'), nameOf('webhook'), '--ignore-not-found']);
  await cluster.kubectl(['delete', 'namespace', OWN_NAMESPACE, '--ignore-not-found', '--timeout=120s']);
}

async function makeIdentity(cluster: AdministeredCluster, part: ProductPart): Promise<ProductIdentity> {
  const name = nameOf(part);
  await cluster.kubectl(['apply', '--filename', '-'], manifests(name));
  const kubeconfig = await kubeconfigOfServiceAccount(cluster, { namespace: OWN_NAMESPACE, name });
  return { user: `system:serviceaccount:${OWN_NAMESPACE}:${name}`, kubeconfig };
}

function nameOf(part: ProductPart): string {
  return `zonespread-${part}`;
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
