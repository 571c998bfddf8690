// Numbers by seed, for instances that can be drawn again: mulberry32.

export interface Draw {
  /** 0 … below-1. */
  number: (below: number) => number;
  chance: (probability: number) => boolean;
  of: <T>(items: readonly T[]) => T;
}

export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const number = (below: number): number => Math.floor(next() * below);
  return { number, chance: (probability) => next() < probability, of: (items) => items[number(items.length)]! };
}
