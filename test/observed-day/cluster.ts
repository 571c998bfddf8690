// The cluster of the observed day: three zones, a daemon that leads and one that waits, the webhook, and somebody who reads their
// /metrics every minute, as Prometheus would.

import { createEmbeddedCluster, OWN_NAMESPACE, type EmbeddedCluster } from '../../src/embedded/cluster.ts';
import type { EmbeddedDaemon } from '../../src/embedded/daemon.ts';
import { distantHttp } from '../../src/embedded/network.ts';
import { namespaces, pods, statefulSets, storageClasses, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { isTrue } from '../../src/kubernetes/reading.ts';
import type { Metrics } from '../../src/observability/metrics.ts';
import { Switches } from '../../src/histories/switches.ts';
import { ADMIN, type Client } from '../../src/simulation/apiserver/contract.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { storageClass } from '../../src/simulation/nodes/storage-class.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';
import { FakeLog } from '../fakes/log.ts';
import type { Target } from './exposition.ts';

const REGION = 'cn-beijing';
export const ZONES = { h: `${REGION}-h`, i: `${REGION}-i`, j: `${REGION}-j` };
const CLASS = 'alicloud-disk-essd';
const HOUR_MS = 3_600_000;

export interface ObservedSet {
  namespace: string;
  name: string;
  replicas: number;
  size: string;
  /** Without the prefix. */
  policy?: Record<string, string>;
}

export class ObservedCluster {
  readonly embedded: EmbeddedCluster;
  readonly clock: Tasks;
  readonly ecs: EcsModel;
  readonly switches: Switches;
  readonly log: FakeLog;
  readonly #daemons: { pod: string; daemon: EmbeddedDaemon }[] = [];
  #started = 0;

  private constructor({ embedded, switches, log }: { embedded: EmbeddedCluster; switches: Switches; log: FakeLog }) {
    this.embedded = embedded;
    this.clock = embedded.simulated.clock;
    this.ecs = embedded.simulated.ecs;
    this.switches = switches;
    this.log = log;
  }

  /** Every pod of the sets Ready in the first zone; the other zones there; the product up. */
  static async create({ start, sets }: { start: string; sets: readonly ObservedSet[] }): Promise<ObservedCluster> {
    const random = new SeededRandom(7);
    const clock = new Tasks({ random: new SeededRandom(1_000_010), start });
    const ecs = new EcsModel({
      clock,
      random,
      region: REGION,
      zones: Object.values(ZONES).map((id) => ({ id, onSale: everythingOnSale() })),
      timings: { createDiskMs: 6_000, attachMs: 4_000, detachMs: 4_000, snapshotAvailableMs: 25_000, snapshotUploadMs: 240_000, callMs: 130 },
    });
    const switches = new Switches();
    const log = new FakeLog();
    const embedded = await createEmbeddedCluster({
      clock,
      random,
      ecs,
      nodes: nodesIn(ZONES.h),
      timings: { stopMs: 8_000, unmountMs: 1_000, bootMs: 6_000, readyMs: 9_000, writeMs: HOUR_MS },
      nodeLeases: false,
      log,
      webhookPath: switches.webhookPath(clock),
    });
    const cluster = new ObservedCluster({ embedded, switches, log });
    await cluster.#build(sets);
    return cluster;
  }

  get admin(): Client {
    return this.embedded.simulated.client(ADMIN);
  }

  /** What there is to be scraped now. */
  targets(): { target: Target; metrics: Metrics }[] {
    const { webhook } = this.embedded;
    return [
      ...this.#daemons.map(({ pod, daemon }) => ({ target: { job: 'zonespread-controller', pod, namespace: OWN_NAMESPACE }, metrics: daemon.metrics })),
      ...(webhook?.alive === true ? [{ target: { job: 'zonespread-webhook', pod: 'zonespread-webhook-0', namespace: OWN_NAMESPACE }, metrics: webhook.metrics }] : []),
    ];
  }

  startDaemon(): void {
    this.#started += 1;
    const pod = `zonespread-controller-${this.#started}`;
    const { simulated } = this.embedded;
    const daemon = this.embedded.startDaemon({
      // Nothing of the day depends on a lease that is looked at more often.
      settings: { leaseTiming: { leaseDurationMs: 120_000, renewDeadlineMs: 100_000, retryPeriodMs: 20_000 } },
      http: (http) => distantHttp(http, { clock: this.clock, pace: simulated.pace }),
    });
    this.#daemons.push({ pod, daemon });
    void daemon.ended.then(() => this.#daemons.splice(this.#daemons.findIndex((one) => one.daemon === daemon), 1));
  }

  /** kill -9, all of them. */
  stopDaemons(): void {
    for (const { daemon } of this.#daemons) daemon.kill();
  }

  startWebhook(): Promise<void> {
    return this.embedded.startWebhook().ready;
  }

  annotate({ namespace, name }: { namespace: string; name: string }, policy: Record<string, string | null>): Promise<unknown> {
    const annotations = Object.fromEntries(Object.entries(policy).map(([key, value]) => [`zonespread.io/${key}`, value]));
    return this.admin.mergePatch(statefulSets, { namespace, name }, { metadata: { annotations } });
  }

  stop(): void {
    this.stopDaemons();
    this.embedded.webhook?.kill();
  }

  async #build(sets: readonly ObservedSet[]): Promise<void> {
    const { simulated } = this.embedded;
    const { admin } = this;
    const create = async (): Promise<void> => {
      await admin.create(storageClasses, storageClass({ name: CLASS, performanceLevel: 'PL1' }));
      for (const namespace of new Set(sets.map((set) => set.namespace))) await admin.create(namespaces, { metadata: { name: namespace } });
      for (const set of sets) await admin.create(statefulSets, statefulSetOf(set));
    };
    await simulated.settle(create());
    const wanted = sets.reduce((sum, { replicas }) => sum + replicas, 0);
    await simulated.run(() => simulated.server.readAll(pods).filter((pod) => isTrue(pod, 'Ready')).length === wanted, HOUR_MS);
    await simulated.settle(Promise.all([ZONES.i, ZONES.j].flatMap(nodesIn).map((node) => simulated.addNode(node))));
    await simulated.settle(this.startWebhook());
    this.startDaemon();
    await simulated.pass(1_000);
    this.startDaemon();
  }
}

function nodesIn(zone: string): { name: string; zone: string; maxDisks: number }[] {
  return [1, 2, 3].map((number) => ({ name: `node-${zone.at(-1) ?? ''}${number}`, zone, maxDisks: 30 }));
}

function statefulSetOf({ namespace, name, replicas, size, policy = {} }: ObservedSet): StatefulSet {
  const labels = { app: name };
  return {
    metadata: { namespace, name, labels, annotations: Object.fromEntries(Object.entries(policy).map(([key, value]) => [`zonespread.io/${key}`, value])) },
    spec: {
      serviceName: name,
      replicas,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 10, containers: [{ name: 'app', image: 'simulated', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: CLASS, resources: { requests: { storage: size } } } }],
    },
  };
}
