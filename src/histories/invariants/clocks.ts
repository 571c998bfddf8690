// How far the clocks of daemons may be off in a history: their plans say how fast they run.

import type { HistoryWorld } from '../world.ts';

/** Daemons keep time in milliseconds, the cloud in seconds. */
const ROUNDING_MS = 1_000;

/** How long `ms` on a daemon's clock lasts at least on the cluster's. */
export function atLeast({ plan }: HistoryWorld, ms: number): number {
  return ms / Math.max(1, ...plan.product.clockRates) - ROUNDING_MS;
}

/** The same where one daemon's clock wrote down the beginning and another one's told the end, the cluster being `ageMs` old. */
export function atLeastAcross(world: HistoryWorld, ms: number, ageMs: number): number {
  const furthest = Math.max(0, ...world.plan.product.clockRates.map((rate) => Math.abs(rate - 1)));
  return ms - ageMs * furthest * 2 - ROUNDING_MS;
}
