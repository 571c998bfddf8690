// The label by which namespaces with something in flight are found stays as long as there is something: without it the API server asks
// nobody about pods, claims and sets there.

import { IN_FLIGHT_LABEL } from '../../kubernetes/names.ts';
import { actorOf } from '../actors.ts';
import { refuse } from './refusal.ts';
import { changeOf, isOn, type Rule } from './rule.ts';

export const namespace: Rule = {
  name: 'namespace',
  onError: 'deny',
  applies: (review) => isOn(review, 'namespaces') && review.resource.group === '' && review.operation === 'UPDATE',
  judge(review, world) {
    const { before, after } = changeOf(review);
    if (before.metadata.labels?.[IN_FLIGHT_LABEL] !== 'true' || after.metadata.labels?.[IN_FLIGHT_LABEL] === 'true') return undefined;
    const actor = actorOf(review.user, world.controller);
    if (actor !== 'other' && actor !== 'addon') return undefined;
    const [record] = world.inFlight.inNamespace(review.name);
    if (record === undefined || after.metadata.deletionTimestamp !== undefined) return undefined;
    return refuse(review, world, { rule: 'namespace-label', record, wrong: `without label ${IN_FLIGHT_LABEL} nothing in it would be guarded in the middle of the move; the daemon takes it off when the move has ended` });
  },
};
