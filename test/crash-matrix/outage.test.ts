// A crash after which no daemon comes for longer than a step may take, and for longer than a client token is trusted: what was made in the
// meantime is found by its tags, and no move is given up because nobody was there to go on with it.

import { STORIES } from './stories.ts';
import { survivesOutages } from './survival.ts';

const [goesWell] = STORIES;
const isUndone = STORIES.find(({ ends }) => ends === 'RolledBack');
if (goesWell === undefined || isUndone === undefined) throw new Error('a story is missing');

const LONGER_THAN_A_STEP_MS = 90_000;
const LONGER_THAN_A_TOKEN_MS = 75 * 60_000;

survivesOutages(goesWell, { downMs: LONGER_THAN_A_STEP_MS, every: 17 });
survivesOutages(isUndone, { downMs: LONGER_THAN_A_STEP_MS, every: 17 });
survivesOutages(goesWell, { downMs: LONGER_THAN_A_TOKEN_MS, every: 35 });
