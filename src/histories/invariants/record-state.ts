// A record's status with nothing missing in it, and in words.

import { phaseOf, type OrdinalMigration } from '../../migration/record.ts';

export interface RecordState {
  phase: string;
  course: string;
  step: string;
  reason: string;
  message: string;
}

export function stateOf(record: OrdinalMigration): RecordState {
  const { course = 'Forward', step = 'nothing', reason = '', message = '' } = record.status ?? {};
  return { phase: phaseOf(record), course, step, reason, message };
}

/** `record web-1-abcde (Running Forward at evict, PodTerminating)`. */
export function told(record: OrdinalMigration): string {
  const { phase, course, step, reason } = stateOf(record);
  return `record ${record.metadata.name} (${phase} ${course} at ${step}${reason === '' ? '' : `, ${reason}`})`;
}

export function isMovedAway({ phase, reason }: Pick<RecordState, 'phase' | 'reason'>): boolean {
  return phase === 'Succeeded' || (phase === 'RolledBack' && reason === 'Reversed');
}
