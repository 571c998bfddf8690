// Product and cluster in one process and in virtual time: the custom resources, the webhook behind its registered configurations, daemons
// that come and go.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { CertificateSource } from '../admission/certificate-source.ts';
import type { ControllerSettings } from '../controller/daemon.ts';
import { apiVersionOf, namespaces, type KubernetesObject, type Resource } from '../kubernetes/objects.ts';
import type { EcsCall } from '../ports/ecs-call.ts';
import type { Http } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { Prometheus } from '../ports/prometheus.ts';
import type { Random } from '../ports/random.ts';
import { ADMIN, type CallWebhook, type UserInfo } from '../simulation/apiserver/contract.ts';
import { createSimulatedCluster, type SimulatedCluster, type SimulatedClusterOptions } from '../simulation/cluster.ts';
import { EmbeddedDaemon } from './daemon.ts';
import { EmbeddedWebhook, webhookCertificates } from './webhook.ts';

export const OWN_NAMESPACE = 'zonespread-system';

const SERVICE_ACCOUNTS = ['system:serviceaccounts', `system:serviceaccounts:${OWN_NAMESPACE}`, 'system:authenticated'];
export const DAEMON_USER: UserInfo = { username: `system:serviceaccount:${OWN_NAMESPACE}:zonespread-controller`, groups: SERVICE_ACCOUNTS };
export const WEBHOOK_USER: UserInfo = { username: `system:serviceaccount:${OWN_NAMESPACE}:zonespread-webhook`, groups: SERVICE_ACCOUNTS };

export interface EmbeddedClusterOptions extends Omit<SimulatedClusterOptions, 'callWebhook'> {
  /** Of the product's processes, each with its name on its lines. */
  log: Log;
  /** Between the API server and the webhook: faults, slowness. Without it the webhook is asked as it is. */
  webhookPath?: (answer: CallWebhook) => CallWebhook;
}

/** What a daemon of the embedded cluster may have otherwise. */
export interface DaemonStart {
  settings?: Partial<ControllerSettings>;
  clockRate?: number;
  /** Its way to the API server, and to the cloud. */
  http?: (http: Http) => Http;
  cloud?: (cloud: EcsCall) => EcsCall;
  log?: Log;
  prometheus?: Prometheus | undefined;
}

export class EmbeddedCluster {
  readonly simulated: SimulatedCluster;
  readonly #random: Random;
  readonly #log: Log;
  readonly #certificates: CertificateSource;
  readonly #current: { webhook: EmbeddedWebhook | undefined };

  constructor(parts: { simulated: SimulatedCluster; random: Random; log: Log; certificates: CertificateSource; current: { webhook: EmbeddedWebhook | undefined } }) {
    this.simulated = parts.simulated;
    this.#random = parts.random;
    this.#log = parts.log;
    this.#certificates = parts.certificates;
    this.#current = parts.current;
  }

  get webhook(): EmbeddedWebhook | undefined {
    return this.#current.webhook;
  }

  startDaemon({ settings = {}, clockRate = 1, http = (same) => same, cloud = (same) => same, log = this.#log.child({ component: 'controller' }), prometheus }: DaemonStart = {}): EmbeddedDaemon {
    const { clock, ecs } = this.simulated;
    return new EmbeddedDaemon({ clock, random: this.#random, http: http(this.simulated.http(DAEMON_USER)), cloud: cloud(ecs), region: ecs.region, log, prometheus, settings, clockRate });
  }

  /** In place of the one that may run. @param http its way to the API server */
  startWebhook({ http = (same) => same }: { http?: (http: Http) => Http } = {}): EmbeddedWebhook {
    this.#current.webhook?.kill();
    const { clock } = this.simulated;
    const log = this.#log.child({ component: 'webhook' });
    const webhook = new EmbeddedWebhook({ clock, random: this.#random, http: http(this.simulated.http(WEBHOOK_USER)), log, ownNamespace: OWN_NAMESPACE, controllerUser: DAEMON_USER.username, certificates: this.#certificates });
    this.#current.webhook = webhook;
    return webhook;
  }
}

/** Nodes ready, custom resources there; no process of the product runs yet. */
export async function createEmbeddedCluster({ log, webhookPath = (same) => same, ...options }: EmbeddedClusterOptions): Promise<EmbeddedCluster> {
  const certificates = await sharedCertificates();
  const current: { webhook: EmbeddedWebhook | undefined } = { webhook: undefined };
  const answer: CallWebhook = (call) => current.webhook?.answer(call) ?? Promise.reject(new Error('connect ECONNREFUSED'));
  const simulated = await createSimulatedCluster({ ...options, callWebhook: webhookPath(answer) });
  await simulated.settle(install(simulated));
  return new EmbeddedCluster({ simulated, random: options.random, log, certificates, current });
}

let certificates: Promise<CertificateSource> | undefined;

function sharedCertificates(): Promise<CertificateSource> {
  return (certificates ??= webhookCertificates(OWN_NAMESPACE));
}

const customResourceDefinitions: Resource = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false };

async function install(simulated: SimulatedCluster): Promise<void> {
  const admin = simulated.client(ADMIN);
  await admin.create(namespaces, { apiVersion: apiVersionOf(namespaces), kind: 'Namespace', metadata: { name: OWN_NAMESPACE } });
  for (const definition of definitions()) await admin.create(customResourceDefinitions, definition);
}

let parsed: KubernetesObject[] | undefined;

function definitions(): KubernetesObject[] {
  const folder = new URL('../../charts/zonespread/crds/', import.meta.url);
  return (parsed ??= ['ordinalmigrations.yaml', 'spreadreports.yaml', 'zoneevacuations.yaml'].map((file) => parse(readFileSync(new URL(file, folder), 'utf8')) as KubernetesObject));
}
