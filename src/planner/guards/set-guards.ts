// Guards about the StatefulSet as a whole: whether it is a good time to touch any of its pods.

import { fewOf } from '../few.ts';
import { onceFor, type Guard, type Proposal } from './guard.ts';
import { isDown } from './pod-guards.ts';

export const SET_GUARDS: readonly Guard[] = [
  {
    reason: 'NamespaceTerminating',
    scope: 'set',
    check: ({ layout }) => (layout.namespaceTerminating ? `namespace ${layout.set.namespace} is being deleted; nothing moves in it any more` : undefined),
  },
  {
    reason: 'StatefulSetTerminating',
    scope: 'set',
    check: ({ layout: { set } }) => (set.terminating ? `StatefulSet ${set.name} is being deleted; nothing of it moves any more` : undefined),
  },
  {
    reason: 'AlreadyInFlight',
    scope: 'ordinal',
    check: ({ ordinal, context }) =>
      context.inFlight.some((other) => other.ordinal === ordinal.ordinal) ? `${ordinal.podName} is already being moved; wait for that OrdinalMigration to end, or abort it` : undefined,
  },
  {
    reason: 'GenerationNotObserved',
    scope: 'set',
    check: ({ layout: { set } }) =>
      set.observedGeneration < set.generation
        ? `StatefulSet ${set.name} was changed (generation ${set.generation}) and its controller has seen only generation ${set.observedGeneration}; it goes on when the controller has caught up`
        : undefined,
  },
  { reason: 'OwnedByOperator', scope: 'set', check: ownedByOperator },
  { reason: 'ScaleUnderWay', scope: 'set', check: scaleUnderWay },
];

function ownedByOperator({ layout: { set }, rules }: Proposal): string | undefined {
  if (set.controller === undefined || rules.allowOperator) return undefined;
  const { kind, name } = set.controller;
  return `StatefulSet ${set.name} is controlled by ${kind} ${name}, whose operator may act on pods that are moved; find out whether it can stand one pod away for a while, then set zonespread.io/allow-operator: "true"`;
}

/** Names of the pods that were never there. */
const comingIn = onceFor(({ ordinals }) =>
  ordinals.flatMap(({ pod, podName, volumes }) => (pod === undefined && volumes.every(({ source, claim }) => source !== 'template' || claim === undefined) ? [podName] : [])),
);

/** Pods beyond the range are going; pods that were never there are coming. One that fell over is no scaling. */
function scaleUnderWay(proposal: Proposal): string | undefined {
  const { layout } = proposal;
  const { set, podsOutside } = layout;
  if (podsOutside.length > 0) return `StatefulSet ${set.name} is being scaled to ${set.replicas}: ${fewOf(podsOutside)} still there; it goes on when the scaling is done`;
  // A pod that waits for its disk's zone also keeps those after it from being created: moving it is what helps.
  if (isDown(proposal.ordinal)) return undefined;
  const coming = comingIn(layout);
  if (coming.length === 0) return undefined;
  return `StatefulSet ${set.name} is being scaled to ${set.replicas}: ${fewOf(coming)} not created yet; it goes on when the scaling is done`;
}
