// What a plan costs, and what its times rest on, in words.

import type { ReportedPlan } from '../controller/spread-report.ts';
import { count, several } from './amounts.ts';

/** `two moves, 40 GiB, about 6 min (up to 9 min)`. */
export function costWords({ total, sizeGiB, estimatedMinutes, highMinutes = estimatedMinutes }: ReportedPlan): string {
  const slow = highMinutes > estimatedMinutes ? ` (up to ${highMinutes} min)` : '';
  return `${several(total, 'move')}, ${count(sizeGiB)} GiB, about ${estimatedMinutes} min${slow}`;
}

/** Undefined when there are no times, or nobody says what they rest on. */
export function basisWords({ measuredMoves, moves }: ReportedPlan): string | undefined {
  if (measuredMoves === undefined || moves.length === 0) return undefined;
  return measuredMoves === 0 ? 'Times are a guess: no move of such disks has ended here yet.' : `Times rest on ${several(measuredMoves, 'move')} of such disks that ended here.`;
}
