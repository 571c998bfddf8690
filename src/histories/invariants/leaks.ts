// I6, at rest: whatever was made in the cloud for a move is in use, retained by a record that says so, or gone; what is to be retired is
// retired when its time has come, or its record says why not.

import { isDeepStrictEqual } from 'node:util';
import { volumes } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { sourceRetentionEnds } from '../../migration/retirement.ts';
import { phaseOf, type ClaimRecord, type OrdinalMigration } from '../../migration/record.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf, type Chronicle } from './chronicle.ts';

/** Later than the retirement looks again at what it could not do. */
const OVERDUE_MS = 30 * 60_000;

export const nothingLeaks: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  const { ecs } = world.simulated;
  const foreign = ecs.disks().filter((disk) => isForeign(world, disk));
  return {
    name: 'I6 nothing leaks',
    atRest: () => forgotten(world, chronicle) ?? overdue(world, chronicle) ?? foreign.flatMap((before) => touchedForeign(world, before) ?? [])[0],
  };
};

type Disk = NonNullable<ReturnType<HistoryWorld['simulated']['ecs']['disk']>>;

function isForeign({ clusterUID }: HistoryWorld, { tags }: Disk): boolean {
  return tags['zonespread.io/cluster'] !== undefined && tags['zonespread.io/cluster'] !== clusterUID;
}

function touchedForeign({ simulated: { ecs } }: HistoryWorld, before: Disk): string | undefined {
  return isDeepStrictEqual(ecs.disk(before.id), before) ? undefined : `disk ${before.id} belongs to another cluster, and is not as it was`;
}

function forgotten(world: HistoryWorld, chronicle: Chronicle): string | undefined {
  const { server, ecs } = world.simulated;
  const handles = new Set(server.readAll(volumes).map(diskIdOf));
  const kept = new Set(chronicle.parts(chronicle.live()).flatMap(({ claim }) => keptIds(claim)));
  for (const [id, uid] of chronicle.made) {
    // Whoever deletes a record lets go of what it has; the sweep reports that.
    if (handles.has(id) || kept.has(id) || !chronicle.isLive(uid)) continue;
    const status = (ecs.disk(id) ?? ecs.snapshot(id))?.status ?? 'deleted';
    const record = chronicle.records.get(uid);
    if (status !== 'Deleted' && status !== 'deleted') return `${id} was made for record ${record?.metadata.name ?? uid}, is ${status}, and the record does not know it any more`;
  }
  return undefined;
}

function keptIds({ source, target, snapshot, rescue, discardedSnapshots = [] }: ClaimRecord): (string | undefined)[] {
  return [
    source.retiredAt === undefined ? source.diskId : undefined,
    target?.retiredAt === undefined ? target?.diskId : undefined,
    snapshot?.retiredAt === undefined ? snapshot?.id : undefined,
    rescue?.retiredAt === undefined ? rescue?.id : undefined,
    ...discardedSnapshots,
  ];
}

function overdue({ simulated: { clock } }: HistoryWorld, chronicle: Chronicle): string | undefined {
  for (const { record, claim } of chronicle.parts(chronicle.live())) {
    if (phaseOf(record) !== 'Succeeded' || claim.source.retiredAt !== undefined) continue;
    const due = sourceRetentionEnds(record, claim);
    if (due !== undefined && clock.now() - due > OVERDUE_MS && !saysWhyKept(record)) return `disk ${claim.source.diskId} of record ${record.metadata.name} was to be retired ${Math.round((clock.now() - due) / 60_000)} minutes ago, and is still there`;
  }
  return undefined;
}

function saysWhyKept({ status }: OrdinalMigration): boolean {
  const row = status?.conditions?.find(({ type }) => type === 'SourceRetired');
  return row?.status === 'False' && row.reason !== 'Retained';
}
