// Tables: columns that line up whatever is in them, and what becomes of them where the terminal is narrow.

import { describe, expect, it } from 'vitest';
import { progressBar } from '../../../src/cli/rendering/progress.ts';
import { ordinalsIn } from '../../../src/standing/ranges.ts';
import { tableLines, textCell, type Column } from '../../../src/cli/rendering/table.ts';
import { line, piece, plainText, span } from '../../../src/cli/rendering/text.ts';

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

describe('ordinals of a report', () => {
  it('are read back from their ranges', () => {
    expect(ordinalsIn('0-3,7')).toEqual([0, 1, 2, 3, 7]);
    expect([ordinalsIn(''), ordinalsIn('x'), ordinalsIn('3-1')]).toEqual([[], [], []]);
  });
});

describe('times that people wait', () => {
  it.each<[number, string]>([[0, '0 s'], [400, '1 s'], [59_000, '59 s'], [60_000, '1 min'], [7_500_000, '2 h 5 min'], [7_200_000, '2 h'], [86_400_000, '1 d'], [100_000_000, '1 d 3 h'], [-5, '0 s']])('%i ms are %s', (ms, words) => {
    expect(span(ms)).toBe(words);
  });
});
