// I5: we take a pod off its node by the Eviction API alone, which budgets may refuse, and not as fast as a StatefulSet makes new ones. Only
// an undo deletes one, to put its successor behind the gate, and nobody of us ever kills one outright.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import { pods, type Pod } from '../../kubernetes/objects.ts';
import { isScheduled } from '../../kubernetes/reading.ts';
import { phaseOf, podNameOf } from '../../migration/record.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';

const MINUTE_MS = 60_000;
/** One in 1.5 s of a daemon whose clock runs 1.4 times as fast, and as many again that were held up on the way. */
const MOST_A_MINUTE = 120;

export const podsGoGently: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  const { clock } = world.simulated;
  /** By pod: when we evicted it, or another one of its name, within the last minute. */
  const evictions = new Map<string, number[]>();
  let removed: { version: number; pod: Pod } | undefined;
  return {
    name: 'I5 pods go gently',
    onStore({ type, resource, object, version }) {
      if (type === 'DELETED' && resource.plural === pods.plural) removed = { version, pod: object as Pod };
      return undefined;
    },
    onRequest({ user, verb, resource, namespace, name, version }) {
      if (user === DAEMON_USER.username && resource === 'pods/eviction' && version !== undefined) {
        const own = [...(evictions.get(name) ?? []).filter((at) => clock.monotonic() - at < MINUTE_MS), clock.monotonic()];
        evictions.set(name, own);
        return own.length > MOST_A_MINUTE ? `we evicted pod ${name} ${own.length} times within a minute` : undefined;
      }
      if (user !== DAEMON_USER.username || resource !== 'pods' || !verb.startsWith('delete') || version === undefined) return undefined;
      if (removed?.version === version && isScheduled(removed.pod)) return `we killed pod ${name} on node ${removed.pod.spec.nodeName ?? ''} without grace`;
      const undone = chronicle.live().some((record) => record.metadata.namespace === namespace && podNameOf(record) === name && phaseOf(record) === 'RollingBack');
      return undone ? undefined : `we deleted pod ${name}, and no move of it is being undone: only an eviction asks its budgets`;
    },
  };
};
