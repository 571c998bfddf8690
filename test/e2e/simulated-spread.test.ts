// A set spreads itself over the declared zones, whatever kind of set and disks it is: on the simulated world.

import { onSimulatedWorlds } from './on-simulated-worlds.ts';
import { SPREAD } from './scenarios/catalogue.ts';

onSimulatedWorlds(SPREAD);
