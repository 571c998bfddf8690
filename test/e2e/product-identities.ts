// The names under which the product's processes act on the cluster of the tests: a service account each, as in a real installation, so
// that admission can tell them from people.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { kubeconfigFor } from '../controlplane/identities.ts';
import type { SidecarCluster } from '../controlplane/sidecars.ts';

/** Of the product. */
export const OWN_NAMESPACE = 'zonespread-system';

const ACCOUNTS = { daemon: 'zonespread-controller', webhook: 'zonespread-webhook' };

export interface ProductIdentity {
  /** As the API server names it. */
  user: string;
  /** Path of its kubeconfig. */
  kubeconfig: string;
}

/** With an administrator's rights: what the product may do at least is the chart's business and tested there. */
export async function makeServiceAccount(cluster: SidecarCluster, part: 'daemon' | 'webhook'): Promise<ProductIdentity> {
  const name = ACCOUNTS[part];
  await cluster.kubectl(['apply', '-f', '-'], manifests(name));
  const token = await cluster.kubectl(['create', 'token', name, '--namespace', OWN_NAMESPACE, '--duration=24h']);
  const config = JSON.parse(await cluster.kubectl(['config', 'view', '--raw', '--minify', '--flatten', '--output=json'])) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data'?: string } }];
  };
  const { server, 'certificate-authority-data': ca = '' } = config.clusters[0].cluster;
  const kubeconfig = join(cluster.directory, `${name}.kubeconfig`);
  await writeFile(kubeconfig, kubeconfigFor(name, { server, ca: Buffer.from(ca, 'base64').toString(), token: token.trim() }), { mode: 0o600 });
  return { user: `system:serviceaccount:${OWN_NAMESPACE}:${name}`, kubeconfig };
}

/** With the product's namespace; resolves when it is gone, for the next run makes it again. */
export async function removeServiceAccounts(cluster: SidecarCluster): Promise<void> {
  await cluster.kubectl(['delete', 'clusterrolebinding', ...Object.values(ACCOUNTS), '--ignore-not-found']);
  await cluster.kubectl(['delete', 'namespace', OWN_NAMESPACE, '--ignore-not-found', '--timeout=120s']);
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
