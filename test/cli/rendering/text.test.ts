// Text for a terminal: cut, wrapped, painted; times and numbers for people.

import { expect, test } from 'vitest';
import { count, several } from '../../../src/standing/amounts.ts';
import { fit, line, minutes, paint, piece, plainText, seconds, widthOf, wrap } from '../../../src/cli/rendering/text.ts';

test('a line that is too wide is cut, and says so', () => {
  const long = line(piece('strong', 'strong'), ' and plain');

  expect(plainText(fit(long, 16))).toBe('strong and plain');
  expect(plainText(fit(long, 10))).toBe('strong an…');
  expect(plainText(fit(long, 4))).toBe('str…');
  expect(plainText(fit(long, 1))).toBe('…');
  expect(fit(long, 0)).toEqual([]);
});

test('what is cut keeps its colours, and none leaks into what follows', () => {
  expect(paint(fit(line(piece('green', 'good'), piece('red', 'bad')), 6), true)).toBe('\u001B[32mgreen\u001B[0m\u001B[2m…\u001B[0m');
});

test('width counts characters, not code units', () => {
  expect(widthOf(line('→ 𝒘eb'))).toBe(5);
});

test('characters of East Asian scripts and pictographs are two columns wide, combining ones none', () => {
  expect([widthOf(line('数据')), widthOf(line('🚀')), widthOf(line('e\u0301')), widthOf(line('●○→▾█'))]).toEqual([4, 2, 1, 5]);
  expect(plainText(fit(line('数据库'), 4))).toBe('数…');
});

test('nothing in a text steers the terminal', () => {
  expect(plainText(line('a\u001B[2Jb\nc\u009Bd', piece('\r', 'bad')))).toBe('a [2Jb c d ');
});

test('text is broken between words', () => {
  expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  expect(wrap('averylongword that fits', 6)).toEqual(['averylongword', 'that', 'fits']);
  expect(wrap('', 10)).toEqual(['']);
});

test('times and numbers read well', () => {
  expect([seconds(12_345), minutes(65_900), minutes(-1), count(5_312)]).toEqual(['12.3 s', '1:05', '0:00', '5,312']);
  expect([several(1, 'move'), several(4, 'move'), several(13, 'move'), several(0, 'disk')]).toEqual(['one move', 'four moves', '13 moves', 'no disks']);
});
