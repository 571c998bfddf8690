// What becomes of ordinals, and ordinals read back from reports.

import { describe, expect, it } from 'vitest';
import type { ReportedZone } from '../../src/controller/spread-report.ts';
import { ordinalsIn } from '../../src/standing/ranges.ts';
import { marksOf } from '../../src/standing/zone-marks.ts';
import { UNEVEN } from '../cli/command-line-of.ts';

describe('ordinals in reports', () => {
  it('are read back', () => {
    expect(ordinalsIn('0-3,7')).toEqual([0, 1, 2, 3, 7]);
    expect([ordinalsIn(''), ordinalsIn('x'), ordinalsIn('3-1')]).toEqual([[], [], []]);
  });

  it('are not taken at their word when no set has so many', () => {
    expect(ordinalsIn('0-99999')).toHaveLength(100_000);
    expect(ordinalsIn('0-999999999999')).toEqual([]);
    expect(ordinalsIn('0-99999,100000')).toEqual([]);
  });
});

describe('marks', () => {
  const words = (zone: ReportedZone | undefined, status = UNEVEN): string[] => (zone === undefined ? [] : marksOf(zone, status).map(({ ordinal, fate, moving }) => `${ordinal} ${fate}${moving ? ' now' : ''}`));

  it('tell what stays, what is to leave and what is to come', () => {
    expect(UNEVEN.zones?.map((zone) => words(zone))).toEqual([['0 stays', '1 stays', '2 leaves now', '5 leaves'], ['3 stays', '2 comes now'], ['4 stays', '5 comes']]);
  });

  it('do not tell of what is being undone that it comes', () => {
    const undone = { ...UNEVEN, inFlight: [{ migration: 'web-2-bcdfg', ordinal: 2, to: 'cn-beijing-i', phase: 'RollingBack' }] };
    expect(words(UNEVEN.zones?.[1], undone)).toEqual(['3 stays']);
  });

  it('tell once of an ordinal that moves and is planned', () => {
    const twice = { ...UNEVEN, plan: { digest: '', total: 1, sizeGiB: 1, estimatedMinutes: 1, moves: [{ ordinal: 2, from: 'cn-beijing-h', to: 'cn-beijing-i', reason: 'Spread' }] } };
    expect(words(UNEVEN.zones?.[1], twice)).toEqual(['3 stays', '2 comes now']);
  });
});
