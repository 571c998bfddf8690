// The product's whole saga on a simulated cluster: its steps, client, admission rules and disks adapter are the ones that run in production.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { IN_FLIGHT_LABEL, MIGRATION_LABEL } from '../../../src/kubernetes/names.ts';
import { claims, namespaces, nodes, pods, statefulSets } from '../../../src/kubernetes/objects.ts';
import { volumePhase } from '../../../src/kubernetes/reading.ts';
import { ordinalMigrations } from '../../../src/migration/record.ts';
import { SeededRandom } from '../../fakes/random.ts';
import { productStage, type Product } from './product.ts';
import { IMMEDIATE, SHOP, ZONES, type SetOptions, type StageOptions } from './stage.ts';

/** All in zone a, before the other zones had nodes. */
const FIRST_ZONE = [1, 2].map((number) => ({ name: `node-a${number}`, zone: 'cn-test-a' }));

async function inOneZone(set: SetOptions = {}, options: StageOptions = {}): Promise<Product> {
  const product = await productStage({ nodes: FIRST_ZONE, ...options });
  const { stage } = product;
  await stage.readySet(set);
  for (const zone of ZONES.slice(1)) await stage.do(stage.cluster.addNode({ name: `node-${zone.at(-1) ?? ''}1`, zone }));
  await stage.cluster.pass(1_000);
  return product;
}

const diskOf = ({ stage }: Product, claim: string): string => stage.volumeOf(claim)?.spec.csi?.volumeHandle ?? '';
const hashOf = (product: Product): string => createHash('sha256').update(product.stage.trace.join('\n')).digest('hex');

async function moved(options: StageOptions, set: SetOptions = {}): Promise<Product> {
  const product = await inOneZone(set, options);
  await product.plan({ ordinal: 2, targetZone: 'cn-test-b' });
  const record = await product.run();
  expect([record.status?.phase, record.status?.reason]).toEqual(['Succeeded', 'Settled']);
  await product.stage.untilReady([0, 1, 2]);
  return product;
}

/** Where the ordinal is now; everything that was written is there, nobody was told no, and nothing of ours is left behind. */
function expectWhole({ stage, denied }: Product, zone: string): void {
  expect(stage.isReady(2)).toBe(true);
  expect(stage.zoneOf(2)).toBe(zone);
  expect(stage.cluster.records.lost).toEqual([]);
  expect(denied).toEqual([]);
  expect(stage.claim('data-web-2')?.metadata.labels?.[MIGRATION_LABEL]).toBeUndefined();
  expect(stage.cluster.server.read(namespaces, { name: SHOP })?.metadata.labels?.[IN_FLIGHT_LABEL]).toBeUndefined();
}

describe('a move', () => {
  it('brings the ordinal and its disk into the target zone, and leaves its siblings and the set alone', async () => {
    const product = await inOneZone();
    const { stage } = product;
    const siblings = [0, 1].map((ordinal) => stage.pod(ordinal)?.metadata.uid);
    const generation = stage.set()?.metadata.generation;
    const old = stage.claim('data-web-2')?.spec.volumeName ?? '';
    await product.plan({ ordinal: 2, targetZone: 'cn-test-b' });
    await product.run();
    expectWhole(product, 'cn-test-b');
    expect([0, 1].map((ordinal) => stage.pod(ordinal)?.metadata.uid)).toEqual(siblings);
    expect(stage.set()?.metadata.generation).toBe(generation);
    expect(stage.cluster.ecs.disk(diskOf(product, 'data-web-2'))).toMatchObject({ zone: 'cn-test-b', status: 'In_use' });
    expect(stage.volumeOf('data-web-2')?.spec.persistentVolumeReclaimPolicy).toBe('Delete');
    expect([volumePhase(stage.volume(old)!), stage.volume(old)?.spec.persistentVolumeReclaimPolicy]).toEqual(['Released', 'Retain']);
  });

  it('starts the pod on a disk that has what it wrote last', async () => {
    const { stage } = await moved({});
    const last = stage.cluster.records.starts.at(-1);
    expect(last).toMatchObject({ pod: 'shop/web-2' });
    expect(last?.lastText).toMatch(/^stopped /);
  });

  it.each([
    ['OrderedReady', {}],
    ['Parallel', { spec: { podManagementPolicy: 'Parallel' } }],
    ['an Immediate class', { storageClassName: IMMEDIATE }],
    ['OnDelete', { spec: { updateStrategy: { type: 'OnDelete' } } }],
    ['claims that go with the set', { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' } } }],
    ['two claims a pod', { templates: ['data', 'log'] }],
  ] as [string, SetOptions][])('goes well with %s, on 1.30 and 1.36, whatever the order of events', async (_name, set) => {
    for (let seed = 1; seed <= 3; seed += 1) {
      for (const kubernetes of ['1.30', '1.36'] as const) expectWhole(await moved({ seed, kubernetes }, set), 'cn-test-b');
    }
  });

  it('goes well on a slow control plane', async () => {
    for (let seed = 1; seed <= 3; seed += 1) {
      expectWhole(await moved({ seed, kubernetes: '1.30', pace: { watch: [0, 800], reconcile: [0, 200], request: [0, 100] } }), 'cn-test-b');
    }
  });

  it('of the same seed is the same history, event by event; of another one it is not', async () => {
    const [first, again, other] = [await moved({ seed: 5 }), await moved({ seed: 5 }), await moved({ seed: 6 })];
    expect(hashOf(again)).toBe(hashOf(first));
    expect(hashOf(other)).not.toBe(hashOf(first));
  });

  it('is not disturbed by a claim that somebody else deletes the pod for', async () => {
    const product = await inOneZone();
    const { stage } = product;
    await product.plan({ ordinal: 2, targetZone: 'cn-test-b' });
    // Whenever the pod of the ordinal is there and gated, it is deleted once more.
    let deletions = 0;
    stage.cluster.server.follow(pods, ({ type, object }) => {
      if (type !== 'ADDED' || object.metadata.name !== 'web-2' || deletions === 3) return;
      deletions += 1;
      stage.cluster.clock.after(300, async () => {
        await stage.admin.delete(pods, { namespace: SHOP, name: 'web-2' });
      });
    });
    expect((await product.run()).status?.phase).toBe('Succeeded');
    await stage.untilReady([2]);
    expect(deletions).toBe(3);
    expectWhole(product, 'cn-test-b');
  });
});

/** Controllers stand still for seconds, pods are deleted, watches break, the cloud refuses: all drawn from the seed. */
function disturb({ stage }: Product, seed: number): void {
  const random = new SeededRandom(seed);
  const { clock, controllers, ecs, server } = stage.cluster;
  const any = <T>(choices: readonly T[]): T => choices[Math.floor(random.next() * choices.length)]!;
  const acts = [
    () => {
      const controller = any(Object.values(controllers));
      controller.pause();
      clock.after(random.next() * 8_000, () => controller.resume());
    },
    () => void stage.admin.delete(pods, { namespace: SHOP, name: any(['web-0', 'web-1', 'web-2']) }),
    () => server.cutWatches('break'),
    () => ecs.faults.add({ kind: 'error', action: any(['AttachDisk', 'DetachDisk', 'CreateDisk', 'DescribeDisks', 'CreateSnapshot'] as const), code: 'ServiceUnavailable', status: 503 }),
  ];
  for (let act = 0; act < 12; act += 1) {
    clock.after(random.next() * 15_000, () => {
      any(acts)();
    });
  }
}

it('a move among standing controllers, deleted pods and refusals of the cloud ends well, and the same way again', async () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const hashes: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      const product = await inOneZone({ spec: seed % 2 === 0 ? { podManagementPolicy: 'Parallel' } : {} }, { seed, kubernetes: seed % 3 === 0 ? '1.30' : '1.36' });
      disturb(product, seed);
      await product.plan({ ordinal: 2, targetZone: 'cn-test-b' });
      expect((await product.run()).status?.phase).toBe('Succeeded');
      await product.stage.cluster.pass(30_000);
      await product.stage.untilReady([0, 1, 2]);
      expectWhole(product, 'cn-test-b');
      hashes.push(hashOf(product));
    }
    expect(hashes[1]).toBe(hashes[0]);
  }
});

it('a blank disk under a claim that had data does not go unnoticed', async () => {
  const { stage } = await inOneZone();
  await stage.do(stage.admin.delete(claims, { namespace: SHOP, name: 'data-web-2' }));
  await stage.do(stage.admin.delete(pods, { namespace: SHOP, name: 'web-2' }));
  await stage.cluster.run(() => stage.cluster.records.lost.length > 0, 120_000);
  expect(stage.cluster.records.lost[0]).toMatchObject({ write: { claim: 'data-web-2' }, start: { pod: 'shop/web-2', contentsLength: 0 } });
});

describe('an undo', () => {
  async function undone(hurt: (product: Product) => void, options: StageOptions = {}): Promise<Product> {
    const product = await inOneZone({}, options);
    const disk = diskOf(product, 'data-web-2');
    hurt(product);
    await product.plan({ ordinal: 2, targetZone: 'cn-test-b' });
    expect((await product.run()).status?.phase).toBe('RolledBack');
    await product.stage.untilReady([0, 1, 2]);
    expect(diskOf(product, 'data-web-2')).toBe(disk);
    expectWhole(product, 'cn-test-a');
    expect(product.stage.volumeOf('data-web-2')?.spec.persistentVolumeReclaimPolicy).toBe('Delete');
    return product;
  }

  it('before the swap, when the zone is sold out: the pod is back on its old disk', async () => {
    await undone(({ stage }) => stage.cluster.ecs.faults.add({ kind: 'soldOut', action: 'CreateDisk' }));
  });

  it('after the swap, when no node of the zone takes the pod: the claim is back on the old volume', async () => {
    for (const kubernetes of ['1.30', '1.36'] as const) {
      const product = await undone(
        ({ stage }) => {
          // Its node was held for it, so it is not one that would have been refused before the move began.
          const unfollow = stage.cluster.server.follow(ordinalMigrations, ({ object }) => {
            if (object.status?.step !== 'snapshot') return;
            unfollow();
            stage.cluster.clock.after(0, async () => void (await stage.admin.mergePatch(nodes, { name: 'node-b1' }, { spec: { unschedulable: true } })));
          });
        },
        { kubernetes },
      );
      expect(product.notes.join('\n')).toContain('ungate');
    }
  });
});

it('while it runs, the claim and the set are guarded against everybody but Kubernetes and the daemon', async () => {
  const product = await inOneZone();
  const { stage } = product;
  await product.plan({ ordinal: 2, targetZone: 'cn-test-b' });
  const refusals: unknown[] = [];
  const tries = [() => stage.admin.delete(claims, { namespace: SHOP, name: 'data-web-2' }), () => stage.admin.delete(statefulSets, { namespace: SHOP, name: 'web' }), () => stage.admin.mergePatch(statefulSets, { namespace: SHOP, name: 'web' }, { spec: { replicas: 2 } })];
  let tried = false;
  stage.cluster.server.follow(pods, ({ type, object }) => {
    if (type !== 'ADDED' || object.metadata.name !== 'web-2' || tried) return;
    tried = true;
    stage.cluster.clock.after(50, async () => {
      for (const attempt of tries) await attempt().catch((error: unknown) => refusals.push(error));
    });
  });
  expect((await product.run()).status?.phase).toBe('Succeeded');
  expect(refusals).toHaveLength(3);
  expect(product.denied).toHaveLength(3);
});
