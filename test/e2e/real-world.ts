// The real world: a real control plane with the real CSI sidecars, simulated nodes and a simulated cloud behind the real SDK's wire, and
// the product's daemon and webhook as processes that can be killed.

import { installProduct, OWN_NAMESPACE, removeProduct, type ProductIdentities, type ProductPart } from '../../src/demo/real/installation.ts';
import { untilRegistered, type Product, type ProductCommand } from '../../src/demo/real/product.ts';
import { createApi } from '../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import { namespaces, storageClasses, volumes } from '../../src/kubernetes/objects.ts';
import { isNotFound } from '../../src/kubernetes/refusals.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { randomLetters, systemRandom } from '../../src/ports/random.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { DEFAULT_ACCESS_KEY_ID, startEcsServer, type EcsServer } from '../../src/simulation/ecs/server.ts';
import type { Taint } from '../../src/simulation/kubelet/registration.ts';
import { startAgents, tolerationOf, type Agents } from '../../src/simulation/nodes/agents.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { freePorts } from '../controlplane/ports.ts';
import { startSidecars, type Sidecars } from '../controlplane/sidecars.ts';
import { FakeLog } from '../fakes/log.ts';
import { forbidBinding } from './binding-policy.ts';
import { clusterUnderTest, type ClusterUnderTest } from './cluster-under-test.ts';
import { startProcess, type ProductProcess } from './product-process.ts';
import { SCENARIO, type Daemon, type DaemonOptions, type Webhook, type World } from './world.ts';

/** Where the nodes are. */
export interface Place {
  region: string;
  zones: World['zones'];
  /** Of nodes that are ours alone, on a cluster that is not. */
  taint?: Taint;
}

const ANYWHERE: Place = {
  region: 'cn-test',
  zones: { a: 'cn-test-a', b: 'cn-test-b', c: 'cn-test-c' },
  taint: { key: 'zonespread.io/e2e', value: 'true', effect: 'NoSchedule' },
};

/** So short that a move takes about a second, and long enough that every intermediate state is seen. */
const CLOUD_TIMINGS = { createDiskMs: 60, attachMs: 30, detachMs: 30, snapshotAvailableMs: 60, snapshotUploadMs: 400 };
const KUBELET_TIMINGS = { bootMs: 30, readyMs: 20, stopMs: 20, unmountMs: 20, writeMs: 200 };
const NODES_PER_ZONE = 2;
/** Scenarios run side by side on the same nodes. */
const DISKS_PER_NODE = 60;

/**
 * The lease bears a machine that stands still for half a minute: what ends for that, as it must, is started again by Kubernetes, but by
 * nobody here. Scenarios about the lease have timings of their own.
 */
const DAEMON_FLAGS = { sweep: '*/2 * * * * *', 'step-timeout': '30s', 'lease-duration': '60s', 'renew-deadline': '40s' };

/** What a person at a terminal has. */
export interface Person {
  /** An administrator's. */
  kubeconfig: string;
  /** The binary. */
  kubectl: string;
  /** As --ecs-endpoint takes it. */
  ecsEndpoint: string;
}

/** How the product comes into the cluster, and with which flags its parts run there. */
export interface Installation {
  install(cluster: ClusterUnderTest): Promise<ProductIdentities>;
  /** Beneath those of the test; absent: the test's alone. */
  command?: (part: ProductPart) => Promise<Pick<ProductCommand, 'flags' | 'environment'>>;
  /** The program's file; the sources' unless told. */
  main?: string;
  /** Namespaces whose service accounts the audit log follows. */
  follow?: readonly string[];
  /** Whether a daemon looks after the whole cluster, and its lease is in the product's own namespace: one at a time. */
  whole?: boolean;
}

export interface RealWorldOptions {
  /** false: nothing is registered until `world.webhook.start()`. */
  webhook?: boolean;
  /** With an administrator's rights unless told. */
  installation?: Installation;
  /** On tainted nodes of a region of our own unless told. */
  place?: Place;
}

/** With what people and helm's test pod see of it, which no simulated world has. */
export type RealWorldOfPeople = World & { readonly person: Person; address(part: ProductPart): string };

export async function startRealWorld({ webhook = true, installation = { install: installProduct }, place = ANYWHERE }: RealWorldOptions = {}): Promise<RealWorldOfPeople> {
  const cluster = await clusterUnderTest((line) => process.stderr.write(`${line}\n`), installation.follow);
  const world = new RealWorld(cluster, installation, place);
  try {
    await world.begin();
    if (webhook) await world.webhook.start();
    return world;
  } catch (cause) {
    await world.stop();
    throw cause;
  }
}

class RealWorld implements World {
  readonly clock = systemClock;
  readonly random = systemRandom;
  readonly log = new FakeLog();
  readonly zones: World['zones'];
  readonly backupPolicy = 'sp-nightly';
  readonly tolerations: World['tolerations'];
  readonly cloud: EcsModel;
  readonly users = { daemon: '', webhook: '' };
  readonly webhook: RealWebhook;
  readonly #cluster: ClusterUnderTest;
  readonly #installation: Installation;
  readonly #place: Place;
  readonly #connection: ClusterConnection;
  readonly #api;
  readonly #kubeconfigs = { daemon: '', webhook: '' };
  /** Several runs may borrow one cluster one after the other. */
  readonly #suffix = randomLetters(systemRandom, 4);
  readonly #namespaces: string[] = [];
  #ecs: EcsServer | undefined;
  #agents: Agents | undefined;
  #sidecars: Sidecars | undefined;
  #ownZones = 0;
  #daemons = 0;
  #daemon: ProductProcess | undefined;

  constructor(cluster: ClusterUnderTest, installation: Installation, place: Place) {
    this.#cluster = cluster;
    this.#installation = installation;
    this.#place = place;
    this.zones = place.zones;
    this.tolerations = place.taint === undefined ? [] : [tolerationOf(place.taint)];
    this.#connection = loadCluster({ kubeconfig: cluster.kubeconfig });
    this.#api = createApi({ http: this.#connection.http, userAgent: SCENARIO, fieldManager: SCENARIO });
    this.cloud = new EcsModel({
      clock: systemClock,
      random: systemRandom,
      region: place.region,
      zones: Object.values(this.zones).map((id) => ({ id, onSale: everythingOnSale() })),
      backupPolicies: [this.backupPolicy],
      timings: CLOUD_TIMINGS,
      quotas: { disksPerInstance: DISKS_PER_NODE },
    });
    this.webhook = new RealWebhook(this);
  }

  get http() {
    return this.#connection.http;
  }

  get api() {
    return this.#api;
  }

  get kubelets() {
    return this.#running;
  }

  get person(): Person {
    return { kubeconfig: this.#cluster.kubeconfig, kubectl: this.#cluster.binaries.kubectl, ecsEndpoint: this.#ecs?.endpoint ?? '' };
  }

  /** Where the one that runs (of daemons the last one) answers for metrics and probes. */
  address(part: ProductPart): string {
    const running = part === 'webhook' ? this.webhook.product : this.#daemon?.product;
    if (running === undefined) throw new Error(`no ${part} was started`);
    return running.http;
  }

  async begin(): Promise<void> {
    await this.#installProduct();
    this.#ecs = await startEcsServer({ model: this.cloud });
    const nodes = Object.entries(this.zones).flatMap(([letter, zone]) =>
      Array.from({ length: NODES_PER_ZONE }, (_, index) => ({ name: `e2e-${this.#suffix}-${letter}${index + 1}`, zone, maxDisks: DISKS_PER_NODE })),
    );
    const csi = { pollMs: 10, deleteRetryMs: 100 };
    this.#agents = await startAgents({ cluster: this.#connection, cloud: this.cloud, nodes, timings: KUBELET_TIMINGS, ...(this.#place.taint === undefined ? {} : { taint: this.#place.taint }), csi, log: this.log });
    this.#sidecars = await startSidecars({ controlPlane: this.#cluster, socketPath: this.#agents.driverSocket });
  }

  async addZone(): Promise<{ zone: string; node: string }> {
    this.#ownZones += 1;
    const zone = `${this.#place.region}-own${this.#ownZones}`;
    const node = `e2e-${this.#suffix}-own${this.#ownZones}`;
    this.cloud.setOnSale(zone, everythingOnSale());
    await this.#running.addNode({ name: node, zone, maxDisks: DISKS_PER_NODE });
    return { zone, node };
  }

  async startDaemon({ namespace, leaseNamespace, flags = {} }: DaemonOptions): Promise<Daemon> {
    const { whole = false, main } = this.#installation;
    const deployed = await this.#deployed('controller');
    const scope = { kubeconfig: this.#kubeconfigs.daemon, ...(whole ? { 'lease-namespace': OWN_NAMESPACE } : { namespaces: namespace, 'lease-namespace': leaseNamespace }) };
    const cloud = { region: this.#place.region, 'ecs-endpoint': this.#ecs?.endpoint ?? '', 'ecs-protocol': 'HTTP' };
    const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: DEFAULT_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'anything' };
    this.#daemons += 1;
    const started = await startProcess({
      part: 'controller',
      flags: { ...deployed.flags, ...DAEMON_FLAGS, ...scope, ...cloud, ...flags },
      environment: { ...deployed.environment, ...environment },
      main,
      directory: this.#cluster.directory,
      logName: `controller-${this.#daemons}-${namespace}`,
    });
    this.#daemon = started;
    return Object.assign(started, {
      async metrics() {
        const page = await started.page('/metrics');
        if (page === undefined) throw new Error('the daemon does not answer at /metrics');
        return page;
      },
    });
  }

  async startWebhookProcess(httpsPort: number): Promise<ProductProcess> {
    const deployed = await this.#deployed('webhook');
    const flags = {
      ...deployed.flags,
      kubeconfig: this.#kubeconfigs.webhook,
      'lease-namespace': OWN_NAMESPACE,
      https: `127.0.0.1:${httpsPort}`,
      url: `https://127.0.0.1:${httpsPort}`,
      'controller-user': this.users.daemon,
    };
    return startProcess({ part: 'webhook', flags, environment: deployed.environment ?? {}, main: this.#installation.main, directory: this.#cluster.directory });
  }

  async forbidBinding(namespace: string, role: 'source' | 'target'): Promise<() => Promise<void>> {
    return forbidBinding(this, namespace, role);
  }

  async writes() {
    return this.#cluster.writes();
  }

  async removeNamespaces(names: readonly string[]): Promise<void> {
    this.#namespaces.push(...names);
    for (const name of names) await this.#api.delete(namespaces, { name });
    for (const namespace of names) await this.#letRecordsGo(namespace);
  }

  async stop(): Promise<void> {
    if (this.#cluster.borrowed) await this.#giveBack();
    await this.webhook.kill();
    await this.#sidecars?.stop();
    await this.#agents?.stop();
    await this.#ecs?.close();
    await this.#connection.close();
    await this.#cluster.stop();
  }

  get #running(): Agents {
    if (this.#agents === undefined) throw new Error('the world has not begun');
    return this.#agents;
  }

  async #installProduct(): Promise<void> {
    const { controller, webhook } = await this.#installation.install(this.#cluster);
    Object.assign(this.users, { daemon: controller.user, webhook: webhook.user });
    Object.assign(this.#kubeconfigs, { daemon: controller.kubeconfig, webhook: webhook.kubeconfig });
  }

  async #deployed(part: ProductPart): Promise<Pick<ProductCommand, 'flags' | 'environment'>> {
    return (await this.#installation.command?.(part)) ?? { flags: {} };
  }

  /** Nobody is there any more to take the finalizers off. */
  async #letRecordsGo(namespace: string): Promise<void> {
    for (const { metadata } of await this.#api.list(ordinalMigrations, { namespace })) {
      try {
        await this.#api.mergePatch(ordinalMigrations, { namespace, name: metadata.name }, { metadata: { finalizers: null } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  /** A borrowed cluster is left as it was found, but for the CRDs. */
  async #giveBack(): Promise<void> {
    await Promise.all(this.#namespaces.map((name) => this.#cluster.kubectl(['wait', '--for=delete', `namespace/${name}`, '--timeout=120s'])));
    for (const volume of await this.#api.list(volumes)) {
      if (this.#namespaces.includes(volume.spec.claimRef?.namespace ?? '')) await this.#api.delete(volumes, { name: volume.metadata.name });
    }
    for (const { metadata } of await this.#api.list(storageClasses)) {
      if (this.#namespaces.some((name) => metadata.name.startsWith(`${name}-`))) await this.#api.delete(storageClasses, { name: metadata.name });
    }
    await this.#agents?.removeNodes();
    await removeProduct(this.#cluster);
  }
}

class RealWebhook implements Webhook {
  readonly #world: RealWorld;
  #process: ProductProcess | undefined;
  /** The configuration in the cluster names it: the same for every start. */
  #port: number | undefined;

  constructor(world: RealWorld) {
    this.#world = world;
  }

  get alive(): boolean {
    return this.#process?.alive === true;
  }

  get product(): Product | undefined {
    return this.#process?.product;
  }

  get log(): readonly string[] {
    return this.#process?.log ?? [];
  }

  async start(): Promise<void> {
    if (this.alive) return;
    this.#port ??= (await freePorts(1))[0] ?? 0;
    this.#process = await this.#world.startWebhookProcess(this.#port);
    await untilRegistered(this.#world.api, this.#process.product);
  }

  async kill(): Promise<void> {
    await this.#process?.kill('SIGKILL');
  }
}
