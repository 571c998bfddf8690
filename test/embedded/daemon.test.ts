// The whole product in one process with a simulated cluster, in virtual time.

import { describe, expect, it } from 'vitest';
import { createEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/cluster.ts';
import { ADMIN } from '../../src/simulation/apiserver/contract.ts';
import { apiVersionOf, namespaces, pods, statefulSets, storageClasses, volumes, type KubernetesObject, type Resource } from '../../src/kubernetes/objects.ts';
import { isTrue } from '../../src/kubernetes/reading.ts';
import { ordinalMigrations, phaseOf } from '../../src/migration/record.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { storageClass } from '../../src/simulation/nodes/storage-class.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';
import { FakeLog } from '../fakes/log.ts';
import { aSet, SHOP, ZONES } from '../simulation/controllers/stage.ts';

class Play {
  readonly log = new FakeLog();
  readonly trace: string[] = [];
  cluster!: EmbeddedCluster;

  static async begin(seed: number): Promise<Play> {
    const play = new Play();
    const random = new SeededRandom(seed);
    const clock = new Tasks({ random: new SeededRandom(seed + 1_000_003), start: '2026-11-20T10:00:00.000Z' });
    const ecs = new EcsModel({
      clock,
      random,
      region: 'cn-test',
      zones: ZONES.map((id) => ({ id, onSale: everythingOnSale() })),
      timings: { createDiskMs: 2_000, attachMs: 1_000, detachMs: 1_000, snapshotAvailableMs: 1_000, snapshotUploadMs: 20_000 },
    });
    const nodes = ZONES.flatMap((zone) => [1, 2].map((number) => ({ name: `node-${zone.at(-1) ?? ''}${number}`, zone })));
    play.cluster = await createEmbeddedCluster({ clock, random, ecs, nodes, log: play.log });
    const { simulated } = play.cluster;
    simulated.server.follow(undefined, ({ type, resource, object, version }) => play.trace.push(`${simulated.clock.monotonic()} ${version} ${type} ${resource.kind} ${object.metadata.name}`));
    await play.create(namespaces, { metadata: { name: SHOP } });
    await play.create(storageClasses, storageClass({ name: 'alicloud-disk-essd' }));
    return play;
  }

  create<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<T> {
    const { simulated } = this.cluster;
    return simulated.settle(simulated.client(ADMIN).create(resource, { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }));
  }

  /** All three disks in the first zone, every pod Ready. */
  async crowdedSet(): Promise<void> {
    const { simulated } = this.cluster;
    const set = aSet({ replicas: 3, podSpec: { nodeSelector: { 'topology.kubernetes.io/zone': ZONES[0] } } });
    await this.create(statefulSets, set);
    await simulated.run(() => this.ready() === 3, 300_000);
    await simulated.settle(simulated.client(ADMIN).jsonPatch(statefulSets, { namespace: SHOP, name: 'web' }, [{ op: 'remove', path: '/spec/template/spec/nodeSelector' }]));
    await simulated.pass(1_000);
    await simulated.run(() => this.ready() === 3, 300_000);
  }

  async annotate(): Promise<void> {
    const { simulated } = this.cluster;
    await simulated.settle(simulated.client(ADMIN).mergePatch(statefulSets, { namespace: SHOP, name: 'web' }, { metadata: { annotations: { 'zonespread.io/zones': ZONES.join(',') } } }));
  }

  ready(): number {
    return this.cluster.simulated.server.readAll(pods).filter((pod) => pod.metadata.deletionTimestamp === undefined && isTrue(pod, 'Ready')).length;
  }

  phases(): string[] {
    return this.cluster.simulated.server.readAll(ordinalMigrations).map(phaseOf);
  }

  epochs(): number[] {
    return this.cluster.simulated.server.readAll(ordinalMigrations).map(({ status }) => status?.epoch ?? 0).toSorted((a, b) => a - b);
  }

  zones(): string[] {
    const { ecs, server } = this.cluster.simulated;
    const bound = server.readAll(volumes).filter(({ status }) => status?.phase === 'Bound');
    return bound.map((volume) => ecs.disk(volume.spec.csi?.volumeHandle ?? '')?.zone ?? '').toSorted();
  }
}

async function spread(seed: number): Promise<Play> {
  const play = await Play.begin(seed);
  const { simulated } = play.cluster;
  await play.crowdedSet();
  const webhook = play.cluster.startWebhook();
  await simulated.settle(webhook.ready);
  const daemon = play.cluster.startDaemon();
  await play.annotate();
  await simulated.run(() => play.phases().filter((phase) => phase === 'Succeeded').length === 2, 1_800_000);
  expect(await simulated.settle(daemon.stop())).toBe(0);
  await simulated.settle(webhook.stop());
  return play;
}

describe('the embedded product', () => {
  it('spreads an annotated set, and ends when it is told to', async () => {
    const play = await spread(1);
    expect(play.zones()).toEqual(ZONES);
    expect(play.cluster.simulated.records.lost).toEqual([]);
    expect(play.cluster.simulated.records.acknowledged.length).toBeGreaterThan(10);
  });

  it('has one history for each seed', async () => {
    const [first, again, other] = [await spread(7), await spread(7), await spread(8)];
    expect(again.trace).toEqual(first.trace);
    expect(other.trace).not.toEqual(first.trace);
  });

  it('goes on where a killed daemon has left, under the next epoch', async () => {
    const play = await Play.begin(3);
    const { simulated } = play.cluster;
    await play.crowdedSet();
    await simulated.settle(play.cluster.startWebhook().ready);
    const first = play.cluster.startDaemon();
    await play.annotate();
    await simulated.run(() => play.phases().includes('Running'), 600_000);
    const epoch = Math.max(...play.epochs());
    first.kill();
    expect(await simulated.settle(first.ended)).toEqual({ code: undefined });
    play.cluster.startDaemon();
    await simulated.run(() => play.phases().filter((phase) => phase === 'Succeeded').length === 2, 1_800_000);
    expect(play.zones()).toEqual(ZONES);
    expect(Math.max(...play.epochs())).toBeGreaterThan(epoch);
  });

  it('says that the lease is lost when it was stopped for too long, and leaves the field to the other one', async () => {
    const play = await Play.begin(4);
    const { simulated } = play.cluster;
    await play.crowdedSet();
    await simulated.settle(play.cluster.startWebhook().ready);
    const first = play.cluster.startDaemon();
    await simulated.run(() => play.log.messages('info').includes('leading'), 60_000);
    const goOn = first.pause();
    play.cluster.startDaemon();
    await simulated.pass(60_000);
    await play.annotate();
    goOn();
    expect(await simulated.settle(first.ended)).toMatchObject({ code: 1 });
    await simulated.run(() => play.phases().filter((phase) => phase === 'Succeeded').length === 2, 1_800_000);
    expect(play.zones()).toEqual(ZONES);
  });
});
