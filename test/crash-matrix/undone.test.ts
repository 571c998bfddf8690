// The crash matrix of moves that are undone.

import { storiesEnding, survivesEveryTrouble } from './survival.ts';

for (const story of storiesEnding('RolledBack')) survivesEveryTrouble(story);
