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

/** Whoever may write an object must not be able to write to the terminals of those who look at it: control characters become blanks. */
export function piece(text: string, style: Style = 'plain'): Piece {
  return { text: text.replaceAll(CONTROL, ' '), style };
}

const CONTROL = /\p{Cc}/gu;

/** Pieces, or text in the plain style. */
export function line(...parts: readonly (Piece | string)[]): Line {
  return parts.map((part) => (typeof part === 'string' ? piece(part) : part));
}

export function plainText(of: Line): string {
  return of.map(({ text }) => text).join('');
}

/** In columns of a terminal: characters of East Asian scripts and pictographs take two, those that combine with the one before none. */
export function widthOf(of: Line): number {
  return widthOfText(plainText(of));
}

export function widthOfText(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

const WIDE = /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}|[\u{20000}-\u{3FFFD}]/u;
const WITHOUT_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;

function widthOfCharacter(character: string): number {
  // Nearly everything that is ever shown, and by far the cheapest to tell.
  if (character >= ' ' && character <= '~') return 1;
  if (WITHOUT_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** No wider than that; what is cut off is marked. */
export function fit(of: Line, columns: number): Line {
  if (widthOf(of) <= columns) return of;
  const fitted: Piece[] = [];
  let left = columns - 1;
  for (const { text, style } of of) {
    const start = startOf(text, left);
    // What does not fit ends the line: nothing shorter from further on takes its place.
    left = start.length < text.length ? 0 : left - widthOfText(start);
    if (start !== '') fitted.push(piece(start, style));
  }
  return columns < 1 ? [] : [...fitted, piece('…', 'faint')];
}

/** As many whole characters as fit. */
function startOf(text: string, columns: number): string {
  let [start, width] = ['', 0];
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > columns) break;
    start += character;
  }
  return start;
}

/** Text broken between words into pieces no wider than that; a longer word stays whole. */
export function wrap(text: string, columns: number): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    const longer = row === '' ? word : `${row} ${word}`;
    if (row !== '' && widthOfText(longer) > columns) {
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
