// What a run of many histories must have met at least once, or it proves too little.

import { RESTORE_STEPS, RESTORE_UNDO_STEPS, STEPS, UNDO_STEPS } from '../migration/record.ts';
import { ACTS, REFUSED_ACTS } from './acts.ts';
import { FAULTS } from './faults.ts';

/** So many histories meet all of it, and fewer may not. */
export const ENOUGH_HISTORIES = 2_000;

const PHASES = ['Pending', 'Running', 'RollingBack', 'Succeeded', 'RolledBack', 'Failed', 'Frozen'];
/** Nothing is awaited there that takes time: hardly anybody is ever killed at it. */
const BRIEF = new Set(['Forward keepSource', 'Forward createVolume']);

export function expectedCoverage(): string[] {
  return [
    ...PHASES.map((phase) => `phase: ${phase}`),
    ...STEPS.map((step) => `Forward: ${step}`),
    ...UNDO_STEPS.map((step) => `Undo: ${step}`),
    ...[...RESTORE_STEPS, ...RESTORE_UNDO_STEPS].map((step) => `Restore: ${step}`),
    ...STEPS.map((step) => `Forward ${step}`).filter((site) => !BRIEF.has(site)).map((site) => `killed at: ${site}`),
    ...Object.keys(FAULTS).map((name) => `fault: ${name}`),
    ...Object.keys(ACTS).map((name) => `${REFUSED_ACTS.has(name) ? 'act refused' : 'act'}: ${name}`),
  ];
}
