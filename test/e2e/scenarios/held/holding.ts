// One case of a move that must not start: what holds it, how that shows, and what takes it away. Played, a case has the set held for that
// reason and no other, nothing touched all the while, and the move done by itself once the cause is gone.
//
//   createSet ─► arrange ─► daemon ─► annotate ─► held: report, event ─► (a while, with sweeps) ─► release ─► moved, without a sweep

import { expect } from 'vitest';
import type { BlockReason, UnsatisfiedReason } from '../../../../src/planner/reasons.ts';
import { phaseOf } from '../../../../src/migration/record.ts';
import type { Exceptions } from '../../expect.ts';
import { inScene, type Scene } from '../../scene.ts';
import type { SetOptions } from '../../workload.ts';
import type { World } from '../../world.ts';

export interface HeldCase<W extends World = World> {
  reason: BlockReason;
  /** Completes "a move is held while …". */
  name: string;
  /** The message names object and cause. */
  says: RegExp;
  /**
   * What tells the daemon that the cause is gone: a change that it watches, a timer of its own for what nobody tells, or nothing before the
   * next sweep.
   */
  noticed: 'by a watch' | 'by a timer' | 'by the sweep';
  /** Why the set is not satisfied meanwhile; default `MovesPlanned`. */
  unsatisfied?: UnsatisfiedReason;
  /** Two replicas in zone a unless told otherwise. */
  set?: Partial<SetOptions>;
  /** How many of its pods get Ready at first; default all. */
  ready?: number;
  /** Annotations, beside `zones`, which is a and b by default. */
  policy?: (world: W) => Record<string, string>;
  flags?: Record<string, string>;
  /** Reasons that cannot be told apart from this one in a real cluster: they come and go together. */
  also?: BlockReason[];
  /** Whether the webhook runs from the beginning; default true. */
  webhook?: false;
  /** Before there is a set. */
  prepare?: (scene: Scene, world: W) => Promise<void>;
  /** @returns what takes the cause away. */
  arrange: (scene: Scene, world: W) => Promise<() => Promise<unknown>>;
  /** Ordinals per zone afterwards; default one in a and one in b. */
  ends?: (world: W) => Record<string, number>;
  exceptions?: Exceptions;
}

/** How long a case is looked at while it is held, and how soon the move must begin afterwards. */
export interface Watchfulness {
  /** node-cron, of the sweeps while it is held; none may come after the release. */
  sweep: string;
  /** Of what nothing but a sweep finds. */
  neededSweep: string;
  heldForMs: number;
  /** From the release to the record of the move; undefined: it is not measured. */
  begunWithinMs?: Record<HeldCase['noticed'], number>;
  /** So far apart are the needed sweeps. */
  sweepEveryMs?: number;
}

/** A sweep that finds a sold-out zone on sale again may go by an answer of five minutes ago. */
const PATIENCE_MS = 20 * 60_000;

export function held<W extends World>(one: HeldCase<W>, watchfulness: Watchfulness): (world: W) => Promise<void> {
  return (world) =>
    inScene(world, 'held', async (scene) => {
      const { set, policy = () => ({}), flags = {}, exceptions = {} } = one;
      await one.prepare?.(scene, world);
      await scene.createSet({ replicas: 2, ...set }, one.ready === undefined ? {} : { ready: one.ready });
      const release = await one.arrange(scene, world);
      await scene.startDaemon({ sweep: one.noticed === 'by the sweep' ? watchfulness.neededSweep : watchfulness.sweep, ...flags });
      const before = touchable(scene);

      await scene.annotate({ zones: `${world.zones.a},${world.zones.b}`, ...policy(world) });
      await untilHeld(scene, { unsatisfied: 'MovesPlanned', ...one });
      await world.clock.sleep(watchfulness.heldForMs);
      await expectStillHeld(scene, one, before);

      await release();
      const releasedMs = world.clock.now();
      await expectMoved(scene, one.ends?.(world) ?? { [world.zones.a]: 1, [world.zones.b]: 1 });
      expectNoticed(scene, one, { releasedMs, watchfulness });
      return exceptions;
    });
}

export async function untilHeld(scene: Scene, { reason, says, also = [], unsatisfied }: Pick<HeldCase, 'reason' | 'says' | 'also' | 'unsatisfied'>): Promise<void> {
  await scene.until(`the report says ${reason}`, () => {
    expect(scene.report()?.status?.blocked).toContainEqual(expect.objectContaining({ reason, message: expect.stringMatching(says) }));
    expectHeldFor(scene, [reason, ...also]);
    if (unsatisfied !== undefined) expectUnsatisfied(scene, unsatisfied);
    return true;
  });
  await scene.until('an event says so', () => scene.eventTexts().some((text) => text.startsWith(`SpreadBlocked: ${reason}: `)));
}

export function expectUnsatisfied(scene: Scene, reason: UnsatisfiedReason): void {
  expect(scene.report()?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Satisfied', status: 'False', reason }));
}

/** By these and no other reasons; what a glance shows is the first of them. */
export function expectHeldFor(scene: Scene, reasons: readonly BlockReason[]): void {
  const { blocked = [], conditions = [], state, inFlight = [], satisfied } = scene.report()?.status ?? {};
  expect(new Set(blocked.map(({ reason }) => reason)), 'why it is held').toEqual(new Set(reasons));
  const first = blocked[0]?.reason;
  expect(state).toBe(`waits for ${first}`);
  expect(conditions).toContainEqual(expect.objectContaining({ type: 'Blocked', status: 'True', reason: first }));
  expect(conditions).toContainEqual(expect.objectContaining({ type: 'Progressing', status: 'False' }));
  expect([satisfied, inFlight], 'satisfied, in flight').toEqual([false, []]);
}

async function expectStillHeld(scene: Scene, { reason, also = [] }: Pick<HeldCase, 'reason' | 'also'>, before: object): Promise<void> {
  await scene.catchUp();
  expectHeldFor(scene, [reason, ...also]);
  expect(scene.migrations.versions, 'records of moves, ever').toEqual([]);
  expect(touchable(scene)).toEqual(before);
}

/** What a move would change: who the pods are, what the claims are bound to, how the volumes stand, and the disks and snapshots at the cloud. */
export function touchable(scene: Scene): object {
  const ids = new Set(scene.volumes.all().map(({ spec }) => spec.csi?.volumeHandle ?? ''));
  const { cloud } = scene.world;
  return {
    pods: scene.pods.all().map(({ metadata }) => metadata.uid),
    claims: scene.claims.all().map(({ metadata, spec }) => [metadata.uid, spec.volumeName, metadata.labels]),
    volumes: scene.volumes.all().map(({ metadata, spec }) => [metadata.uid, spec.persistentVolumeReclaimPolicy, metadata.labels]),
    disks: cloud.disks().filter(({ id }) => ids.has(id)).map(({ id, zone, tags, attachments }) => [id, zone, tags, attachments]),
    snapshots: cloud.snapshots().filter(({ sourceDiskId }) => ids.has(sourceDiskId)).map(({ id }) => id),
  };
}

async function expectMoved(scene: Scene, ends: Record<string, number>): Promise<void> {
  await scene.untilSpread(ends, { timeoutMs: PATIENCE_MS });
  expect(scene.migrations.all().map(phaseOf), 'how its moves ended').toEqual(['Succeeded']);
  await scene.until('the report has nothing to complain about', () => {
    expect(scene.report()?.status).toMatchObject({ satisfied: true, state: 'as declared', blocked: [] });
    return true;
  });
}

/** What is said to need the sweep began right after one, and what is said to be told was not waited for. */
function expectNoticed(scene: Scene, { noticed }: Pick<HeldCase, 'noticed'>, { releasedMs, watchfulness: { begunWithinMs, sweepEveryMs = Number.POSITIVE_INFINITY } }: { releasedMs: number; watchfulness: Watchfulness }): void {
  if (begunWithinMs === undefined) return;
  const begunMs = Date.parse(scene.migration().metadata.creationTimestamp ?? '');
  const sinceMs = noticed === 'by the sweep' ? begunMs % sweepEveryMs : begunMs - releasedMs;
  expect(sinceMs, `ms from the ${noticed === 'by the sweep' ? 'sweep' : 'release'} to the beginning`).toBeLessThan(begunWithinMs[noticed]);
}
