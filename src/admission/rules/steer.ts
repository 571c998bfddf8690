// A claim of a moving ordinal asks for the volume that the record names, whoever creates it and whatever the template says today (size
// and class may have changed since), and brings nothing along of a binding or an owner that it had in another life. Never a refusal: it
// would abort the StatefulSet controller's whole sync.

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
    const patch = [...patchTo(claim.spec, specOf(wanted.claim)), ...withoutPast(claim, wanted.setUID)];
    if (patch.length === 0) return undefined;
    const asked = claim.spec.volumeName ?? '';
    const warnings = asked === '' || asked === wanted.claim.volumeName ? [] : [`zonespread: claim ${review.name} gets volume ${wanted.claim.volumeName} instead of ${asked}: its ordinal is being moved`];
    return patched('steer', patch, warnings);
  },
};

interface Wanted {
  claim: SteeredClaim;
  /** Of the set as the move began. */
  setUID: string | undefined;
}

function steeringFor(review: Review, claim: PersistentVolumeClaim, world: World): Wanted | undefined {
  // Only dry runs are probes: a real claim is known by its name alone.
  const probeOf = review.dryRun ? claim.metadata.labels?.[PROBE_LABEL] : undefined;
  if (probeOf !== undefined) return wantedBy(world, probeOf, (claims) => probedClaim(claims, review.name));
  const held = world.inFlight.claim(review.namespace, review.name);
  return held === undefined ? undefined : wantedBy(world, held.record.metadata.uid ?? '', (claims) => claims.get(review.name));
}

function wantedBy(world: World, migrationUID: string, choose: (claims: Map<string, SteeredClaim>) => SteeredClaim | undefined): Wanted | undefined {
  const found = world.inFlight.steeringOfUID(migrationUID);
  const claim = found === undefined ? undefined : choose(found.steering.claims);
  return claim === undefined ? undefined : { claim, setUID: found?.record.status?.statefulSetUID };
}

/** A probe is called after the claim that it stands for (`data-web-2-probe-xxxxx`); of several that fit, the longest name is meant. */
function probedClaim(claims: Map<string, SteeredClaim>, probeName: string): SteeredClaim | undefined {
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

/** With these a claim that was written out of another one goes Lost, or to a node that it was once meant for. */
const OF_A_BINDING = [
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'volume.kubernetes.io/selected-node',
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
];

/** An owner that is gone would have the garbage collector delete the claim at once; the StatefulSet controller puts its own there again. */
function withoutPast({ metadata }: PersistentVolumeClaim, setUID: string | undefined): JsonPatchOperation[] {
  const annotations = OF_A_BINDING.filter((key) => metadata.annotations?.[key] !== undefined);
  const owners = metadata.ownerReferences ?? [];
  const living = owners.filter(({ uid }) => uid === setUID);
  return [
    ...annotations.map((key): JsonPatchOperation => ({ op: 'remove', path: `/metadata/annotations/${key.replaceAll('/', '~1')}` })),
    ...(living.length === owners.length ? [] : [{ op: 'add' as const, path: '/metadata/ownerReferences', value: living }]),
  ];
}
