// The pod of a moving ordinal is created with a scheduling gate, so that it does not start on the old disk while it is copied. Never a
// refusal: the StatefulSet controller must always get its pod.

import { GATE, PROBE_LABEL } from '../../kubernetes/names.ts';
import type { Pod } from '../../kubernetes/objects.ts';
import type { OrdinalMigration } from '../../migration/record.ts';
import { allow, patched, type Decision } from '../decision.ts';
import type { Review } from '../review.ts';
import { isOn, subjectOf, type Rule, type World } from './rule.ts';

export const gate: Rule = {
  name: 'gate',
  onError: 'allow',
  applies: (review) => review.operation === 'CREATE' && isOn(review, 'pods'),
  judge(review, world) {
    const pod = subjectOf(review) as Pod;
    return isToBeGated(review, pod, world) ? addGate(pod) : undefined;
  },
};

function isToBeGated(review: Review, pod: Pod, world: World): boolean {
  // Only dry runs are probes: a label in a set's template must not let its real pods past the gate.
  const probeOf = review.dryRun ? pod.metadata.labels?.[PROBE_LABEL] : undefined;
  if (probeOf !== undefined) return world.inFlight.steeringOfUID(probeOf) !== undefined;
  const found = world.inFlight.steeringOfPod(review.namespace, review.name);
  return found !== undefined && found.steering.gate && isOwnedBySet(pod, found.record);
}

/** By name and kind, whatever version of the set made it. */
function isOwnedBySet(pod: Pod, record: OrdinalMigration): boolean {
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
  const set = record.spec.statefulSetRef;
  return owner !== undefined && owner.kind === set.kind && owner.name === set.name && groupOf(owner.apiVersion) === groupOf(set.apiVersion);
}

function addGate(pod: Pod): Decision | undefined {
  const gates = pod.spec.schedulingGates;
  if (gates?.some(({ name }) => name === GATE) === true) return undefined;
  // The API server refuses a gate on a pod that names its node, and a refusal would stop the StatefulSet controller.
  if ((pod.spec.nodeName ?? '') !== '') return allow('gate', [`zonespread: pod ${pod.metadata.name} names its node, so it cannot be held back while its disk moves`]);
  const value = { name: GATE };
  return patched('gate', [gates === undefined ? { op: 'add', path: '/spec/schedulingGates', value: [value] } : { op: 'add', path: '/spec/schedulingGates/-', value }]);
}

function groupOf(apiVersion: string): string {
  return apiVersion.split('/')[0] ?? '';
}
