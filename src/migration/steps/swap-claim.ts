// The claim changes over to the new volume: the old object is deleted under its UID, and whoever re-creates it (the StatefulSet controller
// or we) gets the prepared PV. The undo goes the other way, the old volume made available first.
//
//   claim: old uid ──delete──▶ absent ──create, steered──▶ new uid, Pending ──touch every 500 ms──▶ Bound to the target

import { ApiError } from '../../kubernetes/api.ts';
import { MIGRATION_LABEL, ROLE_LABEL, TOUCH_ANNOTATION } from '../../kubernetes/names.ts';
import { claims, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { areBound, asRead, diskIdOf, holderUID, isRetained, isTerminating, labelOf, storageRequest, uidOf, volumePhase } from '../../kubernetes/reading.ts';
import { claimFor, manifestSince } from '../claim-manifest.ts';
import { fence } from '../fence.ts';
import { parseQuantity } from '../../kubernetes/quantity.ts';
import { holdPod } from '../ordinal-pod.ts';
import { timestamp } from '../../ports/clock.ts';
import { claimsOf, statusOf, type ClaimRecord } from '../record.ts';
import { claimAt, DONE, forEachClaim, InvariantBroken, namespaceOf, saveClaim, migrationUID, sinceMs, wait, type Step, type StepContext, type StepResult } from '../step.ts';
import { ourTargetVolume } from './create-volume.ts';
import { sourceVolume } from './keep-source.ts';
import { recall } from './ungate.ts';

/** The PV controller may miss a claim until its resync (15 s); a changed annotation makes it look again (tried-on-real-kubernetes.md). */
const TOUCH_EVERY_MS = 500;

export const swapClaim: Step = {
  deadline: true,
  async run(context) {
    const held = await holdPod(context);
    if (held.kind !== 'done') return held;
    return forEachClaim(context, (claim) => swap(context, claim));
  },
  undo: (context) => forEachClaim(context, (claim, index) => swapBack(context, claim, index)),
};

async function swap(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  const target = await ourTargetVolume(context, claim);
  if (target === undefined) return { kind: 'giveUp', reason: 'VolumeGone', message: `PV ${claim.target?.pv ?? ''} that was prepared for claim ${claim.claimName} is gone` };
  const untouched = await fence(context, claim);
  if (untouched.kind !== 'done') return untouched;

  const prepared = await prepareVolumes(context, claim, target);
  if (prepared.kind !== 'done') return prepared;
  const live = await liveClaim(context, claim);
  if (live === undefined) return createClaim(context, claim, target.metadata.name);
  if (isTerminating(live)) return wait('ClaimTerminating', `claim ${claim.claimName} is terminating`, 100);
  if (uidOf(live) === claim.source.claimUID) return deleteOldClaim(context, claim, live);
  if (!areBound(live, target)) return bindClaim(context, { claim, live, volume: target });
  await dressClaim(context, { claim, live, role: 'target' });
  return fence(context, claim);
}

/**
 * Only after an undo that had to turn round (the new disk was attached meanwhile): the old volume is nobody's to bind again, and the new
 * one, Released by the claim that the undo deleted, is made available.
 */
async function prepareVolumes(context: StepContext, claim: ClaimRecord, target: PersistentVolume): Promise<StepResult> {
  const source = await sourceVolume(context, claim);
  if (source !== undefined && isPreBound(source)) {
    await setHolder(context, source, claim.source.claimUID);
    return wait('VolumePending', `PV ${source.metadata.name} is kept from claim ${claim.claimName}, which goes to its new volume`, 20);
  }
  if (volumePhase(target) !== 'Released' || !isHeldBy(context, target, claim)) return DONE;
  await setHolder(context, target, null);
  return wait('VolumePending', `PV ${target.metadata.name} was made available for claim ${claim.claimName} again`, 20);
}

/** The one destructive call of the step: everything it rests on is read live just before. */
async function deleteOldClaim(context: StepContext, claim: ClaimRecord, live: PersistentVolumeClaim): Promise<StepResult> {
  const source = await sourceVolume(context, claim);
  if (source === undefined || !isRetained(source)) {
    throw new InvariantBroken('SourceNotRetained', `PV ${claim.source.pv} is not Retain, so claim ${claim.claimName} is not deleted`);
  }
  const target = await ourTargetVolume(context, claim);
  if (target !== undefined) requireHeld(context, target, claim);
  if (target === undefined || volumePhase(target) !== 'Available') return wait('VolumePending', `PV ${claim.target?.pv ?? ''} is not Available`, 200);
  const [asks, had] = [storageRequest(live), storageRequest(claim.manifest)];
  if (parseQuantity(asks) !== parseQuantity(had)) return { kind: 'giveUp', reason: 'ClaimResized', message: `claim ${claim.claimName} asks for ${asks} now, and its new disk was made for ${had}` };
  await deleteClaim(context, claim, live);
  return wait('ClaimTerminating', `claim ${claim.claimName} was deleted to change over to PV ${target.metadata.name}`, 20);
}

/** What people have put on it since the move began is in the record first, for the claim that takes its place; what comes later fails the delete. */
async function deleteClaim(context: StepContext, claim: ClaimRecord, live: PersistentVolumeClaim): Promise<void> {
  const dressed = uidOf(live) === claim.source.claimUID || labelOf(live, MIGRATION_LABEL) === migrationUID(context);
  const manifest = manifestSince(claim.manifest, live, { dressed });
  await saveClaim(context, indexOf(context, claim), { manifest });
  await context.api.delete(claims, claimRefOf(context, claim), asRead(live));
}

function indexOf(context: StepContext, { claimName }: ClaimRecord): number {
  return claimsOf(context.record).findIndex((one) => one.claimName === claimName);
}

function requireHeld(context: StepContext, target: PersistentVolume, claim: ClaimRecord): void {
  if (isHeldBy(context, target, claim)) return;
  const { namespace = '', name = 'nobody' } = target.spec.claimRef ?? {};
  throw new InvariantBroken('TargetTaken', `PV ${target.metadata.name} is claimed by ${namespace}/${name}, so claim ${claim.claimName} is not deleted`);
}

async function createClaim(context: StepContext, claim: ClaimRecord, volumeName: string): Promise<StepResult> {
  const role = volumeName === claim.source.pv ? 'source' : 'target';
  const object = claimFor(claim, { namespace: namespaceOf(context), volumeName, labels: { [MIGRATION_LABEL]: migrationUID(context), [ROLE_LABEL]: role } });
  const annotations = { ...object.metadata.annotations, [TOUCH_ANNOTATION]: timestamp(context.clock) };
  try {
    await context.api.create(claims, { ...object, metadata: { ...object.metadata, annotations } });
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'AlreadyExists') return wait('ClaimCreated', `claim ${claim.claimName} was created by somebody else first`, 0);
    if (error instanceof ApiError && error.status === 403) return wait('ClaimRefused', `claim ${claim.claimName} is refused: ${error.message}`, 1_000);
    throw error;
  }
  return wait('ClaimPending', `claim ${claim.claimName} was created for PV ${volumeName}`, 20);
}

/** A claim that is not Bound to `volume` yet is brought there, whoever made it. */
async function bindClaim(context: StepContext, { claim, live, volume }: { claim: ClaimRecord; live: PersistentVolumeClaim; volume: PersistentVolume }): Promise<StepResult> {
  const wanted = volume.metadata.name;
  if ((live.spec.volumeName ?? '') === '') {
    await context.api.mergePatch(claims, claimRefOf(context, claim), { metadata: asRead(live), spec: { volumeName: wanted } });
    return wait('ClaimPending', `claim ${claim.claimName} was steered to PV ${wanted}`, 20);
  }
  if (live.spec.volumeName !== wanted) return dropStrayClaim(context, claim, live);
  await touch(context, live, volume);
  return wait('ClaimPending', `claim ${claim.claimName} is not Bound to PV ${wanted} yet`, TOUCH_EVERY_MS);
}

/** A claim that the StatefulSet controller made has only its template's labels and annotations. */
async function dressClaim(context: StepContext, { claim, live, role }: { claim: ClaimRecord; live: PersistentVolumeClaim; role: 'source' | 'target' }): Promise<void> {
  if (labelOf(live, MIGRATION_LABEL) === migrationUID(context) && labelOf(live, ROLE_LABEL) === role) return;
  const labels = { ...claim.manifest.labels, [MIGRATION_LABEL]: migrationUID(context), [ROLE_LABEL]: role };
  await context.api.mergePatch(claims, claimRefOf(context, claim), { metadata: { ...asRead(live), labels, annotations: claim.manifest.annotations } });
}

function claimRefOf(context: StepContext, claim: ClaimRecord): { namespace: string; name: string } {
  return { namespace: namespaceOf(context), name: claim.claimName };
}

/** By our own clock where it was us: the server's may be another one. */
function touchedAt({ metadata }: PersistentVolumeClaim): string | undefined {
  return metadata.annotations?.[TOUCH_ANNOTATION] ?? metadata.creationTimestamp;
}

/** The first touch only after a moment: normally the claim is Bound within milliseconds, and a touch then is a conflict for the PV controller. */
async function touch(context: StepContext, live: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
  if (volumePhase(volume) !== 'Available') return;
  const last = touchedAt(live);
  if (last !== undefined && sinceMs(context, last) < TOUCH_EVERY_MS) return;
  await context.api.mergePatch(claims, { namespace: namespaceOf(context), name: live.metadata.name }, {
    metadata: { ...asRead(live), annotations: { [TOUCH_ANNOTATION]: new Date(context.clock.now()).toISOString(), 'pv.kubernetes.io/bind-completed': null } },
  });
}

/**
 * The claim went to another volume: to the other one of ours by a steering that came late, or, with no webhook and no prepared PV, to a
 * blank disk. It goes again, unless a pod may have written to what it is bound to.
 */
async function dropStrayClaim(context: StepContext, claim: ClaimRecord, live: PersistentVolumeClaim): Promise<StepResult> {
  const name = live.spec.volumeName ?? '';
  const volume = await context.api.get(volumes, { name });
  const strange = volume === undefined ? undefined : await whyKept(context, claim, volume);
  if (strange !== undefined) return strange;
  const early = tooEarlyToDrop(context, live);
  if (early > 0) return wait('ClaimSteered', `claim ${claim.claimName} was steered to PV ${name}, perhaps by a webhook that does not know yet how far the move is; it is made again`, early);
  await deleteClaim(context, claim, live);
  if (volume !== undefined && name !== claim.source.pv && name !== claim.target?.pv) {
    context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `claim ${claim.claimName} was bound to PV ${name}, a blank disk, and is made again; delete that PV and its disk unless its reclaim policy does` });
  }
  return wait('ClaimTerminating', `claim ${claim.claimName} asked for PV ${name} and was deleted to be made again`, 20);
}

const AT_ONCE_MS = 300;
const STRAY_MS = 1_500;

/** Once at once, for every moment is downtime; but a webhook that is behind steers the next one there again, and that for as long as it is. In ms. */
function tooEarlyToDrop(context: StepContext, live: PersistentVolumeClaim): number {
  if (sinceMs(context, statusOf(context.record).stepStartedAt) < AT_ONCE_MS) return 0;
  return STRAY_MS - sinceMs(context, touchedAt(live));
}

async function whyKept(context: StepContext, claim: ClaimRecord, volume: PersistentVolume): Promise<StepResult | undefined> {
  const { name } = volume.metadata;
  if (name === claim.source.pv || name === claim.target?.pv) {
    if (!isRetained(volume)) throw new InvariantBroken('NotRetained', `PV ${name} is not Retain, so claim ${claim.claimName}, which names it, is not deleted`);
    return undefined;
  }
  return whyStrange(context, claim, volume);
}

/** A volume that is none of ours is taken for blank only when its disk was never attached. */
async function whyStrange(context: StepContext, claim: ClaimRecord, volume: PersistentVolume): Promise<StepResult | undefined> {
  const { name } = volume.metadata;
  const diskId = diskIdOf(volume);
  const strange: StepResult = { kind: 'freeze', reason: 'ClaimOnStrangeDisk', message: `claim ${claim.claimName} is bound to PV ${name} (${diskId ?? 'no disk'}), which is none of this migration's and may hold data` };
  if (diskId === undefined) return strange;
  const disk = await context.disks.disk(diskId);
  if (disk !== undefined) return disk.attachedAt === undefined && disk.attachedTo.length === 0 ? undefined : strange;
  const overdue = sinceMs(context, statusOf(context.record).stepStartedAt) > context.stepTimeoutMs / 2;
  return overdue ? strange : wait('DiskNotVisible', `the cloud does not show disk ${diskId} of PV ${name}, to which claim ${claim.claimName} went`, 2_000);
}

/**
 * Back to the old volume. First the old PV becomes Available (safe while the new claim is bound elsewhere), then the new claim goes and
 * is made again. A new PV that was never bound is deleted in between, under its resourceVersion: a bind that wins makes a conflict, and
 * the next visit takes the other branch.
 */
async function swapBack(context: StepContext, claim: ClaimRecord, index: number): Promise<StepResult> {
  const live = await liveClaim(context, claim);
  const source = await sourceVolume(context, claim);
  if (source === undefined) throw new InvariantBroken('SourceGone', `PV ${claim.source.pv} of claim ${claim.claimName} is gone`);
  if (live !== undefined && isTerminating(live)) return waitOut(context, claim, live);
  if (live !== undefined && areBound(live, source)) return takeBack(context, index, live);
  // A claim on its way to nowhere else than the new volume must not take a pod there while it is given up.
  const recalled = await recall(context, 'swapClaim');
  return recalled.kind === 'done' ? bringBack(context, { claim, live, source }) : recalled;
}

/**
 * A claim that is being deleted cannot be kept, and it stays for as long as a pod on a node uses it. The new volume must be gone by
 * then, if it was never bound: with nobody to steer, the next claim of that name would bind to it, and it may lack the last writes.
 */
async function waitOut(context: StepContext, claim: ClaimRecord, live: PersistentVolumeClaim): Promise<StepResult> {
  const target = await ourTargetVolume(context, claim);
  if (target !== undefined && !NO_LONGER_PREBOUND.has(volumePhase(target))) return dropNeverBound(context, target);
  const onTarget = target !== undefined && live.spec.volumeName === target.metadata.name;
  const held = onTarget ? await recall(context, 'swapClaim') : await holdPod(context);
  return held.kind === 'done' ? wait('ClaimTerminating', `claim ${claim.claimName} is terminating`, 100) : held;
}

async function bringBack(context: StepContext, { claim, live, source }: { claim: ClaimRecord; live: PersistentVolumeClaim | undefined; source: PersistentVolume }): Promise<StepResult> {
  if (!isPreBound(source)) return freeSource(context, claim, source);
  if (volumePhase(source) !== 'Available') return wait('VolumePending', `PV ${source.metadata.name} is ${volumePhase(source)}, not Available yet`, 50);

  const target = await ourTargetVolume(context, claim);
  if (target !== undefined && !NO_LONGER_PREBOUND.has(volumePhase(target))) return dropNeverBound(context, target);
  if (live !== undefined) return bindClaim(context, { claim, live, volume: source });
  // Nobody is left to want the claim; whoever re-creates it finds the old volume waiting for it.
  return statusOf(context.record).reason === 'OwnerGone' ? DONE : createClaim(context, claim, source.metadata.name);
}

const NO_LONGER_PREBOUND = new Set(['Bound', 'Released']);

/** The claim that was never deleted stays as it is; one that was made again becomes what that one was, and is remembered in its place. */
async function takeBack(context: StepContext, index: number, live: PersistentVolumeClaim): Promise<StepResult> {
  const claim = claimAt(context, index);
  if (claim.source.claimUID === uidOf(live)) return DONE;
  await dressClaim(context, { claim, live, role: 'source' });
  await saveClaim(context, index, { source: { ...claim.source, claimUID: uidOf(live) } });
  return DONE;
}

/** Pre-bound by name: only the claim of that name can take it. Never an empty claimRef: any claim could take the data then. */
function isPreBound(source: PersistentVolume): boolean {
  return source.spec.claimRef?.name !== undefined && holderUID(source) === undefined;
}

async function freeSource(context: StepContext, claim: ClaimRecord, source: PersistentVolume): Promise<StepResult> {
  const holder = source.spec.claimRef;
  if (holder === undefined || !isHeldBy(context, source, claim)) {
    throw new InvariantBroken('SourceTaken', `PV ${source.metadata.name} is claimed by ${holder?.namespace ?? ''}/${holder?.name ?? 'nobody'} instead of ${claim.claimName}`);
  }
  const live = await liveClaim(context, claim);
  if (live !== undefined && live.metadata.uid === holder.uid) return wait('ClaimPending', `claim ${claim.claimName} is being bound to PV ${source.metadata.name}`, 100);
  await setHolder(context, source, null);
  return wait('VolumePending', `PV ${source.metadata.name} was made available for claim ${claim.claimName} again`, 20);
}

function isHeldBy(context: StepContext, volume: PersistentVolume, claim: ClaimRecord): boolean {
  const holder = volume.spec.claimRef;
  return holder?.name === claim.claimName && holder.namespace === namespaceOf(context);
}

/** Null: whichever claim of that name comes next. The UID of one that is gone: none. */
async function setHolder(context: StepContext, volume: PersistentVolume, claimUID: string | null): Promise<void> {
  await context.api.mergePatch(volumes, { name: volume.metadata.name }, {
    metadata: { ...asRead(volume), annotations: { 'pv.kubernetes.io/bound-by-controller': null } },
    spec: { claimRef: { uid: claimUID, resourceVersion: null } },
  });
}

async function dropNeverBound(context: StepContext, target: PersistentVolume): Promise<StepResult> {
  if (!isTerminating(target)) {
    await context.save({});
    await context.api.delete(volumes, { name: target.metadata.name }, asRead(target));
  }
  return wait('VolumeTerminating', `PV ${target.metadata.name} was never bound and is being deleted`, 20);
}

async function liveClaim(context: StepContext, claim: ClaimRecord): Promise<PersistentVolumeClaim | undefined> {
  return context.api.get(claims, { namespace: namespaceOf(context), name: claim.claimName });
}

/** `undefined` when the claim is Bound to the PV and the PV to the claim, read live; else what is wrong. */
export async function bindingProblem(context: StepContext, claim: ClaimRecord, volume: PersistentVolume | undefined): Promise<string | undefined> {
  const live = await liveClaim(context, claim);
  if (live === undefined) return `claim ${claim.claimName} is gone`;
  if (volume === undefined) return `the volume of claim ${claim.claimName} is gone`;
  return areBound(live, volume) ? undefined : `claim ${claim.claimName} (${live.status?.phase ?? 'not bound'}, of volume ${live.spec.volumeName ?? 'none'}) and PV ${volume.metadata.name} are not bound to each other`;
}
