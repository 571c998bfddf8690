// A bar that fills up, with its percentage.

import { piece, type Piece } from './text.ts';

/** A bar needs no more to be read. */
const LONGEST_BAR = 40;
const SHORTEST_BAR = 8;
const PERCENT_COLUMNS = ' 100 %'.length;

/** No wider than that; where a bar would be too short to tell anything, the percentage alone. @param progress 0–100 */
export function progressBar(progress: number, columns: number): Piece[] {
  const percent = piece(` ${String(progress).padStart(3)} %`);
  const length = Math.min(LONGEST_BAR, columns - PERCENT_COLUMNS);
  if (length < SHORTEST_BAR) return [percent];
  const full = Math.round((length * Math.min(100, Math.max(0, progress))) / 100);
  return [piece('█'.repeat(full), 'good'), piece('░'.repeat(length - full), 'faint'), percent];
}
