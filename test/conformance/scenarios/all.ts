// Every scenario there is.

import type { Scenario } from '../scenario.ts';
import { BINDING } from './binding.ts';
import { MISSING_CLAIMS } from './missing-claims.ts';
import { RECLAIMING } from './reclaiming.ts';
import { SWAPS } from './swaps.ts';
import { UNDO } from './undo.ts';

export const SCENARIOS: readonly Scenario[] = [...SWAPS, ...UNDO, ...MISSING_CLAIMS, ...BINDING, ...RECLAIMING];
