// Timing in one process: contestants take turns, so that what disturbs one disturbs the other, and the median of the rounds counts.

export const ROUNDS = 15;

/** Milliseconds of each, in the order given. */
export function medianTimes(contestants: readonly (() => unknown)[], rounds = ROUNDS): number[] {
  const times = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, work] of contestants.entries()) times[index]!.push(timed(work));
  }
  return times.map(median);
}

function timed(work: () => unknown): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

function median(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;
}

export function print(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.map((cell, index) => (index === 0 ? String(cell).padEnd(34) : String(cell).padStart(14))).join('')}\n`);
}
