// Source and target volume of a move stay as they are: not deleted, bound to something else, given another reclaim policy or capacity, or
// stripped of our labels. Binding, finalizers and status are free; our daemon's swap and undo are let through. A source that is kept after
// its move is its owner's again; what gives it up is remarked on.

import { MIGRATION_LABEL, ROLE_LABEL } from '../../kubernetes/names.ts';
import type { PersistentVolume } from '../../kubernetes/objects.ts';
import type { OrdinalMigration } from '../../migration/record.ts';
import { steeringRecord } from '../../migration/steering.ts';
import { actorOf, type Actor } from '../actors.ts';
import { allow, type Decision } from '../decision.ts';
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
    if (record === undefined) return warnOfKept(review, world);
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
  if (subjectOf(review).metadata.deletionTimestamp !== undefined || isReclaimed(review, actor)) return undefined;
  if (actor === 'perhaps-ourselves' && isRecordedIntent(review, records)) return undefined;
  return 'deleting this volume in the middle of the move could lose its data';
}

/** A provisioner that ends what Kubernetes has decided. None of ours is ever like that: they are Retain while the move is in flight. */
function isReclaimed(review: Review, actor: Actor): boolean {
  const { status, spec } = subjectOf(review) as PersistentVolume;
  return actor === 'addon' && status?.phase === 'Released' && spec.persistentVolumeReclaimPolicy === 'Delete';
}

/** The last way back, until its retention has passed. */
function warnOfKept(review: Review, world: World): Decision | undefined {
  const record = world.inFlight.keeping(review.oldObject?.metadata.labels?.[MIGRATION_LABEL]);
  if (record === undefined || !givesUp(review)) return undefined;
  const { namespace = '', name } = record.metadata;
  return allow('volume-kept', [`zonespread: PV ${review.name} is kept by OrdinalMigration ${namespace}/${name} until the retention after its move has passed: it is the way back to the old disk`]);
}

function givesUp(review: Review): boolean {
  if (review.operation === 'DELETE') return subjectOf(review).metadata.deletionTimestamp === undefined;
  const { before, after } = changeOf<PersistentVolume>(review);
  return before.spec.persistentVolumeReclaimPolicy !== after.spec.persistentVolumeReclaimPolicy;
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
  return wrongSpec(change, actor) ?? (perhapsOurs ? undefined : wrongMark(change));
}

function wrongSpec(change: Change, actor: Actor): string | undefined {
  const perhapsOurs = actor === 'perhaps-ourselves';
  // A resizer of kube-system says how large the disk has become: no change of ours could undo that, and the daemon looks for it.
  const changed = changedKeys(change.before.spec, change.after.spec).filter((key) => !(key === 'capacity' && actor === 'addon'));
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
