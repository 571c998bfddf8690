// I7, at rest: every ordinal of every set has its pod, Ready, unless a move of the set is Frozen and waits for a person.

import { pods, statefulSets, type StatefulSet } from '../../kubernetes/objects.ts';
import { isTerminating, isTrue } from '../../kubernetes/reading.ts';
import { ordinalsOf } from '../../migration/owner.ts';
import { phaseOf } from '../../migration/record.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';

export const podsRun: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  return {
    name: 'I7 pods run',
    atRest() {
      for (const set of world.simulated.server.readAll(statefulSets)) {
        const frozen = chronicle.live().some((record) => phaseOf(record) === 'Frozen' && record.metadata.namespace === set.metadata.namespace && record.spec.statefulSetRef.name === set.metadata.name);
        const down = frozen || isTerminating(set) ? [] : notReady(world, set);
        if (down.length > 0) return `StatefulSet ${set.metadata.name} does not run, and no move of it is Frozen: ${down.join('; ')}`;
      }
      return undefined;
    },
  };
};

function notReady({ simulated }: HistoryWorld, set: StatefulSet): string[] {
  const { first, last } = ordinalsOf(set);
  const { namespace = '', name } = set.metadata;
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => `${name}-${first + index}`).flatMap((podName) => {
    const pod = simulated.server.read(pods, { namespace, name: podName });
    if (pod !== undefined && !isTerminating(pod) && isTrue(pod, 'Ready')) return [];
    const waits = simulated.waiting().find((one) => one.pod.endsWith(podName))?.reason;
    return [`pod ${podName} is ${pod === undefined ? 'not there' : `${pod.status?.phase ?? 'new'} on node ${pod.spec.nodeName ?? 'none'}`}${waits === undefined ? '' : ` (${waits})`}`];
  });
}
