// Tables as kubectl has them: columns set apart by blanks, titles in capitals. Where the terminal is too narrow the flexible column is
// wrapped within itself, and as the last resort lines are cut.

import { fit, line, piece, plainText, widthOf, wrap, type Line } from './text.ts';

export interface Column {
  title: string;
  align?: 'right';
  /** Of sentences: may be broken into several lines. Its cells have one style. At most one, the last. */
  flexible?: boolean;
}

const GAP = 3;
/** Narrower than that sentences fall to pieces. */
const NARROWEST = 24;

/** @param columns of the terminal; may be infinite */
export function tableLines(titles: readonly Column[], rows: readonly (readonly Line[])[], columns: number): Line[] {
  const cells = [titles.map(({ title }) => line(piece(title, 'faint'))), ...rows];
  const widths = titles.map((_, at) => Math.max(...cells.map((row) => widthOf(row[at] ?? []))));
  return cells.flatMap((row) => rowLines(titles, row, shrunk(titles, widths, columns))).map((one) => fit(one, columns));
}

/** How wide it is when nothing is wrapped. */
export function widthOfTable(titles: readonly Column[], rows: readonly (readonly Line[])[]): number {
  return Math.max(...tableLines(titles, rows, Number.POSITIVE_INFINITY).map(widthOf));
}

function shrunk(titles: readonly Column[], widths: readonly number[], columns: number): number[] {
  const total = widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
  return widths.map((width, at) => (titles[at]?.flexible === true ? Math.min(width, Math.max(NARROWEST, width - (total - columns))) : width));
}

function rowLines(titles: readonly Column[], row: readonly Line[], widths: readonly number[]): Line[] {
  const wrapped = titles.map((column, at) => (column.flexible === true ? wrappedCell(row[at] ?? [], widths[at] ?? 0) : [row[at] ?? []]));
  const height = Math.max(...wrapped.map(({ length }) => length));
  return Array.from({ length: height }, (_, of) => joined(wrapped.map((cell) => cell[of] ?? []), { titles, widths }));
}

function wrappedCell(cell: Line, width: number): Line[] {
  if (widthOf(cell) <= width) return [cell];
  return wrap(plainText(cell), width).map((text) => line(piece(text, cell[0]?.style)));
}

function joined(cells: readonly Line[], { titles, widths }: { titles: readonly Column[]; widths: readonly number[] }): Line {
  const pieces = cells.flatMap((cell, at) => {
    const blank = piece(' '.repeat(Math.max(0, (widths[at] ?? 0) - widthOf(cell))));
    const gap = piece(at === cells.length - 1 ? '' : ' '.repeat(GAP));
    return titles[at]?.align === 'right' ? [blank, ...cell, gap] : [...cell, blank, gap];
  });
  return withoutBlankEnd(pieces);
}

function withoutBlankEnd(pieces: Line): Line {
  const last = pieces.findLastIndex(({ text }) => text.trim() !== '');
  return pieces.slice(0, last + 1).map((one, at) => (at === last ? piece(one.text.trimEnd(), one.style) : one));
}

/** `web-2   cn-beijing-h`: the same as a table without titles. */
export function columnLines(rows: readonly (readonly Line[])[], columns: number): Line[] {
  const most = Math.max(0, ...rows.map(({ length }) => length));
  const titles = Array.from({ length: most }, (_, at): Column => ({ title: '', flexible: at === most - 1 }));
  return tableLines(titles, rows, columns).slice(1);
}

export function indented(lines: readonly Line[], by: number): Line[] {
  return lines.map((one) => (one.length === 0 ? one : [piece(' '.repeat(by)), ...one]));
}

export function textCell(text: string | number | undefined): Line {
  return line(String(text ?? ''));
}
