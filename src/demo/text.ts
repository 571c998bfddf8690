// Text for a terminal: lines of styled pieces that can be cut to a width before they become escape codes, and how times are written.

export type Style = 'plain' | 'strong' | 'faint' | 'good' | 'busy' | 'bad' | 'name';

export interface Piece {
  text: string;
  style: Style;
}

export type Line = readonly Piece[];

export const EMPTY: Line = [];

/** SGR parameters of the sixteen colours that every terminal has, in its own shades. */
const SGR: Record<Exclude<Style, 'plain'>, string> = { strong: '1', faint: '2', good: '32', busy: '33', bad: '31', name: '36' };

export function piece(text: string, style: Style = 'plain'): Piece {
  return { text, style };
}

/** Pieces, or text in the plain style. */
export function line(...parts: readonly (Piece | string)[]): Line {
  return parts.map((part) => (typeof part === 'string' ? piece(part) : part));
}

export function plainText(of: Line): string {
  return of.map(({ text }) => text).join('');
}

export function widthOf(of: Line): number {
  return Array.from(plainText(of)).length;
}

/** No wider than that; what is cut off is marked. */
export function fit(of: Line, columns: number): Line {
  if (widthOf(of) <= columns) return of;
  const fitted: Piece[] = [];
  let left = columns - 1;
  for (const { text, style } of of) {
    const characters = Array.from(text).slice(0, left);
    left -= characters.length;
    if (characters.length > 0) fitted.push(piece(characters.join(''), style));
  }
  return columns < 1 ? [] : [...fitted, piece('…', 'faint')];
}

/** Text broken between words into pieces no wider than that; a longer word stays whole. */
export function wrap(text: string, columns: number): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    const longer = row === '' ? word : `${row} ${word}`;
    if (row !== '' && longer.length > columns) {
      rows.push(row);
      row = word;
    } else row = longer;
  }
  return [...rows, row];
}

export function paint(of: Line, colour: boolean): string {
  return of.map(({ text, style }) => (colour && style !== 'plain' && text !== '' ? `\u001B[${SGR[style]}m${text}\u001B[0m` : text)).join('');
}

/** `12.3 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** `1:05` for minutes and seconds. */
export function minutes(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** `5,312`. */
export function count(of: number): string {
  return of.toLocaleString('en-US');
}

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

/** `four moves`, `one move`, `13 moves`. */
export function several(of: number, noun: string): string {
  return `${WORDS[of] ?? String(of)} ${noun}${of === 1 ? '' : 's'}`;
}
