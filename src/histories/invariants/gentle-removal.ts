// I5: we take a pod off its node by the Eviction API alone, which budgets may refuse, and not as fast as a StatefulSet makes new ones. Only
// an undo deletes one, to put its successor behind the gate, and nobody of us ever kills one outright. Placeholders are our own, and run
// nothing.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import { pods, type Pod } from '../../kubernetes/objects.ts';
import { isScheduled } from '../../kubernetes/reading.ts';
import { phaseOf, podNameOf } from '../../migration/record.ts';
import { isPlaceholder } from '../../migration/reservation/placeholder.ts';
import type { RequestRecord } from '../../simulation/apiserver/contract.ts';
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

  const tooOften = (name: string): string | undefined => {
    const now = clock.monotonic();
    const own = [...(evictions.get(name) ?? []).filter((at) => now - at < MINUTE_MS), now];
    evictions.set(name, own);
    return own.length > MOST_A_MINUTE ? `we evicted pod ${name} ${own.length} times within a minute` : undefined;
  };

  const whyNotDelete = ({ namespace, name, version }: RequestRecord): string | undefined => {
    const killed = removed !== undefined && removed.version === version ? removed.pod : undefined;
    if (killed !== undefined && isPlaceholder(killed)) return undefined;
    if (killed !== undefined && isScheduled(killed)) return `we killed pod ${name} on node ${killed.spec.nodeName ?? ''} without grace`;
    const undone = chronicle.live().some((record) => record.metadata.namespace === namespace && podNameOf(record) === name && phaseOf(record) === 'RollingBack');
    return undone ? undefined : `we deleted pod ${name}, and no move of it is being undone: only an eviction asks its budgets`;
  };

  return {
    name: 'I5 pods go gently',
    onStore({ type, resource, object, version }) {
      if (type === 'DELETED' && resource.plural === pods.plural) removed = { version, pod: object as Pod };
      return undefined;
    },
    onRequest(request) {
      if (request.user !== DAEMON_USER.username || request.version === undefined) return undefined;
      if (request.resource === 'pods/eviction') return tooOften(request.name);
      return request.resource === 'pods' && request.verb.startsWith('delete') ? whyNotDelete(request) : undefined;
    },
  };
};
