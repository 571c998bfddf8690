// I5: we take a pod off its node by the Eviction API alone, which budgets may refuse. Only an undo deletes one, to put its successor behind
// the gate, and nobody of us ever kills one outright. Placeholders are our own, and run nothing.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import { pods, type Pod } from '../../kubernetes/objects.ts';
import { isScheduled } from '../../kubernetes/reading.ts';
import { phaseOf, podNameOf } from '../../migration/record.ts';
import { isPlaceholder } from '../../migration/reservation/placeholder.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf, type Chronicle } from './chronicle.ts';

export const podsGoGently: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  let removed: { version: number; pod: Pod } | undefined;
  return {
    name: 'I5 pods go gently',
    onStore({ type, resource, object, version }) {
      if (type === 'DELETED' && resource.plural === pods.plural) removed = { version, pod: object as Pod };
      return undefined;
    },
    onRequest({ user, verb, resource, namespace, name, version }) {
      if (user !== DAEMON_USER.username || resource !== 'pods' || !verb.startsWith('delete') || version === undefined) return undefined;
      return wrongWith(removed?.version === version ? removed.pod : undefined, chronicle, { namespace, name });
    },
  };
};

/** `killed`: it is gone at once. */
function wrongWith(killed: Pod | undefined, chronicle: Chronicle, pod: { namespace: string; name: string }): string | undefined {
  if (killed !== undefined && isPlaceholder(killed)) return undefined;
  if (killed !== undefined && isScheduled(killed)) return `we killed pod ${pod.name} on node ${killed.spec.nodeName ?? ''} without grace`;
  return isUndone(chronicle, pod) ? undefined : `we deleted pod ${pod.name}, and no move of it is being undone: only an eviction asks its budgets`;
}

function isUndone(chronicle: Chronicle, pod: { namespace: string; name: string }): boolean {
  return chronicle.live().some((record) => record.metadata.namespace === pod.namespace && podNameOf(record) === pod.name && phaseOf(record) === 'RollingBack');
}
