// Without the webhook: before there ever was one, and when it dies. One after the other, for there is one for all: on the simulated world.

import { onSimulatedWorlds } from './on-simulated-worlds.ts';
import { WEBHOOK } from './scenarios/catalogue.ts';

onSimulatedWorlds(WEBHOOK);
