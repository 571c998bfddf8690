// I5: we take a pod off its node by the Eviction API alone, which budgets may refuse. Only an undo deletes one, to put its successor behind
// the gate, and nobody of us ever kills one outright.

import { DAEMON_USER } from '../../embedded/cluster.ts';
import { pods, type Pod } from '../../kubernetes/objects.ts';
import { isScheduled } from '../../kubernetes/reading.ts';
import { phaseOf, podNameOf } from '../../migration/record.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';

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
      if (removed?.version === version && isScheduled(removed.pod)) return `we killed pod ${name} on node ${removed.pod.spec.nodeName ?? ''} without grace`;
      const undone = chronicle.live().some((record) => record.metadata.namespace === namespace && podNameOf(record) === name && phaseOf(record) === 'RollingBack');
      return undone ? undefined : `we deleted pod ${name}, and no move of it is being undone: only an eviction asks its budgets`;
    },
  };
};
