// What stands in the way of a move, and what a move leaves behind: on the simulated world.

import { onSimulatedWorlds } from './on-simulated-worlds.ts';
import { TROUBLE } from './scenarios/catalogue.ts';

onSimulatedWorlds(TROUBLE);
