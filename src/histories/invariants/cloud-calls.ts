// What a call of the product to the cloud is about.

import type { ClaimRecord, OrdinalMigration } from '../../migration/record.ts';
import type { CloudCall } from '../world.ts';

export function changes(action: string): boolean {
  return !action.startsWith('Describe');
}

/** Ids of the disks and snapshots that the call changes or is made from. */
export function idsIn({ parameters }: Pick<CloudCall, 'parameters'>): string[] {
  const one = ['DiskId', 'SnapshotId'].flatMap((name) => parameters[name] ?? []);
  const several = parameters['ResourceId'] ?? [];
  const policies = typeof parameters['diskIds'] === 'string' ? (JSON.parse(parameters['diskIds']) as string[]) : [];
  return [...one, ...(Array.isArray(several) ? several : [several]), ...policies].map(String);
}

export function mentions(record: OrdinalMigration, id: string): boolean {
  return (record.status?.claims ?? []).some((claim) => idsOf(claim).includes(id));
}

/** Disks and snapshots in a claim's part of a record. */
export function idsOf({ source, target, snapshot, rescue, discardedSnapshots = [] }: ClaimRecord): string[] {
  return [source.diskId, target?.diskId, snapshot?.id, rescue?.id, ...discardedSnapshots].filter((id) => id !== undefined);
}
