// Disks and snapshots at the cloud that carry this cluster's tags and that no record knows: reported, and deleted only when they were never
// attached. Found by migration UID and cluster UID together, never by name.

import { CLUSTER_TAG, MIGRATION_LABEL, ROLE_LABEL } from '../kubernetes/names.ts';
import { volumes, type PersistentVolume } from '../kubernetes/objects.ts';
import { ApiError, type Api } from '../kubernetes/api.ts';
import { ended, ordinalMigrations, phaseOf, type OrdinalMigration } from '../migration/record.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disk, Disks, Snapshot } from '../ports/disks.ts';
import type { Log } from '../ports/log.ts';

/** A disk may show before the record that asked for it has its id. */
const YOUNG_MS = 2 * 3_600_000;

export interface OrphanPorts {
  api: Api;
  disks: Disks;
  clock: Clock;
  log: Log;
  clusterUID: string;
}

/** @returns how many disks nobody knows; undefined when not every record may be seen, so that nothing can be called unknown. */
export async function sweepOrphans(ports: OrphanPorts): Promise<number | undefined> {
  const found = await ports.disks.tagged({ [CLUSTER_TAG]: ports.clusterUID });
  // The records are read after the cloud: what was made meanwhile is in them.
  const records = await everyRecord(ports);
  if (records === undefined) return undefined;
  const known = knownIds(records);
  const uids = new Set(records.map(({ metadata }) => metadata.uid));
  const holders = new Set(records.filter((record) => mayWant(record)).map(({ metadata }) => metadata.uid));
  const all = await ports.api.list(volumes);
  const handles = new Set(all.map((volume) => volume.spec.csi?.volumeHandle));
  const orphans = found.disks.filter((disk) => !known.has(disk.id) && !handles.has(disk.id));
  for (const disk of orphans) await treatDisk(ports, disk, holders);
  for (const snapshot of found.snapshots) if (!known.has(snapshot.id) && !holders.has(snapshot.tags[MIGRATION_LABEL])) reportSnapshot(ports, snapshot);
  const left = all.filter((volume) => isLeft(volume, uids));
  for (const volume of left) ports.log.warn(`PV ${volume.metadata.name} with disk ${volume.spec.csi?.volumeHandle ?? '?'} is kept for a migration whose record is gone: look at it and delete both if they are not needed`);
  return orphans.length + left.length;
}

/** Of every namespace, also where `--namespaces` leaves some out: another daemon's disks are no orphans. */
async function everyRecord({ api, log }: OrphanPorts): Promise<OrdinalMigration[] | undefined> {
  try {
    return await api.list(ordinalMigrations);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    log.info('orphaned disks are not looked for: that takes the right to list OrdinalMigrations of every namespace', { error: error.message });
    return undefined;
  }
}

/** It may be about to learn the id of what it asked for. One that a person has in hand keeps what was made for it; any other that has ended wants nothing more. */
function mayWant(record: OrdinalMigration): boolean {
  return !ended(record) || phaseOf(record) === 'Failed';
}

/** It outlived the namespace or the record that it was kept for, and nobody uses it. */
function isLeft(volume: PersistentVolume, uids: ReadonlySet<string | undefined>): boolean {
  const migration = volume.metadata.labels?.[MIGRATION_LABEL];
  return migration !== undefined && !uids.has(migration) && volume.status?.phase !== 'Bound';
}

async function treatDisk({ disks, log }: OrphanPorts, disk: Disk, holders: ReadonlySet<string | undefined>): Promise<void> {
  const what = `disk ${disk.id} in zone ${disk.zone}, made by migration ${disk.tags[MIGRATION_LABEL] ?? '?'}`;
  const neverUsed = disk.attachedAt === undefined && disk.attachedTo.length === 0 && disk.status === 'Available';
  const ownTarget = disk.tags[ROLE_LABEL] === 'target' && disk.tags[MIGRATION_LABEL] !== undefined;
  if (!neverUsed || !ownTarget || holders.has(disk.tags[MIGRATION_LABEL])) {
    log.warn(`${what}, is in no record: look at it and delete it if it is not needed`);
    return;
  }
  await disks.deleteDisk(disk.id);
  log.info(`deleted ${what}: no record knows it, and it was never attached`);
}

function reportSnapshot({ log, clock }: OrphanPorts, snapshot: Snapshot): void {
  if (clock.now() - Date.parse(snapshot.createdAt) < YOUNG_MS) return;
  log.warn(`snapshot ${snapshot.id} of disk ${snapshot.sourceDiskId} carries this cluster's tags and is in no record: look at it and delete it if it is not needed`);
}

function knownIds(records: readonly OrdinalMigration[]): Set<string> {
  return new Set(
    records.flatMap((record) =>
      (record.status?.claims ?? []).flatMap((claim) =>
        [claim.source.diskId, claim.target?.diskId, claim.snapshot?.id, claim.rescue?.id, ...(claim.discardedSnapshots ?? [])].filter((id): id is string => id !== undefined),
      ),
    ),
  );
}
