// Every scenario there is.

import type { Scenario } from '../scenario.ts';
import { ATTACHING } from './attaching.ts';
import { BINDING } from './binding.ts';
import { MISSING_CLAIMS } from './missing-claims.ts';
import { ORDERING } from './ordering.ts';
import { OWNING } from './owning.ts';
import { RECLAIMING } from './reclaiming.ts';
import { REFUSING } from './refusing.ts';
import { SCHEDULING } from './scheduling.ts';
import { SWAPS } from './swaps.ts';
import { UNDO } from './undo.ts';

export const SCENARIOS: readonly Scenario[] = [...SWAPS, ...UNDO, ...MISSING_CLAIMS, ...BINDING, ...RECLAIMING, ...ORDERING, ...ATTACHING, ...OWNING, ...REFUSING, ...SCHEDULING];
