// kill -9 of the daemon inside every step: on the simulated world.

import { onSimulatedWorlds } from './on-simulated-worlds.ts';
import { CRASH } from './scenarios/catalogue.ts';

onSimulatedWorlds(CRASH);
