// How many at once: in the whole cluster, within an hour, between two zones, of one set; and whose turn it is when there is not room for
// all of them.

import { expect } from 'vitest';
import { statefulSets } from '../../../../src/kubernetes/objects.ts';
import { inFlight, phaseOf, type OrdinalMigration } from '../../../../src/migration/record.ts';
import { expectMoves } from '../../expect.ts';
import { inScene, type Scene } from '../../scene.ts';
import type { SimulatedWorld } from '../../simulated-world.ts';
import type { World } from '../../world.ts';
import { untilHeld } from './holding.ts';
import { NO_SWEEP, type Story } from './windows.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Sets of these sizes, each with a template of its own, all in zone a; the last one is the scene's. */
async function createSets(scene: Scene, sizes: Record<string, number>): Promise<void> {
  for (const [name, replicas] of Object.entries(sizes)) await scene.createSet({ name, replicas, podManagementPolicy: 'Parallel', claims: [{ name: `${name}-data` }] });
}

async function switchOn(scene: Scene, name: string, annotations: Record<string, string> = {}): Promise<void> {
  const { a, b } = scene.world.zones;
  const own = { zones: `${a},${b}`, 'health-duration': '1s', 'ready-timeout': '2h', ...annotations };
  const full = Object.fromEntries(Object.entries(own).map(([key, value]) => [`zonespread.io/${key}`, value]));
  const patched = await scene.world.api.mergePatch(statefulSets, { namespace: scene.namespace, name }, { metadata: { annotations: full } });
  if (name === scene.setName) scene.wanted = patched;
}

function begun(scene: Scene): OrdinalMigration[] {
  return scene.migrations.all().filter(({ status }) => status?.startedAt !== undefined).toSorted((one, other) => Date.parse(one.status?.startedAt ?? '') - Date.parse(other.status?.startedAt ?? ''));
}

function setsInOrder(scene: Scene): string[] {
  return begun(scene).map(({ spec }) => spec.statefulSetRef.name);
}

/** Runs on a real world, too. */
export async function oneAtOnceInTheCluster(world: World): Promise<void> {
  return inScene(world, 'at-once', async (scene) => {
    const { a, b } = world.zones;
    await createSets(scene, { db: 2, web: 2 });
    const heal = world.kubelets.behaviour.neverReady({ namespace: scene.namespace, zone: b });
    await scene.startDaemon({ ...NO_SWEEP, 'max-migrations': '1' });
    await switchOn(scene, 'db');
    await scene.untilStep('ready');

    await switchOn(scene, 'web');
    await untilHeld(scene, { reason: 'BudgetUsedUp', says: /1 of 1 moves of the whole cluster are under way \(--max-migrations\)/ });
    expect(setsInOrder(scene)).toEqual(['db']);
    heal();
    await scene.untilSpread({ [a]: 1, [b]: 1 });
    expect(setsInOrder(scene)).toEqual(['db', 'web']);
    expect(begun(scene).map(phaseOf)).toEqual(['Succeeded', 'Succeeded']);
  });
}

async function onePerHour(world: SimulatedWorld): Promise<void> {
  return inScene(world, 'per-hour', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 4 });
    await scene.startDaemon({ ...NO_SWEEP, 'max-migrations-per-hour': '1' });
    await scene.annotate({ zones: `${a},${b}` });
    await scene.untilPhase('Succeeded');
    await untilHeld(scene, { reason: 'BudgetUsedUp', says: /1 moves have begun within the last hour \(--max-migrations-per-hour\)/ });
    await world.clock.sleep(55 * MINUTE_MS);
    expect(scene.migrations.all()).toHaveLength(1);
    await scene.untilSpread({ [a]: 2, [b]: 2 }, { timeoutMs: 10 * MINUTE_MS });
    expectMoves(scene, [3, 2]);
    const [first, second] = begun(scene).map(({ status }) => Date.parse(status?.startedAt ?? ''));
    expect((second ?? 0) - (first ?? 0), 'ms between the beginnings').toBeGreaterThanOrEqual(HOUR_MS);
    expect((second ?? 0) - (first ?? 0), 'ms between the beginnings').toBeLessThan(HOUR_MS + 30_000);
  });
}

/** Two may be away at once. @returns how many were in flight at most. */
function mostAtOnce(scene: Scene): number {
  const moving = new Set<string>();
  let most = 0;
  for (const { object, type } of scene.migrations.versions) {
    if (type !== 'deleted' && inFlight(object)) moving.add(object.metadata.name);
    else moving.delete(object.metadata.name);
    most = Math.max(most, moving.size);
  }
  return most;
}

function twoAway(flags: Record<string, string>, most: number, says?: RegExp): Story['run'] {
  return (world) =>
    inScene(world, 'two-away', async (scene) => {
      const { a, b } = world.zones;
      const heal = world.kubelets.behaviour.neverReady({ namespace: scene.namespace, zone: b });
      await scene.createSet({ replicas: 4, podManagementPolicy: 'Parallel' });
      await scene.startDaemon({ ...NO_SWEEP, ...flags });
      await scene.annotate({ zones: `${a},${b}`, 'max-unavailable': '2', 'ready-timeout': '1h' });
      await scene.until('as many are moving as may', () => scene.inFlight().filter(({ status }) => status?.step === 'ready').length === most);
      await world.clock.sleep(MINUTE_MS);
      expect(scene.inFlight()).toHaveLength(most);
      if (says !== undefined) await scene.until('the report says why not more', () => (scene.report()?.status?.blocked ?? []).some(({ reason, message }) => reason === 'BudgetUsedUp' && says.test(message)));
      heal();
      await scene.untilSpread({ [a]: 2, [b]: 2 }, { timeoutMs: 5 * MINUTE_MS });
      expect(begun(scene).map(phaseOf)).toEqual(['Succeeded', 'Succeeded']);
      expect(mostAtOnce(scene)).toBe(most);
      return { atOnce: 2 };
    });
}

/** The webhook refuses the annotation; so nobody is told to wait for what can never be. */
async function refusedUnderOrderedReady(world: SimulatedWorld): Promise<void> {
  return inScene(world, 'ordered', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2, podManagementPolicy: 'OrderedReady' });
    await scene.startDaemon(NO_SWEEP);
    await expect(scene.annotate({ zones: `${a},${b}`, 'max-unavailable': '2' })).rejects.toThrow(/zonespread\.io\/max-unavailable.*"2".*OrderedReady/s);
    await world.clock.sleep(MINUTE_MS);
    expect([scene.report(), scene.migrations.all()]).toEqual([undefined, []]);
  });
}

/** While one moves, two more come: the one that asks later is more uneven, and goes first. */
async function worstFirst(world: SimulatedWorld): Promise<void> {
  return inScene(world, 'worst', async (scene) => {
    const { a, b } = world.zones;
    await createSets(scene, { first: 2, big: 4, web: 2 });
    const heal = world.kubelets.behaviour.neverReady({ namespace: scene.namespace, zone: b });
    await scene.startDaemon({ ...NO_SWEEP, 'max-migrations': '1' });
    await switchOn(scene, 'first');
    await scene.untilStep('ready');
    await switchOn(scene, 'web');
    await untilHeld(scene, { reason: 'BudgetUsedUp', says: /--max-migrations/ });
    await switchOn(scene, 'big');
    await scene.until('the other one waits, too', () => scene.reports.get('big')?.status?.blocked?.some(({ reason }) => reason === 'BudgetUsedUp') === true);
    heal();
    await scene.untilSpread({ [a]: 1, [b]: 1 });
    await scene.until('all are spread', () => begun(scene).length === 4 && scene.inFlight().length === 0, { timeoutMs: 5 * MINUTE_MS });
    expect(setsInOrder(scene).slice(0, 2)).toEqual(['first', 'big']);
  });
}

/** A set with many moves, each of which takes twenty minutes, is always more uneven than the other one, which has its turn after an hour. */
async function nobodyStarves(world: SimulatedWorld): Promise<void> {
  return inScene(world, 'starving', async (scene) => {
    const { a, b } = world.zones;
    await createSets(scene, { big: 12, web: 2 });
    await scene.startDaemon({ ...NO_SWEEP, 'max-migrations': '1' });
    await switchOn(scene, 'big', { 'health-duration': '20m' });
    await scene.untilStep('ready');
    await switchOn(scene, 'web');
    await untilHeld(scene, { reason: 'BudgetUsedUp', says: /--max-migrations/ });
    const askedMs = world.clock.now();
    await world.clock.sleep(50 * MINUTE_MS);
    expect(setsInOrder(scene)).toEqual(['big', 'big', 'big']);
    await scene.untilSpread({ [a]: 1, [b]: 1 }, { timeoutMs: HOUR_MS });
    const own = begun(scene).find(({ spec }) => spec.statefulSetRef.name === 'web');
    const waitedMs = Date.parse(own?.status?.startedAt ?? '') - askedMs;
    expect(waitedMs, 'ms that it waited').toBeGreaterThan(HOUR_MS - MINUTE_MS);
    expect(waitedMs, 'ms that it waited').toBeLessThan(HOUR_MS + 21 * MINUTE_MS);
    expect(scene.reports.get('big')?.status?.plan?.total, 'moves that the big one still has').toBeGreaterThan(0);
    await switchOn(scene, 'big', { paused: 'true' });
    await scene.until('none is under way any more', () => scene.inFlight().length === 0, { timeoutMs: HOUR_MS });
  });
}

export const BUDGETS: Story[] = [
  { name: 'in the whole cluster: the next set begins when the other one is done', shows: ['BudgetUsedUp'], run: oneAtOnceInTheCluster },
  { name: 'within an hour: the next move begins an hour after the last one did', run: onePerHour },
  { name: 'between two zones: one at a time, although two of the set may be away', run: twoAway({ 'max-migrations-per-zone': '1' }, 1, /1 moves from \S+-a to \S+-b are under way \(--max-migrations-per-zone\)/) },
  { name: 'of one set: two at once under Parallel, when the set says so', run: twoAway({}, 2) },
  { name: 'of one set: more than one is refused under OrderedReady', run: refusedUnderOrderedReady },
  { name: 'and the most uneven set goes first', run: worstFirst },
  { name: 'and nobody waits for ever', run: nobodyStarves },
];
