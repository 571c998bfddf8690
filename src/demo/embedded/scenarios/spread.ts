// The main job: a set whose disks are all in one zone spreads itself over three.

import { FIRST_ZONE, ZONES } from '../../zones.ts';
import { bringUp, declareZones } from '../play.ts';
import type { Scenario } from './scenario.ts';

export const spread: Scenario = {
  name: 'spread',
  summary: 'A set whose six disks are all in one zone spreads itself over three.',
  title: 'A StatefulSet whose six disks are all in one zone spreads itself over three.',
  bornIn: [FIRST_ZONE],
  speed: 60,
  async play(play) {
    await bringUp(play, [FIRST_ZONE]);
    const { before, since } = await declareZones(play, ZONES);
    await play.teller.watch('the set is spread as declared', () => play.onlooker.isSettled(ZONES));
    return { before, since };
  },
};
