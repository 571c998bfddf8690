import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DURATION_PATTERN, formatDuration, parseDuration } from '../../src/policy/duration.ts';

describe('a duration', () => {
  it.each([
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['30m1h', 5_400_000],
    ['7d', 604_800_000],
    ['1m1m', 120_000],
    ['0s', 0],
    ['010m', 600_000],
    ['65536d', 65_536 * 86_400_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ok: true, ms });
  });

  it.each(['', '10', 'm', '1.5h', '-1m', '1h 30m', '1H', '1ms', '1w', ' 1m', '1m\n', 'forever', '٣m'])('%j is none', (text) => {
    expect(parseDuration(text)).toMatchObject({ ok: false, why: expect.stringContaining('not a duration') });
  });

  it('has an end: more than 65536 days is refused, however it is written', () => {
    expect(parseDuration('65536d1s')).toMatchObject({ ok: false });
    expect(parseDuration(`${'9'.repeat(400)}d`)).toMatchObject({ ok: false });
  });

  it('comes back from its text unchanged, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_536 * 86_400 }), (seconds) => {
        const text = formatDuration(seconds * 1000);
        expect(text).toMatch(new RegExp(DURATION_PATTERN));
        expect(parseDuration(text)).toEqual({ ok: true, ms: seconds * 1000 });
      }),
    );
  });

  it('is written with the largest units', () => {
    expect(formatDuration(0)).toBe('0s');
    expect(formatDuration(90_061_999)).toBe('1d1h1m1s');
    expect(formatDuration(600_000)).toBe('10m');
  });
});
