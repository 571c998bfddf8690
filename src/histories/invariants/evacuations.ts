// I7: once nothing is in the way any more no planned move begins into a zone that is being evacuated; and at rest each ZoneEvacuation tells
// the truth about what is left in its zone, and what holds it there.

import { policyOf } from '../../controller/decision.ts';
import { zoneEvacuations, type ZoneEvacuation, type ZoneEvacuationStatus } from '../../controller/zone-evacuation.ts';
import { namespaces, statefulSets } from '../../kubernetes/objects.ts';
import { isTerminating } from '../../kubernetes/reading.ts';
import { ordinalMigrations, type OrdinalMigration } from '../../migration/record.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { diskZonesOf } from './disk-zones.ts';
import { told } from './record-state.ts';

/** Once there is no trouble, no daemon's view of the cluster is older. */
const KNOWN_AFTER_MS = 120_000;

export const evacuationsHold: InvariantOf = (world) => {
  const { server, clock } = world.simulated;
  let lastTrouble = 0;
  const isKnown = ({ metadata }: ZoneEvacuation): boolean => clock.now() - Math.max(lastTrouble, Date.parse(metadata.creationTimestamp ?? '')) > KNOWN_AFTER_MS;
  return {
    name: 'I7 evacuations hold',
    onStore({ type, resource, object }) {
      if (world.troubled) lastTrouble = clock.now();
      if (type !== 'ADDED' || resource.plural !== ordinalMigrations.plural) return undefined;
      const { spec } = object as OrdinalMigration;
      const evacuation = spec.planDigest === undefined ? undefined : server.readAll(zoneEvacuations).find((one) => one.spec.zone === spec.targetZone && isKnown(one));
      return evacuation === undefined ? undefined : `${told(object as OrdinalMigration)} is to move into zone ${spec.targetZone}, which ZoneEvacuation ${evacuation.metadata.name} empties`;
    },
    atRest() {
      for (const evacuation of server.readAll(zoneEvacuations)) {
        const wrong = untrue(world, evacuation);
        if (wrong !== undefined) return `ZoneEvacuation ${evacuation.metadata.name} of zone ${evacuation.spec.zone}: ${wrong}`;
      }
      return undefined;
    },
  };
};

function untrue(world: HistoryWorld, { spec, status = {} }: ZoneEvacuation): string | undefined {
  const { disksLeft, conditions = [] } = status;
  const { disks, isUnknown } = leftIn(world, spec.zone);
  if (disksLeft !== disks) return `it says that ${disksLeft ?? 'nobody knows how many'} disks are left, and there are ${disks}`;
  const isComplete = conditions.some((condition) => condition.type === 'Complete' && condition.status === 'True');
  const isEmpty = disks === 0 && !isUnknown;
  if (isComplete !== isEmpty) return `it says that it is ${isComplete ? '' : 'not '}complete, with ${disks} disks left${isUnknown ? ' and a set whose policy is invalid' : ''}`;
  return disks === 0 ? undefined : unexplained(status, disks);
}

function unexplained({ disksBlocked = 0, blocked = [] }: ZoneEvacuationStatus, disks: number): string | undefined {
  const isSaid = disksBlocked === disks && blocked.every(({ message }) => message !== '');
  return isSaid ? undefined : `${disks} disks are left, ${disksBlocked} of them held: ${JSON.stringify(blocked)}`;
}

/** In truth, of the sets that declare a policy; what one has there whose policy is invalid nobody can know. */
function leftIn(world: HistoryWorld, zone: string): { disks: number; isUnknown: boolean } {
  const { server } = world.simulated;
  const sets = server.readAll(statefulSets).filter((set) => !isTerminating(set));
  const byPolicy = Map.groupBy(sets, (set) => policyOf(set, server.read(namespaces, { name: set.metadata.namespace ?? '' })).kind);
  const zones = (byPolicy.get('policy') ?? []).flatMap((set) => [...diskZonesOf(world, set).values()].flat());
  return { disks: zones.filter((one) => one === zone).length, isUnknown: byPolicy.has('invalid') };
}
