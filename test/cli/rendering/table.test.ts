// Tables: columns that line up whatever is in them, and what becomes of them where the terminal is narrow.

import { describe, expect, it } from 'vitest';
import { progressBar } from '../../../src/cli/rendering/progress.ts';
import { tableLines, textCell, type Column } from '../../../src/cli/rendering/table.ts';
import { line, piece, plainText } from '../../../src/cli/rendering/text.ts';

const TITLES: Column[] = [{ title: 'NAME' }, { title: 'GiB', align: 'right' }, { title: 'WHY', flexible: true }];

function drawn(rows: string[][], columns = Number.POSITIVE_INFINITY): string[] {
  return tableLines(TITLES, rows.map((row) => row.map(textCell)), columns).map(plainText);
}

describe('a table', () => {
  it('sets columns apart by three blanks, numbers to the right, nothing behind the last word', () => {
    expect(drawn([['web', '20', 'because'], ['cache', '1024', '']])).toEqual(['NAME     GiB   WHY', 'web       20   because', 'cache   1024']);
  });

  it('wraps its sentences within their column', () => {
    expect(drawn([['web', '20', 'one two three four five six seven']], 40)).toEqual(['NAME   GiB   WHY', 'web     20   one two three four five six', '             seven']);
  });

  it('is cut where not even that fits', () => {
    expect(drawn([['a-very-long-name-of-a-set', '20', 'one two three four five six']], 30).map((row) => Array.from(row).length)).toEqual([30, 30, 30]);
  });

  it('lines up wide characters, and those that take no room', () => {
    const rows = drawn([['数据库', '1', 'x'], ['e\u0301te', '1', 'x']]);
    expect(rows).toEqual(['NAME     GiB   WHY', '数据库     1   x', 'e\u0301te        1   x']);
  });

  it('keeps the styles of its cells', () => {
    expect(tableLines([{ title: 'A' }], [[line(piece('x', 'good'))]], 80)[1]).toEqual([piece('x', 'good')]);
  });
});

describe('a progress bar', () => {
  it('fills up, and is a percentage alone where there is no room', () => {
    expect(plainText(progressBar(50, 16))).toBe('█████░░░░░  50 %');
    expect(plainText(progressBar(100, 100))).toBe(`${'█'.repeat(40)} 100 %`);
    expect(plainText(progressBar(7, 12))).toBe('   7 %');
  });
});
