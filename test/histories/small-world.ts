// A small world for trying one fault or one act on: two zones with two nodes each, one set of three in the first zone, the product on it,
// and trouble that lasts as long as the test.

import { createEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/cluster.ts';
import type { EmbeddedDaemon } from '../../src/embedded/daemon.ts';
import type { EmbeddedWebhook } from '../../src/embedded/webhook.ts';
import { Coverage } from '../../src/histories/coverage.ts';
import { annotationsOf, REGION, statefulSetOf, storageClassOf, zoneName } from '../../src/histories/manifests.ts';
import type { FaultPlan, HistoryPlan, SetPlan } from '../../src/histories/plan.ts';
import { Switches } from '../../src/histories/switches.ts';
import { Trace } from '../../src/histories/trace.ts';
import { NAMESPACE, type HistoryWorld } from '../../src/histories/world.ts';
import { FAULTS } from '../../src/histories/faults.ts';
import { namespaces, pods, statefulSets, storageClasses, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { isTrue } from '../../src/kubernetes/reading.ts';
import { inFlight, ordinalMigrations, type OrdinalMigration } from '../../src/migration/record.ts';
import { ADMIN, type Client } from '../../src/simulation/apiserver/contract.ts';
import type { SimulatedCluster } from '../../src/simulation/cluster.ts';
import { CALM } from '../../src/simulation/controllers/pace.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';
import { FakeLog } from '../fakes/log.ts';

const LIMIT_MS = 1_800_000;

export const SMALL_SET: SetPlan = {
  name: 'web',
  replicas: 3,
  start: 0,
  templates: ['data'],
  binding: 'WaitForFirstConsumer',
  reclaim: 'Delete',
  podManagement: 'Parallel',
  update: 'RollingUpdate',
  claimRetention: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  mayBeDown: undefined,
  policy: { zones: 'cn-test-a,cn-test-b', 'health-duration': '5s', 'source-retention': '10m', 'snapshot-retention': '10m' },
};

export const SMALL_PLAN: HistoryPlan = {
  seed: 1,
  cluster: {
    kubernetes: '1.36',
    zones: 2,
    nodesPerZone: 2,
    pace: CALM,
    cloud: { createDiskMs: 1_000, attachMs: 500, detachMs: 500, snapshotAvailableMs: 1_000, snapshotUploadMs: 20_000, callMs: 0, tagVisibilityLagMs: 0, listVisibilityLagMs: 0 },
    kubelet: { bootMs: 100, readyMs: 100, stopMs: 100, unmountMs: 50, writeMs: 5_000 },
    detachingSnapshots: 'refused',
  },
  sets: [SMALL_SET],
  product: { daemons: 1, clockRates: [1], sweep: '*/30 * * * * *', stepTimeoutMs: 60_000, coolDownMs: 0, atOnce: 1, lease: { durationMs: 15_000, retryMs: 2_000 } },
  faults: [],
  acts: [],
  troubleMs: 0,
};

export class SmallWorld implements HistoryWorld {
  readonly plan: HistoryPlan;
  readonly embedded: EmbeddedCluster;
  readonly switches: Switches;
  readonly random = new SeededRandom(3);
  readonly trace: Trace;
  readonly coverage = new Coverage();
  readonly clusterUID: string;
  readonly excuses = new Set<string>();
  readonly running: EmbeddedDaemon[] = [];
  troubled = true;

  private constructor(plan: HistoryPlan, { embedded, switches }: { embedded: EmbeddedCluster; switches: Switches }) {
    this.plan = plan;
    this.embedded = embedded;
    this.switches = switches;
    this.trace = new Trace(embedded.simulated.clock);
    this.clusterUID = embedded.simulated.server.read(namespaces, { name: 'kube-system' })?.metadata.uid ?? '';
  }

  /** Every pod Ready in the first zone; nothing of the product runs. */
  static async begin({ set = {} }: { set?: Partial<SetPlan> } = {}): Promise<SmallWorld> {
    const plan = { ...SMALL_PLAN, sets: [{ ...SMALL_SET, ...set }] };
    const random = new SeededRandom(1);
    const clock = new Tasks({ random: new SeededRandom(2), start: '2026-11-20T10:00:00.000Z' });
    const zones = [zoneName(0), zoneName(1)];
    const ecs = new EcsModel({ clock, random, region: REGION, zones: zones.map((id) => ({ id, onSale: everythingOnSale() })), timings: plan.cluster.cloud });
    const switches = new Switches();
    const nodes = (zone: string) => [1, 2].map((number) => ({ name: `node-${zone.at(-1) ?? ''}${number}`, zone }));
    const embedded = await createEmbeddedCluster({
      clock,
      random,
      ecs,
      nodes: nodes(zoneName(0)),
      timings: plan.cluster.kubelet,
      log: new FakeLog(),
      informerLagMs: () => switches.informerLagMs(),
      webhookPath: switches.webhookPath(clock),
    });
    const world = new SmallWorld(plan, { embedded, switches });
    await world.#build();
    await embedded.simulated.settle(Promise.all(nodes(zoneName(1)).map((node) => embedded.simulated.addNode(node))));
    return world;
  }

  /** With webhook and daemon, and the first move in flight. */
  static async inFlight(options: { set?: Partial<SetPlan> } = {}): Promise<SmallWorld> {
    const world = await SmallWorld.begin(options);
    await world.simulated.settle(world.startWebhook().ready);
    world.startDaemon();
    await world.annotate();
    await world.run(() => world.moves().length > 0);
    return world;
  }

  get simulated(): SimulatedCluster {
    return this.embedded.simulated;
  }

  get daemons(): readonly EmbeddedDaemon[] {
    return this.running.filter(({ alive }) => alive);
  }

  get admin(): Client {
    return this.simulated.client(ADMIN);
  }

  get set(): StatefulSet | undefined {
    return this.simulated.server.read(statefulSets, { namespace: NAMESPACE, name: 'web' });
  }

  setPlan(name: string): SetPlan | undefined {
    return this.plan.sets.find((set) => set.name === name);
  }

  startDaemon(): EmbeddedDaemon {
    const { sweep, stepTimeoutMs, coolDownMs, atOnce } = this.plan.product;
    const daemon = this.embedded.startDaemon({ settings: { sweep, stepTimeoutMs, coolDownMs, budgets: { atOnce, perHour: undefined, perZonePair: undefined } } });
    this.running.push(daemon);
    return daemon;
  }

  startWebhook(): EmbeddedWebhook {
    return this.embedded.startWebhook();
  }

  annotate(): Promise<unknown> {
    const annotations = annotationsOf({ zones: this.plan.sets[0]?.policy['zones'] ?? '*' });
    return this.do(this.admin.mergePatch(statefulSets, { namespace: NAMESPACE, name: 'web' }, { metadata: { annotations } }));
  }

  do<T>(work: Promise<T>): Promise<T> {
    return this.simulated.settle(work, LIMIT_MS);
  }

  run(until: () => boolean): Promise<void> {
    return this.simulated.run(until, LIMIT_MS);
  }

  moves(): OrdinalMigration[] {
    return this.records().filter(inFlight);
  }

  records(): OrdinalMigration[] {
    return this.simulated.server.readAll(ordinalMigrations);
  }

  ready(): number {
    return this.simulated.server.readAll(pods, { namespace: NAMESPACE }).filter((pod) => pod.metadata.deletionTimestamp === undefined && isTrue(pod, 'Ready')).length;
  }

  /** Opens the fault's window. @returns what closes it; time passes for that. */
  suffer(name: string, fault: Partial<FaultPlan> = {}): () => Promise<void> {
    const heal = FAULTS[name]?.begin?.(this, { name, from: 0, to: 60_000, chance: 1, ...fault });
    return async () => {
      await this.do(Promise.resolve(heal?.()));
    };
  }

  struck(name: string): number {
    return this.coverage.counts()[`fault: ${name}`] ?? 0;
  }

  async #build(): Promise<void> {
    const { admin, plan } = this;
    const create = async (): Promise<void> => {
      await admin.create(namespaces, { metadata: { name: NAMESPACE } });
      for (const set of plan.sets) {
        await admin.create(storageClasses, storageClassOf(set));
        await admin.create(statefulSets, statefulSetOf(set));
      }
    };
    await this.do(create());
    await this.run(() => this.ready() === (plan.sets[0]?.replicas ?? 0));
  }
}
