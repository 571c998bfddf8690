// A terminal as an SVG: lines of styled pieces on a dark window, in whatever monospaced font the reader has. Every piece stands at its own
// column, so that a font of another width does not tear columns apart.

import { widthOf, widthOfText, type Line, type Style } from '../../src/cli/rendering/text.ts';

const COLUMN = 8.4;
const ROW = 19;
const MARGIN = 20;
const TITLE_BAR = 34;

const COLOURS: Record<Style, string> = { plain: '#d8dee9', strong: '#ffffff', faint: '#8a93a6', good: '#8fce7e', busy: '#e8c268', bad: '#e57373', name: '#74c7d8' };

/** `alt`: what it shows, for whoever does not see it. */
export function terminal(lines: readonly Line[], { title, alt }: { title: string; alt: string }): string {
  const columns = Math.max(...lines.map(widthOf));
  const width = Math.ceil(columns * COLUMN) + 2 * MARGIN;
  const height = lines.length * ROW + TITLE_BAR + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(alt)}">`,
    `<title>${escaped(alt)}</title>`,
    `<rect width="${width}" height="${height}" rx="9" fill="#1b2130"/>`,
    ...['#e57373', '#e8c268', '#8fce7e'].map((colour, at) => `<circle cx="${MARGIN + 2 + at * 18}" cy="18" r="5.5" fill="${colour}"/>`),
    `<text x="${width / 2}" y="22" text-anchor="middle" font-family="sans-serif" font-size="12" fill="#8a93a6">${escaped(title)}</text>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">`,
    ...lines.flatMap((line, at) => rowOf(line, TITLE_BAR + ROW * (at + 0.8))),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function rowOf(line: Line, y: number): string[] {
  const pieces: string[] = [];
  let column = 0;
  for (const { text, style } of line) {
    const width = widthOfText(text);
    const weight = style === 'strong' ? ' font-weight="bold"' : '';
    const seen = text.trim();
    // Blanks at the ends are left to the columns: not every viewer keeps them.
    const x = MARGIN + (column + text.indexOf(seen)) * COLUMN;
    if (seen !== '') pieces.push(`<text x="${rounded(x)}" y="${rounded(y)}" textLength="${rounded(widthOfText(seen) * COLUMN)}" lengthAdjust="spacingAndGlyphs" fill="${COLOURS[style]}"${weight}>${escaped(seen)}</text>`);
    column += width;
  }
  return pieces;
}

function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
