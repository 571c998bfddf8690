// The record's history of steps: the last 64, each closed when the next begins.

import type { HistoryEntry } from './record.ts';

export const HISTORY_LENGTH = 64;

export function closeLast(history: HistoryEntry[], now: string, outcome: string): HistoryEntry[] {
  const last = history.at(-1);
  if (last === undefined || last.finishedAt !== undefined) return history;
  return [...history.slice(0, -1), { ...last, finishedAt: now, outcome }];
}

/** Why what is being undone is undone: the outcome of the step that gave up. */
export function undoReason(history: HistoryEntry[]): string | undefined {
  return history.findLast(({ outcome }) => outcome !== undefined && outcome !== 'Done' && outcome !== 'Undone')?.outcome;
}
