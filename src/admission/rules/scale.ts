// The scale subresource must not take a moving ordinal away: kubectl scale and autoscalers alike, whatever name they go by (an autoscaler
// of Kubernetes is a client like any other here). Scaling up and scaling other ordinals away is free.

import type { KubernetesObject } from '../../kubernetes/objects.ts';
import { actorOf } from '../actors.ts';
import type { Decision } from '../decision.ts';
import { replicasOf } from './ordinals.ts';
import { refuse } from './refusal.ts';
import { changeOf, isOn, STATEFUL_SET_GROUPS, type Rule } from './rule.ts';

interface Scale extends KubernetesObject {
  spec: { replicas?: number };
}

export const scale: Rule = {
  name: 'scale',
  onError: 'deny',
  applies: (review) => isOn(review, 'statefulsets', 'scale') && STATEFUL_SET_GROUPS.includes(review.resource.group) && review.operation === 'UPDATE',
  judge(review, world) {
    const records = world.inFlight.set(review.namespace, review.resource.group, review.name);
    if (records.length === 0 || actorOf(review.user, world.controller) === 'ourselves') return undefined;
    const { before, after } = changeOf<Scale>(review);
    const [replicas, was] = [replicasOf(after), replicasOf(before)];
    if (replicas >= was) return undefined;
    const known = world.sets.get(review.namespace, review.name);
    // A Scale does not show the first ordinal. Where we have not seen the set, 0 can only refuse too much.
    const end = (review.resource.group === 'apps' ? (known?.start ?? 0) : 0) + replicas;
    const taken = records.filter((record) => record.spec.ordinal >= end);
    const decisions = taken.map((record) =>
      refuse(review, world, {
        rule: 'scale',
        record,
        wrong: `scaling from ${was} to ${replicas} replicas would take ordinal ${record.spec.ordinal} away`,
        override: known?.override,
      }),
    );
    return strictest(decisions);
  },
};

function strictest(decisions: (Decision | undefined)[]): Decision | undefined {
  return decisions.find((decision) => decision?.kind === 'deny') ?? decisions.find((decision) => decision !== undefined);
}
