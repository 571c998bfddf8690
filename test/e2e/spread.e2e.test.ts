// A set spreads itself over the declared zones, whatever kind of set and disks it is.

import { onTheRealWorld } from './on-the-real-world.ts';
import { SPREAD } from './scenarios/catalogue.ts';

onTheRealWorld(SPREAD);
