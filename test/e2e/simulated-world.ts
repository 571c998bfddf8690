// The simulated world: API server, controllers, nodes, cloud and the product's processes in one process and in virtual time. The same
// scenarios run here in milliseconds, and a seed decides who comes before whom.

import { createEmbeddedCluster, DAEMON_USER, WEBHOOK_USER, type EmbeddedCluster } from '../../src/embedded/cluster.ts';
import { distantHttp } from '../../src/embedded/network.ts';
import type { Api } from '../../src/kubernetes/api.ts';
import { createApi } from '../../src/kubernetes/client.ts';
import { namespaces, validatingWebhooks } from '../../src/kubernetes/objects.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Http } from '../../src/ports/http.ts';
import { ADMIN, type CallWebhook, type RequestRecord } from '../../src/simulation/apiserver/contract.ts';
import type { SimulatedCluster } from '../../src/simulation/cluster.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import type { Taint } from '../../src/simulation/kubelet/registration.ts';
import { tolerationOf } from '../../src/simulation/nodes/agents.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';
import type { Write } from '../controlplane/audit.ts';
import { FakeLog } from '../fakes/log.ts';
import { FakePrometheus } from '../fakes/prometheus.ts';
import { IS_BEING_BOUND, ofRole, REFUSAL, UPDATES_OF_VOLUMES } from './binding-policy.ts';
import { conditionsOf } from './simulated-conditions.ts';
import { PROCESS_START_MS, settingsFrom, SimulatedDaemon, SimulatedWebhook } from './simulated-processes.ts';
import { SCENARIO, type Daemon, type DaemonOptions, type Webhook, type World } from './world.ts';

const REGION = 'cn-test';
const ZONES = { a: `${REGION}-a`, b: `${REGION}-b`, c: `${REGION}-c` };
const BACKUP_POLICY = 'sp-nightly';
/** As on the real world, so that scenarios' pods show that they tolerate it. */
const TAINT: Taint = { key: 'zonespread.io/e2e', value: 'true', effect: 'NoSchedule' };
const NODES_PER_ZONE = 2;
const DISKS_PER_NODE = 60;

const DAEMON_FLAGS = { sweep: '*/2 * * * * *', 'step-timeout': '30s' };
/** Of virtual time, for a whole scenario. */
const LONGEST_SCENARIO_MS = 1_800_000;
const LONGEST_QUIET_SCENARIO_MS = 30 * 86_400_000;
/** Of a pod in a quiet world, between two writes. */
const QUIET_WRITE_MS = 60_000;
/** Of the lease in a quiet world: it is renewed every quarter of an hour. */
const QUIET_LEASE = { 'lease-duration': '1h', 'renew-deadline': '30m', 'retry-period': '15m' };

const HOUSE_POLICY = 'policy-of-the-house';

export interface SimulatedWorldOptions {
  seed: number;
  /** With `false` nothing is registered until `world.webhook.start()`. Default true. */
  webhook?: boolean;
  /** Wall-clock time at the beginning, RFC 3339. Default: 2026 begins. */
  start?: string;
  /** What happens for its own sake (nodes' leases, pods' writes) happens rarely: then days cost no more than minutes. */
  quiet?: boolean;
}

/** What only this world has. */
export interface SimulatedWorld extends World {
  readonly kubelets: SimulatedCluster;
  /** What daemons with the flag `--prometheus` ask. */
  readonly prometheus: FakePrometheus;
}

/** Plays the scenario in a world of its own, to its end. @throws what the scenario throws, with the seed. */
export async function inSimulatedWorld(options: SimulatedWorldOptions, scenario: (world: SimulatedWorld) => Promise<void>): Promise<void> {
  const { seed, webhook = true, quiet = false } = options;
  const { world, clock } = await createWorld(options);
  try {
    await clock.settle(
      (async () => {
        if (webhook) await world.webhook.start();
        await scenario(world);
      })(),
      quiet ? LONGEST_QUIET_SCENARIO_MS : LONGEST_SCENARIO_MS,
    );
  } catch (error) {
    if (error instanceof Error) error.message = `seed ${seed}: ${error.message}`;
    throw error;
  } finally {
    await world.stop();
  }
}

async function createWorld({ seed, start, quiet = false }: SimulatedWorldOptions): Promise<{ world: OwnWorld; clock: Tasks }> {
  // The order of events and what is drawn by name are two sequences: a name more must not change who comes first.
  const random = new SeededRandom(seed);
  const clock = new Tasks({ random: new SeededRandom(seed + 1_000_003), ...(start === undefined ? {} : { start }) });
  const conditions = conditionsOf(seed);
  const cloud = new EcsModel({
    clock,
    random,
    region: REGION,
    zones: Object.values(ZONES).map((id) => ({ id, onSale: everythingOnSale() })),
    backupPolicies: [BACKUP_POLICY],
    timings: conditions.cloud,
    quotas: { disksPerInstance: DISKS_PER_NODE },
  });
  const nodes = Object.entries(ZONES).flatMap(([letter, zone]) => Array.from({ length: NODES_PER_ZONE }, (_, index) => nodeIn(zone, `${letter}${index + 1}`)));
  const log = new FakeLog();
  const requests: { record: RequestRecord; atMs: number }[] = [];
  const embedded = await createEmbeddedCluster({
    clock,
    random,
    ecs: cloud,
    nodes,
    log,
    timings: quiet ? { ...conditions.kubelet, writeMs: QUIET_WRITE_MS } : conditions.kubelet,
    nodeLeases: !quiet,
    pace: conditions.pace,
    kubernetes: conditions.kubernetes,
    informerLagMs: conditions.informerLagMs,
    csi: { pollMs: 10, deleteRetryMs: 100 },
    onRequest: (record) => requests.push({ record, atMs: clock.now() }),
    webhookPath: besideTheHouse,
  });
  return { world: new OwnWorld({ embedded, cloud, random, log, requests, flags: { ...DAEMON_FLAGS, ...(quiet ? QUIET_LEASE : {}) } }), clock };
}

function nodeIn(zone: string, name: string) {
  return { name: `e2e-${name}`, zone, maxDisks: DISKS_PER_NODE, taints: [TAINT] };
}

/** Whatever the webhook of the house is asked about, it refuses: its configuration says what that is. */
function besideTheHouse(answer: CallWebhook): CallWebhook {
  return async (call) => {
    if (call.webhook !== `${HOUSE_POLICY}.example.com`) return answer(call);
    const { uid } = call.review['request'] as { uid: string };
    return { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: { uid, allowed: false, status: { code: 422, reason: 'Invalid', message: REFUSAL } } };
  };
}

interface Parts {
  embedded: EmbeddedCluster;
  cloud: EcsModel;
  random: SeededRandom;
  log: FakeLog;
  requests: { record: RequestRecord; atMs: number }[];
  /** Of every daemon, unless it is told otherwise. */
  flags: Record<string, string>;
}

class OwnWorld implements SimulatedWorld {
  readonly hasResizer = true;
  readonly zones = ZONES;
  readonly backupPolicy = BACKUP_POLICY;
  readonly tolerations = [tolerationOf(TAINT)];
  readonly users = { daemon: DAEMON_USER.username, webhook: WEBHOOK_USER.username };
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly log: FakeLog;
  readonly cloud: EcsModel;
  readonly http: Http;
  readonly api: Api;
  readonly kubelets: SimulatedCluster;
  readonly webhook: Webhook;
  readonly prometheus: FakePrometheus;
  readonly #flags: Record<string, string>;
  readonly #embedded: EmbeddedCluster;
  readonly #requests: Parts['requests'];
  readonly #daemons: SimulatedDaemon[] = [];
  #ownZones = 0;

  constructor({ embedded, cloud, random, log, requests, flags }: Parts) {
    const { simulated } = embedded;
    this.#embedded = embedded;
    this.#requests = requests;
    this.#flags = flags;
    this.prometheus = new FakePrometheus(simulated.clock);
    this.clock = simulated.clock;
    this.random = random;
    this.log = log;
    this.cloud = cloud;
    this.kubelets = simulated;
    this.http = this.#distant(simulated.http(ADMIN));
    this.api = createApi({ http: this.http, userAgent: SCENARIO, fieldManager: SCENARIO });
    this.webhook = new SimulatedWebhook(embedded, log, (http) => this.#distant(http));
  }

  async addZone(): Promise<{ zone: string; node: string }> {
    this.#ownZones += 1;
    const zone = `${REGION}-own${this.#ownZones}`;
    const node = nodeIn(zone, `own${this.#ownZones}`);
    this.cloud.setOnSale(zone, everythingOnSale());
    await this.#embedded.simulated.addNode(node);
    return { zone, node: node.name };
  }

  async startDaemon({ namespace, leaseNamespace, flags = {} }: DaemonOptions): Promise<Daemon> {
    const settings = { ...settingsFrom({ ...this.#flags, namespaces: namespace, 'lease-namespace': leaseNamespace, ...flags }), http: undefined };
    await this.clock.sleep(PROCESS_START_MS);
    const log = new FakeLog();
    const daemon = new SimulatedDaemon(this.#embedded.startDaemon({ settings, http: (http) => this.#distant(http), log, prometheus: 'prometheus' in flags ? this.prometheus : undefined }), { log, clock: this.clock });
    this.#daemons.push(daemon);
    return daemon;
  }

  /** By a webhook in place of the real world's ValidatingAdmissionPolicy: the same conditions, the same words. */
  async forbidBinding(namespace: string, role: 'source' | 'target'): Promise<() => Promise<void>> {
    const name = `${namespace}-${role}`;
    await this.api.create(validatingWebhooks, { metadata: { name }, webhooks: [policyOfTheHouse(namespace, role)] });
    return async () => {
      await this.api.delete(validatingWebhooks, { name });
    };
  }

  async writes(): Promise<Write[]> {
    return this.#requests.filter(({ record }) => WRITES.has(record.verb)).map(writeOf);
  }

  async removeNamespaces(names: readonly string[]): Promise<void> {
    for (const name of names) await this.api.delete(namespaces, { name });
  }

  async stop(): Promise<void> {
    for (const daemon of this.#daemons) await daemon.kill('SIGKILL');
    await this.webhook.kill();
  }

  #distant(http: Http): Http {
    return distantHttp(http, { clock: this.clock, pace: this.#embedded.simulated.pace });
  }
}

function policyOfTheHouse(namespace: string, role: string): object {
  return {
    name: `${HOUSE_POLICY}.example.com`,
    clientConfig: { service: { name: HOUSE_POLICY, namespace: 'default', path: '/' } },
    rules: [UPDATES_OF_VOLUMES],
    matchConditions: [...ofRole(namespace, role), { name: 'binding', expression: IS_BEING_BOUND }],
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
}

const WRITES = new Set<string>(['create', 'update', 'patch', 'delete', 'deletecollection'] satisfies Write['verb'][]);

function writeOf({ record, atMs }: { record: RequestRecord; atMs: number }): Write {
  const { user, verb, namespace, name, dryRun, code } = record;
  const [type = '', subresource = ''] = record.resource.split('/');
  const [resource = '', ...group] = type.split('.');
  return { user, userAgent: '', verb: verb as Write['verb'], group: group.join('.'), resource, subresource, namespace, name, dryRun, code, authorized: true, atMs };
}
