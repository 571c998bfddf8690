// Hands at the cloud's own console: disks attached, snapshots taken and deleted, beside everything that Kubernetes knows.

import { nodes, volumeAttachments, volumes } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { statusOf, STEPS, type ClaimRecord, type OrdinalMigration, type StepName } from '../../migration/record.ts';
import type { Act } from '../acts.ts';
import { Dice } from '../dice.ts';
import type { HistoryWorld } from '../world.ts';
import { EXCUSES } from './excuses.ts';
import { atTheConsole, awaited, NothingToDo, partsOf, recordsInFlight, records, untilDone } from './scene.ts';

export const CLOUD_ACTS: Record<string, Act> = {
  /** Then the snapshot is void: it may have been written. */
  'attach the source disk by hand': { perform: (world, lot) => attach(world, Dice.ofLot(lot), ({ source }) => source.diskId) },
  /** Then there is no way back: it may have been written. */
  'attach the target disk by hand': { perform: (world, lot) => attach(world, Dice.ofLot(lot), ({ target }) => target?.diskId) },
  'delete a snapshot in the cloud': {
    async perform(world, lot) {
      const id = await aThing(world, Dice.ofLot(lot), ({ snapshot }) => snapshot?.id, (found) => world.simulated.ecs.snapshot(found)?.status !== 'deleted');
      await excused(world, EXCUSES.deletedInCloud(id), atTheConsole(world, 'DeleteSnapshot', { SnapshotId: id, Force: true }));
    },
  },
  /** Before anything was written to it. */
  'delete a target disk in the cloud': {
    async perform(world, lot) {
      const id = await aThing(world, Dice.ofLot(lot), ({ target }) => target?.diskId, (found) => isUnused(world, found));
      await excused(world, EXCUSES.deletedInCloud(id), atTheConsole(world, 'DeleteDisk', { DiskId: id }));
    },
  },
  /** One that has had its day, before we retire it. */
  'delete a retained source disk in the cloud': {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      const retained = (): string[] => records(world).filter(({ status }) => status?.phase === 'Succeeded').flatMap(partsOf).filter(({ source }) => source.retiredAt === undefined).map(({ source }) => source.diskId);
      const id = await awaited(world, () => dice.maybeOne(retained().filter((candidate) => world.simulated.ecs.disk(candidate)?.status === 'Available' && !isBeingCopied(world, candidate))), 'no retained source disk');
      await excused(world, EXCUSES.deletedInCloud(id), atTheConsole(world, 'DeleteDisk', { DiskId: id }));
    },
  },
  /** A backup policy's hour: while it runs the disk takes no other snapshot. */
  'take an automatic snapshot': {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      const { ecs } = world.simulated;
      const { id } = await awaited(world, () => dice.maybeOne(ecs.disks().filter(({ status }) => status === 'In_use')), 'no disk in use');
      if (isBeingCopied(world, id)) throw new NothingToDo('a snapshot of it already');
      ecs.takeAutomaticSnapshot(id);
    },
  },
};

function isBeingCopied({ simulated }: HistoryWorld, diskId: string): boolean {
  return simulated.ecs.snapshots().some(({ sourceDiskId, status }) => sourceDiskId === diskId && status === 'progressing');
}

/** The excuse stands from before the effect, and only if there was one. */
async function excused(world: HistoryWorld, excuse: string, work: Promise<void>): Promise<void> {
  // Another act may have done it already: what that one's excuse is for stays.
  const stood = world.excuses.has(excuse);
  world.excuses.add(excuse);
  try {
    await work;
  } catch (error) {
    if (!stood) world.excuses.delete(excuse);
    throw error;
  }
}

/** Of a move in flight, as soon as there is one. @throws NothingToDo */
function aThing(world: HistoryWorld, dice: Dice, idOf: (part: ClaimRecord) => string | undefined, fits: (id: string) => boolean): Promise<string> {
  const look = (): string | undefined => dice.maybeOne(recordsInFlight(world).flatMap(partsOf).map(idOf).filter((id) => id !== undefined && fits(id)));
  return awaited(world, look, 'no such thing of a move in flight');
}

function isUnused({ simulated }: HistoryWorld, id: string): boolean {
  const disk = simulated.ecs.disk(id);
  return disk?.status === 'Available' && disk.attachedAt === undefined;
}

/** Between the detach and the next start of the pod nobody expects it. */
async function attach(world: HistoryWorld, dice: Dice, diskOf: (part: ClaimRecord) => string | undefined): Promise<void> {
  const { ecs } = world.simulated;
  const free = (): string[] =>
    recordsInFlight(world)
      .filter(isBetweenDisks)
      .flatMap(partsOf)
      .map(diskOf)
      .filter((id) => id !== undefined && ecs.disk(id)?.status === 'Available') as string[];
  const id = await awaited(world, () => dice.maybeOne(free()), 'no disk that is free in a move');
  const instance = dice.maybeOne(ecs.instances().filter(({ zone }) => zone === ecs.disk(id)?.zone));
  if (instance === undefined) return;
  await excused(world, EXCUSES.diskAttachedByHand(id), atTheConsole(world, 'AttachDisk', { DiskId: id, InstanceId: instance.id }));
  untilDone(world, dice.scale(2_000, 60_000), () => detach(world, { diskId: id, instanceId: instance.id }));
}

function isBetweenDisks(record: OrdinalMigration): boolean {
  const place = STEPS.indexOf(statusOf(record).step as StepName);
  return place >= STEPS.indexOf('snapshot') && place <= STEPS.indexOf('ungate');
}

/** Nothing to do once it is deleted, is elsewhere, or Kubernetes has it in use there by now: nobody pulls a disk from under a pod. */
async function detach(world: HistoryWorld, { diskId, instanceId }: { diskId: string; instanceId: string }): Promise<void> {
  const { server, ecs } = world.simulated;
  const there = ecs.disk(diskId)?.attachments.some((attachment) => attachment.instanceId === instanceId);
  const wanted = server.readAll(volumeAttachments).some(({ spec }) => {
    const volume = server.read(volumes, { name: spec.source.persistentVolumeName ?? '' });
    return volume !== undefined && diskIdOf(volume) === diskId && server.read(nodes, { name: spec.nodeName })?.spec.providerID?.endsWith(`.${instanceId}`) === true;
  });
  if (there === true && !wanted) await atTheConsole(world, 'DetachDisk', { DiskId: diskId, InstanceId: instanceId });
}
