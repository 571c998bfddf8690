// A request that fails again and again, for longer than any step may take: a permission that is missing until somebody grants it, a part
// of the API server that is down. Nothing is lost, and nothing is left, whether the move is undone for it or waits it out.

import { STORIES } from './stories.ts';
import { survivesLasting } from './survival.ts';

const [goesWell] = STORIES;
const isUndone = STORIES.findLast(({ ends }) => ends === 'RolledBack');
if (goesWell === undefined || isUndone === undefined) throw new Error('a story is missing');

survivesLasting('403', goesWell);
survivesLasting('time-out without the effect', goesWell);
survivesLasting('500 after the effect', goesWell);
survivesLasting('403', isUndone);
