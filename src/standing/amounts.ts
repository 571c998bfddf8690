// How long and how many, in words for people.

/** For people who wait: `45 s`, `12 min`, `3 h 5 min`, `6 d 4 h`; whole parts only. */
export function span(ms: number): string {
  const [total, days, hours, rest] = [Math.max(0, ms), Math.floor(ms / 86_400_000), Math.floor(ms / 3_600_000), Math.floor(ms / 60_000)];
  if (total < 60_000) return `${Math.ceil(total / 1000)} s`;
  if (total < 3_600_000) return `${rest} min`;
  if (total < 86_400_000) return hours * 60 === rest ? `${hours} h` : `${hours} h ${rest - hours * 60} min`;
  return days * 24 === hours ? `${days} d` : `${days} d ${hours - days * 24} h`;
}

/** `5,312`. */
export function count(of: number): string {
  return of.toLocaleString('en-US');
}

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

/** `four moves`, `one move`, `13 moves`. */
export function several(of: number, noun: string): string {
  return `${WORDS[of] ?? String(of)} ${noun}${of === 1 ? '' : 's'}`;
}
