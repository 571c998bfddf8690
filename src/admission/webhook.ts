// The webhook process: certificate, listeners, watched caches, and keeping the API server's configuration of us as it should be.
//
//   certificate → listen (not ready: 503) → caches synced → registered → ready, and every few seconds again:
//   certificate to be renewed? (certificate-keeper.ts);   configuration or daemon's name changed? → written again

import type { Api } from '../kubernetes/api.ts';
import { createEventRecorder } from '../kubernetes/event-recorder.ts';
import { CONTROLLER_USER_ANNOTATION } from '../kubernetes/names.ts';
import { apiVersionOf, clusterRoles, leases, type OwnerReference } from '../kubernetes/objects.ts';
import { createObservabilityApp, serve, type HttpServer } from '../observability/http.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Http } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { controllerIdentity, type ControllerIdentity } from './actors.ts';
import { createCaches, type Caches } from './caches.ts';
import { CertificateKeeper } from './certificate-keeper.ts';
import { folderSource, secretSource, type CertificateSource } from './certificate-source.ts';
import { expiryOf, namesOf, type Certificates, type Lifetimes } from './certificates.ts';
import type { ListenAddress } from './listen.ts';
import { register, type BundleFor, type WebhookTarget } from './registration.ts';
import type { World } from './rules/rule.ts';
import { startReviewServer, type ReviewServer, type ReviewServerOptions } from './server.ts';
import { TrustWatch } from './trust.ts';

export const LEASE_NAME = 'zonespread';

/** What EndpointSlices and proxies take, normally, to stop sending us connections. */
const SERVICE_DRAIN_MS = 2_000;
/** Where they take longer: until nobody has opened one for a while, but not longer than leaves time to end (10 s are ours in all). */
const QUIET_MS = 1_000;
const MOST_DRAIN_MS = 6_000;
const QUIET_STEP_MS = 100;
/** A call to the API server that hangs must not hold up our end. */
const LAST_ROUND_MS = 1_000;
/** A handful of reads; soon enough for a configuration that somebody reset and a certificate that was changed. */
const TEND_EVERY_MS = 10_000;

export interface WebhookOptions {
  api: Api;
  http: Http;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  /** `--https`. */
  https: ListenAddress;
  /** `--http`: metrics and probes; absent: not served. */
  status?: ListenAddress;
  /** `--certificates`: `self`, or a folder. */
  certificates: string;
  /** `--service` or `--url`. */
  target: WebhookTarget;
  /** `--register`. */
  register: boolean;
  /** `--owner`: the ClusterRole with which the configurations go. */
  owner?: string;
  /** `--controller-user`. */
  controllerUser?: string;
  /** Ours: of the Lease and the Secret, never guarded. */
  ownNamespace: string;
  /** `--namespaces`; empty: all. */
  namespaces?: readonly string[];
  /** How long to go on answering, not ready, before closing. Without it 2 s behind a Service, which must notice first (longer while connections are still opened), and none by URL. */
  drainDelayMs?: number;
  /** How long certificates live and what is waited for, where it is not as in certificates.ts and trust.ts. */
  rotation?: { lifetimes: Lifetimes; settleMs: number; tendEveryMs: number };
  /** Another door than HTTPS, with what is served there: for a cluster in the same process. */
  door?: { source: CertificateSource; open: (options: ReviewServerOptions) => Promise<ReviewServer> };
}

export interface RunningWebhook {
  /** Where it listens, e.g. `https://0.0.0.0:9443`; as registered it is called by `target`. */
  url: string;
  /** `http://0.0.0.0:8080`, when it serves one. */
  statusUrl: string | undefined;
  /** Resolves when the caches are synced and the webhook is registered for the first time; at once when it is closed before. */
  ready: Promise<void>;
  /** Stops taking reviews, answers those under way, ends the watches. Leaves Secret and configurations. */
  close(): Promise<void>;
}

/** Resolves when it listens. @throws when there is no certificate to serve, or an address cannot be listened at */
export async function runWebhook(options: WebhookOptions): Promise<RunningWebhook> {
  const { clock, log, metrics } = options;
  const source = certificateSource(options);
  const certificates = await source.read();
  const caches = createCaches({ http: options.http, clock, random: options.random, log, namespaces: options.namespaces ?? [] });
  const identity = new WatchedIdentity(options);
  const stopping = new AbortController();

  const world: World = {
    inFlight: caches.inFlight,
    namespaces: caches.namespaces,
    sets: caches.sets,
    zones: caches.zones,
    budgets: caches.budgets,
    get controller() {
      return identity.current;
    },
  };
  const events = createEventRecorder({ api: options.api, clock, log, component: 'zonespread-webhook', instance: 'url' in options.target ? options.target.url : options.target.service.name });
  const isReady = (): boolean => caches.hasSynced && !stopping.signal.aborted;
  const open = options.door?.open ?? startReviewServer;
  const server = await open({ listen: options.https, certificates, world, canJudge: () => caches.hasSynced, ready: isReady, clock, log, metrics, events });
  const status = await startStatus(options, server, { caches, stopping: stopping.signal });
  metrics.certificateExpires(expiryOf(certificates) / 1_000);
  caches.start();

  const keeper = keeperOf(options, { source, server, identity, served: certificates });
  const tender = new Tender({ options, keeper, identity });
  const ready = Promise.withResolvers<void>();
  const tending = tendUntil(stopping.signal, { synced: caches.synced, tender, clock, tendEveryMs: tendEveryMsOf(options), firstDone: ready.resolve });

  return {
    url: urlOf('https', options.https, server.port),
    statusUrl: status === undefined ? undefined : urlOf('http', options.status ?? { port: 0 }, status.port),
    ready: ready.promise,
    async close() {
      stopping.abort();
      await drained(options, server);
      await server.close();
      await caches.stop();
      await Promise.race([Promise.all([tending, events.flush()]), clock.sleep(LAST_ROUND_MS)]);
      await status?.close();
      ready.resolve();
    },
  };
}

/** We are not ready any more, and go on answering until nobody asks. */
async function drained({ clock, drainDelayMs, target }: WebhookOptions, server: ReviewServer): Promise<void> {
  const delayMs = drainDelayMs ?? ('service' in target ? SERVICE_DRAIN_MS : 0);
  const limit = clock.monotonic() + Math.min(MOST_DRAIN_MS, 3 * delayMs);
  await clock.sleep(delayMs);
  while ((server.quietForMs?.() ?? QUIET_MS) < QUIET_MS && clock.monotonic() < limit) await clock.sleep(QUIET_STEP_MS);
}

interface KeeperParts {
  source: CertificateSource;
  server: ReviewServer;
  identity: WatchedIdentity;
  served: Certificates;
}

function keeperOf(options: WebhookOptions, { source, server, identity, served }: KeeperParts): CertificateKeeper {
  const { api, clock, log, metrics, rotation } = options;
  return new CertificateKeeper({
    source,
    trust: new TrustWatch({ api, clock, settleMs: rotation?.settleMs }),
    clock,
    log,
    served,
    serve: (next) => {
      server.serve(next);
      metrics.certificateExpires(expiryOf(next) / 1_000);
    },
    register: options.register ? (bundleFor) => writeRegistration(options, identity.current, bundleFor) : undefined,
    waits: options.register || options.certificates === 'self',
  });
}

async function startStatus({ status, metrics, log }: WebhookOptions, server: ReviewServer, { caches, stopping }: { caches: Caches; stopping: AbortSignal }): Promise<HttpServer | undefined> {
  if (status === undefined) return undefined;
  const readiness = [
    { name: 'caches', problem: () => (caches.hasSynced ? undefined : 'not filled yet') },
    { name: 'running', problem: () => (stopping.aborted ? 'stopping' : undefined) },
  ];
  try {
    return await serve(createObservabilityApp({ metrics, readiness, log }), status);
  } catch (error) {
    await server.close();
    throw error;
  }
}

function tendEveryMsOf({ rotation }: WebhookOptions): number {
  return rotation?.tendEveryMs ?? TEND_EVERY_MS;
}

interface Tending {
  synced: Promise<boolean>;
  tender: Tender;
  clock: Clock;
  tendEveryMs: number;
  firstDone: () => void;
}

async function tendUntil(stopped: AbortSignal, { synced, tender, clock, tendEveryMs, firstDone }: Tending): Promise<void> {
  // Who asks us before we know anything gets a 503, so nobody is told to ask before that.
  if (!(await synced)) return;
  while (!stopped.aborted) {
    if (await tender.tend()) firstDone();
    await clock.sleep(tendEveryMs, stopped);
  }
}

interface TenderParts {
  options: WebhookOptions;
  keeper: CertificateKeeper;
  identity: WatchedIdentity;
}

/** One round of looking after certificate, identity and registration; what fails is said, and tried again in the next round. */
class Tender {
  readonly #parts: TenderParts;

  constructor(parts: TenderParts) {
    this.#parts = parts;
  }

  /** True when all of it is as it should be. */
  async tend(): Promise<boolean> {
    const { identity, keeper } = this.#parts;
    const known = await this.#attempt('read who the daemon is', () => identity.refresh());
    const renewed = await this.#attempt('renew the certificate', () => keeper.renew());
    const registered = await this.#attempt('register with the API server', () => keeper.register());
    return known && renewed && registered;
  }

  async #attempt(what: string, action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.#parts.options.log.warn(`could not ${what}; trying again`, { error, retryInMs: TEND_EVERY_MS });
      return false;
    }
  }
}

async function writeRegistration(options: WebhookOptions, controller: ControllerIdentity | undefined, bundleFor: BundleFor): Promise<void> {
  const { api, log, target, ownNamespace, namespaces = [] } = options;
  const written = await register(api, { target, bundle: '', ownNamespace, namespaces, controller, owner: await ownerOf(options) }, bundleFor);
  if (written.length > 0) log.info('registered with the API server', { written, controllerUser: controller?.username });
}

/** @throws Error when it is not there: whoever took it away wants us gone. */
async function ownerOf({ api, owner: name }: WebhookOptions): Promise<OwnerReference | undefined> {
  if (name === undefined) return undefined;
  const uid = (await api.get(clusterRoles, { name }))?.metadata.uid;
  if (uid === undefined) throw new Error(`there is no ClusterRole ${name} (--owner): has zonespread been uninstalled?`);
  return { apiVersion: apiVersionOf(clusterRoles), kind: clusterRoles.kind, name, uid };
}

/** Who the daemon is, from the flag, else from its Lease. */
class WatchedIdentity {
  current: ControllerIdentity | undefined;
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.current = controllerIdentity(options.controllerUser, undefined);
  }

  async refresh(): Promise<void> {
    const { api, controllerUser, ownNamespace } = this.#options;
    if (controllerUser !== undefined && controllerUser !== '') return;
    const lease = await api.get(leases, { namespace: ownNamespace, name: LEASE_NAME });
    // A Lease that is gone for a moment takes nothing back.
    this.current = controllerIdentity(undefined, lease?.metadata.annotations?.[CONTROLLER_USER_ANNOTATION]) ?? this.current;
  }
}

function certificateSource({ api, clock, certificates, ownNamespace, target, door, rotation }: WebhookOptions): CertificateSource {
  if (door !== undefined) return door.source;
  if (certificates !== 'self') return folderSource(certificates, clock);
  return secretSource({ api, clock, namespace: ownNamespace, names: namesOf(target), lifetimes: rotation?.lifetimes });
}

function urlOf(scheme: string, { host = '0.0.0.0' }: ListenAddress, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
