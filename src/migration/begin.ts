// Pending → Running: what is to be moved is read live and written down whole, before the first effect.

import { CLUSTER_TAG, FINALIZER, MIGRATION_LABEL, VELERO_EXCLUDE_LABEL } from '../kubernetes/names.ts';
import { claims, volumes, type PersistentVolume, type PersistentVolumeClaim, type StatefulSet } from '../kubernetes/objects.ts';
import { parseQuantity } from '../kubernetes/quantity.ts';
import { areBound, diskIdOf, isTerminating, labelOf, storageCapacity, uidOf } from '../kubernetes/reading.ts';
import type { Disk } from '../ports/disks.ts';
import { timestamp } from '../ports/clock.ts';
import { manifestOf } from './claim-manifest.ts';
import { endMigration } from './ending.ts';
import { FORMAT_VERSION, ordinalMigrations, podNameOf, type ClaimRecord, type MigrationTerms, type OrdinalMigration } from './record.ts';
import { ordinalsOf } from './owner.ts';
import { liveSet } from './rehearsal.ts';
import { contextFor } from './runner.ts';
import { namespaceOf, type MigrationPorts, type StepContext } from './step.ts';

type Findings = { kind: 'claims'; claims: ClaimRecord[] } | { kind: 'not yet'; reason: string; message: string } | { kind: 'never'; reason: string; message: string };

/**
 * Begins a Pending record. `begun`: it is Running now. `waiting`: something is not as it must be; nothing was written but that reason.
 * `ended`: it can never run and has ended as Failed.
 */
export async function begin(ports: MigrationPorts, pending: OrdinalMigration, terms: MigrationTerms): Promise<'begun' | 'waiting' | 'ended'> {
  const context = contextFor(ports, pending);
  if (isTerminating(pending)) return never(context, 'Aborted', 'it was deleted before it began');
  await adopt(context);
  const set = await liveSet(context);
  if (set === undefined) return never(context, 'OwnerGone', `StatefulSet ${pending.spec.statefulSetRef.name} does not exist in namespace ${namespaceOf(context)}`);
  if (pending.spec.statefulSetRef.uid !== undefined && pending.spec.statefulSetRef.uid !== set.metadata.uid) {
    return never(context, 'OwnerGone', `StatefulSet ${set.metadata.name} is not the one that the record was made for (its UID differs)`);
  }
  const traces = await tracesOf(context);
  if (traces !== undefined) {
    await context.save({ phase: 'Frozen', course: 'Forward', step: 'rehearse', reason: 'RecordRestored', message: traces });
    return 'ended';
  }
  const found = await findClaims(context, set);
  if (found.kind === 'never') return never(context, found.reason, found.message);
  if (found.kind === 'not yet') return waitOrGiveUp(context, found);
  const now = timestamp(context.clock);
  await context.save({
    formatVersion: FORMAT_VERSION,
    phase: 'Running',
    course: 'Forward',
    step: 'rehearse',
    attempt: 1,
    statefulSetUID: set.metadata.uid,
    startedAt: now,
    stepStartedAt: now,
    history: [{ step: 'rehearse', startedAt: now }],
    progress: 0,
    terms,
    claims: found.claims,
    reason: undefined,
    message: undefined,
  });
  context.report(context.record, { type: 'Normal', event: 'MigrationStarted', message: `${podNameOf(context.record)} moves to zone ${pending.spec.targetZone} (${pending.spec.reason ?? 'Manual'})` });
  return 'begun';
}

/** A move by hand waits for as long as it takes; one of a plan is given up, since the next plan may want another. */
export async function waitOrGiveUp(context: StepContext, { reason, message }: { reason: string; message: string }): Promise<'waiting' | 'ended'> {
  const { metadata, spec } = context.record;
  const ageMs = context.clock.now() - Date.parse(metadata.creationTimestamp ?? '');
  if (spec.planDigest !== undefined && ageMs > context.stepTimeoutMs) {
    await endMigration(context, { phase: 'Failed', reason, message });
    return 'ended';
  }
  await notePending(context, reason, message);
  return 'waiting';
}

/** Why a Pending record waits, written only when it is news. */
async function notePending(context: StepContext, reason: string, message: string): Promise<void> {
  const { status } = context.record;
  if (status?.reason !== reason || status.message !== message) await context.save({ phase: 'Pending', reason, message });
}

/** The finalizer first: from now on nobody loses the record while something depends on it. */
async function adopt(context: StepContext): Promise<void> {
  const { metadata } = context.record;
  const marked = metadata.finalizers?.includes(FINALIZER) === true && metadata.labels?.[VELERO_EXCLUDE_LABEL] === 'true';
  if (marked) return;
  context.record = await context.api.mergePatch(ordinalMigrations, { namespace: namespaceOf(context), name: metadata.name }, {
    metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, finalizers: [...new Set([...(metadata.finalizers ?? []), FINALIZER])], labels: { [VELERO_EXCLUDE_LABEL]: 'true' } },
  });
}

async function never(context: StepContext, reason: string, message: string): Promise<'ended'> {
  await endMigration(context, { phase: 'Failed', reason, message });
  return 'ended';
}

/** An empty status with traces in the world is a record that came back from a backup without its memory. */
async function tracesOf(context: StepContext): Promise<string | undefined> {
  const uid = context.record.metadata.uid ?? '';
  const labelled = await context.api.list(volumes, { labelSelector: `${MIGRATION_LABEL}=${uid}` });
  const tagged = await context.disks.tagged({ [MIGRATION_LABEL]: uid, [CLUSTER_TAG]: context.clusterUID });
  const names = [...labelled.map((volume) => `PV ${volume.metadata.name}`), ...tagged.disks.map(({ id }) => `disk ${id}`), ...tagged.snapshots.map(({ id }) => `snapshot ${id}`)];
  return names.length === 0 ? undefined : `the record's status is empty, but ${names.join(', ')} carries its mark: it was restored from a backup, and nobody knows how far it had come; see to them, then release it`;
}

async function findClaims(context: StepContext, set: StatefulSet): Promise<Findings> {
  const { first, last } = ordinalsOf(set);
  const { ordinal } = context.record.spec;
  if (ordinal < first || ordinal > last) {
    return { kind: 'not yet', reason: 'OrdinalMissing', message: `StatefulSet ${set.metadata.name} has the ordinals ${first} to ${last}; ${ordinal} waits until there is one` };
  }
  return findClaimsOf(context, set.spec.volumeClaimTemplates ?? []);
}

async function findClaimsOf(context: StepContext, templates: readonly { metadata: { name: string } }[]): Promise<Findings> {
  const found: ClaimRecord[] = [];
  for (const template of templates) {
    const one = await findClaim(context, template.metadata.name);
    if (one.kind === 'problem') return { kind: 'not yet', reason: one.reason, message: one.message };
    if (one.kind === 'claim') found.push(one.claim);
  }
  if (found.length === 0) return { kind: 'never', reason: 'NothingToMove', message: `every disk of ${podNameOf(context.record)} is in zone ${context.record.spec.targetZone} already, or not bound to a zone` };
  return { kind: 'claims', claims: found };
}

type Found = { kind: 'claim'; claim: ClaimRecord } | { kind: 'stays' } | { kind: 'problem'; reason: string; message: string };

async function findClaim(context: StepContext, template: string): Promise<Found> {
  const name = `${template}-${podNameOf(context.record)}`;
  const problem = (reason: string, message: string): Found => ({ kind: 'problem', reason, message });
  const claim = await context.api.get(claims, { namespace: namespaceOf(context), name });
  if (claim === undefined) return problem('ClaimMissing', `claim ${name} does not exist`);
  const volume = claim.spec.volumeName === undefined ? undefined : await context.api.get(volumes, { name: claim.spec.volumeName });
  if (volume === undefined || !areBound(claim, volume)) return problem('ClaimNotBound', `claim ${name} is not Bound to a volume`);
  const diskId = diskIdOf(volume);
  if (diskId === undefined) return { kind: 'stays' };
  const disk = await context.disks.disk(diskId);
  if (disk === undefined) return problem('DiskNotVisible', `the cloud does not show disk ${diskId} of claim ${name}`);
  if (disk.regional || disk.zone === context.record.spec.targetZone) return { kind: 'stays' };
  const capacity = storageCapacity(volume);
  if (parseQuantity(capacity) > parseQuantity(`${disk.sizeGiB}Gi`)) return problem('ResizePending', `PV ${volume.metadata.name} says ${capacity}, but disk ${diskId} has ${disk.sizeGiB} GiB`);
  return { kind: 'claim', claim: { template, claimName: name, sizeGiB: disk.sizeGiB, manifest: manifestOf(claim), source: await sourceOf(context, { claim, volume, disk }) } };
}

async function sourceOf(context: StepContext, on: { claim: PersistentVolumeClaim; volume: PersistentVolume; disk: Disk }): Promise<ClaimRecord['source']> {
  const { claim, volume, disk } = on;
  const reclaimPolicy = await originalPolicy(context, volume);
  return { pv: volume.metadata.name, pvUID: uidOf(volume), claimUID: uidOf(claim), diskId: disk.id, zone: disk.zone, category: disk.category, reclaimPolicy };
}

/**
 * A volume that still carries another move's label is Retain only for that one's sake: a move that is taken back, or one that was let go
 * of before it settled.
 */
async function originalPolicy(context: StepContext, volume: PersistentVolume): Promise<string> {
  const policy = volume.spec.persistentVolumeReclaimPolicy ?? 'Retain';
  const holder = labelOf(volume, MIGRATION_LABEL);
  if (holder === undefined) return policy;
  const { name } = volume.metadata;
  const others = await context.api.list(ordinalMigrations, { namespace: namespaceOf(context) });
  const held = others.find((other) => uidOf(other) === holder)?.status?.claims?.find((claim) => claim.target?.pv === name || claim.source.pv === name);
  return held?.source.reclaimPolicy ?? policy;
}
