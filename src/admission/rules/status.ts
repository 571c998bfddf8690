// The status of our kinds is what the daemon goes by: which disks a move is about, which moves were approved, what is left in a zone.
// Only the daemon writes it, whatever the phase.

import { isDeepStrictEqual } from 'node:util';
import { phaseOf, inFlight, type OrdinalMigration } from '../../migration/record.ts';
import { actorOf } from '../actors.ts';
import { deny, type Decision } from '../decision.ts';
import type { Review } from '../review.ts';
import { refuse } from './refusal.ts';
import { changeOf, type Rule, type World } from './rule.ts';

const KINDS: Record<string, string> = {
  ordinalmigrations: 'ask for something else by the annotation zonespread.io/request',
  spreadreports: 'change what is reported by the annotations of the StatefulSet',
  zoneevacuations: 'end the evacuation by deleting it',
};

export const status: Rule = {
  name: 'status',
  onError: 'deny',
  applies: (review) => review.operation === 'UPDATE' && review.subResource === 'status' && review.resource.group === 'zonespread.io' && review.resource.resource in KINDS,
  judge(review, world) {
    const actor = actorOf(review.user, world.controller);
    // Under a name that the daemon shares nobody can tell who writes.
    if (actor === 'kubernetes' || actor === 'ourselves' || actor === 'perhaps-ourselves') return undefined;
    const { before, after } = changeOf(review);
    return isDeepStrictEqual(before.status, after.status) ? undefined : refuseStatus(review, world);
  },
};

function refuseStatus(review: Review, world: World): Decision | undefined {
  const { resource, namespace, name, kind, oldObject } = review;
  if (resource.resource === 'ordinalmigrations' && inFlight(oldObject as OrdinalMigration)) {
    return refuse(review, world, { rule: 'migration-status', record: oldObject as OrdinalMigration, wrong: 'its status is written by the daemon only' });
  }
  if (world.namespaces.get(namespace)?.terminating === true) return undefined;
  const phase = resource.resource === 'ordinalmigrations' ? ` (${phaseOf(oldObject as OrdinalMigration)})` : '';
  const where = namespace === '' ? name : `${namespace}/${name}`;
  return deny('status', `${kind.kind} ${where}${phase}: its status is written by the zonespread daemon only, which goes by it; ${KINDS[resource.resource] ?? ''}`);
}
