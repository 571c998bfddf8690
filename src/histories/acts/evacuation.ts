// A zone is taken from all sets at once, for a while or for good.

import { zoneEvacuations } from '../../controller/zone-evacuation.ts';
import type { Act } from '../acts.ts';
import { Dice } from '../dice.ts';
import { zoneName } from '../manifests.ts';
import type { HistoryWorld } from '../world.ts';
import { person, untilDone } from './scene.ts';

export const EVACUATE = 'evacuate a zone';

export const EVACUATION_ACTS: Record<string, Act> = {
  [EVACUATE]: { perform: (world, lot) => evacuate(world, Dice.ofLot(lot)) },
};

/** Of several for one zone each closes it. Some are never deleted. */
async function evacuate(world: HistoryWorld, dice: Dice): Promise<void> {
  const zone = zoneName(dice.between(0, world.plan.cluster.zones - 1));
  const name = `maintenance-${dice.between(1, 1_000_000)}`;
  await person(world).create(zoneEvacuations, { metadata: { name }, spec: { zone, reason: 'work on the power lines' } });
  if (dice.chance(0.6)) untilDone(world, dice.scale(5_000, 300_000), () => person(world).delete(zoneEvacuations, { name }));
}
