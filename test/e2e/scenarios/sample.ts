// Which scenarios of a family run: all of them with ZONESPREAD_E2E_FULL=1, else some, drawn from a seed that is printed and changes daily.

/** `ZONESPREAD_SEED`, else today's date. */
export function seedOfToday(): string {
  const wished = process.env['ZONESPREAD_SEED'] ?? '';
  return wished === '' ? new Date().toISOString().slice(0, 10) : wished;
}

export function runsInFull(): boolean {
  return process.env['ZONESPREAD_E2E_FULL'] === '1';
}

/** `count` of them, in their order; the same ones for the same seed. */
export function sample<T>(items: readonly T[], count: number, seed: string): T[] {
  if (runsInFull()) return [...items];
  const chosen = new Set(
    items
      .map((_, index) => ({ index, rank: hash(`${seed} ${index}`) }))
      .toSorted((a, b) => a.rank - b.rank)
      .slice(0, count)
      .map(({ index }) => index),
  );
  return items.filter((_, index) => chosen.has(index));
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return value;
}
