// What was measured of one kind of disk, as a line over the size that outliers do not bend: medians, quantiles and the median of slopes
// (Theil and Sen), and the fixed model of estimate.ts wherever too little was measured.

/** One ended move. */
export interface Measurement {
  sizeGiB: number;
  ms: number;
}

export interface Range {
  /** As likely too long as too short. */
  middleMs: number;
  /** Nine in ten take no longer. */
  highMs: number;
}

/** Before anything is measured. */
export interface Model {
  ms: number;
  /** How much longer a larger disk takes. */
  msPerGiB: number;
}

/** So many measurements are gone by alone; each of fewer moves the estimate a tenth of the way from the model to them. */
const ENOUGH = 10;

/** Sizes tell how the time grows with the size when one is at least so many times the other. */
const DIFFERENT = 1.5;

/** One disk of another size may be an outlier, and two agree by chance. */
const TOO_FEW_OF_ANOTHER_SIZE = 2;

const HIGH = 0.9;

/** A line that bends once, at `sizeGiB`: beyond it nobody knows as well as before it. */
interface Line {
  sizeGiB: number;
  msPerGiBBelow: number;
  msPerGiBAbove: number;
}

export interface MeasuredLine {
  /** @param modelMs what the model says of this size. */
  at: (sizeGiB: number, modelMs: number) => Range;
}

export function measuredLine(measurements: readonly Measurement[], modelMsPerGiB: number): MeasuredLine {
  if (measurements.length === 0) return { at: (_sizeGiB, modelMs) => ({ middleMs: modelMs, highMs: modelMs }) };
  const line = lineThrough(measurements, modelMsPerGiB);
  const atBend = ascending(measurements.map(({ sizeGiB, ms }) => ms - rise(line, sizeGiB)));
  const [middle, high] = [median(atBend), quantile(atBend, HIGH)];
  const shortest = Math.min(...measurements.map(({ ms }) => ms));
  const weight = Math.min(1, measurements.length / ENOUGH);
  return {
    at(sizeGiB, modelMs) {
      const blend = (ms: number): number => weight * Math.max(shortest, ms + rise(line, sizeGiB)) + (1 - weight) * modelMs;
      return { middleMs: blend(middle), highMs: blend(high) };
    },
  };
}

/** Never falling, so that a larger disk is never estimated shorter than a smaller one. */
function rise({ sizeGiB: bend, msPerGiBBelow, msPerGiBAbove }: Line, sizeGiB: number): number {
  return (sizeGiB - bend) * (sizeGiB < bend ? msPerGiBBelow : msPerGiBAbove);
}

/**
 * While few sizes were seen, larger disks take as much longer as the model says, and smaller ones as long as those that were seen: both on
 * the safe side.
 */
function lineThrough(measurements: readonly Measurement[], modelMsPerGiB: number): Line {
  const sizeGiB = median(ascending(measurements.map((one) => one.sizeGiB)));
  const others = measurements.filter((one) => areDifferent(one.sizeGiB, sizeGiB)).length;
  const weight = Math.min(1, Math.max(0, others - TOO_FEW_OF_ANOTHER_SIZE) / (ENOUGH - TOO_FEW_OF_ANOTHER_SIZE));
  const measured = weight * medianSlope(measurements);
  return { sizeGiB, msPerGiBBelow: measured, msPerGiBAbove: measured + (1 - weight) * modelMsPerGiB };
}

/** Of the lines through every two measurements of different sizes; 0 without any, and where larger disks went faster. */
function medianSlope(measurements: readonly Measurement[]): number {
  const slopes: number[] = [];
  for (const [index, a] of measurements.entries()) {
    for (const b of measurements.slice(0, index)) if (areDifferent(a.sizeGiB, b.sizeGiB)) slopes.push((a.ms - b.ms) / (a.sizeGiB - b.sizeGiB));
  }
  return Math.max(0, median(Float64Array.from(slopes).toSorted()));
}

function areDifferent(a: number, b: number): boolean {
  return Math.max(a, b) >= DIFFERENT * Math.min(a, b);
}

function ascending(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}

/** Of an even count the upper one: on the safe side. */
function median(sorted: ArrayLike<number>): number {
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The smallest that at least this part of them does not exceed. */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.ceil(part * sorted.length) - 1] ?? 0;
}
