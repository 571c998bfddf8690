// kill -9 of the daemon inside every step.

import { onTheRealWorld } from './on-the-real-world.ts';
import { CRASH } from './scenarios/catalogue.ts';

onTheRealWorld(CRASH);
