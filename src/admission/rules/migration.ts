// The record of a move in flight is the daemon's: nobody else deletes it or takes our finalizer off. Its spec is immutable by the schema,
// its status is guarded by status.ts; annotations (requests, overrides) and labels are free, and so is everything once the move has ended.

import { FINALIZER } from '../../kubernetes/names.ts';
import { ended, inFlight, type OrdinalMigration } from '../../migration/record.ts';
import { actorOf } from '../actors.ts';
import { allow, type Decision } from '../decision.ts';
import type { Review } from '../review.ts';
import { refuse } from './refusal.ts';
import { changeOf, isOn, subjectOf, type Rule, type World } from './rule.ts';

export const migration: Rule = {
  name: 'migration',
  onError: 'deny',
  applies: (review) => isOn(review, 'ordinalmigrations') && (review.operation === 'UPDATE' || review.operation === 'DELETE'),
  judge(review, world) {
    // As it is stored, which is fresher than our cache.
    const record = (review.oldObject ?? subjectOf(review)) as OrdinalMigration;
    const actor = actorOf(review.user, world.controller);
    if (actor === 'kubernetes' || actor === 'ourselves') return undefined;
    if (!inFlight(record)) return review.operation === 'DELETE' ? warnOfRelease(record) : undefined;
    if (review.operation === 'DELETE') return judgeDelete(review, world, record);
    // The daemon takes the finalizer off, perhaps under a name that it shares.
    return actor === 'perhaps-ourselves' ? undefined : judgeUpdate(review, world, record);
  },
};

function judgeDelete(review: Review, world: World, record: OrdinalMigration): Decision | undefined {
  if (record.metadata.deletionTimestamp !== undefined) return undefined;
  return refuse(review, world, { rule: 'migration-delete', record, wrong: 'a record in flight is what the daemon goes on from; it can be deleted once the move has ended' });
}

function judgeUpdate(review: Review, world: World, record: OrdinalMigration): Decision | undefined {
  const { before, after } = changeOf<OrdinalMigration>(review);
  if (before.metadata.finalizers?.includes(FINALIZER) === true && after.metadata.finalizers?.includes(FINALIZER) !== true) {
    return refuse(review, world, { rule: 'migration-finalizer', record, wrong: `finalizer ${FINALIZER} stays until its source is retired or released` });
  }
  return undefined;
}

/** To delete an ended record is to release what it keeps: legal, and not what everybody expects of a delete. */
function warnOfRelease(record: OrdinalMigration): Decision | undefined {
  if (!ended(record) || record.metadata.deletionTimestamp !== undefined || record.metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  const kept = (record.status?.claims ?? []).map(({ source }) => source.pv).join(', ');
  return allow('migration-release', [`zonespread: this record still keeps ${kept === '' ? 'what its move left behind' : `PV ${kept}`}; without it nobody deletes that any more: PV, disk and snapshot stay until you do`]);
}
