import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evennessOf } from '../../src/planner/evenness.ts';
import { familiesOf } from '../../src/planner/families.ts';

/** `evenness('ab', 'ab', 'a')`: one argument an ordinal, the zones where it may be. */
function evenness(...options: string[]) {
  const candidates = options.map((zones, ordinal) => ({ ordinal, from: undefined, options: zones.split(''), sizeGiB: 1, moveLast: false }));
  return evennessOf(familiesOf({ zones: ['a', 'b', 'c'], candidates }));
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
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'ab', 'ac', 'bc', 'abc'), { minLength: 1, maxLength: 7 }), (options) => {
        const layouts = options.reduce<string[]>((begun, zones) => begun.flatMap((layout) => zones.split('').map((zone) => layout + zone)), ['']);
        const counts = layouts.map((layout) => ['a', 'b', 'c'].map((zone) => layout.split(zone).length - 1));
        expect(evenness(...options)).toEqual({ fullest: Math.min(...counts.map((of) => Math.max(...of))), emptiest: Math.max(...counts.map((of) => Math.min(...of))) });
      }),
      { numRuns: 500 },
    );
  });
});
