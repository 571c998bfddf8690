import { expect, it } from 'vitest';
import { count, several, span } from '../../src/standing/amounts.ts';

it.each<[number, string]>([[0, '0 s'], [400, '1 s'], [59_000, '59 s'], [60_000, '1 min'], [7_500_000, '2 h 5 min'], [7_200_000, '2 h'], [86_400_000, '1 d'], [100_000_000, '1 d 3 h'], [-5, '0 s']])('%i ms are %s', (ms, words) => {
  expect(span(ms)).toBe(words);
});

it('writes numbers as people read them', () => {
  expect(count(5_312)).toBe('5,312');
  expect([several(1, 'move'), several(4, 'move'), several(13, 'move'), several(0, 'disk')]).toEqual(['one move', 'four moves', '13 moves', 'no disks']);
});
