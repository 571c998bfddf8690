// Windows, cool-down and back-off: holds that time itself ends, looked at over hours and days. No sweep helps: `NO_SWEEP` is never within
// the time of a story, so what begins, begins by the daemon's own timer.

import { expect } from 'vitest';
import { nodes } from '../../../../src/kubernetes/objects.ts';
import { conditionOf } from '../../../../src/kubernetes/reading.ts';
import { phaseOf, type OrdinalMigration } from '../../../../src/migration/record.ts';
import type { BlockReason, UnsatisfiedReason } from '../../../../src/planner/reasons.ts';
import { expectMoves } from '../../expect.ts';
import { inScene, type Scene } from '../../scene.ts';
import type { SimulatedWorld } from '../../simulated-world.ts';
import { expectHeldFor, expectUnsatisfied, touchable, untilHeld } from './holding.ts';

export interface Story {
  name: string;
  /** What it shows of the planner's reasons, beside what others show. */
  shows?: (BlockReason | UnsatisfiedReason)[];
  /** Wall-clock time at the beginning. */
  start?: string;
  run: (world: SimulatedWorld) => Promise<void>;
}

export const NO_SWEEP = { sweep: '0 0 1 7 *' };
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** From the moment that a hold ends to the record of the move. */
const SOON_MS = 5 * SECOND_MS;

/** Two replicas in zone a and one move to make, under that window. */
function inWindows(window: string, act: (scene: Scene, world: SimulatedWorld) => Promise<void>): Story['run'] {
  return (world) =>
    inScene(world, 'window', async (scene) => {
      await scene.createSet({ replicas: 2 });
      await scene.startDaemon(NO_SWEEP);
      await scene.annotate({ zones: `${world.zones.a},${world.zones.b}`, window });
      await act(scene, world);
    });
}

async function untilTime(world: SimulatedWorld, time: string): Promise<void> {
  await world.clock.sleep(Date.parse(time) - world.clock.now());
}

function expectNothingBegun(scene: Scene): void {
  expect(scene.migrations.versions, 'records of moves, ever').toEqual([]);
}

async function expectBegunAt(scene: Scene, world: SimulatedWorld, opening: string): Promise<void> {
  await untilTime(world, opening);
  expectNothingBegun(scene);
  await scene.untilSpread({ [scene.world.zones.a]: 1, [scene.world.zones.b]: 1 });
  const lateMs = Date.parse(scene.migration().metadata.creationTimestamp ?? '') - Date.parse(opening);
  expect(lateMs, 'ms from the opening to the beginning').toBeGreaterThanOrEqual(0);
  expect(lateMs, 'ms from the opening to the beginning').toBeLessThan(SOON_MS);
  expectMoves(scene, [1]);
}

const nextOpens = (time: string): { reason: 'OutsideWindow'; says: RegExp } => ({ reason: 'OutsideWindow', says: new RegExp(`the next one opens at ${time.replaceAll('.', '\\.')}`) });

export const WINDOWS: Story[] = [
  {
    name: 'is closed: the move waits, and begins when it opens',
    shows: ['OutsideWindow'],
    start: '2026-01-01T17:40:00.000Z',
    run: inWindows('0 2 * * * for 1h in Asia/Shanghai', async (scene, world) => {
      const before = touchable(scene);
      await untilHeld(scene, nextOpens('2026-01-01T18:00:00.000Z'));
      await untilTime(world, '2026-01-01T17:59:59.000Z');
      expect(touchable(scene)).toEqual(before);
      await expectBegunAt(scene, world, '2026-01-01T18:00:00.000Z');
    }),
  },
  {
    name: 'closes before the move would by estimate be over: it waits for the next one',
    shows: ['WindowClosesSoon'],
    start: '2026-01-01T18:08:45.000Z',
    run: inWindows('0 * * * * for 10m in Asia/Shanghai', async (scene, world) => {
      await untilHeld(scene, { reason: 'WindowClosesSoon', says: /the move of web-1 is estimated at \S+, and the window of zonespread\.io\/window closes at 2026-01-01T18:10:00\.000Z/ });
      await scene.until('it has closed', () => world.clock.now() > Date.parse('2026-01-01T18:10:00.000Z'), { timeoutMs: 2 * MINUTE_MS });
      await untilHeld(scene, nextOpens('2026-01-01T19:00:00.000Z'));
      await expectBegunAt(scene, world, '2026-01-01T19:00:00.000Z');
    }),
  },
  {
    name: 'is one of several: the one that opens first counts',
    start: '2026-01-01T03:50:00.000Z',
    run: inWindows('0 2 * * 6 for 1h in UTC; 0 4 * * * for 1h in UTC', async (scene, world) => {
      await untilHeld(scene, nextOpens('2026-01-01T04:00:00.000Z'));
      await expectBegunAt(scene, world, '2026-01-01T04:00:00.000Z');
    }),
  },
  {
    name: 'would open in the hour that clocks leave out: it opens when that hour would have ended',
    start: '2026-03-29T00:50:00.000Z',
    run: inWindows('30 2 * * * for 1h in Europe/Berlin', async (scene, world) => {
      await untilHeld(scene, nextOpens('2026-03-29T01:00:00.000Z'));
      await expectBegunAt(scene, world, '2026-03-29T01:00:00.000Z');
    }),
  },
  {
    name: 'opens in the hour that clocks go through twice: it opens once, and is closed the second time',
    start: '2026-10-25T01:28:45.000Z',
    run: inWindows('30 2 * * * for 1h in Europe/Berlin', async (scene, world) => {
      await untilHeld(scene, { reason: 'WindowClosesSoon', says: /closes at 2026-10-25T01:30:00\.000Z/ });
      await untilTime(world, '2026-10-25T01:31:00.000Z');
      await untilHeld(scene, nextOpens('2026-10-26T01:30:00.000Z'));
      expectNothingBegun(scene);
    }),
  },
  { name: 'closes while a move is under way: that one ends, and the next one waits', start: '2026-01-01T02:00:00.000Z', run: closesUnderWay },
  { name: 'closes while a move fails, and while a source is retired: both go on', start: '2026-01-01T02:00:00.000Z', run: closesBeforeUndoAndRetirement },
];

const TEN_MINUTES = '0 * * * * for 10m in UTC';

function closesUnderWay(world: SimulatedWorld): Promise<void> {
  return inScene(world, 'closing', async (scene) => {
    const { a, b } = world.zones;
    const heal = world.kubelets.behaviour.neverReady({ namespace: scene.namespace, zone: b });
    await scene.createSet({ replicas: 4 });
    await scene.startDaemon(NO_SWEEP);
    await scene.annotate({ zones: `${a},${b}`, window: TEN_MINUTES, 'ready-timeout': '1h' });
    await scene.untilStep('ready');
    await untilTime(world, '2026-01-01T02:20:00.000Z');
    heal();
    const record = await scene.untilPhase('Succeeded');
    expect(record.status?.finishedAt ?? '').toMatch(/^2026-01-01T02:2/);
    await untilHeld(scene, nextOpens('2026-01-01T03:00:00.000Z'));
    await untilTime(world, '2026-01-01T02:59:59.000Z');
    expect(scene.migrations.all()).toHaveLength(1);
    // By now one move is known to take twenty minutes: the window has to be longer than that.
    await scene.annotate({ window: '0 * * * * for 1h in UTC' });
    await scene.untilSpread({ [a]: 2, [b]: 2 });
    expectMoves(scene, [3, 2]);
  });
}

/** The first move goes through, the second one's claim is never bound: its step runs out of time after the window has closed. */
function closesBeforeUndoAndRetirement(world: SimulatedWorld): Promise<void> {
  return inScene(world, 'closing', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 4 });
    await scene.startDaemon({ ...NO_SWEEP, 'step-timeout': '10m' });
    await scene.annotate({ zones: `${a},${b}`, window: TEN_MINUTES, 'source-retention': '15m', 'snapshot-retention': '15m' });
    await scene.untilPhase('Succeeded');
    const lift = await world.forbidBinding(scene.namespace, 'target');
    const failed = await scene.untilPhase('RolledBack', { timeoutMs: 30 * MINUTE_MS });
    await lift();
    expect(failed.status?.finishedAt ?? '').toMatch(/^2026-01-01T02:1/);
    await scene.untilReady(failed.spec.ordinal);
    const retired = (record: OrdinalMigration): boolean => phaseOf(record) === 'Succeeded' && conditionOf(record, 'SourceRetired')?.reason === 'Retired';
    await scene.untilMigration('the source of the first is retired', retired, { timeoutMs: HOUR_MS });
    expect(new Date(world.clock.now()).toISOString()).toMatch(/^2026-01-01T02:[1-5]/);
    await untilHeld(scene, nextOpens('2026-01-01T03:00:00.000Z'));
  });
}

const COOL_DOWN_MS = 30 * MINUTE_MS;

export const COOL_DOWN: Story = {
  name: 'an ordinal that has moved stays for the cool-down, and goes on when it is over',
  shows: ['CoolDown'],
  run: (world) =>
    inScene(world, 'cool-down', async (scene) => {
      const { a, b } = world.zones;
      await scene.createSet({ replicas: 2 });
      await scene.startDaemon({ ...NO_SWEEP, 'cool-down': '30m' });
      await scene.annotate({ zones: `${a},${b}` });
      await scene.untilSpread({ [a]: 1, [b]: 1 });
      const movedAt = Date.parse(scene.migration().status?.finishedAt ?? '');
      const before = touchable(scene);

      await scene.annotate({ zones: a });
      await scene.until('the report says why it stays', () => {
        expectHeldFor(scene, ['CoolDown']);
        expectUnsatisfied(scene, 'CoolDown');
        return true;
      });
      expect(scene.report()?.status?.blocked?.[0]?.message).toMatch(/web-1 has moved only just and stays where it is until .*\(flag --cool-down\)/);
      await world.clock.sleep(movedAt + COOL_DOWN_MS - SECOND_MS - world.clock.now());
      expect(touchable(scene)).toEqual(before);
      await scene.untilSpread({ [a]: 2 });
      const [, again] = inOrder(scene);
      expect(Date.parse(again?.metadata.creationTimestamp ?? '') - movedAt - COOL_DOWN_MS, 'ms late').toBeLessThan(SOON_MS);
    }),
};

function inOrder(scene: Scene): OrdinalMigration[] {
  return scene.migrations.all().toSorted((one, other) => Date.parse(one.metadata.creationTimestamp ?? '') - Date.parse(other.metadata.creationTimestamp ?? ''));
}

/** Every snapshot of ordinal 1 fails, until the test says otherwise. */
function failing(name: string, act: (scene: Scene, world: SimulatedWorld, heal: () => void) => Promise<void>): Story {
  return {
    name,
    shows: ['BackOff'],
    run: (world) =>
      inScene(world, 'back-off', async (scene) => {
        await scene.createSet({ replicas: 2 });
        const { faults } = world.cloud;
        const fault = faults.add({ kind: 'snapshotFails', action: 'CreateSnapshot', match: { DiskId: scene.disk(1).id }, atProgress: 0, times: 0 });
        await scene.startDaemon(NO_SWEEP);
        await scene.annotate({ zones: `${world.zones.a},${world.zones.b}` });
        await act(scene, world, () => faults.remove(fault));
        await scene.untilSpread({ [world.zones.a]: 1, [world.zones.b]: 1 }, { timeoutMs: 7 * HOUR_MS });
      }),
  };
}

/** Minutes from the end of each try to the beginning of the next, whole ones. */
function pauses(scene: Scene): number[] {
  // Old records are dropped: what ever was counts.
  const tries = [...new Map(scene.migrations.versions.map(({ object }) => [object.metadata.uid, object])).values()];
  return tries.slice(1).map(({ metadata }, index) => Math.round((Date.parse(metadata.creationTimestamp ?? '') - Date.parse(tries[index]?.status?.finishedAt ?? '')) / MINUTE_MS));
}

async function untilTries(scene: Scene, count: number): Promise<void> {
  await scene.until(`${count} tries have failed`, () => scene.migrations.all().filter((record) => phaseOf(record) === 'RolledBack').length >= count, { timeoutMs: 24 * HOUR_MS });
  await untilHeld(scene, { reason: 'BackOff', says: /the last move of ordinal 1 ended RolledBack \(SnapshotFailed: .*it is tried again after/ });
}

/** After three tries four minutes are to be waited; what is changed cuts that down to the one that has passed. */
function resetBy(what: string, change: (scene: Scene, world: SimulatedWorld) => Promise<unknown>): Story {
  return failing(`the wait is a minute again once ${what} is another`, async (scene, world, heal) => {
    await untilTries(scene, 3);
    await world.clock.sleep(2 * MINUTE_MS);
    expect(scene.migrations.all()).toHaveLength(3);
    const changedMs = world.clock.now();
    heal();
    await change(scene, world);
    await scene.untilMigration('the next try is there', (record) => phaseOf(record) !== 'RolledBack');
    expect(world.clock.now() - changedMs, 'ms from the change to the next try').toBeLessThan(10 * SECOND_MS);
  });
}

export const BACK_OFF: Story[] = [
  failing('a move that fails waits a minute, and twice as long each time', async (scene, _world, heal) => {
    await untilTries(scene, 5);
    heal();
    await scene.until('it is tried again', () => pauses(scene).length === 5, { timeoutMs: HOUR_MS });
    expect(pauses(scene)).toEqual([1, 2, 4, 8, 16]);
  }),
  resetBy('the policy', (scene) => scene.annotate({ 'ready-timeout': '20s' })),
  resetBy('the spec of the set', (scene) => scene.changeSet({ revisionHistoryLimit: 3 })),
  {
    name: 'of a pod that found no node, the wait is a minute again once the nodes of the zone are others',
    run: (world) =>
      inScene(world, 'back-off', async (scene) => {
        const { zone, node } = await world.addZone();
        await scene.createSet({ replicas: 2 });
        await scene.startDaemon(NO_SWEEP);
        await scene.annotate({ zones: `${world.zones.a},${zone}`, 'ready-timeout': '4s' });
        for (let tries = 1; tries <= 3; tries += 1) {
          await scene.untilMigration(`try ${tries} makes its disk`, ({ status }) => status?.phase === 'Running' && status.step === 'createDisk', { timeoutMs: 10 * MINUTE_MS });
          await scene.cordon(node);
          await scene.until('the try has failed', () => scene.migrations.all().filter((record) => phaseOf(record) === 'RolledBack').length === tries);
          expect(inOrder(scene).at(-1)?.status?.reason).toBe('Unschedulable');
          await scene.untilReady(1);
          if (tries < 3) await scene.cordon(node, false);
        }
        await world.clock.sleep(2 * MINUTE_MS);
        expect(scene.migrations.all()).toHaveLength(3);
        const changedMs = world.clock.now();
        await world.api.mergePatch(nodes, { name: node }, { metadata: { labels: { 'example.com/repaired': 'yes' } }, spec: { unschedulable: null } });
        await scene.untilSpread({ [world.zones.a]: 1, [zone]: 1 });
        expect(Date.parse(inOrder(scene).at(-1)?.metadata.creationTimestamp ?? '') - changedMs, 'ms from the change to the next try').toBeLessThan(10 * SECOND_MS);
      }),
  },
];

export const NOT_AS_DECLARED: Story[] = [
  {
    name: 'its pins leave no layout within max-skew',
    shows: ['PinsConflict'],
    run: (world) =>
      inScene(world, 'pins', async (scene) => {
        const { a, b } = world.zones;
        await scene.createSet({ replicas: 2 });
        await scene.startDaemon(NO_SWEEP);
        await scene.annotate({ zones: `${a},${b}`, pin: `0=${a},1=${a}` });
        await scene.until('the report says so', () => {
          expectUnsatisfied(scene, 'PinsConflict');
          return true;
        });
        await world.clock.sleep(MINUTE_MS);
        expect(scene.migrations.versions).toEqual([]);
        await scene.annotate({ pin: `0=${a}` });
        await scene.untilSpread({ [a]: 1, [b]: 1 });
      }),
  },
  {
    name: 'the move that puts it right is under way',
    shows: ['InFlight'],
    run: (world) =>
      inScene(world, 'under-way', async (scene) => {
        const { a, b } = world.zones;
        const heal = world.kubelets.behaviour.keepsVolumesInUse({ zone: a });
        await scene.createSet({ replicas: 2 });
        await scene.startDaemon(NO_SWEEP);
        await scene.annotate({ zones: `${a},${b}` });
        await scene.untilStep('detach');
        await scene.until('the report says so', () => {
          expectUnsatisfied(scene, 'InFlight');
          expect(scene.report()?.status?.state).toBe(`moving web-1 to ${b}, detach`);
          return true;
        });
        heal();
        await scene.untilSpread({ [a]: 1, [b]: 1 });
      }),
  },
];
