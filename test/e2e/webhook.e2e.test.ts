// Without the webhook: before there ever was one, and when it dies. One after the other, for there is one for all.

import { onTheRealWorld } from './on-the-real-world.ts';
import { WEBHOOK } from './scenarios/catalogue.ts';

onTheRealWorld(WEBHOOK);
