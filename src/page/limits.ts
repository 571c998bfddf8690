// How much is shown at most: a page stays a page with thousands of sets, and with whatever somebody wrote into an object.

export const SETS_ON_A_PAGE = 100;
export const MOVES_ON_A_PAGE = 20;
export const NAMESPACES_TO_CHOOSE = 100;
/** The daemon keeps the last ten, and those with something retained. */
export const ENDED_MOVES = 30;
export const BLOCKS = 50;
export const RETAINED = 50;
/** Of a zone on the overview; more are shown as ranges. */
export const MARKS_IN_A_ZONE = 32;
/** Columns of a zone map; with more it shows ranges. */
export const ORDINALS_IN_A_MAP = 64;

const LONGEST_TEXT = 1_000;

/** Of a message; what is cut off is marked. */
export function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

export interface Some<T> {
  first: readonly T[];
  /** How many more there are. */
  more: number;
}

export function some<T>(all: readonly T[], most: number): Some<T> {
  return { first: all.slice(0, most), more: Math.max(0, all.length - most) };
}
