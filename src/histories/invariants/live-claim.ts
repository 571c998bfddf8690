// Claim, volume and disk as they are in truth at this moment.

import { claims, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import type { DiskView } from '../../simulation/ecs/model.ts';
import type { HistoryWorld } from '../world.ts';

export interface LiveClaim {
  claim: PersistentVolumeClaim | undefined;
  volume: PersistentVolume | undefined;
  /** Of the volume; deleted ones too. */
  disk: DiskView | undefined;
}

/** The volume and disk that the claim names. */
export function liveClaim({ simulated: { server, ecs } }: HistoryWorld, ref: { namespace: string; name: string }): LiveClaim {
  const claim = server.read(claims, ref);
  const volume = claim?.spec.volumeName === undefined ? undefined : server.read(volumes, { name: claim.spec.volumeName });
  const diskId = volume === undefined ? undefined : diskIdOf(volume);
  return { claim, volume, disk: diskId === undefined ? undefined : ecs.disk(diskId) };
}

export function isBound({ claim, volume }: LiveClaim): boolean {
  return claim !== undefined && volume !== undefined && claim.metadata.uid === volume.spec.claimRef?.uid;
}

/** PV that stands for the disk, if there is one. */
export function volumeOfDisk({ simulated: { server } }: HistoryWorld, diskId: string): PersistentVolume | undefined {
  return server.readAll(volumes).find((volume) => diskIdOf(volume) === diskId);
}
