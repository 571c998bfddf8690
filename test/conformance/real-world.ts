// A real control plane as a world: with the real provisioner and attacher, simulated nodes and a simulated cloud. One takes all plays,
// side by side.

import { createApi } from '../../src/kubernetes/client.ts';
import { loadCluster, type ClusterConnection } from '../../src/kubernetes/config.ts';
import { claims, disruptionBudgets, events, mutatingWebhooks, namespaces, nodes, pods, resourceQuotas, statefulSets, storageClasses, volumeAttachments, volumes, type KubernetesObject, type Resource } from '../../src/kubernetes/objects.ts';
import { createReflector, type Reflector } from '../../src/kubernetes/reflector.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { systemRandom } from '../../src/ports/random.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { startAgents, type Agents } from '../../src/simulation/nodes/agents.ts';
import { startSidecars, type Sidecars } from '../controlplane/sidecars.ts';
import { startControlPlane, type ControlPlane } from '../controlplane/start.ts';
import { selfSigned } from '../fakes/certificates.ts';
import { answerJson, startServer, type TestServer } from '../fakes/http-server.ts';
import { FakeLog } from '../fakes/log.ts';
import { configurationOf, GATE, Interception, LOOKED_AT } from './interception.ts';
import { CLASSES, CLOUD, KUBELETS, NODES, type Change, type Kind, type World } from './world.ts';

const KINDS: Resource[] = [pods, claims, volumes, volumeAttachments, statefulSets, events, disruptionBudgets, resourceQuotas, nodes, namespaces];
const CALM_MS = 2_000;
const PATIENCE_MS = 60_000;
const PROBE_NAMESPACE = 'probe';

export interface RealWorld extends World {
  stop(): Promise<void>;
}

export async function startRealWorld(): Promise<RealWorld> {
  const world = new RunningWorld(await startControlPlane());
  try {
    await world.begin();
    return world;
  } catch (cause) {
    await world.stop();
    throw cause;
  }
}

class RunningWorld implements RealWorld {
  readonly clock = systemClock;
  readonly cloud = new EcsModel({ clock: systemClock, random: systemRandom, ...CLOUD });
  readonly interception = new Interception();
  readonly calmMs = CALM_MS;
  readonly patienceMs = PATIENCE_MS;
  readonly api;
  readonly #controlPlane: ControlPlane;
  readonly #connection: ClusterConnection;
  readonly #log = new FakeLog();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #reflectors: Reflector<KubernetesObject>[] = [];
  #agents: Agents | undefined;
  #sidecars: Sidecars | undefined;
  #webhook: TestServer | undefined;

  constructor(controlPlane: ControlPlane) {
    this.#controlPlane = controlPlane;
    this.#connection = loadCluster({ kubeconfig: controlPlane.kubeconfig });
    this.api = createApi({ http: this.#connection.http, userAgent: 'conformance', fieldManager: 'conformance' });
  }

  get behaviour() {
    return this.#running.behaviour;
  }

  async begin(): Promise<void> {
    await this.#openWebhook();
    for (const storageClass of CLASSES) await this.api.create(storageClasses, storageClass);
    this.#agents = await startAgents({ cluster: this.#connection, cloud: this.cloud, nodes: NODES, timings: KUBELETS, csi: { pollMs: 10, deleteRetryMs: 100 }, log: this.#log });
    this.#sidecars = await startSidecars({ controlPlane: this.#controlPlane, socketPath: this.#agents.driverSocket });
    await Promise.all(KINDS.map((resource) => this.#followKind(resource)));
    await this.#untilIntercepting();
  }

  addNode: World['addNode'] = (node) => this.#running.addNode(node);
  deleteNode: World['deleteNode'] = (name, options) => this.#running.deleteNode(name, options);
  silenceNode: World['silenceNode'] = (name) => this.#running.silenceNode(name);

  follow(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
    await this.#sidecars?.stop();
    await this.#agents?.stop();
    await this.#connection.close();
    await this.#controlPlane.stop();
    await this.#webhook?.close();
  }

  get #running(): Agents {
    if (this.#agents === undefined) throw new Error('the world has not begun');
    return this.#agents;
  }

  async #openWebhook(): Promise<void> {
    const certificate = await selfSigned();
    this.#webhook = await startServer(({ body }, response) => answerJson(response, 200, this.interception.answer(JSON.parse(body) as Record<string, unknown>)), certificate);
    await this.api.create(mutatingWebhooks, configurationOf({ url: this.#webhook.url, caBundle: Buffer.from(certificate.cert).toString('base64') }));
  }

  async #followKind(resource: Resource): Promise<void> {
    const reflector = createReflector({ http: this.#connection.http, clock: this.clock, random: systemRandom, log: this.#log, resource, userAgent: 'conformance' });
    reflector.onChange(({ type, object }) => {
      const change: Change = { type, kind: resource.kind as Kind, object, revision: Number(object.metadata.resourceVersion) };
      for (const listener of this.#listeners) listener(change);
    });
    this.#reflectors.push(reflector);
    reflector.start();
    await reflector.synced;
  }

  /** A new webhook takes a second or so to be called. */
  async #untilIntercepting(): Promise<void> {
    const namespace = PROBE_NAMESPACE;
    this.interception.rulesOf(namespace).gated.add('probe');
    await this.api.create(namespaces, { metadata: { name: namespace, labels: LOOKED_AT } });
    const probe = { metadata: { name: 'probe', namespace }, spec: { containers: [{ name: 'app', image: 'app:1' }] } };
    const deadline = this.clock.monotonic() + PATIENCE_MS;
    while ((await this.api.create(pods, probe, { dryRun: true })).spec.schedulingGates?.[0]?.name !== GATE) {
      if (this.clock.monotonic() > deadline) throw new Error('the webhook of the plays is not called');
      await this.clock.sleep(50);
    }
  }
}
