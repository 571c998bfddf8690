import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inWindow, parseWindows, type Window, type WindowState } from '../../src/policy/window.ts';

function windows(text: string): Window[] {
  const parsed = parseWindows(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.windows;
}

function stateAt(text: string, time: string): { open: boolean; until?: string; next?: string } {
  const state: WindowState = inWindow(windows(text), Date.parse(time));
  const stamp = (ms: number): string => new Date(ms).toISOString();
  if (state.open) return { open: true, ...(state.until === undefined ? {} : { until: stamp(state.until) }) };
  return { open: false, ...(state.next === undefined ? {} : { next: stamp(state.next) }) };
}

describe('reading windows', () => {
  it('reads several, with any spacing', () => {
    expect(windows('0 2 * * 6 for 4h in Asia/Shanghai;  30  1 * * MON-FRI  for 1h30m in UTC ')).toEqual([
      { cron: '0 2 * * 6', durationMs: 14_400_000, timeZone: 'Asia/Shanghai' },
      { cron: '30 1 * * MON-FRI', durationMs: 5_400_000, timeZone: 'UTC' },
    ]);
  });

  it.each([
    ['', 'does not have the form'],
    ['0 2 * * 6', 'does not have the form'],
    ['0 2 * * 6 for 4h', 'does not have the form'],
    ['0 2 * * 6 for 4h in UTC;', 'does not have the form'],
    ['0 0 2 * * 6 for 4h in UTC', 'does not have the form'],
    ['@daily for 4h in UTC', 'does not have the form'],
    ['61 2 * * 6 for 4h in UTC', 'Invalid value for minute'],
    ['0 2 ? * 6 for 4h in UTC', '"?"'],
    ['0 0 30 2 * for 4h in UTC', 'never comes'],
    ['0 2 * * 6 for 4 in UTC', 'not a duration'],
    ['0 2 * * 6 for 0s in UTC', 'no time at all'],
    ['0 2 * * 6 for 4h in Mars/Olympus', 'IANA'],
    ['0 2 * * 6 for 4h in +08:00', 'IANA'],
    [Array.from({ length: 51 }, () => '0 2 * * 6 for 4h in UTC').join(';'), 'more than 50'],
  ])('refuses %j', (text, why) => {
    expect(parseWindows(text)).toMatchObject({ ok: false, why: expect.stringContaining(why) });
  });
});

describe('a window', () => {
  const saturdays = '0 2 * * 6 for 4h in Asia/Shanghai'; // 2026-11-21 is a Saturday; 02:00 there is 18:00Z the day before

  it('without any declared everything is always open', () => {
    expect(inWindow([], 0)).toEqual({ open: true });
  });

  it.each([
    ['2026-11-20T17:59:59.999Z', { open: false, next: '2026-11-20T18:00:00.000Z' }],
    ['2026-11-20T18:00:00.000Z', { open: true, until: '2026-11-20T22:00:00.000Z' }],
    ['2026-11-20T21:59:59.999Z', { open: true, until: '2026-11-20T22:00:00.000Z' }],
    ['2026-11-20T22:00:00.000Z', { open: false, next: '2026-11-27T18:00:00.000Z' }],
  ])('at %s is %j', (time, state) => {
    expect(stateAt(saturdays, time)).toEqual(state);
  });

  it('joins another that overlaps or touches', () => {
    expect(stateAt('0 1 * * * for 2h in UTC; 0 2 * * * for 2h in UTC; 0 4 * * * for 1h in UTC', '2026-11-20T01:30:00Z')).toEqual({ open: true, until: '2026-11-20T05:00:00.000Z' });
  });

  it('may be longer than its own period, and then never closes', () => {
    expect(stateAt('* * * * * for 1h in UTC', '2026-11-20T01:30:00Z')).toEqual({ open: true });
  });

  it('may have closed for ever', () => {
    expect(inWindow([{ cron: '0 0 30 2 *', durationMs: 1000, timeZone: 'UTC' }], 1.7e12)).toEqual({ open: false });
  });

  it('in a gap of daylight saving time opens when the gap ends, and lasts its full length', () => {
    // Berlin 2026-03-29: 02:00 jumps to 03:00 = 01:00Z.
    const text = '30 2 * * * for 2h in Europe/Berlin';
    expect(stateAt(text, '2026-03-29T00:59:59Z')).toEqual({ open: false, next: '2026-03-29T01:00:00.000Z' });
    expect(stateAt(text, '2026-03-29T01:00:00Z')).toEqual({ open: true, until: '2026-03-29T03:00:00.000Z' });
    expect(stateAt('30 2,14 * * * for 2h in Europe/Berlin', '2026-03-29T01:00:00Z')).toMatchObject({ open: true });
  });

  it('in an hour that comes twice opens once', () => {
    // Berlin 2026-10-25: 03:00 falls back to 02:00; 02:30 is 00:30Z and again 01:30Z.
    const text = '30 2 * * * for 30m in Europe/Berlin';
    expect(stateAt(text, '2026-10-25T00:30:00Z')).toMatchObject({ open: true });
    expect(stateAt(text, '2026-10-25T01:30:00Z')).toEqual({ open: false, next: '2026-10-26T01:30:00.000Z' });
  });

  it('is open exactly until it says, and closed exactly until the next one it says', () => {
    const some = fc.constantFrom('0 2 * * 6 for 4h in Asia/Shanghai', '30 2 * * * for 90m in Europe/Berlin', '*/20 3-5 * * * for 10m in America/New_York', '0 0 1 * * for 3d in UTC', '0 22 * * 5 for 1d12h in Australia/Lord_Howe');
    fc.assert(
      fc.property(fc.uniqueArray(some, { minLength: 1, maxLength: 3 }), fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) }), (texts, nowMs) => {
        const all = windows(texts.join(';'));
        const state = inWindow(all, nowMs);
        const change = state.open ? state.until : state.next;
        if (change === undefined) return;
        expect(change).toBeGreaterThan(nowMs);
        expect(inWindow(all, change - 1).open).toBe(state.open);
        expect(inWindow(all, change).open).toBe(!state.open);
        expect(inWindow(all, nowMs + Math.floor((change - nowMs) / 2)).open).toBe(state.open);
      }),
      { numRuns: 200 },
    );
  });
});
