// The crash matrix of moves that go well.

import { storiesEnding, survivesEveryTrouble } from './survival.ts';

for (const story of storiesEnding('Succeeded')) survivesEveryTrouble(story);
