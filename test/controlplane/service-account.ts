// A kubeconfig with a real service account's token, so that a program outside the cluster acts as it would inside: with its roles alone.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubeconfigFor } from './identities.ts';

export interface AdministeredCluster {
  /** Where kubeconfigs (and logs) go; whoever made the folder removes it. */
  readonly directory: string;
  /** As an administrator; returns standard output. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** Longer than any test run; a server may shorten it. */
const TOKEN_DURATION = '24h';

/** The path of the kubeconfig. The service account must exist; nothing in the file refers to another file. */
export async function kubeconfigOfServiceAccount(cluster: AdministeredCluster, { namespace, name }: ServiceAccountName): Promise<string> {
  const token = await cluster.kubectl(['create', 'token', name, '--namespace', namespace, `--duration=${TOKEN_DURATION}`]);
  const { server, ca } = await serverOf(cluster);
  const kubeconfig = join(cluster.directory, `${namespace}.${name}.kubeconfig`);
  await writeFile(kubeconfig, kubeconfigFor(`${namespace}/${name}`, { server, ca, token: token.trim() }), { mode: 0o600 });
  return kubeconfig;
}

/** Of the kubeconfig that kubectl goes by; `ca` is PEM. */
async function serverOf(cluster: AdministeredCluster): Promise<{ server: string; ca: string }> {
  const view = await cluster.kubectl(['config', 'view', '--raw', '--minify', '--flatten', '--output=json']);
  const found = (JSON.parse(view) as ConfigView).clusters[0]?.cluster;
  const ca = found?.['certificate-authority-data'];
  if (!found || !ca) throw new Error("The cluster's kubeconfig names no server, or no certificate authority to know it by; the tests need both.");
  return { server: found.server, ca: Buffer.from(ca, 'base64').toString() };
}

interface ConfigView {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data'?: string } }[];
}
