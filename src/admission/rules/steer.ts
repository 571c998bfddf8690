// A claim of a moving ordinal asks for the volume that the record names, whoever creates it and whatever the template says today (size
// and class may have changed since). Never a refusal: it would abort the StatefulSet controller's whole sync.

import { isDeepStrictEqual } from 'node:util';
import type { JsonPatchOperation } from '../../kubernetes/api.ts';
import { PROBE_LABEL } from '../../kubernetes/names.ts';
import type { ClaimSpec, PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import type { SteeredClaim } from '../../migration/steering.ts';
import { patched } from '../decision.ts';
import type { Review } from '../review.ts';
import { isOn, subjectOf, type Rule, type World } from './rule.ts';

export const steer: Rule = {
  name: 'steer',
  onError: 'allow',
  applies: (review) => review.operation === 'CREATE' && isOn(review, 'persistentvolumeclaims'),
  judge(review, world) {
    const claim = subjectOf(review) as PersistentVolumeClaim;
    const wanted = steeringFor(review, claim, world);
    if (wanted === undefined) return undefined;
    const patch = patchTo(claim.spec, specOf(wanted));
    if (patch.length === 0) return undefined;
    const asked = claim.spec.volumeName ?? '';
    const warnings = asked === '' || asked === wanted.volumeName ? [] : [`zonespread: claim ${review.name} gets volume ${wanted.volumeName} instead of ${asked}: its ordinal is being moved`];
    return patched('steer', patch, warnings);
  },
};

function steeringFor(review: Review, claim: PersistentVolumeClaim, world: World): SteeredClaim | undefined {
  const probeOf = claim.metadata.labels?.[PROBE_LABEL];
  if (probeOf !== undefined) return probedClaim(world.inFlight.steeringOfUID(probeOf)?.steering.claims, review.name);
  const held = world.inFlight.claim(review.namespace, review.name);
  return held === undefined ? undefined : world.inFlight.steeringOfUID(held.record.metadata.uid ?? '')?.steering.claims.get(review.name);
}

/** A probe is called after the claim that it stands for (`data-web-2-probe-xxxxx`); of several that fit, the longest name is meant. */
function probedClaim(claims: Map<string, SteeredClaim> | undefined, probeName: string): SteeredClaim | undefined {
  if (claims === undefined) return undefined;
  if (claims.size === 1) return claims.values().next().value;
  const name = [...claims.keys()].filter((candidate) => probeName.startsWith(candidate)).toSorted((a, b) => b.length - a.length)[0];
  return name === undefined ? undefined : claims.get(name);
}

/** A claim without a class binds to volumes without one; said outright (""), or today's default class would be filled in. */
function specOf(wanted: SteeredClaim): ClaimSpec {
  return { ...wanted.spec, storageClassName: wanted.spec.storageClassName ?? '' };
}

const STEERED_FIELDS = ['volumeName', 'storageClassName', 'volumeMode', 'accessModes', 'resources', 'volumeAttributesClassName'] as const;

/** `add` replaces a member that is there. A field that the record does not know stays as it was asked for. */
function patchTo(asked: ClaimSpec, wanted: ClaimSpec): JsonPatchOperation[] {
  return STEERED_FIELDS.filter((field) => wanted[field] !== undefined && !isDeepStrictEqual(asked[field], wanted[field])).map((field) => ({
    op: 'add',
    path: `/spec/${field}`,
    value: wanted[field],
  }));
}
