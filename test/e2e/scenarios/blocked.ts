// A policy that cannot be read is reported, and nothing is touched. (What else holds a move: held/.)

import { expect } from 'vitest';
import { inScene } from '../scene.ts';
import type { World } from '../world.ts';
import { touchable } from './held/holding.ts';

const WHILE_MS = 5_000;

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
