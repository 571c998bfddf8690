// What a simulated ECS account is made of: its zones and what they sell, how long things take, and where its limits are.

import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

/** One disk category that a zone sells. Without `performanceLevels` every level of the category. */
export interface OnSale {
  category: string;
  performanceLevels?: string[];
}

export interface ZoneSetting {
  id: string;
  onSale: OnSale[];
}

/** All in milliseconds. */
export interface EcsTimings {
  /** From CreateDisk's answer to Available. */
  createDiskMs: number;
  attachMs: number;
  detachMs: number;
  /** Until a disk can be made from a snapshot of the ESSD family. Other categories wait for the upload. */
  snapshotAvailableMs: number;
  /** Until `accomplished`, 100%. */
  snapshotUploadMs: number;
  /** How late a change of tags shows, in filters and in answers. */
  tagVisibilityLagMs: number;
  /** How late a new disk or snapshot shows in Describe calls. */
  listVisibilityLagMs: number;
  /** How long a client token is remembered; the real API documents nothing. */
  tokenLifetimeMs: number;
  /** How long every call takes before it does anything. */
  callMs: number;
}

export interface EcsQuotas {
  disks: number;
  disksPerInstance: number;
  snapshotsPerDisk: number;
  snapshotsInProgress: number;
  tagsPerResource: number;
  /** Describe calls that filter by tag fail when more resources than this match. */
  resourcesPerTagFilter: number;
  backupPoliciesPerDisk: number;
}

export interface EcsSettings {
  clock: Clock;
  random: Random;
  region: string;
  zones: ZoneSetting[];
  instances?: { id: string; zone: string }[];
  /** Ids of the automatic-snapshot policies that exist. */
  backupPolicies?: string[];
  timings?: Partial<EcsTimings>;
  quotas?: Partial<EcsQuotas>;
  /** A snapshot asked for while the disk is Detaching: the documented refusal (default), or taken without the last write. */
  detachingSnapshots?: 'refused' | 'inconsistent';
  /** Entries of the history that are kept; older ones fall out. */
  historyLimit?: number;
}

/** Roughly what the real cloud takes for a small ESSD. */
export const defaultTimings: EcsTimings = {
  createDiskMs: 2_000,
  attachMs: 2_000,
  detachMs: 2_000,
  snapshotAvailableMs: 3_000,
  snapshotUploadMs: 60_000,
  tagVisibilityLagMs: 0,
  listVisibilityLagMs: 0,
  tokenLifetimeMs: 24 * 60 * 60 * 1000,
  callMs: 0,
};

/** The documented limits of an account; disks in all: what a new account is given. */
export const defaultQuotas: EcsQuotas = {
  disks: 10_000,
  disksPerInstance: 16,
  snapshotsPerDisk: 256,
  snapshotsInProgress: 1_000,
  tagsPerResource: 20,
  resourcesPerTagFilter: 1_000,
  backupPoliciesPerDisk: 10,
};
