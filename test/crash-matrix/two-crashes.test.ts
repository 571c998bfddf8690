// Two crashes in one history, by seeded sample: the second one hits a daemon that is still finding out what the first one left.

import { STORIES } from './stories.ts';
import { survivesTwoCrashes } from './survival.ts';

for (const story of STORIES) survivesTwoCrashes(story);
