// What stands in the way of a move, and what a move leaves behind.

import { onTheRealWorld } from './on-the-real-world.ts';
import { TROUBLE } from './scenarios/catalogue.ts';

onTheRealWorld(TROUBLE);
