// The record of a move in flight is the daemon's: nobody else deletes it, writes its status, or takes our finalizer off. Its spec is
// immutable by the schema; annotations (requests, overrides) and labels are free, and so is everything once the move has ended.

import { isDeepStrictEqual } from 'node:util';
import { FINALIZER } from '../../kubernetes/names.ts';
import { inFlight, type OrdinalMigration } from '../../migration/record.ts';
import { actorOf } from '../actors.ts';
import type { Review } from '../review.ts';
import { refuse } from './refusal.ts';
import { changeOf, subjectOf, type Rule, type World } from './rule.ts';

export const migration: Rule = {
  name: 'migration',
  onError: 'deny',
  applies: (review) => review.resource.resource === 'ordinalmigrations' && (review.operation === 'UPDATE' || review.operation === 'DELETE'),
  judge(review, world) {
    // As it is stored, which is fresher than our cache.
    const record = (review.oldObject ?? subjectOf(review)) as OrdinalMigration;
    if (!inFlight(record)) return undefined;
    const actor = actorOf(review.user, world.controller);
    if (actor === 'kubernetes' || actor === 'ourselves') return undefined;
    if (review.operation === 'DELETE') return judgeDelete(review, world, record);
    // The daemon writes status and finalizers, perhaps under a name that it shares.
    return actor === 'perhaps-ourselves' ? undefined : judgeUpdate(review, world, record);
  },
};

function judgeDelete(review: Review, world: World, record: OrdinalMigration): ReturnType<typeof refuse> {
  if (record.metadata.deletionTimestamp !== undefined) return undefined;
  return refuse(review, world, { rule: 'migration-delete', record, wrong: 'a record in flight is what the daemon goes on from; it can be deleted once the move has ended' });
}

function judgeUpdate(review: Review, world: World, record: OrdinalMigration): ReturnType<typeof refuse> {
  const { before, after } = changeOf<OrdinalMigration>(review);
  if (review.subResource === 'status' && !isDeepStrictEqual(before.status, after.status)) {
    return refuse(review, world, { rule: 'migration-status', record, wrong: 'its status is written by the daemon only' });
  }
  if (before.metadata.finalizers?.includes(FINALIZER) === true && after.metadata.finalizers?.includes(FINALIZER) !== true) {
    return refuse(review, world, { rule: 'migration-finalizer', record, wrong: `finalizer ${FINALIZER} stays until its source is retired or released` });
  }
  return undefined;
}
