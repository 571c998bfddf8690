// The crash matrix of moves that are taken back after the new disk was in use.

import { storiesEnding, survivesEveryTrouble } from './survival.ts';

for (const story of storiesEnding('Reversed', 'SourceRestored')) survivesEveryTrouble(story);
