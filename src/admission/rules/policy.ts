// Policy annotations on StatefulSets and Namespaces are refused where they are written, with what is allowed. Only what this very change
// makes wrong: a wrong value that is there already must not stand in the way of anybody's other business with the object. What is legal but
// surprising is remarked on, once.

import type { StatefulSet } from '../../kubernetes/objects.ts';
import { checkAnnotations } from '../../policy/policy.ts';
import { allow, deny, type Decision } from '../decision.ts';
import type { Review } from '../review.ts';
import { isOn, STATEFUL_SET_GROUPS, type Rule } from './rule.ts';
import { surprisesOfNamespace, surprisesOfSet, type Cluster } from './surprises.ts';

export const policy: Rule = {
  name: 'policy',
  onError: 'allow',
  applies: (review) => (review.operation === 'CREATE' || review.operation === 'UPDATE') && holderOf(review) !== undefined,
  judge(review, world) {
    const holder = holderOf(review);
    if (holder === undefined || review.object?.metadata.deletionTimestamp !== undefined) return undefined;
    const [after, before] = [check(review.object, holder), check(review.oldObject, holder)];
    const known = new Set(before.problems.map(({ message }) => message));
    const fresh = after.problems.map(({ message }) => message).filter((message) => !known.has(message));
    if (fresh.length > 0) return deny('policy', fresh.join(' '));
    const remarks = [...after.warnings, ...surprises(review.object, review, world)];
    const said = new Set([...before.warnings, ...surprises(review.oldObject, review, world)]);
    return warn(remarks.filter((remark) => !said.has(remark)));
  },
};

type Holder = 'StatefulSet' | 'Namespace';

function holderOf(review: Review): Holder | undefined {
  if (isOn(review, 'statefulsets') && STATEFUL_SET_GROUPS.includes(review.resource.group)) return 'StatefulSet';
  return isOn(review, 'namespaces') && review.resource.group === '' ? 'Namespace' : undefined;
}

function check(object: Review['object'], on: Holder): ReturnType<typeof checkAnnotations> {
  if (object === undefined) return { problems: [], warnings: [] };
  const podManagementPolicy = on === 'StatefulSet' ? (object as StatefulSet).spec.podManagementPolicy : undefined;
  return checkAnnotations({ on, annotations: object.metadata.annotations, podManagementPolicy });
}

function surprises(object: Review['object'], review: Review, cluster: Cluster): string[] {
  if (object === undefined) return [];
  return holderOf(review) === 'StatefulSet' ? surprisesOfSet(object as StatefulSet, review.namespace, cluster) : surprisesOfNamespace(object.metadata.annotations, cluster);
}

function warn(warnings: string[]): Decision | undefined {
  return warnings.length === 0 ? undefined : allow('policy', warnings.map((warning) => `zonespread: ${warning}`));
}
