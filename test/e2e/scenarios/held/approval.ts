// Mode `plan`: nothing moves that nobody has approved; what is approved is the list as it was then; and the report tells what has become
// of it and what has come up since.

import { expect } from 'vitest';
import { phaseOf } from '../../../../src/migration/record.ts';
import { expectMoves } from '../../expect.ts';
import { inScene, type Scene } from '../../scene.ts';
import type { World } from '../../world.ts';
import { touchable, untilHeld } from './holding.ts';
import { NO_SWEEP, type Story } from './windows.ts';

const WHILE_MS = 60_000;

/** Four in zone a, declared a and b: two moves, of which nobody has approved any. */
async function planned(scene: Scene): Promise<string> {
  const { a, b } = scene.world.zones;
  await scene.createSet({ replicas: 4, podManagementPolicy: 'Parallel' });
  await scene.startDaemon(NO_SWEEP);
  await scene.annotate({ zones: `${a},${b}`, mode: 'plan' });
  await untilHeld(scene, { reason: 'ApprovalNeeded', says: /2 of 2 moves are not approved \(web-3 from \S+-a to \S+-b, web-2 from \S+-a to \S+-b\)/ });
  return digestOf(scene);
}

function digestOf(scene: Scene): string {
  return scene.report()?.status?.plan?.digest ?? '';
}

function approvedMoves(scene: Scene): [number, string | undefined][] {
  return (scene.report()?.status?.approved?.moves ?? []).map(({ ordinal, state }) => [ordinal, state]);
}

/** Of the list of that day runs what the plan still wants, and nothing else, whatever that wants by then. */
async function exactlyThatList(world: World): Promise<void> {
  return inScene(world, 'approval', async (scene) => {
    const { a, b } = world.zones;
    const digest = await planned(scene);
    const heal = world.kubelets.behaviour.neverReady({ namespace: scene.namespace, zone: b });
    await scene.annotate({ approve: digest, 'ready-timeout': '1h' });
    await scene.until('what runs and what is left is there to see', () => {
      expect(approvedMoves(scene)).toEqual([[3, 'Moving'], [2, 'Planned']]);
      return true;
    });

    // Two more replicas, born in zone a: by now the highest ordinals ought to move, and nobody has approved those.
    await scene.changeSet({ replicas: 6 });
    await scene.until('they are Ready', () => scene.readyOrdinals().length === 5);
    heal();
    await scene.until('what has begun has ended, and the rest of the list is not wanted any more', () => {
      expect(approvedMoves(scene)).toEqual([[3, 'Moved'], [2, 'NotWanted']]);
      return true;
    });
    await untilHeld(scene, { reason: 'ApprovalNeeded', says: new RegExp(`2 of 2 moves are not approved \\(web-5 from \\S+-a to \\S+-b, web-4 from \\S+-a to \\S+-b\\); ${digest} approves none of them; look at the plan, then set zonespread\\.io/approve: "${digestOf(scene)}"`) });
    expectMoves(scene, [3]);
    await scene.untilReady(3);
    const before = touchable(scene);
    await world.clock.sleep(WHILE_MS);
    expect(touchable(scene)).toEqual(before);
    expect(scene.migrations.all()).toHaveLength(1);

    await scene.annotate({ approve: digestOf(scene) });
    await scene.untilSpread({ [a]: 3, [b]: 3 });
    expectMoves(scene, [3, 5, 4]);
    return { takenDown: [4, 5] };
  });
}

/** An approval of something else moves nothing, and says so; the plan's own digest then does. */
async function staleDigest(world: World): Promise<void> {
  return inScene(world, 'stale', async (scene) => {
    const { a, b } = world.zones;
    const digest = await planned(scene);
    const stale = '0123456789abcdef'.repeat(4);
    const before = touchable(scene);
    await scene.annotate({ approve: stale });
    await untilHeld(scene, { reason: 'ApprovalNeeded', says: new RegExp(`; ${stale} approves none of them; .*approve: "${digest}"`) });
    await world.clock.sleep(WHILE_MS);
    expect(touchable(scene)).toEqual(before);
    expect(scene.migrations.versions).toEqual([]);
    expect(approvedMoves(scene)).toEqual([]);

    await scene.annotate({ approve: digest });
    await scene.untilSpread({ [a]: 2, [b]: 2 });
    expectMoves(scene, [3, 2]);
    await scene.until('the list has run', () => {
      expect(approvedMoves(scene)).toEqual([[3, 'Moved'], [2, 'Moved']]);
      return true;
    });
  });
}

/** What was approved and is no longer wanted does not run, and shows as that. */
async function noLongerWanted(world: World): Promise<void> {
  return inScene(world, 'unwanted', async (scene) => {
    const digest = await planned(scene);
    await scene.annotate({ approve: digest, paused: 'true' });
    await scene.until('the list is frozen', () => approvedMoves(scene).length === 2);
    await scene.annotate({ 'max-skew': '4' });
    await scene.until('nothing of the list is wanted any more', () => {
      expect(scene.report()?.status).toMatchObject({ satisfied: true, blocked: [], state: 'as declared' });
      expect(approvedMoves(scene)).toEqual([[3, 'NotWanted'], [2, 'NotWanted']]);
      return true;
    });
    await scene.annotate({ paused: null });
    await world.clock.sleep(WHILE_MS);
    expect(scene.migrations.all().map(phaseOf)).toEqual([]);
  });
}

export const APPROVAL: Story[] = [
  { name: 'is of the list of that day; what is new needs another one, and the report says what ran, what is left and what has come up', run: exactlyThatList },
  { name: 'of another plan than this moves nothing, and the report says so', run: staleDigest },
  { name: 'does not make move what the policy no longer asks for', run: noLongerWanted },
];
