// Cordoned nodes, and taints with what tolerates them.

import type { Node, PodSpec } from '../../kubernetes/objects.ts';
import type { Toleration } from '../../layout/pods.ts';
import { PASSES, type Filter } from './filter.ts';

export interface Taint {
  key: string;
  value?: string;
  effect: string;
}

const CORDONED: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const WAS_CORDONED = ['node(s) were unschedulable'];

/** Who tolerates the taint of a cordoned node may go to any. */
export const unschedulable: Filter = ({ pod }) => {
  const mayAnyway = tolerates(tolerationsOf(pod.spec), CORDONED);
  return ({ node }) => (node.spec.unschedulable === true && !mayAnyway ? WAS_CORDONED : PASSES);
};

export const taints: Filter = ({ pod }) => {
  const repelling = repellingTaint(pod.spec);
  return ({ node }) => {
    const taint = repelling(node);
    return taint === undefined ? PASSES : [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  };
};

/** The first taint of a node that keeps the pod off it. */
export function repellingTaint(spec: PodSpec): (node: Node) => Taint | undefined {
  const tolerations = tolerationsOf(spec);
  return ({ spec: { taints: all = [] } }) => all.find((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(tolerations, taint));
}

function tolerationsOf(spec: PodSpec): readonly Toleration[] {
  return spec.tolerations ?? [];
}

function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some((toleration) => isTolerated(toleration, taint));
}

/**
 * A toleration without an effect is for every effect, without a key for every key. `Gt` and `Lt` (alpha in Kubernetes 1.35) are taken for
 * no match, as by a scheduler without them: a node too few, never one too many.
 */
function isTolerated({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  return isAny(effect, taint.effect) && isAny(key, taint.key) && (operator === 'Exists' || (isAny(operator, 'Equal') && (value ?? '') === (taint.value ?? '')));
}

/** It asks for nothing, or for this. */
function isAny(asked: string | undefined, present: string): boolean {
  return asked === undefined || asked === '' || asked === present;
}
