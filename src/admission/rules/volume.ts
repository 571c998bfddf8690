// Source and target volume of a move stay as they are: not deleted, bound to something else, given another reclaim policy or capacity, or
// stripped of our labels. Binding, finalizers and status are free; our daemon's swap and undo are let through.

import { MIGRATION_LABEL, ROLE_LABEL } from '../../kubernetes/names.ts';
import type { PersistentVolume } from '../../kubernetes/objects.ts';
import type { OrdinalMigration } from '../../migration/record.ts';
import { steeringRecord } from '../../migration/steering.ts';
import { actorOf, type Actor } from '../actors.ts';
import type { Review } from '../review.ts';
import { changedKeys } from './claim.ts';
import { refuse } from './refusal.ts';
import { changeOf, isOn, subjectOf, type Rule, type World } from './rule.ts';

export const volume: Rule = {
  name: 'volume',
  onError: 'deny',
  applies: (review) => isOn(review, 'persistentvolumes') && (review.operation === 'UPDATE' || review.operation === 'DELETE'),
  judge(review, world) {
    const actor = actorOf(review.user, world.controller);
    if (actor === 'kubernetes' || actor === 'ourselves') return undefined;
    const records = recordsOf(review, world);
    const record = steeringRecord(records);
    if (record === undefined) return undefined;
    const wrong = review.operation === 'DELETE' ? wrongDelete(review, records, actor) : wrongUpdate(changeOf<PersistentVolume>(review), actor);
    return wrong === undefined ? undefined : refuse(review, world, { rule: review.operation === 'DELETE' ? 'volume-delete' : 'volume-update', record, wrong });
  },
};

/** By its name in a record, or by our label. */
function recordsOf(review: Review, world: World): OrdinalMigration[] {
  const named = world.inFlight.volume(review.name);
  if (named.length > 0) return named;
  const labelled = [review.oldObject, review.object].map((object) => world.inFlight.withUID(object?.metadata.labels?.[MIGRATION_LABEL]));
  return labelled.filter((record) => record !== undefined);
}

function wrongDelete(review: Review, records: OrdinalMigration[], actor: Actor): string | undefined {
  if (subjectOf(review).metadata.deletionTimestamp !== undefined) return undefined;
  if (actor === 'perhaps-ourselves' && isRecordedIntent(review, records)) return undefined;
  return 'deleting this volume in the middle of the move could lose its data';
}

/** An undo deletes the new volume under its UID; the old one is never deleted while the move is in flight. */
function isRecordedIntent(review: Review, records: OrdinalMigration[]): boolean {
  const uid = review.uidPrecondition;
  if (uid === undefined || uid !== review.oldObject?.metadata.uid) return false;
  const targets = records.flatMap((record) => record.status?.claims ?? []).map((claim) => claim.target);
  const sources = records.flatMap((record) => record.status?.claims ?? []).map((claim) => claim.source.pvUID);
  return targets.some((target) => target?.pv === review.name && (target.pvUID ?? uid) === uid) && !sources.includes(uid);
}

interface Change {
  before: PersistentVolume;
  after: PersistentVolume;
}

function wrongUpdate(change: Change, actor: Actor): string | undefined {
  const perhapsOurs = actor === 'perhaps-ourselves';
  return wrongSpec(change, perhapsOurs) ?? (perhapsOurs ? undefined : wrongMark(change));
}

function wrongSpec(change: Change, perhapsOurs: boolean): string | undefined {
  const changed = changedKeys(change.before.spec, change.after.spec);
  const policy = changed.includes('persistentVolumeReclaimPolicy') && !perhapsOurs;
  if (policy) return `its reclaim policy must stay ${change.before.spec.persistentVolumeReclaimPolicy ?? ''} until the move has settled, or the disk could be deleted`;
  if (changed.includes('claimRef') && !isHarmlessBinding(change, perhapsOurs)) return 'binding it to another claim, or to none, could give the data away';
  const others = changed.filter((key) => key !== 'persistentVolumeReclaimPolicy' && key !== 'claimRef');
  return others.length === 0 ? undefined : `spec.${others.join(', spec.')} cannot change while its disk is being copied`;
}

/** The claim stays the same by name, and its UID is filled in (a binding), or taken out by our undo. */
function isHarmlessBinding({ before, after }: Change, perhapsOurs: boolean): boolean {
  const [was, is] = [before.spec.claimRef, after.spec.claimRef];
  if (was === undefined || is === undefined || was.namespace !== is.namespace || was.name !== is.name) return false;
  return was.uid === is.uid || was.uid === undefined || (is.uid === undefined && perhapsOurs);
}

const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';

function wrongMark({ before, after }: Change): string | undefined {
  const label = [MIGRATION_LABEL, ROLE_LABEL].find((key) => before.metadata.labels?.[key] !== after.metadata.labels?.[key]);
  if (label !== undefined) return `label ${label} belongs to the move`;
  const changed = before.metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined && after.metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined;
  return changed ? `annotation ${BOUND_BY_CONTROLLER} belongs to its binding` : undefined;
}
