// Which PV a claim of a moving ordinal gets, and whether its pod is gated: the one place that says so, from the record alone. The
// webhook, the in-API policies and the saga all ask here.
//
//   Forward:  … reserve keepSource │ evict detach snapshot createDisk createVolume │ swapClaim ungate │ ready settle
//   gate                           │ ─────────────────────── yes ────────────────────────────────── │ no: a later rollout's pod must start without us
//   claim →   source               │ source (until the target PV exists)           │ target           │ target
//   Undo, Restore: gated until the claim is back on the source, then free; claims → source. An undo that only starts over keeps the gate.

import { PROBE_LABEL } from '../kubernetes/names.ts';
import type { ClaimSpec, ObjectMeta } from '../kubernetes/objects.ts';
import { claimsOf, courseOf, inFlight, podNameOf, statusOf, STEPS, type ClaimRecord, type OrdinalMigration, type RestoreStepName, type StepName } from './record.ts';

export interface Steering {
  migrationName: string;
  migrationUID: string;
  namespace: string;
  podName: string;
  gate: boolean;
  /** By claim name. */
  claims: Map<string, SteeredClaim>;
}

/** What a claim of that name must ask for, whoever creates it. */
export interface SteeredClaim {
  volumeName: string;
  spec: ClaimSpec;
}

/** The steering of a record in flight; undefined when nothing of the ordinal is to be touched. */
export function steeringOf(record: OrdinalMigration): Steering | undefined {
  if (!inFlight(record)) return undefined;
  return {
    migrationName: record.metadata.name,
    migrationUID: record.metadata.uid ?? '',
    namespace: record.metadata.namespace ?? '',
    podName: podNameOf(record),
    gate: gateWanted(record),
    claims: new Map(claimsOf(record).map((claim) => [claim.claimName, steeredClaim(record, claim)])),
  };
}

/**
 * The one record that steers an ordinal when several are in flight for it: a Reverse steers over the Frozen move that it takes back,
 * so the youngest wins.
 */
export function steeringRecord(records: OrdinalMigration[]): OrdinalMigration | undefined {
  return records
    .filter(inFlight)
    .toSorted((a, b) => (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') || Number(b.spec.reason === 'Reverse') - Number(a.spec.reason === 'Reverse'))[0];
}

/** Whether a dry-run pod or claim is a probe of this record: it is gated and steered whatever the step. */
export function isProbeOf(metadata: Partial<ObjectMeta>, migrationUID: string): boolean {
  return metadata.labels?.[PROBE_LABEL] === migrationUID;
}

/** Until the claim is back on the old volume. */
const GATED_IN_UNDO = new Set<string>(['restoreDetach', 'restoreSnapshot', 'ungate', 'swapClaim'] satisfies (StepName | RestoreStepName)[]);

export function gateWanted(record: OrdinalMigration): boolean {
  const { step = 'rehearse', resumeAt } = statusOf(record);
  if (courseOf(record) === 'Forward') return isBetween(step, 'evict', 'ungate');
  return resumeAt !== undefined || GATED_IN_UNDO.has(step);
}

export function volumeWanted(record: OrdinalMigration, claim: ClaimRecord): string {
  const onTarget = courseOf(record) === 'Forward' && isBetween(statusOf(record).step ?? 'rehearse', 'swapClaim', 'settle');
  return onTarget && claim.target?.pv !== undefined ? claim.target.pv : claim.source.pv;
}

function steeredClaim(record: OrdinalMigration, claim: ClaimRecord): SteeredClaim {
  const volumeName = volumeWanted(record, claim);
  return { volumeName, spec: { ...claim.manifest.spec, volumeName } };
}

function isBetween(step: string, first: (typeof STEPS)[number], last: (typeof STEPS)[number]): boolean {
  const index = (STEPS as readonly string[]).indexOf(step);
  return index >= STEPS.indexOf(first) && index <= STEPS.indexOf(last);
}
