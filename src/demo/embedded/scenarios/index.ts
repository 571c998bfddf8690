// All stories of the simulated cluster, the first one by default.

import { blockedByBudget } from './blocked-by-pdb.ts';
import { daemonKilled } from './daemon-killed.ts';
import type { Scenario } from './scenario.ts';
import { spread } from './spread.ts';
import { zoneClosing } from './zone-closing.ts';
import { zoneSoldOut } from './zone-sold-out.ts';

export const SCENARIOS: readonly Scenario[] = [spread, zoneClosing, zoneSoldOut, daemonKilled, blockedByBudget];
