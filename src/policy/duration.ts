// Durations as people write them: `90s`, `1h30m`, `7d`. The same form everywhere: annotations, custom resources, flags.

/** The pattern of the CRDs, to the letter. */
export const DURATION_PATTERN = '^([0-9]+(d|h|m|s))+$';

const SECOND_MS = 1000;
const UNIT_MS = { d: 86_400 * SECOND_MS, h: 3600 * SECOND_MS, m: 60 * SECOND_MS, s: SECOND_MS } as const;
type Unit = keyof typeof UNIT_MS;

/** The longest retention that the cloud knows for a snapshot (RetentionDays); whoever wants more wants `forever`. */
const LONGEST_DAYS = 65_536;

export type ParsedDuration = { ok: true; ms: number } | { ok: false; why: string };

/** Parts may come in any order and repeat; they add up. */
export function parseDuration(text: string): ParsedDuration {
  if (!new RegExp(DURATION_PATTERN).test(text)) return { ok: false, why: 'it is not a duration: whole numbers, each followed by d, h, m or s, without spaces' };
  const ms = [...text.matchAll(/(?<count>[0-9]+)(?<unit>[dhms])/g)].reduce((sum, { groups }) => sum + Number(groups?.['count']) * UNIT_MS[groups?.['unit'] as Unit], 0);
  if (ms > LONGEST_DAYS * UNIT_MS.d) return { ok: false, why: `it is longer than ${LONGEST_DAYS}d` };
  return { ok: true, ms };
}

/** The shortest form with the largest units: 5400000 → `1h30m`; `0s` for nothing. Parts of a second are dropped. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / SECOND_MS) * SECOND_MS);
  if (rest === 0) return '0s';
  let text = '';
  for (const unit of Object.keys(UNIT_MS) as Unit[]) {
    const count = Math.floor(rest / UNIT_MS[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * UNIT_MS[unit];
  }
  return text;
}
