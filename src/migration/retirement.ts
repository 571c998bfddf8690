// After the end: what the move left behind goes when its retention has passed and a live look finds that nothing needs it. What
// somebody uses again is kept, and said. A ledger row (SourceRetired=False) and the finalizer stay until then.

import { FINALIZER } from '../kubernetes/names.ts';
import { claims, volumeAttachments, volumes, type PersistentVolume } from '../kubernetes/objects.ts';
import { timestamp } from '../ports/clock.ts';
import { touchedSince } from './fence.ts';
import { ended, ordinalMigrations, type ClaimRecord, type OrdinalMigration } from './record.ts';
import { contextFor, type Visit } from './runner.ts';
import { claimAt, namespaceOf, saveClaim, type MigrationPorts, type StepContext } from './step.ts';

const DAY_MS = 86_400_000;
/** How often something that is kept is looked at again. */
const LOOK_AGAIN_MS = 10 * 60_000;

/** `done`: gone or not ours to delete. `later`: due in so many ms. `kept`: due, but something speaks against it. `never`: kept for ever, by choice. */
type Retirement = { kind: 'done' } | { kind: 'never' } | { kind: 'later'; ms: number } | { kind: 'kept'; reason: string; message: string };

const GONE: Retirement = { kind: 'done' };

export async function retire(ports: MigrationPorts, ref: { namespace: string; name: string }): Promise<Visit> {
  const record = await ports.api.get(ordinalMigrations, ref);
  if (record === undefined || !ended(record)) return { kind: 'ended' };
  const context = contextFor(ports, record);
  if (!(record.metadata.finalizers ?? []).includes(FINALIZER)) return { kind: 'ended' };
  if (record.metadata.deletionTimestamp !== undefined) return release(context);

  const found: Retirement[] = [];
  for (const index of (record.status?.claims ?? []).keys()) found.push(...(await retireClaim(context, index)));
  return conclude(context, found);
}

async function retireClaim(context: StepContext, index: number): Promise<Retirement[]> {
  const discarded = await retireDiscarded(context, index);
  const { phase, reason } = context.record.status ?? {};
  if (phase === 'Succeeded' || (phase === 'RolledBack' && reason === 'Reversed')) {
    return [discarded, await retireSource(context, index), await retireSnapshot(context, index, 'snapshot')];
  }
  if (phase === 'RolledBack' && reason === 'SourceRestored') {
    return [discarded, await retireRescued(context, index), await retireSnapshot(context, index, 'snapshot'), await retireSnapshot(context, index, 'rescue')];
  }
  // Released, or its owner is gone: a person has it in hand.
  return [discarded, claimAt(context, index).target?.diskId === undefined ? GONE : { kind: 'never' }];
}

async function conclude(context: StepContext, found: Retirement[]): Promise<Visit> {
  const kept = found.find((one) => one.kind === 'kept');
  const laterMs = Math.min(...found.map((one) => (one.kind === 'later' ? one.ms : one.kind === 'kept' ? LOOK_AGAIN_MS : Number.POSITIVE_INFINITY)));
  if (Number.isFinite(laterMs)) {
    await noteRetired(context, 'False', kept?.kind === 'kept' ? kept.reason : 'Retained', kept?.kind === 'kept' ? kept.message : 'kept for the retention');
    return { kind: 'again', afterMs: laterMs };
  }
  const forEver = found.some((one) => one.kind === 'never');
  await noteRetired(context, forEver ? 'False' : 'True', forEver ? 'KeptForEver' : 'Retired', forEver ? 'what is left is kept until a person sees to it' : 'nothing of the move is left');
  if (forEver && context.record.status?.phase === 'Failed') return { kind: 'again', afterMs: LOOK_AGAIN_MS };
  return release(context);
}

async function noteRetired(context: StepContext, status: 'True' | 'False', reason: string, message: string): Promise<void> {
  const conditions = context.record.status?.conditions ?? [];
  const last = conditions.find((condition) => condition.type === 'SourceRetired');
  if (last?.status === status && last.reason === reason && last.message === message) return;
  const condition = { type: 'SourceRetired', status, reason, message, lastTransitionTime: timestamp(context.clock) };
  await context.save({ conditions: [...conditions.filter((one) => one.type !== 'SourceRetired'), condition] });
  const kept = reason !== 'Retained' && reason !== 'Retired' && reason !== 'KeptForEver';
  if (status === 'True' || kept) context.report(context.record, { type: kept ? 'Warning' : 'Normal', event: 'SourceRetired', message: kept ? `not retired: ${message}` : message });
}

/** The record may go now: nothing more will be deleted for it. */
async function release(context: StepContext): Promise<Visit> {
  const { metadata } = context.record;
  await context.api.mergePatch(ordinalMigrations, { namespace: namespaceOf(context), name: metadata.name }, {
    metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, finalizers: (metadata.finalizers ?? []).filter((name) => name !== FINALIZER) },
  });
  return { kind: 'ended' };
}

/** When the source's time is over; `undefined` = never. */
export function sourceRetentionEnds(record: OrdinalMigration, claim: ClaimRecord): number | undefined {
  const declared = record.status?.terms?.sourceRetentionMs ?? (claim.source.reclaimPolicy === 'Retain' ? 'forever' : DAY_MS);
  return declared === 'forever' ? undefined : Date.parse(record.status?.finishedAt ?? '') + declared;
}

async function retireSource(context: StepContext, index: number): Promise<Retirement> {
  const claim = claimAt(context, index);
  if (claim.source.retiredAt !== undefined) return GONE;
  const due = notBefore(context, sourceRetentionEnds(context.record, claim));
  if (due !== undefined) return due;
  const holds = await whatHoldsSource(context, claim);
  if (holds !== undefined) return holds;
  return deleteVolumeAndDisk(context, index, 'source');
}

/** `restore-source` kept the newer volume and disk: they go like a source does, only that nothing was moved onto anything from them. */
async function retireRescued(context: StepContext, index: number): Promise<Retirement> {
  const claim = claimAt(context, index);
  if (claim.target?.diskId === undefined || claim.target.retiredAt !== undefined) return GONE;
  const due = notBefore(context, sourceRetentionEnds(context.record, claim));
  if (due !== undefined) return due;
  const stamps = { ...(claim.rescue?.attachedAt === undefined ? {} : { attachedAt: claim.rescue.attachedAt }), ...(claim.rescue?.detachedAt === undefined ? {} : { detachedAt: claim.rescue.detachedAt }) };
  const holds = (await whatUses(context, { pv: claim.target.pv ?? '', pvUID: claim.target.pvUID ?? '', diskId: claim.target.diskId, claimUID: undefined, stamps })) ?? (await notUploaded(context, claim.rescue?.id));
  if (holds !== undefined) return holds;
  return deleteVolumeAndDisk(context, index, 'target');
}

/** Everything that speaks for keeping the source, read live. */
async function whatHoldsSource(context: StepContext, claim: ClaimRecord): Promise<Retirement | undefined> {
  const stamps = { ...(claim.source.attachedAt === undefined ? {} : { attachedAt: claim.source.attachedAt }), ...(claim.source.detachedAt === undefined ? {} : { detachedAt: claim.source.detachedAt }) };
  return (
    (await whatUses(context, { pv: claim.source.pv, pvUID: claim.source.pvUID, diskId: claim.source.diskId, claimUID: claim.source.claimUID, stamps })) ??
    (await successorMissing(context, claim)) ??
    (await notUploaded(context, claim.snapshot?.retiredAt === undefined ? claim.snapshot?.id : undefined))
  );
}

interface LeftVolume {
  pv: string;
  pvUID: string;
  diskId: string;
  /** The claim that held it last; undefined when any dead claim may have. */
  claimUID: string | undefined;
  stamps: { attachedAt?: string; detachedAt?: string };
}

async function whatUses(context: StepContext, left: LeftVolume): Promise<Retirement | undefined> {
  const all = await context.api.list(volumes);
  const same = all.filter((volume) => volume.spec.csi?.volumeHandle === left.diskId);
  const other = same.find((volume) => volume.metadata.uid !== left.pvUID);
  if (other !== undefined) return kept('SourceInUse', `disk ${left.diskId} has another PV, ${other.metadata.name}`);
  const volume = same[0];
  const problem = volume === undefined ? undefined : volumeInUse(volume, left);
  if (problem !== undefined) return kept('SourceInUse', problem);
  const attachment = (await context.api.list(volumeAttachments)).find((one) => one.spec.source.persistentVolumeName === left.pv);
  if (attachment !== undefined) return kept('SourceInUse', `PV ${left.pv} is attached to node ${attachment.spec.nodeName}`);
  const disk = await context.disks.disk(left.diskId);
  const touched = disk === undefined ? undefined : touchedSince(disk, left.stamps);
  return touched === undefined ? undefined : kept('SourceInUse', `disk ${left.diskId} was used after the move: ${touched}`);
}

function volumeInUse(volume: PersistentVolume, left: LeftVolume): string | undefined {
  const { name } = volume.metadata;
  if (volume.status?.phase !== 'Released') return `PV ${name} is ${volume.status?.phase ?? 'unknown'}, not Released`;
  if (left.claimUID !== undefined && volume.spec.claimRef?.uid !== left.claimUID) return `PV ${name} was claimed by ${volume.spec.claimRef?.name ?? 'somebody'} again`;
  if (volume.spec.persistentVolumeReclaimPolicy !== 'Retain') return `PV ${name} is ${volume.spec.persistentVolumeReclaimPolicy ?? ''}: somebody has taken it in hand`;
  return undefined;
}

/** The source goes only while the claim is Bound to the disk that took its place, or to what took that one's place. */
async function successorMissing(context: StepContext, claim: ClaimRecord): Promise<Retirement | undefined> {
  const live = await context.api.get(claims, { namespace: namespaceOf(context), name: claim.claimName });
  const volume = live?.spec.volumeName === undefined ? undefined : await context.api.get(volumes, { name: live.spec.volumeName });
  const diskId = volume?.spec.csi?.volumeHandle;
  if (live?.status?.phase !== 'Bound' || diskId === undefined) return kept('SuccessorMissing', `claim ${claim.claimName} is not Bound to a disk, so disk ${claim.source.diskId} may be the last copy`);
  if (!(await descends(context, diskId, claim.target?.diskId ?? ''))) {
    return kept('SuccessorMissing', `claim ${claim.claimName} is on disk ${diskId}, which did not come from disk ${claim.source.diskId}`);
  }
  return (await context.disks.disk(diskId)) === undefined ? kept('SuccessorMissing', `the cloud does not show disk ${diskId} of claim ${claim.claimName}`) : undefined;
}

/** Whether `diskId` is `ancestor`, or was made from it by moves that succeeded. */
async function descends(context: StepContext, diskId: string, ancestor: string): Promise<boolean> {
  if (diskId === ancestor) return true;
  const records = await context.api.list(ordinalMigrations, { namespace: namespaceOf(context) });
  const madeFrom = new Map(
    records.filter((record) => record.status?.phase === 'Succeeded').flatMap((record) => (record.status?.claims ?? []).map((claim) => [claim.target?.diskId ?? '', claim.source.diskId])),
  );
  const seen = new Set<string>();
  for (let at: string | undefined = diskId; at !== undefined && !seen.has(at); at = madeFrom.get(at)) {
    if (at === ancestor) return true;
    seen.add(at);
  }
  return false;
}

/** Until its upload is complete, a snapshot still lives on the disk that it was taken of. */
async function notUploaded(context: StepContext, snapshotId: string | undefined): Promise<Retirement | undefined> {
  if (snapshotId === undefined) return undefined;
  const seen = await context.disks.snapshot(snapshotId);
  if (seen === undefined || seen.accomplished) return undefined;
  return seen.failed ? kept('SnapshotFailed', `snapshot ${snapshotId} failed after the new disk had been made from it: the old disk is kept for a person to decide`) : { kind: 'later', ms: 60_000 };
}

async function deleteVolumeAndDisk(context: StepContext, index: number, which: 'source' | 'target'): Promise<Retirement> {
  const part = claimAt(context, index)[which];
  const pv = part?.pv ?? '';
  const diskId = part?.diskId ?? '';
  await markPart(context, index, which, { retiringAt: timestamp(context.clock) });
  const volume = await context.api.get(volumes, { name: pv });
  if (volume !== undefined) {
    if (volume.metadata.deletionTimestamp === undefined) {
      await context.api.delete(volumes, { name: pv }, { uid: volume.metadata.uid ?? '', resourceVersion: volume.metadata.resourceVersion ?? '' });
    }
    if ((await context.api.get(volumes, { name: pv })) !== undefined) return { kind: 'later', ms: 1_000 };
  }
  await context.disks.deleteDisk(diskId);
  if ((await context.disks.disk(diskId)) !== undefined) return { kind: 'later', ms: 2_000 };
  await markPart(context, index, which, { retiredAt: timestamp(context.clock) });
  return GONE;
}

async function markPart(context: StepContext, index: number, which: 'source' | 'target', stamp: { retiringAt?: string; retiredAt?: string }): Promise<void> {
  const claim = claimAt(context, index);
  if (which === 'source') await saveClaim(context, index, { source: { ...claim.source, ...stamp } });
  else await saveClaim(context, index, { target: { ...claim.target, ...stamp } });
}

async function retireSnapshot(context: StepContext, index: number, slot: 'snapshot' | 'rescue'): Promise<Retirement> {
  const claim = claimAt(context, index);
  const held = claim[slot];
  if (held?.id === undefined || held.retiredAt !== undefined) return GONE;
  const retention = context.record.status?.terms?.snapshotRetentionMs ?? DAY_MS;
  const due = notBefore(context, retention === 'forever' ? undefined : Date.parse(context.record.status?.finishedAt ?? '') + retention);
  if (due !== undefined) return due;
  const gone = await deleteFinishedSnapshot(context, held.id);
  if (gone.kind === 'done') await saveClaim(context, index, { [slot]: { ...held, retiredAt: timestamp(context.clock) } });
  return gone;
}

/** Snapshots that an undo let go of need no retention: they go as soon as the cloud has finished them. */
async function retireDiscarded(context: StepContext, index: number): Promise<Retirement> {
  for (const id of claimAt(context, index).discardedSnapshots ?? []) {
    const gone = await deleteFinishedSnapshot(context, id);
    if (gone.kind !== 'done') return gone;
    await saveClaim(context, index, { discardedSnapshots: (claimAt(context, index).discardedSnapshots ?? []).filter((other) => other !== id) });
  }
  return GONE;
}

async function deleteFinishedSnapshot(context: StepContext, id: string): Promise<Retirement> {
  const seen = await context.disks.snapshot(id);
  if (seen !== undefined && !seen.accomplished && !seen.failed) return { kind: 'later', ms: 5_000 };
  await context.save({});
  await context.disks.deleteSnapshot(id);
  return GONE;
}

function notBefore(context: StepContext, dueAt: number | undefined): Retirement | undefined {
  if (dueAt === undefined) return { kind: 'never' };
  const ms = dueAt - context.clock.now();
  return ms > 0 ? { kind: 'later', ms } : undefined;
}

function kept(reason: string, message: string): Retirement {
  return { kind: 'kept', reason, message };
}
