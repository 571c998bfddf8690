// Chance as the product sees it: names, tokens and jitter come from here, so that a simulation can seed them.

import { randomInt, randomUUID } from 'node:crypto';

export interface Random {
  /** RFC 4122 UUID. */
  uuid(): string;
  /** Uniform in [0, 1). */
  next(): number;
}

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  next: () => randomInt(2 ** 32) / 2 ** 32,
};

const LETTERS = 'bcdfghjklmnpqrstvwxz'; // No vowels, as in Kubernetes' own names: no words by accident.

/** `count` lower-case letters, fit for the end of an object's name. */
export function randomLetters(random: Random, count: number): string {
  return Array.from({ length: count }, () => LETTERS[Math.floor(random.next() * LETTERS.length)]).join('');
}
