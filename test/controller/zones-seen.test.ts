import { describe, expect, it } from 'vitest';
import { zonesSeen } from '../../src/controller/zones-seen.ts';
import { buildLayout } from '../../src/layout/layout.ts';
import { node } from '../builders/kubernetes.ts';
import { spreadSet } from '../builders/spread-set.ts';

const T0 = Date.parse('2026-11-20T10:00:00.000Z');
const iso = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();
const layoutWith = (...nodes: ReturnType<typeof node>[]) => buildLayout({ ...spreadSet({ zones: ['a'] }), nodes });
const minutes = (count: number): number => T0 + count * 60_000;

describe('the zones of "*"', () => {
  it('enter after ten minutes with a Ready node, without a break', () => {
    const first = zonesSeen(layoutWith(node({ zone: 'a' })), [], minutes(0));
    expect(first).toEqual([{ zone: 'a', readySince: iso(0) }]);
    expect(zonesSeen(layoutWith(node({ zone: 'a' })), first, minutes(9))).toEqual(first);
    expect(zonesSeen(layoutWith(node({ zone: 'a' })), first, minutes(10))).toEqual([{ zone: 'a', readySince: iso(0), enteredAt: iso(10) }]);
  });

  it('wait anew when the node was away meanwhile', () => {
    const first = zonesSeen(layoutWith(node({ zone: 'a' })), [], minutes(0));
    const away = zonesSeen(layoutWith(node({ zone: 'a', ready: false })), first, minutes(9));
    expect(away).toEqual([]);
    expect(zonesSeen(layoutWith(node({ zone: 'a' })), away, minutes(11))).toEqual([{ zone: 'a', readySince: iso(11) }]);
  });

  it('never leave because nodes went away', () => {
    const entered = [{ zone: 'a', readySince: iso(0), enteredAt: iso(10) }];
    expect(zonesSeen(layoutWith(), entered, minutes(60))).toEqual([{ zone: 'a', enteredAt: iso(10) }]);
  });

  it.each([
    ['is not Ready', node({ zone: 'b', ready: false })],
    ['is cordoned', { ...node({ zone: 'b' }), spec: { unschedulable: true } }],
    ["does not attach the set's disks", node({ zone: 'b', categories: ['cloud_efficiency'] })],
  ])('do not count a node that %s', (_why, unfit) => {
    expect(zonesSeen(layoutWith(node({ zone: 'a' }), unfit), [], minutes(0)).map(({ zone }) => zone)).toEqual(['a']);
  });

  it('say the same at every look once they have entered', () => {
    const entered = zonesSeen(layoutWith(node({ zone: 'a' })), [{ zone: 'a', readySince: iso(0) }], minutes(10));
    expect(zonesSeen(layoutWith(node({ zone: 'a' })), entered, minutes(500))).toEqual(entered);
  });
});
