// What is left to chance in a plan, a fault or an act, from a seed of its own: taking one of them out of a plan leaves the others as they were.

import { SeededRandom } from '../simulation/seeded-random.ts';
import type { FaultPlan } from './plan.ts';

export class Dice {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** For a fault of a history. */
  static ofFault(seed: number, { name, from }: FaultPlan): Dice {
    return new Dice(mixed(seed, `${name} ${from}`));
  }

  /** For an act: `lot` in [0, 1). */
  static ofLot(lot: number): Dice {
    return new Dice(Math.floor(lot * 2 ** 32));
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.#random.next();
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number, both bounds included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** As often small as large: of every order of magnitude alike. Bounds above 0. */
  scale(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.next());
  }

  /** @throws Error of an empty list. */
  one<T>(items: readonly T[]): T {
    const index = this.between(0, items.length - 1);
    if (index >= items.length) throw new Error('there is nothing to choose from');
    return items[index] as T;
  }

  /** Undefined of an empty list. */
  maybeOne<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : this.one(items);
  }

  /** In another order, each as likely. */
  shuffled<T>(items: readonly T[]): T[] {
    const all = [...items];
    for (let last = all.length - 1; last > 0; last -= 1) {
      const other = this.between(0, last);
      [all[last], all[other]] = [all[other] as T, all[last] as T];
    }
    return all;
  }
}

/** FNV-1a over the text, begun with the seed. */
function mixed(seed: number, text: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
