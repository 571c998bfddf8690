// I7, at rest: every ordinal of every set has its pod, Ready, unless a move of the set is Frozen and waits for a person.

import { claims, pods, statefulSets, volumes, type StatefulSet } from '../../kubernetes/objects.ts';
import { diskIdOf, isTerminating, isTrue } from '../../kubernetes/reading.ts';
import { claimNamesOf, podNameOf } from '../../layout/names.ts';
import { everyOrdinalOf } from '../../migration/owner.ts';
import { phaseOf } from '../../migration/record.ts';
import { EXCUSES } from '../acts/excuses.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';
import { diskZonesOf } from './disk-zones.ts';

export const podsRun: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  return {
    name: 'I7 pods run',
    atRest() {
      for (const set of world.simulated.server.readAll(statefulSets)) {
        const frozen = chronicle.live().some((record) => phaseOf(record) === 'Frozen' && record.metadata.namespace === set.metadata.namespace && record.spec.statefulSetRef.name === set.metadata.name);
        const down = frozen || isTerminating(set) || isUndermined(world, set) || isTornApart(world, set) || isLeftToResync(world, set) ? [] : notReady(world, set);
        if (down.length > 0) return `StatefulSet ${set.metadata.name} does not run, and no move of it is Frozen: ${down.join('; ')}`;
      }
      return undefined;
    },
  };
};

/**
 * Somebody has taken a disk or a volume away that a pod of it needs; or deleted the claim of a pod that had a node and had not started: the
 * kubelet starts none whose claim is being deleted, and the claim stays for as long as the pod does.
 */
function isUndermined(world: HistoryWorld, set: StatefulSet): boolean {
  const volumesEver = chronicleOf(world).volumes;
  return world.simulated.server.readAll(claims, { namespace: set.metadata.namespace ?? '' }).some((claim) => {
    const { metadata, spec } = claim;
    const volume = volumesEver.get(spec.volumeName ?? '');
    if (volume === undefined || !metadata.name.includes(`-${set.metadata.name}-`)) return false;
    if (isTerminating(claim) && world.excuses.has(EXCUSES.claimGivenUp(metadata.name))) return true;
    return world.excuses.has(EXCUSES.editedByHand(volumes.kind, volume.metadata.name)) || world.excuses.has(EXCUSES.deletedInCloud(diskIdOf(volume) ?? ''));
  });
}

/** Somebody deleted one of an ordinal's claims, and the next one of its name came where the others are not: no node is in both zones. */
function isTornApart(world: HistoryWorld, set: StatefulSet): boolean {
  return [...diskZonesOf(world, set)].some(([ordinal, zones]) => new Set(zones).size > 1 && claimNamesOf(set, ordinal).some((name) => world.excuses.has(EXCUSES.claimGivenUp(name))));
}

/**
 * Scaled down and up again in one go under whenScaled=Delete: the controller that finds the claim of the pod before does no more in that
 * round, gives no error, and does not follow claims. Nothing but its resync, half a day later, has it look again (processReplica, 1.30–1.36).
 */
function isLeftToResync({ simulated: { server }, excuses }: HistoryWorld, set: StatefulSet): boolean {
  const { namespace = '', name } = set.metadata;
  if (set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return false;
  return everyOrdinalOf(set).some((ordinal) => {
    if (server.read(pods, { namespace, name: `${name}-${ordinal}` }) !== undefined) return false;
    return claimNamesOf(set, ordinal).some((claim) => excuses.has(EXCUSES.claimGivenUp(claim)) && server.read(claims, { namespace, name: claim }) === undefined);
  });
}

/** What is wrong with the pods of its ordinals. */
export function notReady({ simulated }: Pick<HistoryWorld, 'simulated'>, set: StatefulSet): string[] {
  const { namespace = '', name } = set.metadata;
  return everyOrdinalOf(set).map((ordinal) => podNameOf(name, ordinal)).flatMap((podName) => {
    const pod = simulated.server.read(pods, { namespace, name: podName });
    if (pod !== undefined && !isTerminating(pod) && isTrue(pod, 'Ready')) return [];
    const waits = simulated.waiting().find((one) => one.pod.endsWith(podName))?.reason;
    return [`pod ${podName} is ${pod === undefined ? 'not there' : `${pod.status?.phase ?? 'new'} on node ${pod.spec.nodeName ?? 'none'}`}${waits === undefined ? '' : ` (${waits})`}`];
  });
}
