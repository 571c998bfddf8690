// What a step of the saga is, and the one context object that every step gets.

import type { Api } from '../kubernetes/api.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disks } from '../ports/disks.ts';
import type { Random } from '../ports/random.ts';
import { claimsOf, type ClaimRecord, type OrdinalMigration, type OrdinalMigrationStatus } from './record.ts';

/** What a migration needs of the world. One per daemon. */
export interface MigrationPorts {
  api: Api;
  disks: Disks;
  clock: Clock;
  random: Random;
  /** UID of the kube-system namespace: tells our disks from another cluster's. */
  clusterUID: string;
  /** leaseTransitions of the lease that this daemon holds. */
  epoch: number;
  /** `--step-timeout` in ms. */
  stepTimeoutMs: number;
  reserving: ReservingTerms;
  /** Something that a person should see; the controller makes an event and a log line of it. */
  report(record: OrdinalMigration, note: MigrationNote): void;
}

/** How landing nodes are reserved. */
export interface ReservingTerms {
  /** `--reserve`. */
  on: boolean;
  /** `--pause-image`: what a placeholder runs. */
  image: string;
  /** `--prepull`: the placeholder has the workload's images pulled, too. */
  prepull: boolean;
  /** `--await-autoscaler` in ms: how long the scheduler may take, since a node may have to be made first. Undefined: no longer than any step. */
  awaitAutoscalerMs?: number | undefined;
}

export interface MigrationNote {
  type: 'Normal' | 'Warning';
  /** One of the event names of interface.md. */
  event: string;
  message: string;
}

export interface StepContext extends MigrationPorts {
  /** The record as the API server has it: replaced by every save. */
  record: OrdinalMigration;
  /**
   * Writes the status under the record's resourceVersion: fails with a Conflict when anybody else wrote, so it is also the
   * compare-and-swap right before an effect. `undefined` removes a field.
   */
  save(patch: StatusPatch): Promise<void>;
}

export type StatusPatch = { [K in keyof OrdinalMigrationStatus]?: OrdinalMigrationStatus[K] | undefined };

/**
 * `done`: reality shows the result. `wait`: come back after `afterMs`, or when something changed. `giveUp`: undo. `void`: the snapshot no
 * longer holds the last write; undo and start over at `evict`. `forward`: an undo found that the new disk is in use; go on from that
 * step instead. `rescueAgain`: `restore-source` found that the newer disk was used after its snapshot; detach and snapshot it again.
 * `freeze`: nobody can tell what is right; touch nothing more. `end`: the record is finished.
 */
export type StepResult =
  | { kind: 'done' }
  | { kind: 'wait'; reason: string; message: string; afterMs: number }
  | { kind: 'giveUp'; reason: string; message: string }
  | { kind: 'void'; message: string }
  | { kind: 'forward'; step: 'swapClaim' | 'ungate'; message: string }
  | { kind: 'freeze'; reason: string; message: string }
  | { kind: 'restore'; message: string }
  | { kind: 'rescueAgain'; message: string }
  | { kind: 'end'; phase: 'RolledBack' | 'Failed'; reason: string; message: string };

export interface Step {
  /** Acts on what is live, one idempotent increment at a time, and says how far it is. Must tolerate having run before, wholly or in part. */
  run(context: StepContext): Promise<StepResult>;
  /** Takes back what `run` may have done: not run, run in part, run, or undone already. Only `done`, `wait`, `forward`, `rescueAgain` and `freeze` come back. */
  undo?(context: StepContext): Promise<StepResult>;
  /** Whether `--step-timeout` ends the step by an undo; `progress`: counted from when its progress last changed. */
  deadline: boolean | 'progress';
  /** In place of `--step-timeout`, in ms. */
  limitMs?(ports: MigrationPorts): number;
}

export const DONE: StepResult = { kind: 'done' };

export function wait(reason: string, message: string, afterMs: number): StepResult {
  return { kind: 'wait', reason, message, afterMs };
}

/** A fact that must always hold does not: freezes the migration. */
export class InvariantBroken extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.name = 'InvariantBroken';
    this.reason = reason;
  }
}

const SEVERITY: Record<StepResult['kind'], number> = { done: 0, wait: 1, void: 2, giveUp: 3, restore: 3, rescueAgain: 3, forward: 3, end: 3, freeze: 4 };

/** Runs `act` for every claim of the record (all of them, so that clouds work in parallel) and returns the gravest result. */
export async function forEachClaim(context: StepContext, act: (claim: ClaimRecord, index: number) => Promise<StepResult>): Promise<StepResult> {
  let gravest: StepResult = DONE;
  for (const index of claimsOf(context.record).keys()) {
    const result = await act(claimAt(context, index), index);
    if (SEVERITY[result.kind] > SEVERITY[gravest.kind] || (result.kind === 'wait' && gravest.kind === 'wait' && result.afterMs < gravest.afterMs)) gravest = result;
    if (gravest.kind === 'freeze') return gravest;
  }
  return gravest;
}

export function claimAt(context: StepContext, index: number): ClaimRecord {
  const claim = context.record.status?.claims?.[index];
  if (claim === undefined) throw new InvariantBroken('RecordIncomplete', `the record has no claim number ${index}`);
  return claim;
}

/** Saves one claim's part of the record; the others stay as they are. */
export async function saveClaim(context: StepContext, index: number, change: Partial<ClaimRecord>): Promise<ClaimRecord> {
  await context.save({ claims: claimsOf(context.record).with(index, { ...claimAt(context, index), ...change }) });
  return claimAt(context, index);
}

export function namespaceOf(context: StepContext): string {
  return context.record.metadata.namespace ?? '';
}

export function migrationUID(context: StepContext): string {
  return context.record.metadata.uid ?? '';
}

/** How long what the cloud has made may take to show in its lists. */
export const VISIBILITY_LAG_MS = 10 * 60_000;

/** Milliseconds since an RFC 3339 stamp of ours. */
export function sinceMs(context: StepContext, stamp: string | undefined): number {
  return stamp === undefined ? 0 : context.clock.now() - Date.parse(stamp);
}

/** How soon to look at the cloud again: often at first, where a moment is downtime, seldom once it is known to take long. */
export function pollMs(context: StepContext): number {
  return Math.min(5_000, Math.max(100, sinceMs(context, context.record.status?.stepStartedAt) / 20));
}
