// What scenarios are generated over.

import type { Mode } from '../world.ts';

export const MODES: readonly Mode[] = ['waits', 'at-once'];
export const POLICIES = ['OrderedReady', 'Parallel'] as const;
export type Policy = (typeof POLICIES)[number];
