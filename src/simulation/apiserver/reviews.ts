// What a client may ask about itself and others: who it is, and whether they may. Nothing of it is stored.

import type { UserInfo } from './contract.ts';
import type { JsonObject } from './json.ts';
import type { ResourcePath } from './paths.ts';

export interface Review {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
}

export const REVIEWS: Review[] = [
  { group: 'authentication.k8s.io', version: 'v1', plural: 'selfsubjectreviews', singular: 'selfsubjectreview', kind: 'SelfSubjectReview' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews', singular: 'selfsubjectaccessreview', kind: 'SelfSubjectAccessReview' },
  { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews', singular: 'subjectaccessreview', kind: 'SubjectAccessReview' },
];

export function reviewAt({ group, version, plural }: ResourcePath): Review | undefined {
  return REVIEWS.find((review) => review.group === group && review.version === version && review.plural === plural);
}

/** Everybody may do everything here, so it does not matter what was asked: kubectl asks in protobuf, which nobody here reads. */
export function answerReview({ group, version, kind }: Review, { username, uid, groups }: UserInfo): JsonObject {
  const status = kind === 'SelfSubjectReview' ? { userInfo: { username, ...(uid === undefined ? {} : { uid }), groups } } : { allowed: true };
  return { kind, apiVersion: `${group}/${version}`, metadata: { creationTimestamp: null }, ...(kind === 'SelfSubjectReview' ? {} : { spec: {} }), status };
}
