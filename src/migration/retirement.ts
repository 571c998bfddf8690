// After the end: what the move left behind goes when its retention has passed and a live look finds that nothing needs it. What
// somebody uses again is kept, and said. A ledger row (SourceRetired=False) and the finalizer stay until then.

import { FINALIZER } from '../kubernetes/names.ts';
import { claims, volumes, type Condition, type PersistentVolume } from '../kubernetes/objects.ts';
import { areBound, asRead, diskIdOf, holderUID, isRetained, isTerminating, nameOf, uidOf, volumePhase } from '../kubernetes/reading.ts';
import { timestamp } from '../ports/clock.ts';
import { unlabelNamespace } from './ending.ts';
import { attachmentOf, stampsOf, touchedSince, type AttachmentStamps } from './fence.ts';
import { claimsOf, courseOf, ended, hasMoved, inFlight, isOfUnknownFormat, ordinalMigrations, phaseOf, statusOf, type ClaimRecord, type OrdinalMigration } from './record.ts';
import { contextFor, type Visit } from './runner.ts';
import { handleRequest } from './requests.ts';
import { claimAt, namespaceOf, saveClaim, sinceMs, type MigrationPorts, type StepContext } from './step.ts';

const DAY_MS = 86_400_000;
/** How often something that is kept is looked at again. */
const LOOK_AGAIN_MS = 10 * 60_000;
/** A disk that the cloud's lists leave out is taken for gone when it has been missing this long after the decision to delete it. */
const UNSEEN_MS = 60_000;

/** `done`: gone or not ours to delete. `later`: due in so many ms. `kept`: due, but something speaks against it. `never`: kept for ever, by choice. */
type Retirement = { kind: 'done' } | { kind: 'never' } | { kind: 'later'; ms: number } | { kind: 'kept'; reason: string; message: string };

const GONE: Retirement = { kind: 'done' };

export async function retire(ports: MigrationPorts, ref: { namespace: string; name: string }): Promise<Visit> {
  const record = await ports.api.get(ordinalMigrations, ref);
  if (record === undefined || !ended(record)) return { kind: 'ended' };
  const context = contextFor(ports, record);
  await handleRequest(context);
  if (!(record.metadata.finalizers ?? []).includes(FINALIZER)) return { kind: 'ended' };
  // A daemon that was killed at the end of the move has left it.
  await unlabelNamespace(context.api, namespaceOf(context));
  if (record.metadata.deletionTimestamp !== undefined) return release(context);
  // A newer version's record: what it keeps is not for us to judge.
  if (isOfUnknownFormat(record)) return { kind: 'again', afterMs: LOOK_AGAIN_MS };

  const found: Retirement[] = [];
  for (const index of claimsOf(record).keys()) found.push(...(await retireClaim(context, index)));
  return conclude(context, found);
}

async function retireClaim(context: StepContext, index: number): Promise<Retirement[]> {
  const discarded = await retireDiscarded(context, index);
  if (hasMoved(context.record)) {
    // Noted as soon as it is so: later the snapshot may be gone, and nobody could tell any more.
    await notUploaded(context, index, 'snapshot');
    return [discarded, await retireSource(context, index), await retireSnapshot(context, index, 'snapshot')];
  }
  if (phaseOf(context.record) === 'RolledBack' && courseOf(context.record) === 'Restore') {
    await notUploaded(context, index, 'rescue');
    return [discarded, await retireRescued(context, index), await retireSnapshot(context, index, 'snapshot'), await retireSnapshot(context, index, 'rescue')];
  }
  // Released, or its owner is gone: a person has it in hand.
  const { target, snapshot, rescue } = claimAt(context, index);
  const left = target?.diskId ?? snapshot?.id ?? rescue?.id;
  return [discarded, left === undefined ? GONE : { kind: 'never' }];
}

async function conclude(context: StepContext, found: Retirement[]): Promise<Visit> {
  const held = found.find((one) => one.kind === 'kept');
  const laterMs = Math.min(...found.map((one) => lookAgainMs(one)));
  if (Number.isFinite(laterMs)) {
    await noteRetired(context, held === undefined ? { ...RETAINED, kind: 'retained' } : held);
    return { kind: 'again', afterMs: laterMs };
  }
  await noteRetired(context, found.some((one) => one.kind === 'never') ? KEPT_FOR_EVER : RETIRED);
  return release(context);
}

function lookAgainMs(one: Retirement): number {
  if (one.kind === 'kept') return LOOK_AGAIN_MS;
  return one.kind === 'later' ? one.ms : Number.POSITIVE_INFINITY;
}

/** Of the condition SourceRetired, once the record has let go of something that stays. */
const KEPT_FOR_EVER_REASON = 'KeptForEver';

/** Whether something that the move has left behind is kept until a person sees to it: the record tells of it for as long as it is there. */
export function keepsForEver(record: OrdinalMigration): boolean {
  return (statusOf(record).conditions ?? []).some(({ type, reason }) => type === 'SourceRetired' && reason === KEPT_FOR_EVER_REASON);
}

/** `kept`: due, but something speaks against it; a person should hear of it. */
interface LedgerRow {
  kind: 'retained' | 'retired' | 'kept';
  reason: string;
  message: string;
}

const RETAINED = { reason: 'Retained', message: 'kept for the retention' };
const KEPT_FOR_EVER: LedgerRow = { kind: 'retained', reason: KEPT_FOR_EVER_REASON, message: 'what is left is kept until a person sees to it' };
const RETIRED: LedgerRow = { kind: 'retired', reason: 'Retired', message: 'nothing of the move is left' };

async function noteRetired(context: StepContext, { kind, reason, message }: LedgerRow): Promise<void> {
  const { conditions = [] } = statusOf(context.record);
  const condition: Condition = { type: 'SourceRetired', status: kind === 'retired' ? 'True' : 'False', reason, message, lastTransitionTime: timestamp(context.clock) };
  if (conditions.some((last) => last.type === condition.type && last.status === condition.status && last.reason === reason && last.message === message)) return;
  await context.save({ conditions: [...conditions.filter(({ type }) => type !== condition.type), condition] });
  if (kind === 'kept') context.report(context.record, { type: 'Warning', event: 'SourceRetired', message: `not retired: ${message}` });
  if (kind === 'retired') context.report(context.record, { type: 'Normal', event: 'SourceRetired', message });
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
  return endOf(record, statusOf(record).terms?.sourceRetentionMs ?? (claim.source.reclaimPolicy === 'Retain' ? 'forever' : DAY_MS));
}

/** A record that does not say when it ended was declared over by somebody else: no time of it ever passes. */
function endOf(record: OrdinalMigration, retention: number | string): number | undefined {
  const ends = typeof retention === 'number' ? Date.parse(statusOf(record).finishedAt ?? '') + retention : Number.NaN;
  // A time past all calendars is as good as none.
  return Number.isNaN(new Date(ends).getTime()) ? undefined : ends;
}

async function retireSource(context: StepContext, index: number): Promise<Retirement> {
  const claim = claimAt(context, index);
  if (claim.source.retiredAt !== undefined) return GONE;
  const due = notBefore(context, sourceRetentionEnds(context.record, claim));
  if (due !== undefined) return due;
  const left: LeftVolume = { ...claim.source, stamps: stampsOf(claim.source) };
  const holds = (await whatUses(context, left)) ?? (await successorMissing(context, claim)) ?? (await notUploaded(context, index, 'snapshot'));
  return holds ?? deleteVolumeAndDisk(context, { index, which: 'source', left });
}

/** `restore-source` kept the newer volume and disk: they go like a source does, only that nothing was moved onto anything from them. */
async function retireRescued(context: StepContext, index: number): Promise<Retirement> {
  const claim = claimAt(context, index);
  const { target, rescue = {} } = claim;
  if (target?.diskId === undefined || target.retiredAt !== undefined) return GONE;
  const due = notBefore(context, sourceRetentionEnds(context.record, claim));
  if (due !== undefined) return due;
  const left: LeftVolume = { pv: target.pv ?? '', pvUID: target.pvUID ?? '', diskId: target.diskId, claimUID: undefined, stamps: stampsOf(rescue) };
  const holds = (await whatUses(context, left)) ?? (await notUploaded(context, index, 'rescue'));
  return holds ?? deleteVolumeAndDisk(context, { index, which: 'target', left });
}

interface LeftVolume {
  pv: string;
  pvUID: string;
  diskId: string;
  /** The claim that held it last; undefined when any dead claim may have. */
  claimUID: string | undefined;
  stamps: AttachmentStamps;
}

async function whatUses(context: StepContext, left: LeftVolume): Promise<Retirement | undefined> {
  const all = await context.api.list(volumes);
  const same = all.filter((volume) => diskIdOf(volume) === left.diskId);
  const other = same.find((volume) => uidOf(volume) !== left.pvUID);
  if (other !== undefined) return keep('SourceInUse', `disk ${left.diskId} has another PV, ${other.metadata.name}`);
  const volume = same[0];
  const problem = volume === undefined ? undefined : volumeInUse(volume, left);
  if (problem !== undefined) return keep('SourceInUse', problem);
  const attachment = await attachmentOf(context, left.pv);
  if (attachment !== undefined) return keep('SourceInUse', `PV ${left.pv} is attached to node ${attachment.spec.nodeName}`);
  const disk = await context.disks.disk(left.diskId);
  const touched = disk === undefined ? undefined : touchedSince(disk, left.stamps);
  if (touched !== undefined) return keep('SourceInUse', `disk ${left.diskId} was used after the move: ${touched}`);
  const mover = await moverOf(context, left.diskId);
  return mover === undefined ? undefined : keep('SourceInUse', `disk ${left.diskId} is part of ${nameOf(mover)}, which is under way`);
}

/** A move in flight that came or goes by this disk: it may want it yet. */
async function moverOf(context: StepContext, diskId: string): Promise<OrdinalMigration | undefined> {
  const records = await context.api.list(ordinalMigrations, { namespace: namespaceOf(context) });
  return records.find((record) => inFlight(record) && claimsOf(record).some(({ source, target }) => source.diskId === diskId || target?.diskId === diskId));
}

function volumeInUse(volume: PersistentVolume, left: LeftVolume): string | undefined {
  const { name } = volume.metadata;
  if (volumePhase(volume) !== 'Released') return `PV ${name} is ${volumePhase(volume)}, not Released`;
  if (left.claimUID !== undefined && holderUID(volume) !== left.claimUID) return `PV ${name} was claimed by somebody again`;
  return isRetained(volume) ? undefined : `PV ${name} is no longer Retain: somebody has taken it in hand`;
}

/** The source goes only while the claim is Bound to the disk that took its place, or to what took that one's place. */
async function successorMissing(context: StepContext, claim: ClaimRecord): Promise<Retirement | undefined> {
  const diskId = await diskOfClaim(context, claim.claimName);
  if (diskId === undefined) return keep('SuccessorMissing', `claim ${claim.claimName} is not Bound to a disk, or is being deleted, so disk ${claim.source.diskId} may be the last copy`);
  if (!(await descends(context, diskId, claim.target?.diskId ?? ''))) {
    return keep('SuccessorMissing', `claim ${claim.claimName} is on disk ${diskId}, which did not come from disk ${claim.source.diskId}`);
  }
  return (await context.disks.disk(diskId)) === undefined ? keep('SuccessorMissing', `the cloud does not show disk ${diskId} of claim ${claim.claimName}`) : undefined;
}

/** The disk that a claim is Bound to, live, and stays on: one that is being deleted takes its disk with it. */
async function diskOfClaim(context: StepContext, name: string): Promise<string | undefined> {
  const live = await context.api.get(claims, { namespace: namespaceOf(context), name });
  const volume = live?.spec.volumeName === undefined ? undefined : await context.api.get(volumes, { name: live.spec.volumeName });
  return live !== undefined && !isTerminating(live) && volume !== undefined && areBound(live, volume) ? diskIdOf(volume) : undefined;
}

/** Whether `diskId` is `ancestor`, or was made from it by moves, one after the other. */
async function descends(context: StepContext, diskId: string, ancestor: string): Promise<boolean> {
  if (diskId === ancestor) return true;
  const records = await context.api.list(ordinalMigrations, { namespace: namespaceOf(context) });
  const madeFrom = new Map(
    records.filter((record) => hasMoved(record)).flatMap((record) => (record.status?.claims ?? []).map((claim) => [claim.target?.diskId ?? '', claim.source.diskId])),
  );
  const seen = new Set<string>();
  for (let at: string | undefined = diskId; at !== undefined && !seen.has(at); at = madeFrom.get(at)) {
    if (at === ancestor) return true;
    seen.add(at);
  }
  return false;
}

/** Until its upload is complete, a snapshot still lives on the disk that it was taken of. That it is complete is recorded once it has been seen. */
async function notUploaded(context: StepContext, index: number, slot: 'snapshot' | 'rescue'): Promise<Retirement | undefined> {
  const held = claimAt(context, index)[slot];
  if (held?.id === undefined || held.retiredAt !== undefined || held.progress === 100) return undefined;
  const seen = await context.disks.snapshot(held.id);
  if (seen === undefined) return keep('SnapshotMissing', `the cloud does not show snapshot ${held.id}, and its upload was never seen complete: the disk that it was taken of is kept for a person to decide`);
  if (seen.failed) return keep('SnapshotFailed', `snapshot ${held.id} failed after it had been used: it and the disk that it was taken of are kept for a person to decide`);
  if (!seen.accomplished) return { kind: 'later', ms: 60_000 };
  await saveClaim(context, index, { [slot]: { ...held, progress: 100 } });
  return undefined;
}

interface Retiring {
  index: number;
  which: 'source' | 'target';
  left: LeftVolume;
}

/** First the PV; the disk only after another look at everything, with the PV gone. */
async function deleteVolumeAndDisk(context: StepContext, retiring: Retiring): Promise<Retirement> {
  const { index, which, left } = retiring;
  const { retiringAt = timestamp(context.clock) } = claimAt(context, index)[which] ?? {};
  await markPart(context, index, which, { retiringAt });
  const volume = await context.api.get(volumes, { name: left.pv });
  if (volume === undefined) return deleteDisk(context, retiring, retiringAt);
  const problem = uidOf(volume) === left.pvUID ? volumeInUse(volume, left) : `PV ${left.pv} is another one now`;
  if (problem !== undefined) return keep('SourceInUse', problem);
  if (!isTerminating(volume)) await context.api.delete(volumes, { name: left.pv }, asRead(volume));
  return { kind: 'later', ms: 1_000 };
}

async function deleteDisk(context: StepContext, { index, which, left }: Retiring, retiringAt: string): Promise<Retirement> {
  const disk = await context.disks.disk(left.diskId);
  const touched = disk === undefined ? undefined : touchedSince(disk, left.stamps);
  if (touched !== undefined) return keep('SourceInUse', `disk ${left.diskId} was used after the move: ${touched}`);
  // Missing from one answer it may have been used, and nobody would know.
  if (disk === undefined && sinceMs(context, retiringAt) < UNSEEN_MS) return { kind: 'later', ms: 15_000 };
  // The answers of the cloud have taken their time: once more, right before it is too late.
  const missing = which === 'source' ? await successorMissing(context, claimAt(context, index)) : undefined;
  if (missing !== undefined) return missing;
  if (disk !== undefined) await context.disks.deleteDisk(left.diskId);
  if ((await context.disks.disk(left.diskId)) !== undefined) return { kind: 'later', ms: 2_000 };
  await markPart(context, index, which, { retiredAt: timestamp(context.clock) });
  return GONE;
}

async function markPart(context: StepContext, index: number, which: 'source' | 'target', stamp: { retiringAt?: string; retiredAt?: string }): Promise<void> {
  const claim = claimAt(context, index);
  if (which === 'source') await saveClaim(context, index, { source: { ...claim.source, ...stamp } });
  else await saveClaim(context, index, { target: { ...claim.target, ...stamp } });
}

function snapshotRetentionEnds(record: OrdinalMigration): number | undefined {
  return endOf(record, statusOf(record).terms?.snapshotRetentionMs ?? DAY_MS);
}

async function retireSnapshot(context: StepContext, index: number, slot: 'snapshot' | 'rescue'): Promise<Retirement> {
  const claim = claimAt(context, index);
  const held = claim[slot];
  if (held?.id === undefined || held.retiredAt !== undefined) return GONE;
  const due = notBefore(context, snapshotRetentionEnds(context.record));
  if (due !== undefined) return due;
  const unfinished = await notUploaded(context, index, slot);
  if (unfinished !== undefined) return unfinished;
  await context.save({});
  await context.disks.deleteSnapshot(held.id);
  await saveClaim(context, index, { [slot]: { ...held, retiredAt: timestamp(context.clock) } });
  return GONE;
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

function keep(reason: string, message: string): Retirement {
  return { kind: 'kept', reason, message };
}
