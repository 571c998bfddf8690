// Where the disks of a set are in truth.

import { claims, volumes, type StatefulSet } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { claimNameOf } from '../../layout/names.ts';
import { ordinalsOf } from '../../migration/owner.ts';
import type { HistoryWorld } from '../world.ts';

/** By ordinal: the zone of the disk of each of its claims; undefined where a claim has none at the moment. */
export function diskZonesOf(world: HistoryWorld, set: StatefulSet): Map<number, (string | undefined)[]> {
  const { first, last } = ordinalsOf(set);
  const { namespace = '', name } = set.metadata;
  const zones = new Map<number, (string | undefined)[]>();
  for (let ordinal = first; ordinal <= last; ordinal += 1) {
    const names = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => claimNameOf(metadata.name, name, ordinal));
    zones.set(ordinal, names.map((claimName) => zoneOfClaim(world, { namespace, name: claimName })));
  }
  return zones;
}

function zoneOfClaim({ simulated: { server, ecs } }: HistoryWorld, ref: { namespace: string; name: string }): string | undefined {
  const volume = server.read(volumes, { name: server.read(claims, ref)?.spec.volumeName ?? '' });
  return ecs.disk((volume === undefined ? undefined : diskIdOf(volume)) ?? '')?.zone;
}
