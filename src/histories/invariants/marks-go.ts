// I7, at rest: gates, labels and tags of ours are only where a record still needs them.

import { GATE, IN_FLIGHT_LABEL, MIGRATION_LABEL } from '../../kubernetes/names.ts';
import { claims, namespaces, pods, volumes, type KubernetesObject, type PersistentVolume } from '../../kubernetes/objects.ts';
import { diskIdOf, isTerminating, labelOf, volumePhase } from '../../kubernetes/reading.ts';
import { inFlight, phaseOf, podNameOf, type OrdinalMigration } from '../../migration/record.ts';
import { gateWanted, steeringRecord } from '../../migration/steering.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf, isHandwritten, type Chronicle } from './chronicle.ts';
import { told } from './record-state.ts';

export const marksGo: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  return {
    name: 'I7 marks go',
    atRest: () => leftGate(world, chronicle) ?? leftNamespaceLabel(world, chronicle) ?? leftLabel(world, chronicle) ?? leftTag(world, chronicle),
  };
};

function leftGate({ simulated: { server } }: HistoryWorld, chronicle: Chronicle): string | undefined {
  const gated = server.readAll(pods).filter(({ spec }) => (spec.schedulingGates ?? []).some(({ name }) => name === GATE));
  const stray = gated.find((pod) => {
    const steering = steeringRecord(chronicle.live().filter((record) => podNameOf(record) === pod.metadata.name && record.metadata.namespace === pod.metadata.namespace));
    return steering === undefined || !gateWanted(steering);
  });
  return stray === undefined ? undefined : `pod ${stray.metadata.name} is gated, and no move wants it to be`;
}

function leftNamespaceLabel({ simulated: { server } }: HistoryWorld, chronicle: Chronicle): string | undefined {
  const busy = new Set(chronicle.live().filter(inFlight).map(({ metadata }) => metadata.namespace));
  const left = server.readAll(namespaces).find((one) => labelOf(one, IN_FLIGHT_LABEL) !== undefined && !busy.has(one.metadata.name) && !isTerminating(one));
  return left === undefined ? undefined : `namespace ${left.metadata.name} says that something is in flight there, and nothing is`;
}

/** A claim is in use; only what was kept for later, or for a person, keeps our label. A claim that is being deleted takes it along. */
function leftLabel({ simulated: { server } }: HistoryWorld, chronicle: Chronicle): string | undefined {
  const allClaims = server.readAll(claims);
  const going = new Set(allClaims.filter(isTerminating).map(({ metadata }) => metadata.uid));
  // Its claim is being deleted: the policy that it had would have the disk deleted with it.
  const isGoing = (object: KubernetesObject): boolean => going.has((object as PersistentVolume).spec?.claimRef?.uid);
  const labelled: KubernetesObject[] = [...allClaims.filter((claim) => !isTerminating(claim)), ...server.readAll(volumes)].filter((object) => labelOf(object, MIGRATION_LABEL) !== undefined);
  for (const object of labelled) {
    const record = chronicle.live().find(({ metadata }) => metadata.uid === labelOf(object, MIGRATION_LABEL));
    if (record !== undefined && !mayBeLabelled(object, record, isGoing)) return `${object.kind ?? ''} ${object.metadata.name} carries the label of ${told(record)}`;
  }
  return undefined;
}

/** Released, or declared to be over by a status written by hand: whatever carries our marks does so still. */
function isLeftAsItIs(record: OrdinalMigration): boolean {
  return phaseOf(record) === 'Failed' || isHandwritten(record);
}

function mayBeLabelled(object: KubernetesObject, record: OrdinalMigration, isGoing: (object: KubernetesObject) => boolean): boolean {
  if (inFlight(record) || isLeftAsItIs(record)) return true;
  const kept = (record.status?.claims ?? []).flatMap(({ source, target }) => [source, target]).find((slot) => slot?.pv === object.metadata.name && slot.retiredAt === undefined);
  const bound = (object as { status?: { phase?: string } }).status?.phase === 'Bound';
  return kept !== undefined && (!bound || isGoing(object));
}

/** On a disk that stands for a claim: not on what is retained. */
function leftTag({ simulated: { server, ecs } }: HistoryWorld, chronicle: Chronicle): string | undefined {
  const settled = new Map(chronicle.live().filter((record) => !inFlight(record) && !isLeftAsItIs(record)).map((record) => [record.metadata.uid ?? '', record]));
  for (const volume of server.readAll(volumes).filter(isInUse)) {
    const disk = ecs.disk(diskIdOf(volume) ?? '');
    const record = settled.get(disk?.tags[MIGRATION_LABEL] ?? '');
    if (record !== undefined) return `disk ${disk?.id ?? ''} of PV ${volume.metadata.name} carries the tag of ${told(record)}`;
  }
  return undefined;
}

function isInUse(volume: PersistentVolume): boolean {
  return volumePhase(volume) === 'Bound';
}
