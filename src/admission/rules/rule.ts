// What a rule is and what it may look at: the review and the watched caches. Rules are pure: no network, no clock.

import type { KubernetesObject, PodDisruptionBudget } from '../../kubernetes/objects.ts';
import type { ControllerIdentity } from '../actors.ts';
import type { Decision } from '../decision.ts';
import type { InFlightIndex } from '../index.ts';
import type { Review } from '../review.ts';

export interface Rule {
  /** For metrics, logs and answers. */
  name: string;
  /** What the answer is when the rule throws: a create must go on, what is in flight must not be touched unseen. */
  onError: 'allow' | 'deny';
  applies(review: Review): boolean;
  /** Undefined: nothing to say. */
  judge(review: Review, world: World): Decision | undefined;
}

export interface World {
  readonly inFlight: InFlightIndex;
  readonly namespaces: { get(name: string): KnownNamespace | undefined };
  /** StatefulSets of apps/v1 by namespace and name, for the `scale` subresource, which shows neither ordinals nor annotations. */
  readonly sets: { get(namespace: string, name: string): KnownSet | undefined };
  /** Zones that have a node; none while nobody knows. */
  readonly zones: { known(): ReadonlySet<string> };
  readonly budgets: { of(namespace: string): readonly PodDisruptionBudget[] };
  /** Undefined while the daemon has never said who it is. */
  readonly controller: ControllerIdentity | undefined;
}

export interface KnownNamespace {
  terminating: boolean;
}

export interface KnownSet {
  /** First ordinal. */
  start: number;
  replicas: number;
  /** Value of the override annotation. */
  override: string | undefined;
}

export const STATEFUL_SET_GROUPS = ['apps', 'apps.kruise.io'];

export function isOn(review: Review, resource: string, subResource = ''): boolean {
  return review.resource.resource === resource && review.subResource === subResource;
}

/** The object in question: as it is to be, or, in a DELETE, as it is. */
export function subjectOf(review: Review): KubernetesObject {
  const subject = review.object ?? review.oldObject;
  if (subject === undefined) throw new Error(`the review of ${review.operation} ${review.kind.kind} ${review.name} carries no object`);
  return subject;
}

/** Object before and after an UPDATE. */
export function changeOf<T extends KubernetesObject>(review: Review): { before: T; after: T } {
  if (review.object === undefined || review.oldObject === undefined) throw new Error(`the review of an UPDATE of ${review.kind.kind} ${review.name} lacks object or oldObject`);
  return { before: review.oldObject as T, after: review.object as T };
}
