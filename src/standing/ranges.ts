// Ordinals as reports write them, `0-3,7`, read back.

/** Ascending; empty for what is no such text, or names more than any set has. */
export function ordinalsIn(text: string): number[] {
  if (!/^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(text)) return [];
  const runs = text.split(',').map((run): [number, number] => {
    const [first = 0, last = first] = run.split('-').map(Number);
    return [first, Math.max(0, last - first + 1)];
  });
  if (runs.reduce((sum, [, length]) => sum + length, 0) > MOST) return [];
  return runs.flatMap(([first, length]) => Array.from({ length }, (_, index) => first + index));
}

/** No set has more; a text that says so is not to cost us memory. */
const MOST = 100_000;
