import { describe, expect, it } from 'vitest';
import { backOffs, coolDowns } from '../../src/controller/back-off.ts';
import { record } from './records.ts';

const T0 = Date.parse('2026-11-20T10:00:00.000Z');
const at = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();
const failed = (minutes: number, reason = 'ZoneUnavailable') => record({ phase: 'RolledBack', reason, message: 'zone b is sold out', finishedAt: at(minutes) });
const waitOf = (records: ReturnType<typeof record>[], minutes: number): number | undefined => {
  const [holding] = backOffs(records, T0 + minutes * 60_000);
  return holding === undefined ? undefined : (holding.untilMs - T0) / 60_000;
};

describe('back-off after a move that did not succeed', () => {
  it('is a minute after the first failure, counted from its end', () => {
    expect(waitOf([failed(0)], 0.5)).toBe(1);
    expect(waitOf([failed(0)], 1)).toBeUndefined();
  });

  it('doubles with each failure in a row and ends at six hours', () => {
    expect(waitOf([failed(0), failed(5)], 6)).toBe(7);
    expect(waitOf([failed(0), failed(5), failed(10)], 11)).toBe(14);
    expect(waitOf(Array.from({ length: 20 }, (_, index) => failed(index)), 20)).toBe(19 + 360);
  });

  it('starts over after a success', () => {
    expect(waitOf([failed(0), failed(1), record({ phase: 'Succeeded', finishedAt: at(2) }), failed(3)], 3.5)).toBe(4);
  });

  it('counts what failed since something was mended, and waits a minute after the last failure in any case', () => {
    const [first, second, third] = [failed(0), failed(5), failed(10)];
    const waitAfter = (...mended: (typeof first)[]): number => ((backOffs([first, second, third], T0 + 10.5 * 60_000, (one) => mended.includes(one))[0]?.untilMs ?? 0) - T0) / 60_000;
    expect(waitAfter()).toBe(14);
    expect(waitAfter(first)).toBe(12);
    expect(waitAfter(first, second)).toBe(11);
    expect(waitAfter(first, second, third)).toBe(11);
  });

  it('names the reason and when it goes on', () => {
    expect(backOffs([failed(0)], T0)[0]?.message).toBe('the last move of ordinal 0 ended RolledBack (ZoneUnavailable: zone b is sold out); it is tried again after 2026-11-20T10:01:00.000Z');
  });

  it.each(['OwnerGone', 'NothingToMove'])('does not follow what says nothing about the next try: %s', (reason) => {
    expect(backOffs([failed(0, reason)], T0)).toEqual([]);
  });

  it.each(['Aborted', 'Released'])('follows what a person ended, so that it does not begin again the moment after: %s', (reason) => {
    expect(waitOf([failed(0, reason)], 0.5)).toBe(1);
  });

  it('follows a move that had to be taken back, although taking it back succeeded', () => {
    const back = record({ phase: 'Succeeded', finishedAt: at(9), spec: { reason: 'Reverse', reverses: 'x' } });
    expect(waitOf([back, failed(10, 'Reversed')], 10.5)).toBe(11);
    expect(waitOf([failed(0, 'Reversed'), back, failed(10, 'Reversed')], 10.5)).toBe(12);
  });

  it('is of each ordinal alone', () => {
    const other = record({ phase: 'RolledBack', reason: 'X', finishedAt: at(0), spec: { ordinal: 4 } });
    expect(backOffs([failed(0), other], T0).map(({ ordinal, untilMs }) => [ordinal, untilMs - T0])).toEqual([[0, 60_000], [4, 60_000]]);
  });

  it('does not look at what is under way', () => {
    expect(backOffs([record({ phase: 'Running' }), record({})], T0)).toEqual([]);
  });
});

describe('cool-down after a move that succeeded', () => {
  it('lasts as long as declared, from the last success on', () => {
    const moved = record({ phase: 'Succeeded', finishedAt: at(0) });
    expect(coolDowns([moved], 3_600_000, T0 + 1)).toEqual([{ ordinal: 0, untilMs: T0 + 3_600_000, message: 'ordinal 0 has just moved; it stays until 2026-11-20T11:00:00.000Z (--cool-down)' }]);
    expect(coolDowns([moved], 3_600_000, T0 + 3_600_000)).toEqual([]);
    expect(coolDowns([moved], 0, T0 + 1)).toEqual([]);
  });

  it('does not follow a failure', () => {
    expect(coolDowns([failed(0)], 3_600_000, T0)).toEqual([]);
  });
});
