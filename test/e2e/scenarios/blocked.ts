// What must not be moved now is reported, and nothing is touched.

import { expect } from 'vitest';
import { disruptionBudgets } from '../../../src/kubernetes/objects.ts';
import { expectMoves } from '../expect.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

const WHILE_MS = 5_000;

/** A disruption budget that allows none; once it does, the ordinal moves. */
export function disruptionBudgetWithoutRoom(world: World): Promise<void> {
  return inScene(world, 'budget', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2 });
    const budget = { namespace: scene.namespace, name: 'web-stays' };
    await world.api.create(disruptionBudgets, { metadata: budget, spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } } });
    await scene.until('the budget allows none', async () => (await world.api.get(disruptionBudgets, budget))?.status?.expectedPods === 2);
    await scene.startDaemon();
    const before = touchable(scene);

    await scene.annotate({ zones: `${a},${b}` });
    await scene.until('the report names the budget', () => (scene.report()?.status?.blocked ?? []).some(({ message }) => message.includes(budget.name)));
    expect(scene.report()?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Blocked', status: 'True' }));
    await scene.until('an event says so', () => scene.eventTexts().some((text) => text.startsWith('SpreadBlocked') && text.includes(budget.name)));
    await scene.throughout(WHILE_MS, () => expect(touchable(scene)).toEqual(before));

    await world.api.mergePatch(disruptionBudgets, budget, { spec: { minAvailable: 1 } });
    await scene.untilSpread({ [a]: 1, [b]: 1 });
    expectMoves(scene, [1]);
  });
}

/** No webhook was there to refuse it: event and report say key, value and what is allowed. Put right, it moves. */
export function wrongAnnotationValue(world: World): Promise<void> {
  return inScene(world, 'wrong', async (scene) => {
    expect(world.webhook.alive, 'a webhook that would have refused it').toBe(false);
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2 });
    await scene.startDaemon();
    const before = touchable(scene);

    await scene.annotate({ zones: `${a},${b}`, 'on-unready': 'panic' });
    const said = [/zonespread\.io\/on-unready/, /panic/, /hold, reverse or restore-source/];
    const says = (text: string): boolean => said.every((pattern) => pattern.test(text));
    await scene.until('an event says key, value and what is allowed', () => scene.eventTexts().some((text) => text.startsWith('InvalidPolicy') && says(text)));
    await scene.until('the report says key, value and what is allowed', () => {
      const { blocked = [], conditions = [] } = scene.report()?.status ?? {};
      return [...blocked, ...conditions].some(({ reason, message = '' }) => reason === 'InvalidPolicy' && says(message));
    });
    await scene.throughout(WHILE_MS, () => {
      expect(touchable(scene)).toEqual(before);
      expect(scene.migrations.all()).toEqual([]);
    });
  });
}

/** What a move would change: who the pods are, what the claims are bound to, and how the volumes stand. */
function touchable(scene: Scene): object {
  return {
    pods: scene.pods.all().map(({ metadata }) => metadata.uid),
    claims: scene.claims.all().map(({ metadata, spec }) => [metadata.uid, spec.volumeName, metadata.labels]),
    volumes: scene.volumes.all().map(({ metadata, spec }) => [metadata.uid, spec.persistentVolumeReclaimPolicy, metadata.labels]),
    disks: scene.world.cloud.snapshots().filter(({ sourceDiskId }) => scene.volumes.all().some(({ spec }) => spec.csi?.volumeHandle === sourceDiskId)).length,
  };
}
