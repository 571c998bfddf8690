// The live map: what it shows, and that it fits whatever it is shown on.

import { describe, expect, test } from 'vitest';
import { changeLine, mapLines, spreadInOneLine } from '../../src/demo/map.ts';
import type { MoveSight, Picture } from '../../src/demo/picture.ts';
import { plainText, widthOf } from '../../src/cli/rendering/text.ts';

const NOW = Date.parse('2026-01-01T00:00:10.000Z');
const MOMENT = { now: NOW, elapsedMs: 34_000 };

const move: MoveSight = {
  record: 'web-4-abcde',
  ordinal: 4,
  pod: 'web-4',
  from: 'cn-beijing-a',
  to: 'cn-beijing-c',
  phase: 'Running',
  step: 'createDisk',
  stepNumber: 7,
  stepSince: NOW - 1_400,
  progress: 50,
  downSince: NOW - 6_100,
  downtimeMs: undefined,
  message: '',
};

function picture(changes: Partial<Picture> = {}): Picture {
  return {
    set: 'demo/web',
    setName: 'web',
    zones: ['cn-beijing-a', 'cn-beijing-b', 'cn-beijing-c'],
    ordinals: [0, 1, 2, 3, 4, 5].map((ordinal) => ({ ordinal, zone: ordinal === 5 ? 'cn-beijing-b' : 'cn-beijing-a', ready: ordinal !== 4 })),
    move,
    moved: 1,
    planned: 4,
    ...changes,
  };
}

function shown(of: Picture, size = { columns: 80, rows: 24 }): string[] {
  return mapLines(of, MOMENT, size).map(plainText);
}

describe('the map', () => {
  test('shows ordinals by zone, the one that is down, and where it goes', () => {
    expect(shown(picture()).slice(3, 6)).toEqual([
      '  cn-beijing-a │ ● web-0  ● web-1  ● web-2  ● web-3  ○ web-4',
      '  cn-beijing-b │ ● web-5',
      '  cn-beijing-c │ → web-4',
    ]);
  });

  test('shows the step under way, what it does, how far the move is and for how long the pod is down', () => {
    expect(shown(picture()).slice(7)).toEqual([
      '  web-4  cn-beijing-a → cn-beijing-c   step 7 of 12, createDisk, 1.4 s',
      '         a new disk from the snapshot, in cn-beijing-c',
      `         ${'█'.repeat(20)}${'░'.repeat(20)}  50 %   down for 6.1 s`,
    ]);
  });

  test('heads with the set, which move it is, and the time', () => {
    expect(shown(picture())[1]).toMatch(/^ {2}demo\/web {2,}move 2 of 4 {3}0:34$/);
    expect(shown(picture({ move: undefined, moved: 4 }))[1]).toContain('4 of 4 moved');
    expect(shown(picture({ move: undefined, planned: undefined }))[1]).toContain('planning');
  });

  test('counts on when there is more than the first plan had', () => {
    expect(shown(picture({ moved: 4 }))[1]).toMatch(/ move 5 {3}0:34$/);
    expect(shown(picture({ move: undefined, moved: 5 }))[1]).toMatch(/ 5 moved {3}0:34$/);
  });

  test('says why nothing moves, in as many lines as a move takes', () => {
    const held = `DisruptionBudgetExhausted: PodDisruptionBudget web allows no disruption ${'of web-5 '.repeat(40)}`;

    expect(shown(picture({ move: undefined, held })).slice(7)).toEqual([
      expect.stringMatching(/^ {2}DisruptionBudgetExhausted: PodDisruptionBudget web allows no disruption/),
      expect.stringMatching(/^ {2}\S/),
      expect.stringMatching(/^ {2}\S/),
    ]);
    expect(shown(picture({ held })).join('')).not.toContain('DisruptionBudgetExhausted');
  });

  test('an ordinal is in its new zone as soon as its claim is', () => {
    const ordinals = picture().ordinals.map(({ ordinal, zone, ready }) => ({ ordinal, ready, zone: ordinal === 4 ? 'cn-beijing-c' : zone }));

    expect(shown(picture({ ordinals }))[5]).toBe('  cn-beijing-c │ ○ web-4');
  });

  test('a pod that is Ready again says after how long, and that it is watched', () => {
    const lines = shown(picture({ move: { ...move, step: 'ready', stepNumber: 11, downtimeMs: 12_900 } }));

    expect(lines.join('\n')).toContain('watched for the health duration');
    expect(lines.at(-1)).toContain('Ready again after 12.9 s');
  });

  test('an undo is called by its name', () => {
    expect(shown(picture({ move: { ...move, phase: 'RollingBack' } }))[7]).toContain('RollingBack: step 7 of 12');
  });

  test('an undo says why', () => {
    expect(shown(picture({ move: { ...move, phase: 'RollingBack', message: 'zone cn-beijing-c is sold out' } }))[8]).toBe('         zone cn-beijing-c is sold out');
  });

  test('names of pods give way to ordinals where the lines would be too long', () => {
    expect(shown(picture(), { columns: 50, rows: 24 })[3]).toBe('  cn-beijing-a │ ● 0  ● 1  ● 2  ● 3  ○ 4');
  });

  test.each([
    [24, 10],
    [10, 10],
    [9, 7],
    [7, 7],
    [6, 5],
    [5, 5],
    [4, 1],
    [1, 1],
    [0, 0],
  ])('in %i rows it takes %i', (rows, lines) => {
    expect(shown(picture(), { columns: 80, rows })).toHaveLength(lines);
  });

  test.each([0, 1, 2, 10, 19, 20, 33, 40, 61, 80, 200])('never is wider than %i columns', (columns) => {
    for (let rows = 0; rows < 15; rows += 1) {
      expect(Math.max(0, ...mapLines(picture(), MOMENT, { columns, rows }).map(widthOf))).toBeLessThanOrEqual(columns);
    }
  });
});

describe('without a map', () => {
  test('a change is one line', () => {
    expect(plainText(changeLine(move, MOMENT))).toBe('[0:34] web-4 cn-beijing-a → cn-beijing-c   50 %  createDisk (7 of 12): a new disk from the snapshot, in cn-beijing-c');
  });

  test('a change for the worse says why', () => {
    const undo = { ...move, phase: 'RollingBack' as const, message: 'zone cn-beijing-c is sold out' };

    expect(plainText(changeLine(undo, MOMENT))).toContain('RollingBack: zone cn-beijing-c is sold out');
  });

  test('the spread fits into a line', () => {
    expect(spreadInOneLine(picture())).toBe('cn-beijing-a: 0 1 2 3 4 │ cn-beijing-b: 5 │ cn-beijing-c: –');
  });
});
