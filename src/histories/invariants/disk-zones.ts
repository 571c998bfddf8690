// Where the disks of a set are in truth.

import { claims, volumes, type StatefulSet } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { claimNamesOf } from '../../layout/names.ts';
import { everyOrdinalOf } from '../../migration/owner.ts';
import type { HistoryWorld } from '../world.ts';

/** By ordinal: the zone of the disk of each of its claims; undefined where a claim has none at the moment. */
export function diskZonesOf(world: HistoryWorld, set: StatefulSet): Map<number, (string | undefined)[]> {
  const { namespace = '' } = set.metadata;
  return new Map(everyOrdinalOf(set).map((ordinal) => [ordinal, claimNamesOf(set, ordinal).map((name) => zoneOfClaim(world, { namespace, name }))]));
}

function zoneOfClaim({ simulated: { server, ecs } }: HistoryWorld, ref: { namespace: string; name: string }): string | undefined {
  const volume = server.read(volumes, { name: server.read(claims, ref)?.spec.volumeName ?? '' });
  return ecs.disk((volume === undefined ? undefined : diskIdOf(volume)) ?? '')?.zone;
}
