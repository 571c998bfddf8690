// The name of a plan: the same moves in the same order always have the same digest, whatever else changed.

import { createHash } from 'node:crypto';

export function digestOf(moves: readonly { ordinal: number; from: string; to: string }[]): string {
  const canonical = moves.map(({ ordinal, from, to }) => `${ordinal} ${from} ${to}\n`).join('');
  return createHash('sha256').update(canonical).digest('hex');
}
