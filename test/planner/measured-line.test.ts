import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measuredLine, type Measurement, type Range } from '../../src/planner/measured-line.ts';
import { drawFrom } from './random-numbers.ts';

const MODEL_MS = 90_000;
const UPLOAD_MS_PER_GIB = 60_000;

function measurements(count: number, sizeGiB: number, ms: number): Measurement[] {
  return Array.from({ length: count }, () => ({ sizeGiB, ms }));
}

/** Of a disk with instant snapshots: the model says the same for every size. */
function at(measured: readonly Measurement[], sizeGiB: number): Range {
  return measuredLine(measured, 0).at(sizeGiB, MODEL_MS);
}

/** Of a disk that has to be uploaded. */
function uploadAt(measured: readonly Measurement[], sizeGiB: number): Range {
  return measuredLine(measured, UPLOAD_MS_PER_GIB).at(sizeGiB, MODEL_MS + sizeGiB * UPLOAD_MS_PER_GIB);
}

describe('how much the measurements count', () => {
  it('without any the model is all there is', () => {
    expect(at([], 20)).toEqual({ middleMs: MODEL_MS, highMs: MODEL_MS });
    expect(uploadAt([], 20)).toEqual({ middleMs: 1_290_000, highMs: 1_290_000 });
  });

  it('each of the first ten goes a tenth of the way from the model to what was measured', () => {
    expect(at(measurements(1, 20, 190_000), 20).middleMs).toBeCloseTo(100_000);
    expect(at(measurements(5, 20, 190_000), 20).middleMs).toBeCloseTo(140_000);
    expect(at(measurements(10, 20, 190_000), 20)).toEqual({ middleMs: 190_000, highMs: 190_000 });
    expect(at(measurements(10, 20, 40_000), 20)).toEqual({ middleMs: 40_000, highMs: 40_000 });
  });

  it('the middle is the median, the high end what nine in ten do not exceed', () => {
    const measured = Array.from({ length: 20 }, (_, index) => ({ sizeGiB: 20, ms: (index + 1) * 1000 }));
    expect(at(measured, 20)).toEqual({ middleMs: 11_000, highMs: 18_000 });
  });

  it('one move in ten that took for ever rules neither', () => {
    const measured = [...measurements(18, 20, 100_000), ...measurements(2, 20, 86_400_000)];
    expect(at(measured, 20)).toEqual({ middleMs: 100_000, highMs: 100_000 });
  });

  it('the order in which they come does not matter', () => {
    const draw = drawFrom(7);
    const measured = Array.from({ length: 40 }, () => ({ sizeGiB: draw.of([20, 40, 100, 500]), ms: 50_000 + draw.number(100_000) }));
    expect(at(measured.toReversed(), 60)).toEqual(at(measured, 60));
  });
});

describe('how it grows with the size', () => {
  const line = (sizeGiB: number): number => 60_000 + 2_000 * sizeGiB;
  const many = [20, 50, 100, 200].flatMap((sizeGiB) => measurements(10, sizeGiB, line(sizeGiB)));

  it.each([20, 70, 200, 1000])('of many sizes it is learnt, at %i GiB, too', (sizeGiB) => {
    expect(at(many, sizeGiB).middleMs).toBeCloseTo(line(sizeGiB));
    expect(uploadAt(many, sizeGiB).middleMs).toBeCloseTo(line(sizeGiB));
  });

  it('an outlier in eight does not bend it', () => {
    const strange = many.map((one, index) => (index % 8 === 0 ? { ...one, ms: 7_200_000 } : one));
    expect(at(strange, 400).middleMs).toBeLessThan(line(400) * 1.2);
    expect(at(strange, 400).middleMs).toBeGreaterThan(line(400) * 0.8);
  });

  it('of one size nothing is learnt: a larger disk takes as much longer as the model says, a smaller one no less', () => {
    const measured = measurements(30, 100, 200_000);
    expect(uploadAt(measured, 100).middleMs).toBe(200_000);
    expect(uploadAt(measured, 500).middleMs).toBe(200_000 + 400 * UPLOAD_MS_PER_GIB);
    expect(uploadAt(measured, 10).middleMs).toBe(200_000);
  });

  it('sizes that hardly differ tell nothing either', () => {
    const measured = [...measurements(20, 100, 100_000), ...measurements(20, 110, 160_000)];
    expect(at(measured, 1000).middleMs).toBe(160_000);
  });

  it('one or two disks of another size are no line', () => {
    const measured = [...measurements(20, 20, 100_000), ...measurements(2, 40, 10_000_000)];
    expect(at(measured, 1000).middleMs).toBe(100_000);
  });

  it('larger disks that went faster do not make the largest ones quick', () => {
    const measured = [...measurements(20, 20, 200_000), ...measurements(20, 200, 100_000)];
    expect(at(measured, 200).highMs).toBe(200_000);
    expect(at(measured, 2000).middleMs).toBeGreaterThanOrEqual(at(measured, 20).middleMs);
  });

  it('a disk smaller than all that were seen is never estimated shorter than the shortest seen', () => {
    const measured = [...measurements(20, 100, 100_000), ...measurements(20, 1000, 2_000_000)];
    expect(at(measured, 1).middleMs).toBe(100_000);
  });
});

it('whatever was measured: finite, not negative, no middle above the high end, and no larger disk shorter', () => {
  const one = fc.record({ sizeGiB: fc.integer({ min: 1, max: 65_536 }), ms: fc.integer({ min: 1, max: 10 ** 9 }) });
  const size = fc.integer({ min: 1, max: 65_536 });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 30 }), size, size, fc.boolean(), (measured, a, b, uploads) => {
      const ask = uploads ? uploadAt : at;
      const [smaller, larger] = [ask(measured, Math.min(a, b)), ask(measured, Math.max(a, b))];
      for (const range of [smaller, larger]) {
        expect(Number.isFinite(range.highMs)).toBe(true);
        expect(range.middleMs).toBeGreaterThan(0);
        expect(range.highMs).toBeGreaterThanOrEqual(range.middleMs);
      }
      expect(larger.middleMs).toBeGreaterThanOrEqual(smaller.middleMs);
      expect(larger.highMs).toBeGreaterThanOrEqual(smaller.highMs);
    }),
    { numRuns: 2000 },
  );
});

/** Each move is estimated from those before it alone, as the daemon does. */
it.each([1, 2, 3, 4, 5])('in a cloud that is as it was (seed %i), about nine moves in ten stay below the high end and half below the middle', (seed) => {
  const draw = drawFrom(seed);
  const measured: Measurement[] = [];
  const counts = { asked: 0, belowMiddle: 0, belowHigh: 0 };
  for (let move = 0; move < 300; move += 1) {
    const sizeGiB = draw.of([20, 40, 100, 200, 500]);
    // Pods take their time, the cloud takes some more per GiB, and one in twenty has a bad day.
    const ms = 40_000 + draw.number(40_000) + sizeGiB * (300 + draw.number(200)) + (draw.chance(0.05) ? draw.number(3_600_000) : 0);
    if (measured.length >= 10) {
      const { middleMs, highMs } = at(measured, sizeGiB);
      counts.asked += 1;
      counts.belowMiddle += Number(ms <= middleMs);
      counts.belowHigh += Number(ms <= highMs);
    }
    measured.unshift({ sizeGiB, ms });
    measured.splice(100);
  }
  expect(counts.belowMiddle / counts.asked).toBeGreaterThan(0.4);
  expect(counts.belowMiddle / counts.asked).toBeLessThan(0.65);
  expect(counts.belowHigh / counts.asked).toBeGreaterThan(0.83);
});
