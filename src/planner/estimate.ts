// How long a move will keep a pod down, and what a plan costs. Estimates: said in reports, and compared with max-downtime.

import { volumesToMove, type OrdinalFacts } from '../layout/layout.ts';
import type { VolumeFacts } from '../layout/volumes.ts';
import type { Rules } from '../policy/policy.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** Termination grace 30 s (the default), detach 15 s, instant snapshot 5 s, disk 10 s, attach and start 30 s. */
const BASE_DOWNTIME_MS = 90 * SECOND_MS;

/**
 * A first snapshot is a full one, and uploads of standard snapshots are reported at about a GiB a minute. On the safe side: incremental
 * ones are faster.
 */
const UPLOAD_MS_PER_GIB = MINUTE_MS;

export function estimatedDowntimeMs(ordinal: OrdinalFacts, zone: string): number {
  // The snapshots of one pod are taken side by side: the slowest counts.
  return BASE_DOWNTIME_MS + Math.max(0, ...volumesToMove(ordinal, zone).map(uploadMs));
}

function uploadMs(volume: VolumeFacts): number {
  return volume.instantSnapshots ? 0 : sizeOf(volume) * UPLOAD_MS_PER_GIB;
}

export function sizeGiBToMove(ordinal: OrdinalFacts, zone: string): number {
  return volumesToMove(ordinal, zone).reduce((sum, volume) => sum + sizeOf(volume), 0);
}

function sizeOf({ disk, volume }: VolumeFacts): number {
  return disk?.sizeGiB ?? volume?.sizeGiB ?? 0;
}

export interface Cost {
  moves: number;
  sizeGiB: number;
  /** Whole minutes, windows and waiting aside. */
  estimatedMinutes: number;
}

export function costOf(moves: readonly { ordinal: OrdinalFacts; zone: string }[], rules: Rules): Cost {
  const totalMs = moves.reduce((sum, { ordinal, zone }) => sum + estimatedDowntimeMs(ordinal, zone) + rules.healthDurationMs, 0);
  return {
    moves: moves.length,
    sizeGiB: moves.reduce((sum, { ordinal, zone }) => sum + sizeGiBToMove(ordinal, zone), 0),
    estimatedMinutes: Math.ceil(totalMs / rules.maxUnavailable / MINUTE_MS),
  };
}
