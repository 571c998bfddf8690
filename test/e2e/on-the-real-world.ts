// The scenarios of the catalogue as tests on one real world, which they share: side by side where they do not notice each other.

import { afterAll, beforeAll, describe, test } from 'vitest';
import { startRealWorld } from './real-world.ts';
import type { Group, Scenario } from './scenarios/catalogue.ts';
import { runsInFull, sample, seedOfToday } from './scenarios/sample.ts';
import type { World } from './world.ts';

export function onTheRealWorld(groups: readonly Group[]): void {
  const seed = seedOfToday();
  let world: World;

  beforeAll(async () => {
    world = await startRealWorld({ webhook: groups.every(({ webhook }) => webhook !== false) });
  });

  afterAll(async () => {
    await world?.stop();
  });

  for (const group of groups) {
    const title = group.sampled === undefined ? group.title : `${group.title} (ZONESPREAD_SEED=${seed})`;
    (group.alone === true ? describe : describe.concurrent)(title, () => {
      if (group.alone === true && group.webhook !== false) beforeAll(() => world.webhook.start());
      for (const { name, run } of chosen(group, seed)) test(`${name} (real control plane)`, () => run(world));
    });
  }
}

function chosen({ scenarios, sampled }: Group, seed: string): Scenario[] {
  if (runsInFull()) return scenarios;
  return sampled === undefined ? scenarios.filter(({ onlyInFull }) => onlyInFull !== true) : sample(scenarios, sampled, seed);
}
