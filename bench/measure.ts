// Timing in one process: contestants take turns, the time is that which the processor spent on this thread (what else runs on the machine
// does not count), and the median of the rounds is given.

const ROUNDS = 11;

/** The thread's clock is coarse: what is shorter is repeated. */
const LEAST_MS = 30;

/** Milliseconds of each, in the order given. */
export function medianTimes(contestants: readonly (() => unknown)[], rounds = ROUNDS): number[] {
  const repeats = contestants.map((work) => repeatsFor(work));
  const times = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, work] of contestants.entries()) times[index]!.push(timed(work, repeats[index]!));
  }
  return times.map(median);
}

function repeatsFor(work: () => unknown): number {
  let repeats = 1;
  while (timed(work, repeats) * repeats < LEAST_MS) repeats *= 2;
  return repeats;
}

/** Of one run. */
function timed(work: () => unknown, repeats: number): number {
  const before = process.threadCpuUsage();
  for (let run = 0; run < repeats; run += 1) work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000 / repeats;
}

function median(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0;
}

export function print([title = '', ...cells]: readonly (string | number)[]): void {
  process.stdout.write(`${String(title).padEnd(44)}${cells.map((cell) => String(cell).padStart(14)).join('')}\n`);
}
