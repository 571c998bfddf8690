// The demo's last words, and the verdict that its exit code is.

import { describe, expect, test } from 'vitest';
import { accountOf } from '../../src/demo/accounting.ts';
import type { Balance, MoveBalance } from '../../src/demo/balance.ts';
import { closingLines, type Ending } from '../../src/demo/closing-lines.ts';
import type { Picture } from '../../src/demo/picture.ts';
import { plainText } from '../../src/cli/rendering/text.ts';

const [A, B, C] = ['cn-beijing-a', 'cn-beijing-b', 'cn-beijing-c'] as const;

describe('when everything held', () => {
  test('the verdict is good, and every promise has its mark', () => {
    const { good, text } = told({});

    expect(good).toBe(true);
    expect(text).toContain('Spread as declared after 1:02 min: four moves.');
    for (const promise of ['Zones', 'Data', 'Siblings', 'StatefulSet', 'Downtime', 'Kept']) expect(text).toContain(`  ✓ ${promise}`);
  });

  test('it shows where the ordinals were and are', () => {
    expect(told({}).text).toContain(`  zone           before        after\n  ${A}   0 1 2 3 4 5   0 1\n  ${B}   –             3 5\n  ${C}   –             2 4\n`);
  });

  test('it shows each downtime against what cloud and kubelet took', () => {
    expect(told({}).text).toContain(`  web-5   ${A} → ${B}   11.00 s   10.00 s             10.0 %\n`);
  });

  test('it says whether the aim was met, and where the time went; a miss is no failure', () => {
    expect(told({}).text.replaceAll(/\s+/g, ' ')).toContain('Overhead in all: 10.0 %, within the 10 % aimed at. On average cloud and kubelet took stop 10.0 s');
    expect(told({}).text.replaceAll(/\s+/g, ' ')).toContain('on top of it came 1.00 s for seeing the pod Ready.');

    const slow = told({ moves: moves(12_000) });
    expect(slow.good).toBe(true);
    expect(slow.text).toContain('20.0 %, more than the 10 % aimed at');
  });

  test('it says what is kept and until when', () => {
    expect(told({}).text.replaceAll(/\s+/g, ' ')).toContain('four old disks (80 GiB) with volumes and snapshots until 2026-11-22 01:03 UTC');
  });

  test('no line of words is wider than the smallest terminal', () => {
    expect(Math.max(...told({}).text.split('\n').map((row) => row.length))).toBeLessThanOrEqual(80);
  });
});

describe('a story with promises of its own', () => {
  const check = (...against: string[]) => [{ title: 'Budget', good: 'nothing was evicted too early', against }];

  test('has them told beside the others', () => {
    expect(told({}, undefined, { checks: check() })).toMatchObject({ good: true, text: expect.stringContaining('  ✓ Budget      nothing was evicted too early') });
    expect(told({}, undefined, { checks: check('web-5 was evicted') })).toMatchObject({ good: false, text: expect.stringContaining('  ✗ Budget      web-5 was evicted') });
  });

  test('in which a zone is left, none may be there, and the others are even among themselves', () => {
    const left = picture({ [A]: [0, 1, 4], [B]: [2, 3, 5], [C]: [] });

    expect(told({}, left, { declared: [A, B] })).toMatchObject({ good: true, text: expect.stringContaining(`  ${C}   –             –`) });
    expect(told({}, left).good).toBe(false);
    expect(told({}, picture({ [A]: [0, 1], [B]: [2, 3, 5], [C]: [4] }), { declared: [A, B] }).text).toContain('ordinal 4 is in none of the declared zones');
  });

  test('in which a move is tried again has no order', () => {
    expect(told({ moves: moves(11_000).toReversed() }, undefined, { anyOrder: true }).good).toBe(true);
  });
});

describe('when something did not', () => {
  test.each<[string, Partial<Balance>, string]>([
    ['a lost write', { lostWrites: ['web-5 started without write 7'] }, '✗ Data        web-5 started without write 7'],
    ['a sibling that was not Ready', { unready: ['web-0'] }, '✗ Siblings    web-0 was not Ready although nothing moved it'],
    ['a write to the set', { setWrites: ['zonespread: patch'] }, '✗ StatefulSet zonespread: patch'],
    ['two at once', { atOnce: 2 }, '✗ Zones       2 ordinals were in flight at once'],
    ['a wrong order', { moves: moves(11_000).toReversed() }, '✗ Zones       the order of the moves was 2, 3, 4, 5'],
    ['a downtime that the record makes smaller', { moves: moves(11_000, 11_500) }, '✗ Downtime    web-5 was down for longer than its record says'],
    ['an old disk that is not there', { retained: [] }, '✗ Kept        0 old disks are on the report instead of 4'],
  ])('%s makes the verdict bad, and is named', (_what, balance, words) => {
    const { good, text } = told(balance);

    expect(good).toBe(false);
    expect(text).toContain(words);
    expect(text).toContain('Not as promised');
  });

  test('so do disks that are not spread', () => {
    const { good, text } = told({}, picture({ [A]: [0, 1, 2, 3], [B]: [5], [C]: [4] }));

    expect(good).toBe(false);
    expect(text).toContain('✗ Zones       the skew is 3');
  });

  test('and one that is in none of the zones', () => {
    expect(told({}, picture({ [A]: [0, 1], [B]: [3, 5], [C]: [2], elsewhere: [4] })).text).toContain('ordinal 4 is in none of the declared zones');
  });
});

function told(changes: Partial<Balance>, after = picture({ [A]: [0, 1], [B]: [3, 5], [C]: [2, 4] }), more: Partial<Ending> = {}): { good: boolean; text: string } {
  const balance: Balance = {
    moves: moves(11_000),
    writes: 5_312,
    lostWrites: [],
    unready: [],
    atOnce: 1,
    setWrites: [],
    generation: 1,
    retained: [2, 3, 4, 5].map((ordinal) => ({ pv: `pv-${ordinal}`, diskId: `d-${ordinal}`, sizeGiB: 20, until: `2026-11-22T01:0${5 - ordinal}:00.000Z` })),
    ...changes,
  };
  const ending: Ending = { before: picture({ [A]: [0, 1, 2, 3, 4, 5] }), after, elapsedMs: 62_000, balance, ...more };
  const { good, lines } = closingLines(ending);
  return { good, text: lines.map((of) => `${plainText(of)}\n`).join('') };
}

/** Each was down for that long, of which the pod's stop took ten seconds. */
function moves(downtimeMs: number, kubeletDowntimeMs = downtimeMs - 100): MoveBalance[] {
  return [5, 4, 3, 2].map((ordinal) => {
    const spans = { stop: { from: 0, to: 10_000 } };
    const account = accountOf({ from: 0, to: downtimeMs }, spans);
    return { ordinal, pod: `web-${ordinal}`, from: A, to: ordinal % 2 === 1 ? B : C, spans, account, kubeletDowntimeMs, sourceDisk: 'd-old', targetDisk: 'd-new' };
  });
}

function picture(spread: Record<string, number[]>): Picture {
  const ordinals = Object.entries(spread).flatMap(([zone, all]) => all.map((ordinal) => ({ ordinal, zone, ready: true })));
  return { set: 'demo/web', setName: 'web', zones: [A, B, C], ordinals: ordinals.toSorted((left, right) => left.ordinal - right.ordinal), move: undefined, moved: 4, planned: 4 };
}
