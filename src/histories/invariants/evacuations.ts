// I7: once nothing is in the way any more no planned move begins into a zone that is being evacuated; and at rest each ZoneEvacuation tells
// the truth about what is left in its zone, and what holds it there.

import { zoneEvacuations, type ZoneEvacuation } from '../../controller/zone-evacuation.ts';
import { claims, namespaces, statefulSets, volumes, type StatefulSet } from '../../kubernetes/objects.ts';
import { diskIdOf, isTerminating } from '../../kubernetes/reading.ts';
import { claimNameOf } from '../../layout/names.ts';
import { ordinalsOf } from '../../migration/owner.ts';
import { ordinalMigrations, type OrdinalMigration } from '../../migration/record.ts';
import { parsePolicy, type PolicyResult } from '../../policy/policy.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
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
  const sets = world.simulated.server.readAll(statefulSets).filter((set) => !isTerminating(set));
  const declared = sets.map((set) => ({ set, policy: policyKind(world, set) }));
  const isInvalid = declared.some(({ policy }) => policy === 'invalid');
  const left = declared.filter(({ policy }) => policy === 'policy').reduce((sum, { set }) => sum + disksIn(world, set, spec.zone), 0);
  if (status.disksLeft !== left) return `it says that ${status.disksLeft ?? 'nobody knows how many'} disks are left, and there are ${left}`;
  const isComplete = status.conditions?.some((condition) => condition.type === 'Complete' && condition.status === 'True') === true;
  if (isComplete !== (left === 0 && !isInvalid)) return `it says that it is ${isComplete ? '' : 'not '}complete, with ${left} disks left${isInvalid ? ' and a set whose policy is invalid' : ''}`;
  const unheld = left > 0 && (status.disksBlocked !== left || (status.blocked ?? []).some(({ message }) => message === ''));
  return unheld ? `${left} disks are left, ${status.disksBlocked ?? 0} of them held: ${JSON.stringify(status.blocked)}` : undefined;
}

function policyKind({ simulated: { server } }: HistoryWorld, { metadata, spec }: StatefulSet): PolicyResult['kind'] {
  const inherited = server.read(namespaces, { name: metadata.namespace ?? '' })?.metadata.annotations;
  return parsePolicy({ setAnnotations: metadata.annotations, namespaceAnnotations: inherited, podManagementPolicy: spec.podManagementPolicy }).kind;
}

/** In truth: disks of the set's ordinals that are in the zone. */
function disksIn({ simulated: { server, ecs } }: HistoryWorld, set: StatefulSet, zone: string): number {
  const { first, last } = ordinalsOf(set);
  const { namespace = '', name } = set.metadata;
  let count = 0;
  for (let ordinal = first; ordinal <= last; ordinal += 1) {
    for (const { metadata } of set.spec.volumeClaimTemplates ?? []) {
      const claim = server.read(claims, { namespace, name: claimNameOf(metadata.name, name, ordinal) });
      const volume = server.read(volumes, { name: claim?.spec.volumeName ?? '' });
      if (ecs.disk((volume === undefined ? undefined : diskIdOf(volume)) ?? '')?.zone === zone) count += 1;
    }
  }
  return count;
}
