// Hands on what makes the webhook work at all: its configurations, and the label by which namespaces are chosen.

import { IN_FLIGHT_LABEL, OVERRIDE_ANNOTATION } from '../../kubernetes/names.ts';
import { mutatingWebhooks, namespaces, validatingWebhooks } from '../../kubernetes/objects.ts';
import type { Act } from '../acts.ts';
import { Dice } from '../dice.ts';
import { NAMESPACE } from '../world.ts';
import { aMove, person } from './scene.ts';

const CONFIGURATION = 'zonespread';

export const ADMISSION_ACTS: Record<string, Act> = {
  /** The webhook registers itself again within seconds; until then nobody gates, steers or guards. */
  'delete the webhook configurations': {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      if (dice.chance(0.7)) await aMove(world, dice);
      if (dice.chance(0.7)) await person(world).delete(mutatingWebhooks, { name: CONFIGURATION });
      else await person(world).delete(validatingWebhooks, { name: CONFIGURATION });
    },
  },
  /** By a tool that keeps a namespace's labels as its own files have them; over the guard, which it would have to be told of. */
  'take the in-flight label off': {
    async perform(world, lot) {
      const { metadata } = await aMove(world, Dice.ofLot(lot));
      await person(world).mergePatch(namespaces, { name: NAMESPACE }, { metadata: { labels: { [IN_FLIGHT_LABEL]: null }, annotations: { [OVERRIDE_ANNOTATION]: metadata.name } } });
    },
  },
  'label the namespace': {
    async perform(world, lot) {
      await person(world).mergePatch(namespaces, { name: NAMESPACE }, { metadata: { labels: { team: `team-${Dice.ofLot(lot).between(1, 9)}` }, annotations: { 'zonespread.io/max-skew': '1' } } });
    },
  },
};
