// I6, at rest: whatever was made in the cloud for a move is in use, retained by a record that says so, or gone; what is to be retired is
// retired when its time has come, or its record says why not. No placeholder holds a node that nothing moves to.

import { isDeepStrictEqual } from 'node:util';
import { isStray } from '../../controller/stray-placeholders.ts';
import { pods, volumes } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { sourceRetentionEnds } from '../../migration/retirement.ts';
import { ordinalMigrations, phaseOf, type ClaimRecord, type OrdinalMigration } from '../../migration/record.ts';
import { EXCUSES } from '../acts/excuses.ts';
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
    atRest: () => leftBehind(world) ?? forgotten(world, chronicle) ?? overdue(world, chronicle) ?? foreign.flatMap((before) => touchedForeign(world, before) ?? [])[0],
  };
};

function leftBehind({ simulated: { server } }: HistoryWorld): string | undefined {
  const left = server.readAll(pods).find((pod) => isStray(pod, () => server.readAll(ordinalMigrations)));
  return left === undefined ? undefined : `placeholder ${left.metadata.name} holds node ${left.spec.nodeName ?? 'none'}, and no record wants it`;
}

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
  for (const record of chronicle.live()) {
    // Whoever deletes a record lets go of what it has; the sweep reports that.
    if (world.excuses.has(EXCUSES.recordReleased(record.metadata.name))) continue;
    const isKnown = (id: string): boolean => handles.has(id) || kept.has(id) || isTold(record, id) || chronicle.isFoundByTag(record, id) || chronicle.isIntended(record, id);
    const ids = [...chronicle.made].filter(([id, uid]) => uid === record.metadata.uid && !isKnown(id)).map(([id]) => id);
    const left = ids.map((id) => ecs.disk(id) ?? ecs.snapshot(id)).find((one) => one !== undefined && one.deletedAt === undefined);
    if (left !== undefined) return `${left.id} was made for record ${record.metadata.name}, is ${left.status}, and the record does not know it any more`;
  }
  return undefined;
}

/** Of several that could be meant a person has to choose. */
function isTold({ status }: OrdinalMigration, id: string): boolean {
  return status?.phase === 'Frozen' && status.message?.includes(id) === true;
}

function keptIds({ source, target = {}, snapshot = {}, rescue = {}, discardedSnapshots = [] }: ClaimRecord): string[] {
  const slots = [{ id: source.diskId, retiredAt: source.retiredAt }, { id: target.diskId, retiredAt: target.retiredAt }, snapshot, rescue];
  return [...slots.filter(({ retiredAt }) => retiredAt === undefined).flatMap(({ id }) => id ?? []), ...discardedSnapshots];
}

function overdue({ simulated: { clock }, excuses }: HistoryWorld, chronicle: Chronicle): string | undefined {
  for (const { record, claim } of chronicle.parts(chronicle.live())) {
    if (phaseOf(record) !== 'Succeeded' || claim.source.retiredAt !== undefined || excuses.has(EXCUSES.recordReleased(record.metadata.name))) continue;
    const due = sourceRetentionEnds(record, claim);
    if (due !== undefined && clock.now() - due > OVERDUE_MS && !saysWhyKept(record)) return `disk ${claim.source.diskId} of record ${record.metadata.name} was to be retired ${Math.round((clock.now() - due) / 60_000)} minutes ago, and is still there`;
  }
  return undefined;
}

function saysWhyKept({ status }: OrdinalMigration): boolean {
  const row = status?.conditions?.find(({ type }) => type === 'SourceRetired');
  return row?.status === 'False' && row.reason !== 'Retained';
}
