// A small change of the world is a small change of the plan: nothing is reshuffled that need not be, whatever is carried out of a plan
// leaves the rest of it, and neither names nor the order of the input decide anything.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spread, type Candidate, type SpreadProblem } from '../../src/planner/spread.ts';

const ZONES = ['a', 'b', 'c', 'd', 'e', 'f'];

const ordinals = fc.record({
  from: fc.constantFrom(...ZONES, 'z', undefined),
  crowded: fc.boolean(),
  closed: fc.subarray(ZONES, { maxLength: 2 }),
  restricted: fc.boolean(),
  sizeGiB: fc.constantFrom(20, 20, 40, 100),
  moveLast: fc.boolean(),
});

const problems = fc.record({ zones: fc.shuffledSubarray(ZONES, { minLength: 2 }), maxSkew: fc.integer({ min: 1, max: 3 }), drawn: fc.array(ordinals, { minLength: 1, maxLength: 30 }) }).map(({ zones, maxSkew, drawn }): SpreadProblem => {
  const candidates = drawn.map(({ from, crowded, closed, restricted, sizeGiB, moveLast }, ordinal): Candidate => {
    const home = crowded ? zones[0] : from;
    const open = restricted ? zones.filter((zone) => zone === home || !closed.includes(zone)) : zones;
    return { ordinal, from: home, options: open.length === 0 ? zones : open, sizeGiB, moveLast: moveLast && ordinal % 5 === 0 };
  });
  return { zones, maxSkew, candidates: inMovingOrder(candidates) };
});

function inMovingOrder(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted((one, other) => Number(one.moveLast) - Number(other.moveLast) || other.ordinal - one.ordinal);
}

/** By ordinal. */
function layout(problem: SpreadProblem): Map<number, string> {
  return new Map(spread(problem).zones);
}

function changed(before: ReadonlyMap<number, string>, after: ReadonlyMap<number, string>): number[] {
  return [...after.keys()].filter((ordinal) => before.has(ordinal) && before.get(ordinal) !== after.get(ordinal));
}

function carriedOut(problem: SpreadProblem, ends: ReadonlyMap<number, string>, isDone: (ordinal: number) => boolean): SpreadProblem {
  return { ...problem, candidates: problem.candidates.map((candidate) => (isDone(candidate.ordinal) ? { ...candidate, from: ends.get(candidate.ordinal) } : candidate)) };
}

describe('a set that is scaled', () => {
  it('up by one replica changes at most one ordinal for each other zone, and down by one the same ones back', () => {
    fc.assert(
      fc.property(problems, ({ zones, candidates }) => {
        const all = { zones, maxSkew: 1, candidates };
        const fewer = { ...all, candidates: candidates.filter(({ ordinal }) => ordinal !== candidates.length - 1) };
        fc.pre(spread(all).excess === 0 && spread(fewer).excess === 0);
        expect(changed(layout(fewer), layout(all)).length).toBeLessThan(zones.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('up by a replica that is where it helps changes nothing', () => {
    fc.assert(
      fc.property(problems, ({ zones, candidates }) => {
        const before = { zones, maxSkew: 1, candidates: candidates.map((candidate) => ({ ...candidate, options: zones })) };
        const ends = layout(before);
        const count = (zone: string): number => [...ends.values()].filter((other) => other === zone).length;
        const fullest = Math.max(...zones.map(count));
        const short = zones.find((zone) => count(zone) < fullest);
        fc.pre(short !== undefined);
        const newcomer: Candidate = { ordinal: candidates.length, from: short, options: zones, sizeGiB: 20, moveLast: false };
        expect(changed(ends, layout({ ...before, candidates: [newcomer, ...before.candidates] })).length).toBeLessThan(zones.length);
        const satisfied = carriedOut(before, ends, () => true);
        expect(changed(ends, layout({ ...satisfied, candidates: [newcomer, ...satisfied.candidates] }))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a zone', () => {
  it('that closes to ordinals which did not want to go there changes nothing', () => {
    fc.assert(
      fc.property(problems, fc.constantFrom(...ZONES), (problem, closing) => {
        const before = layout(problem);
        const candidates = problem.candidates.map((candidate) => ({ ...candidate, options: candidate.options.filter((zone) => zone !== closing || before.get(candidate.ordinal) === closing) }));
        expect(changed(before, layout({ ...problem, candidates }))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('that closes to one ordinal changes at most one ordinal a zone', () => {
    fc.assert(
      fc.property(problems, fc.nat(), ({ zones, candidates }, which) => {
        const problem = { zones, maxSkew: 1, candidates };
        const before = layout(problem);
        const { ordinal } = candidates[which % candidates.length]!;
        const without = candidates.map((candidate) => (candidate.ordinal === ordinal ? { ...candidate, options: candidate.options.filter((zone) => zone !== before.get(ordinal)) } : candidate));
        fc.pre(without.every(({ options }) => options.length > 0) && spread(problem).excess === 0 && spread({ ...problem, candidates: without }).excess === 0);
        expect(changed(before, layout({ ...problem, candidates: without })).length).toBeLessThanOrEqual(zones.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a plan', () => {
  it('of which any part has been carried out leaves exactly the rest', () => {
    fc.assert(
      fc.property(problems, fc.func(fc.boolean()), (problem, isDone) => {
        const ends = layout(problem);
        expect(layout(carriedOut(problem, ends, isDone))).toEqual(ends);
      }),
      { numRuns: 1000 },
    );
  });

  it('that has been carried out leaves nothing to move', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const ends = layout(problem);
        const again = carriedOut(problem, ends, () => true);
        expect(again.candidates.filter(({ ordinal, from }) => layout(again).get(ordinal) !== from)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same whatever the zones are called', () => {
    fc.assert(
      fc.property(problems, fc.shuffledSubarray(ZONES, { minLength: ZONES.length }), (problem, names) => {
        const renamed = (zone: string): string => `${names[ZONES.indexOf(zone)] ?? zone}-new`;
        const candidates = problem.candidates.map((candidate) => ({ ...candidate, from: candidate.from === undefined ? undefined : renamed(candidate.from), options: candidate.options.map(renamed) }));
        const expected = new Map([...layout(problem)].map(([ordinal, zone]) => [ordinal, renamed(zone)]));
        expect(layout({ ...problem, zones: problem.zones.map(renamed), candidates })).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order in which options are listed, nor on whether ordinals share a list', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const candidates = problem.candidates.map((candidate) => ({ ...candidate, options: candidate.options.toReversed() }));
        expect(layout({ ...problem, candidates })).toEqual(layout(problem));
      }),
      { numRuns: 500 },
    );
  });
});
