// The crash matrix of moves that are undone, or end before there is anything to undo.

import { storiesEnding, survivesEveryTrouble } from './survival.ts';

for (const story of storiesEnding('RolledBack', 'Failed')) survivesEveryTrouble(story);
