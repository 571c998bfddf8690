// Which cluster, and as whom: kubeconfig files or the pod's own service account, as kubectl finds them. client-node's KubeConfig does the
// authentication (token, client certificate, exec, OIDC, basic); it is read anew when a credential is refused.

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { KubeConfig, loadYaml } from '@kubernetes/client-node';
import { systemClock, type Clock } from '../ports/clock.ts';
import type { Http } from '../ports/http.ts';
import { createCredentials } from './credentials.ts';
import { createTransport } from './transport.ts';

export interface ClusterConnection {
  http: Http;
  /** The API server's URL. */
  server: string;
  /** The context's, or the pod's own. */
  namespace?: string;
  /** Closes idle connections; what is under way ends first. */
  close(): Promise<void>;
}

export interface LoadClusterOptions {
  /** A file; without it `$KUBECONFIG`, then `~/.kube/config`, then the pod's service account. */
  kubeconfig?: string;
  /** Without it the file's current context. */
  context?: string;
  clock?: Clock;
}

/** @throws Error for people when there is no usable configuration. */
export function loadCluster({ kubeconfig, context, clock = systemClock }: LoadClusterOptions = {}): ClusterConnection {
  const load = (): KubeConfig => loadKubeConfig(kubeconfig, context);
  const config = load();
  const server = config.getCurrentCluster()?.server ?? '';
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim() ?? '';
  const transport = createTransport({ server, credentials: createCredentials({ load, initial: config, clock }), clock });
  return { http: transport.http, close: () => transport.close(), server, ...(namespace === '' ? {} : { namespace }) };
}

/** Names of contexts, in the order of the files; none inside a pod. @throws Error for people as loadCluster does */
export function contextsOf(kubeconfig: string | undefined): string[] {
  const config = new KubeConfig();
  loadFiles(config, filesToRead(kubeconfig));
  return config.getContexts().map(({ name }) => name);
}

function loadKubeConfig(kubeconfig: string | undefined, context: string | undefined): KubeConfig {
  const files = filesToRead(kubeconfig);
  const config = new KubeConfig();
  if (files.length > 0) loadFiles(config, files);
  else loadServiceAccount(config);
  if (context !== undefined) config.setCurrentContext(context);
  requireUsable(config, files.length > 0 ? files.join(delimiter) : 'the service account');
  return config;
}

/** As kubectl does: files of `$KUBECONFIG` that do not exist are left out, one that was named must exist. Empty: the service account. */
function filesToRead(kubeconfig: string | undefined): string[] {
  if (kubeconfig !== undefined && kubeconfig !== '') {
    if (!existsSync(kubeconfig)) throw new Error(`kubeconfig ${kubeconfig}: there is no such file`);
    return [kubeconfig];
  }
  const listed = (process.env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  const found = listed.filter((file) => existsSync(file));
  if (listed.length > 0 && found.length === 0) throw new Error(`KUBECONFIG=${process.env.KUBECONFIG}: there is no such file`);
  const own = join(homedir(), '.kube', 'config');
  return found.length > 0 || !existsSync(own) ? found : [own];
}

function loadServiceAccount(config: KubeConfig): void {
  if ((process.env.KUBERNETES_SERVICE_HOST ?? '') === '') {
    throw new Error('no cluster to talk to: not inside a pod, no $KUBECONFIG and no ~/.kube/config; name a file with --kubeconfig');
  }
  config.loadFromCluster();
}

interface KubeConfigFile {
  clusters?: { name: string; cluster: Record<string, unknown> }[];
  users?: { name: string; user?: Record<string, unknown> | null }[];
  contexts?: { name: string; context: Record<string, unknown> }[];
  'current-context'?: string;
}

/** Of entries with the same name the first file's wins, as with kubectl (client-node's own merging refuses them). */
function loadFiles(config: KubeConfig, files: string[]): void {
  const parts = files.map(readFile);
  const merged = {
    clusters: firstOfEachName(parts.flatMap((part) => part.clusters ?? [])),
    users: firstOfEachName(parts.flatMap((part) => part.users ?? [])),
    contexts: firstOfEachName(parts.flatMap((part) => part.contexts ?? [])),
    'current-context': parts.map((part) => part['current-context'] ?? '').find((name) => name !== '') ?? '',
  };
  config.loadFromString(JSON.stringify(merged)); // JSON is YAML.
}

function firstOfEachName<T extends { name: string }>(entries: T[]): T[] {
  return entries.filter((entry, at) => entries.findIndex((other) => other.name === entry.name) === at);
}

function readFile(file: string): KubeConfigFile {
  let parsed: KubeConfigFile | undefined | null;
  try {
    parsed = loadYaml<KubeConfigFile | undefined | null>(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`kubeconfig ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const folder = dirname(file);
  for (const { cluster } of parsed?.clusters ?? []) {
    makeAbsolute(cluster, 'certificate-authority', folder);
    allowPlainHttpToThisMachine(cluster);
  }
  for (const { user } of parsed?.users ?? []) prepareUser(user ?? {}, folder);
  return parsed ?? {};
}

function prepareUser(user: Record<string, unknown>, folder: string): void {
  for (const key of ['client-certificate', 'client-key', 'tokenFile']) makeAbsolute(user, key, folder);
  if (typeof user.tokenFile === 'string' && user.tokenFile !== '') readTokenFromFile(user);
}

/** Paths in a kubeconfig are relative to it. */
function makeAbsolute(entry: Record<string, unknown>, key: string, folder: string): void {
  const path = entry[key];
  if (typeof path === 'string' && path !== '' && !isAbsolute(path)) entry[key] = join(folder, path);
}

/** client-node knows token files of pods only; its way for those re-reads the file every minute, and wins over a fixed token as in kubectl. */
function readTokenFromFile(user: Record<string, unknown>): void {
  user['auth-provider'] = { name: 'tokenFile', config: { tokenFile: user.tokenFile } };
  delete user.token;
}

/** client-node refuses plain HTTP unless TLS checks are off; on a loopback address nobody reads along (`kubectl proxy`, simulations). */
function allowPlainHttpToThisMachine(cluster: Record<string, unknown>): void {
  if (typeof cluster.server === 'string' && /^http:\/\/(127\.|localhost[:/]|localhost$|\[::1\])/.test(cluster.server)) cluster['insecure-skip-tls-verify'] = true;
}

function requireUsable(config: KubeConfig, source: string): void {
  const name = config.getCurrentContext();
  const known = config.getContexts().map((context) => context.name);
  if ((name ?? '') === '') throw new Error(`${source}: no current context; choose one with --context: ${known.join(', ') || 'there is none'}`);
  if (config.getContextObject(name) === null) throw new Error(`${source}: there is no context "${name}"; there are: ${known.join(', ') || 'none'}`);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`${source}: the cluster of context "${name}" is not in it`);
  if (config.getCurrentUser() === null) throw new Error(`${source}: the user of context "${name}" is not in it`);
  if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify) {
    throw new Error(`${source}: ${cluster.server} is plain HTTP, which shows credentials to anybody on the way; use https, or set insecure-skip-tls-verify: true if that is meant`);
  }
}
