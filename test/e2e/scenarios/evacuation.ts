// A zone is evacuated and given back: every set leaves it, says how far that is, and spreads again as it declares.

import { expect } from 'vitest';
import { zoneEvacuations, type ZoneEvacuationStatus } from '../../../src/controller/zone-evacuation.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

export function leftAndTakenBack(world: World): Promise<void> {
  const { a, b } = world.zones;
  return inScene(world, 'evacuation', async (scene) => {
    await scene.createSet({ replicas: 2 });
    await scene.startDaemon({ sweep: '* * * * * *', 'cool-down': '0s' });
    await scene.annotate({ zones: `${a},${b}` });
    await scene.untilSpread({ [a]: 1, [b]: 1 }, { timeoutMs: 90_000 });

    const name = `leave-${scene.namespace}`;
    await world.api.create(zoneEvacuations, { metadata: { name }, spec: { zone: a, reason: 'works' } });
    try {
      await scene.untilSpread({ [b]: 2 }, { timeoutMs: 90_000 });
      const moved = scene.migrations.all().find(({ spec }) => spec.reason === 'Evacuate' && spec.targetZone === b);
      expect(moved, 'the move out of the zone').toBeDefined();
      await scene.until('the evacuation says that the zone is empty', async () => {
        expect(await statusOf(scene, name)).toMatchObject({ disksLeft: 0, disksMoved: 1, disksBlocked: 0, conditions: [expect.objectContaining({ type: 'Complete', status: 'True', reason: 'ZoneEmpty' }), expect.anything()] });
        return true;
      });
    } finally {
      await world.api.delete(zoneEvacuations, { name });
    }
    await scene.untilSpread({ [a]: 1, [b]: 1 }, { timeoutMs: 90_000 });
  });
}

async function statusOf({ world }: Scene, name: string): Promise<ZoneEvacuationStatus | undefined> {
  return (await world.api.get(zoneEvacuations, { name }))?.status;
}
