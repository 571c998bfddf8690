// The claims of a moving ordinal stay as they are: not deleted, resized, bound to something else or stripped of our labels. Binding,
// finalizers, status and everything about other claims are free; our daemon's swap is let through.

import { isDeepStrictEqual } from 'node:util';
import { MIGRATION_LABEL, ROLE_LABEL } from '../../kubernetes/names.ts';
import type { PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { volumeWanted } from '../../migration/steering.ts';
import { actorOf, type Actor } from '../actors.ts';
import type { HeldClaim } from '../index.ts';
import type { Review } from '../review.ts';
import { refuse } from './refusal.ts';
import { changeOf, isOn, subjectOf, type Rule, type World } from './rule.ts';

export const claim: Rule = {
  name: 'claim',
  onError: 'deny',
  applies: (review) => isOn(review, 'persistentvolumeclaims') && (review.operation === 'UPDATE' || review.operation === 'DELETE'),
  judge(review, world) {
    const actor = actorOf(review.user, world.controller);
    if (actor === 'kubernetes' || actor === 'ourselves') return undefined;
    const held = heldBy(review, world);
    if (held === undefined) return undefined;
    return review.operation === 'DELETE' ? judgeDelete(review, world, { held, actor }) : judgeUpdate(review, world, { held, actor });
  },
};

/** By its name in a record; a claim that only carries the label of one (a copy made by hand) is none of the ordinal's. */
function heldBy(review: Review, world: World): HeldClaim | undefined {
  return world.inFlight.claim(review.namespace, review.name);
}

function judgeDelete(review: Review, world: World, { held, actor }: { held: HeldClaim; actor: Actor }): ReturnType<typeof refuse> {
  const live = subjectOf(review);
  if (live.metadata.deletionTimestamp !== undefined) return undefined;
  if (actor === 'perhaps-ourselves' && isRecordedIntent(review, held)) return undefined;
  return refuse(review, world, { rule: 'claim-delete', record: held.record, wrong: 'deleting this claim in the middle of the move could lose its data' });
}

/**
 * Our swap names the UID that it deletes, which no person's client does: that of the old claim in the record, or, once the record says
 * that claims are being changed over, that of the claim which is there (an undo deletes the new one, a repetition a stray one).
 */
function isRecordedIntent(review: Review, { all, claim: { claimName } }: HeldClaim): boolean {
  const uid = review.uidPrecondition;
  if (uid === undefined) return false;
  return all.some((record) => {
    const recorded = record.status?.claims?.find((candidate) => candidate.claimName === claimName)?.source.claimUID;
    return uid === recorded || (record.status?.step === 'swapClaim' && uid === review.oldObject?.metadata.uid);
  });
}

function judgeUpdate(review: Review, world: World, { held, actor }: { held: HeldClaim; actor: Actor }): ReturnType<typeof refuse> {
  const change = changeOf<PersistentVolumeClaim>(review);
  const wanted = volumeWanted(held.record, held.claim);
  const wrong = specChange(change, wanted) ?? (actor === 'perhaps-ourselves' ? undefined : markChange(change));
  return wrong === undefined ? undefined : refuse(review, world, { rule: 'claim-update', record: held.record, wrong });
}

interface Change {
  before: PersistentVolumeClaim;
  after: PersistentVolumeClaim;
}

function specChange({ before, after }: Change, wanted: string): string | undefined {
  const changed = changedKeys(before.spec, after.spec).filter((key) => !(key === 'volumeName' && bindsAsSteered(before, after, wanted)));
  if (changed.length === 0) return undefined;
  if (changed.includes('resources')) return `its size cannot change (${sizeOf(before)} to ${sizeOf(after)}) while its disk is being copied; resize it when the move has ended`;
  if (changed.includes('volumeName')) return `it cannot be bound to volume ${after.spec.volumeName ?? 'none'}, for the move needs ${wanted}`;
  return `spec.${changed.join(', spec.')} cannot change while its disk is being copied`;
}

/** An empty volumeName may be filled in once, by whoever binds. */
function bindsAsSteered(before: PersistentVolumeClaim, after: PersistentVolumeClaim, wanted: string): boolean {
  return (before.spec.volumeName ?? '') === '' && after.spec.volumeName === wanted;
}

const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';

/** Our labels, and the PV controller's mark that the binding is complete: without it the claim would be bound anew. */
function markChange({ before, after }: Change): string | undefined {
  const label = [MIGRATION_LABEL, ROLE_LABEL].find((key) => before.metadata.labels?.[key] !== after.metadata.labels?.[key]);
  if (label !== undefined) return `label ${label} belongs to the move`;
  const unbound = before.metadata.annotations?.[BIND_COMPLETED] !== undefined && after.metadata.annotations?.[BIND_COMPLETED] === undefined;
  return unbound ? `without annotation ${BIND_COMPLETED} it would be bound anew` : undefined;
}

function sizeOf({ spec }: PersistentVolumeClaim): string {
  return spec.resources?.requests?.storage ?? 'none';
}

/** Keys of which the values differ. */
export function changedKeys(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => !isDeepStrictEqual(before[key], after[key]));
}
