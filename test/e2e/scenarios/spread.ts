// The main job: a set whose disks are all in one zone spreads itself, and then there is peace.

import { expect } from 'vitest';
import { claims, namespaces, pods, statefulSets, volumes, type Resource } from '../../../src/kubernetes/objects.ts';
import { spreadReports } from '../../../src/controller/spread-report.ts';
import { ordinalMigrations } from '../../../src/migration/record.ts';
import type { Write } from '../../controlplane/audit.ts';
import { expectMoves, expectSettled } from '../expect.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

const SWEEPS = 10;

/** Six replicas in zone a, declared a, b, c: four moves, one at a time, highest ordinals first; the next ten sweeps write nothing but the lease. */
export function sixReplicasSpreadOverThreeZones(world: World): Promise<void> {
  const { a, b, c } = world.zones;
  return inScene(world, 'six', async (scene) => {
    await scene.createSet({ replicas: 6 });
    expect(scene.spread()).toEqual({ [a]: 6 });
    await scene.startDaemon({ sweep: '* * * * * *' });

    await scene.annotate({ zones: `${a},${b},${c}` });
    await scene.untilSpread({ [a]: 2, [b]: 2, [c]: 2 }, { timeoutMs: 120_000 });

    expectMoves(scene, [5, 4, 3, 2]);
    for (const record of scene.migrations.all()) {
      expectSettled(scene, record);
      expect(await scene.podZone(record.spec.ordinal), 'the zone that the pod runs in').toBe(record.spec.targetZone);
      expect(record.status?.downtimeSeconds, 'the downtime on record').toBeGreaterThan(0);
    }
    await expectReportOf(scene, { [a]: 2, [b]: 2, [c]: 2 });
    await expectPeace(scene);
  });
}

async function expectReportOf(scene: Scene, counts: Record<string, number>): Promise<void> {
  await scene.until('the report says that the set is spread', () => {
    const status = scene.report()?.status;
    expect(Object.fromEntries((status?.zones ?? []).map(({ zone, actual }) => [zone, actual]))).toEqual(counts);
    expect(status).toMatchObject({ satisfied: true, skew: 0 });
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Satisfied', status: 'True' }));
    return true;
  });
}

/** Over the next sweeps nothing is written but the lease: by the API server's book, and by the versions of everything that there is. */
async function expectPeace(scene: Scene): Promise<void> {
  // The last writes about the last move (retention, report, events) may still be under way.
  await quiet(scene);
  const [bookBefore, versionsBefore] = [await scene.world.writes(), await versions(scene)];
  await sweeps(scene, SWEEPS);
  expect(await versions(scene), 'objects after ten more sweeps').toEqual(versionsBefore);
  if (bookBefore === undefined) return;
  const book = ((await scene.world.writes()) ?? []).slice(bookBefore.length);
  // The daemons of other scenes write under the same name: ours are those about what is in this scene.
  const own = book.filter((write) => write.user === scene.world.users.daemon && isAbout(scene, write));
  expect(own.filter(({ resource }) => resource === 'leases').length, 'renewals of the lease').toBeGreaterThan(0);
  expect(own.filter(({ resource, namespace }) => !(resource === 'leases' && namespace === scene.leaseNamespace)), 'other writes of the daemon').toEqual([]);
}

/** Things without a namespace are known by their names, which probes of them begin with, too. */
function isAbout(scene: Scene, { namespace, name }: Write): boolean {
  if (namespace !== '') return namespace === scene.namespace || namespace === scene.leaseNamespace;
  return [scene.namespace, ...scene.volumes.all().map(({ metadata }) => metadata.name)].some((own) => name.startsWith(own));
}

async function quiet(scene: Scene): Promise<void> {
  let last = '';
  let since = scene.world.clock.monotonic();
  await scene.until('nothing changes for two seconds', async () => {
    const now = JSON.stringify(await versions(scene));
    if (now !== last) since = scene.world.clock.monotonic();
    last = now;
    return scene.world.clock.monotonic() - since > 2_000;
  });
}

/** `kind/name` → version of whatever a daemon may write to. */
async function versions(scene: Scene): Promise<Record<string, string | undefined>> {
  const { api } = scene.world;
  const namespaced: Resource[] = [pods, claims, statefulSets, ordinalMigrations, spreadReports];
  const lists = await Promise.all(namespaced.map(async (kind) => (await api.list(kind, { namespace: scene.namespace })).map((object) => [`${kind.kind}/${object.metadata.name}`, object.metadata.resourceVersion])));
  const own = (await api.list(volumes)).filter(({ spec }) => spec.claimRef?.namespace === scene.namespace);
  const namespace = await api.get(namespaces, { name: scene.namespace });
  return Object.fromEntries([...lists.flat(), ...own.map(({ metadata }) => [`PersistentVolume/${metadata.name}`, metadata.resourceVersion]), ['Namespace', namespace?.metadata.resourceVersion]]);
}

/** That many sweeps have run from now on, by the daemon's own metric. */
async function sweeps(scene: Scene, count: number): Promise<void> {
  const seen = new Set<string>();
  await scene.until(`${count} sweeps have run`, async () => {
    seen.add(/^zonespread_sweep_last_success_timestamp_seconds(?:\{[^}]*\})? (\S+)$/m.exec(await scene.daemon.metrics())?.[1] ?? '');
    // The first one that is seen ran before.
    return [...seen].filter((stamp) => stamp !== '').length > count;
  });
}
