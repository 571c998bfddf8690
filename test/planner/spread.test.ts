import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spread, type Candidate, type SpreadProblem } from '../../src/planner/spread.ts';
import { bruteForce, isBetter, scoreOf } from './brute-force.ts';

function candidate(ordinal: number, from: string | undefined, options: string[], changes: Partial<Candidate> = {}): Candidate {
  return { ordinal, from, options, sizeGiB: 20, moveLast: false, ...changes };
}

/** Candidates in moving order: highest ordinal first. */
function problem(zonesOfOrdinals: string, zones = 'abc', maxSkew = 1): SpreadProblem {
  const candidates = zonesOfOrdinals.split('').map((from, ordinal) => candidate(ordinal, from, zones.split('')));
  return { zones: zones.split(''), maxSkew, candidates: candidates.toReversed() };
}

/** Zones by ordinal as one word: `aabbcc`. */
function word(solved: { zones: ReadonlyMap<number, string> }): string {
  return [...solved.zones].toSorted(([a], [b]) => a - b).map(([, zone]) => zone).join('');
}

describe('spreading ordinals over zones', () => {
  it('six in a over a, b, c: the four highest move, in turn', () => {
    const solved = spread(problem('aaaaaa'));
    expect(solved.excess).toBe(0);
    expect(word(solved)).toBe('aacbcb');
  });

  it.each([
    ['abc', 'abc', 1, 'abc'],
    ['aab', 'abc', 1, 'acb'],
    ['aabb', 'abc', 1, 'aabc'],
    ['aaaa', 'abc', 2, 'aabb'],
    ['aaaa', 'abc', 9, 'aaaa'],
    ['a', 'ab', 1, 'a'],
    ['bbb', 'b', 1, 'bbb'],
    ['zzz', 'ab', 1, 'aba'],
  ])('%s over %s with a skew of %d becomes %s', (now, zones, maxSkew, wanted) => {
    expect(word(spread(problem(now, zones, maxSkew)))).toBe(wanted);
  });

  it('with nothing to spread does nothing', () => {
    expect(spread({ zones: ['a'], maxSkew: 1, candidates: [] })).toEqual({ zones: new Map(), excess: 0 });
    expect(spread({ zones: [], maxSkew: 1, candidates: [] })).toEqual({ zones: new Map(), excess: 0 });
  });

  it('takes the smallest disks when the number of moves is the same', () => {
    const sizes = [10, 40, 40, 40];
    const candidates = sizes.map((size, ordinal) => candidate(ordinal, 'a', ['a', 'b'], { sizeGiB: size })).toReversed();
    expect(word(spread({ zones: ['a', 'b'], maxSkew: 1, candidates }))).toBe('baab');
  });

  it('spares a move-last pod when another of the same size can go', () => {
    const candidates = [0, 1].map((ordinal) => candidate(ordinal, 'a', ['a', 'b'])).concat(candidate(2, 'a', ['a', 'b'], { moveLast: true }));
    expect(word(spread({ zones: ['a', 'b'], maxSkew: 1, candidates }))).toBe('baa');
  });

  it('spares a move-last pod even if another one must then go to a zone that is preferred less', () => {
    const candidates = [candidate(1, 'b', ['b', 'c']), candidate(0, 'b', ['b']), candidate(2, 'b', ['a', 'b'], { moveLast: true })];
    expect(word(spread({ zones: ['a', 'b', 'c'], maxSkew: 2, candidates }))).toBe('bcb');
  });

  it('gives the odd one to the preferred zone', () => {
    const counts = word(spread(problem('zzzzz', 'cab'))).split('');
    expect(['c', 'a', 'b'].map((zone) => counts.filter((other) => other === zone).length)).toEqual([2, 2, 1]);
  });

  it('gets as near as it can when a zone takes nobody', () => {
    const candidates = [0, 1, 2, 3, 4, 5].map((ordinal) => candidate(ordinal, 'a', ['a', 'b'])).toReversed();
    const solved = spread({ zones: ['a', 'b', 'c'], maxSkew: 1, candidates });
    expect(word(solved)).toBe('aaabbb');
    expect(solved.excess).toBe(2);
  });

  it('moves along a chain when the direct way is forbidden', () => {
    // a must give one away and c needs one, but only through b.
    const candidates = [candidate(3, 'b', ['b', 'c']), candidate(2, 'a', ['a', 'b']), candidate(1, 'a', ['a', 'b']), candidate(0, 'a', ['a'])];
    expect(word(spread({ zones: ['a', 'b', 'c'], maxSkew: 1, candidates }))).toBe('aabc');
  });
});

const ZONES = ['a', 'b', 'c', 'd'];

const problems = fc
  .record({
    zones: fc.shuffledSubarray(ZONES, { minLength: 1 }),
    maxSkew: fc.integer({ min: 1, max: 3 }),
    drawn: fc.array(
      fc.record({
        from: fc.constantFrom(...ZONES, 'z', undefined),
        options: fc.shuffledSubarray(ZONES, { minLength: 1 }),
        sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 4 }),
        even: fc.boolean(),
        torn: fc.boolean(),
        free: fc.boolean(),
        moveLast: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(({ zones, maxSkew, drawn }): SpreadProblem => {
    const candidates = drawn.map(({ from, options, sizes, even, torn, free, moveLast }, index): Candidate => {
      const own = from !== undefined && zones.includes(from) && options.includes(from);
      const allowed = free ? zones : zones.filter((zone) => options.includes(zone) || (own && zone === from));
      return {
        ordinal: drawn.length - 1 - index,
        from,
        options: allowed.length === 0 ? [zones[0]!] : allowed,
        sizeGiB: even ? 20 : sizes[0]!,
        ...(torn ? { sizeGiBTo: Object.fromEntries(ZONES.map((zone, position) => [zone, sizes[position]!])) } : {}),
        moveLast,
      };
    });
    return { zones, maxSkew, candidates: candidates.toSorted((a, b) => Number(a.moveLast) - Number(b.moveLast)) };
  });

describe('against every possible assignment', () => {
  it('the answer is the best, and of the best the one that is promised', () => {
    fc.assert(
      fc.property(problems, (drawn) => {
        const solved = spread(drawn);
        const { zones, excess } = bruteForce(drawn);
        expect({ zones: drawn.candidates.map(({ ordinal }) => solved.zones.get(ordinal)), excess: solved.excess }).toEqual({ zones, excess });
      }),
      { numRuns: 3000 },
    );
  });

  it('and once there, nothing moves any more', () => {
    fc.assert(
      fc.property(problems, (drawn) => {
        const solved = spread(drawn);
        const settled = drawn.candidates.map((one) => ({ ...one, from: solved.zones.get(one.ordinal) }));
        const again = spread({ ...drawn, candidates: settled });
        expect([...again.zones]).toEqual([...solved.zones]);
      }),
      { numRuns: 1000 },
    );
  });
});

/** The best score of any layout over three zones, by how many are in each: every ordinal in turn adds one to a count. */
function bestByCounts({ zones, maxSkew, candidates }: SpreadProblem): number[] {
  let cheapest = new Map<string, number[]>([['0,0,0', [0, 0, 0, 0]]]);
  for (const { from, options, sizeGiB, moveLast } of candidates) {
    const next = new Map<string, number[]>();
    for (const [key, cost] of cheapest) {
      for (const zone of options) {
        const counts = key.split(',').map((count, index) => Number(count) + Number(zones[index] === zone));
        const moved = zone === from ? [0, 0, 0] : [1, sizeGiB, Number(moveLast)];
        const total = cost.map((part, index) => part + (moved[index] ?? zones.indexOf(zone)));
        const known = next.get(counts.join(','));
        if (known === undefined || isBetter(total, known)) next.set(counts.join(','), total);
      }
    }
    cheapest = next;
  }
  const scores = [...cheapest].map(([key, cost]) => {
    const counts = key.split(',').map(Number);
    return [Math.max(0, Math.max(...counts) - Math.min(...counts) - maxSkew), ...cost];
  });
  return scores.reduce((best, score) => (isBetter(score, best) ? score : best));
}

it('of dozens of ordinals too the answer is the best', () => {
  const three = ['a', 'b', 'c'];
  const many = fc.array(
    fc.record({ from: fc.constantFrom('a', 'a', 'b', 'c', 'z'), options: fc.oneof(fc.constant(three), fc.shuffledSubarray(three, { minLength: 1 })), sizeGiB: fc.integer({ min: 1, max: 50 }), moveLast: fc.boolean() }),
    { minLength: 10, maxLength: 30 },
  );
  fc.assert(
    fc.property(many, fc.integer({ min: 1, max: 9 }), (drawn, maxSkew) => {
      const candidates = drawn.map((one, index): Candidate => ({ ...one, ordinal: drawn.length - 1 - index }));
      const solved = spread({ zones: three, maxSkew, candidates });
      expect(scoreOf({ zones: three, maxSkew, candidates }, candidates.map(({ ordinal }) => solved.zones.get(ordinal)!))).toEqual(bestByCounts({ zones: three, maxSkew, candidates }));
    }),
    { numRuns: 100 },
  );
});

describe('thousands of ordinals', () => {
  const zones = 'abcdefghij'.split('');

  it('with disks of all sizes: the smallest move, as many as must', () => {
    const candidates = Array.from({ length: 5000 }, (_, ordinal) => candidate(ordinal, 'a', zones, { sizeGiB: 1 + ((ordinal * 7919) % 5003) })).toReversed();
    const solved = spread({ zones, maxSkew: 1, candidates });
    const movers = candidates.filter(({ ordinal }) => solved.zones.get(ordinal) !== 'a');
    const smallest = candidates.toSorted((one, other) => one.sizeGiB - other.sizeGiB).slice(0, 4500);
    expect(new Set(movers)).toEqual(new Set(smallest));
    expect(zones.map((zone) => [...solved.zones.values()].filter((other) => other === zone).length)).toEqual(zones.map(() => 500));
  });

  it('all alike: the highest move, and take the zones in turn', () => {
    const candidates = Array.from({ length: 2000 }, (_, ordinal) => candidate(ordinal, 'a', zones)).toReversed();
    const solved = spread({ zones, maxSkew: 1, candidates });
    expect(word(solved).slice(0, 200)).toBe('a'.repeat(200));
    expect(word(solved).slice(-9)).toBe('jihgfedcb');
  });

  it('a skew with many windows that cost the same: zones that cannot exchange anything with each other', () => {
    // From a to c, and from b to d: what the one pair is spared in a higher window, the other pair must move.
    const pair = (from: string, to: string): string[] => [from, to];
    const candidates = [...Array.from({ length: 300 }, () => ['a', 'c']), ...Array.from({ length: 200 }, () => ['b', 'd'])].map(([from = '', to = ''], ordinal) => candidate(ordinal, from, pair(from, to))).toReversed();
    const solved = spread({ zones: ['a', 'b', 'c', 'd'], maxSkew: 120, candidates });
    const count = (zone: string): number => [...solved.zones.values()].filter((other) => other === zone).length;
    expect({ excess: solved.excess, moves: count('c') + count('d') }).toEqual({ excess: 0, moves: bestOfTwoWorlds(300, 200, 120) });
  });
});

/** Fewest moves when each of two zones can only give to an empty one of its own. */
function bestOfTwoWorlds(first: number, second: number, maxSkew: number): number {
  let best = Infinity;
  for (let one = 0; one <= first; one += 1) {
    for (let other = 0; other <= second; other += 1) {
      const counts = [first - one, one, second - other, other];
      if (Math.max(...counts) - Math.min(...counts) <= maxSkew) best = Math.min(best, one + other);
    }
  }
  return best;
}
