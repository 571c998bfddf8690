import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evennessOf } from '../../src/planner/evenness.ts';
import { familiesOf } from '../../src/planner/families.ts';

/** `evenness('ab', 'ab', 'a')`: one argument an ordinal, the zones where it may be. */
function evenness(...options: string[]) {
  return evennessAmong(['a', 'b', 'c'], options);
}

function evennessAmong(zones: string[], options: string[]) {
  const candidates = options.map((open, ordinal) => ({ ordinal, from: undefined, options: open.split(''), sizeGiB: 1, moveLast: false }));
  return evennessOf(familiesOf({ zones, candidates }));
}

describe('the most even layout', () => {
  it.each([
    [['abc', 'abc', 'abc'], { fullest: 1, emptiest: 1 }],
    [['abc', 'abc', 'abc', 'abc'], { fullest: 2, emptiest: 1 }],
    [['ab', 'ab', 'ab'], { fullest: 2, emptiest: 0 }],
    [['a', 'a', 'a', 'abc'], { fullest: 3, emptiest: 0 }],
    // Whoever may be in b must be, and c gets those that b lets go.
    [['ab', 'ab', 'a', 'a', 'bc', 'bc'], { fullest: 2, emptiest: 2 }],
  ])('of %j has %j', (options, expected) => {
    expect(evenness(...options)).toEqual(expected);
  });

  it('has a fullest zone with as few, and an emptiest one with as many, as any layout', () => {
    const zones = 'abcde'.split('');
    const choices = zones.flatMap((one) => zones.map((other) => (one === other ? one : one + other)));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...choices), { minLength: 1, maxLength: 10 }), (options) => {
        const layouts = options.reduce<string[]>((begun, open) => begun.flatMap((layout) => open.split('').map((zone) => layout + zone)), ['']);
        const counts = layouts.map((layout) => zones.map((zone) => layout.split(zone).length - 1));
        expect(evennessAmong(zones, options)).toEqual({ fullest: Math.min(...counts.map((of) => Math.max(...of))), emptiest: Math.max(...counts.map((of) => Math.min(...of))) });
      }),
      { numRuns: 500 },
    );
  });

  it('takes as many chains of exchanges as it needs', () => {
    // Whoever may be in a and b comes first and takes both alike; then a gets its own, and each gives on to the next.
    const options = [...many(40, 'ab'), ...many(8, 'bc'), ...many(4, 'cd'), ...many(1, 'de'), ...many(30, 'a')];
    expect(evennessAmong('abcde'.split(''), options)).toEqual({ fullest: 35, emptiest: 1 });
  });
});

function many(count: number, zones: string): string[] {
  return Array.from({ length: count }, () => zones);
}
