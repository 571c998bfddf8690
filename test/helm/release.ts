// The product as its chart installs it on a real control plane: helm and the API server do all that they do in production. The pods are
// taken in by simulated kubelets, and beside them the program of the image runs with the arguments and the environment of the live
// Deployments, as their ServiceAccounts.

import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ProductIdentities, ProductPart } from '../../src/demo/real/installation.ts';
import { MAIN, type ProductCommand } from '../../src/demo/real/product.ts';
import type { KubernetesObject } from '../../src/kubernetes/objects.ts';
import type { Request } from '../controlplane/audit.ts';
import { kubeconfigOfServiceAccount } from '../controlplane/service-account.ts';
import type { ClusterUnderTest } from '../e2e/cluster-under-test.ts';
import type { Installation } from '../e2e/real-world.ts';
import { CHART, helm, helmOrThrow, NAMESPACE, RELEASE, type HelmAnswer } from './helm.ts';

interface PodTemplate {
  spec: { containers: { args?: string[]; env?: { name: string; value?: string }[] }[] };
}

/** Pods must be let in by PodSecurity, as the documents say to ask for. */
const NAMESPACE_OBJECT = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } };
const LOOK_EVERY_MS = 100;

export class ChartRelease implements Installation {
  readonly main: string;
  readonly whole = true;
  readonly follow = [NAMESPACE];
  readonly #values: object;
  /** What helm said when it was installed. */
  notes = '';
  #cluster: ClusterUnderTest | undefined;

  /** `main`: of the bundle; the sources' unless told. `values`: of every install and upgrade. */
  constructor(main: string = MAIN, values: object = {}) {
    this.main = main;
    this.#values = values;
  }

  async install(cluster: ClusterUnderTest): Promise<ProductIdentities> {
    this.#cluster = cluster;
    this.notes = await this.bringIn(cluster);
    return { controller: await this.#identity('controller'), webhook: await this.#identity('webhook') };
  }

  /** Namespace and chart. @returns what helm says */
  protected async bringIn(cluster: ClusterUnderTest): Promise<string> {
    await cluster.kubectl(['apply', '--filename', '-'], JSON.stringify(NAMESPACE_OBJECT));
    return this.#helm(['install', RELEASE, CHART], this.#values);
  }

  /** As the live Deployment has them by now. */
  async command(part: ProductPart): Promise<Pick<ProductCommand, 'flags' | 'environment'>> {
    const { spec } = (await this.get<{ spec: { template: PodTemplate } }>('deployment', `zonespread-${part}`)).spec.template;
    const [verb, ...args] = spec.containers[0]?.args ?? [];
    if (verb !== part) throw new Error(`the Deployment of the ${part} runs "${verb}"`);
    const flags = Object.fromEntries(args.map((arg) => /^--([^=]+)(?:=(.*))?$/.exec(arg)).map((match) => [match?.[1] ?? '', match?.[2] ?? 'true']));
    return { flags, environment: Object.fromEntries((spec.containers[0]?.env ?? []).map(({ name, value = '' }) => [name, value])) };
  }

  async upgrade(values: object = {}): Promise<void> {
    await this.#helm(['upgrade', RELEASE, CHART], { ...this.#values, ...values });
  }

  /** For what is to be refused. */
  tryUpgrade(): Promise<HelmAnswer> {
    return helm(['upgrade', RELEASE, CHART, '--namespace', NAMESPACE], { values: this.#values, kubeconfig: this.cluster.kubeconfig });
  }

  async rollback(revision: number): Promise<void> {
    await this.#helm(['rollback', RELEASE, String(revision)]);
  }

  async uninstall(): Promise<void> {
    await this.#helm(['uninstall', RELEASE, '--timeout', '2m']);
  }

  /** What the Job of the hook runs, as its ServiceAccount; resolves with what it said. @throws when it fails */
  async windDown(): Promise<string> {
    const job = await this.#untilThere('job', 'zonespread-wind-down');
    const { containers } = (job as unknown as { spec: { template: PodTemplate } }).spec.template.spec;
    const kubeconfig = await this.#kubeconfigOf('zonespread-wind-down');
    const { stdout } = await promisify(execFile)(process.execPath, [this.main, ...(containers[0]?.args ?? []), '--kubeconfig', kubeconfig, '--lease-namespace', NAMESPACE]);
    return stdout;
  }

  async windDownPod(): Promise<string> {
    return (await this.cluster.kubectl(['get', 'pods', '--namespace', NAMESPACE, '--selector=job-name=zonespread-wind-down', '--output=name'])).trim().replace('pod/', '');
  }

  /** What the accounts of the product have asked for so far; undefined where nobody keeps a book for us. */
  requests(): Promise<Request[] | undefined> {
    return this.cluster.requests();
  }

  async get<T = KubernetesObject>(kind: string, name: string): Promise<T> {
    return JSON.parse(await this.cluster.kubectl(['get', kind, name, '--namespace', NAMESPACE, '--output=json'])) as T;
  }

  get cluster(): ClusterUnderTest {
    if (this.#cluster === undefined) throw new Error('the chart has not been installed');
    return this.#cluster;
  }

  #helm(args: readonly string[], values?: object): Promise<string> {
    return helmOrThrow([...args, '--namespace', NAMESPACE], { kubeconfig: this.cluster.kubeconfig, ...(values === undefined ? {} : { values }) });
  }

  async #identity(part: ProductPart): Promise<ProductIdentities[ProductPart]> {
    const name = `zonespread-${part}`;
    return { user: `system:serviceaccount:${NAMESPACE}:${name}`, kubeconfig: await this.#kubeconfigOf(name) };
  }

  #kubeconfigOf(name: string): Promise<string> {
    return kubeconfigOfServiceAccount(this.cluster, { namespace: NAMESPACE, name });
  }

  async #untilThere(kind: string, name: string): Promise<KubernetesObject> {
    for (;;) {
      const found = await this.cluster.kubectl(['get', kind, name, '--namespace', NAMESPACE, '--output=json', '--ignore-not-found']);
      if (found !== '') return JSON.parse(found) as KubernetesObject;
      await pause(LOOK_EVERY_MS);
    }
  }
}
