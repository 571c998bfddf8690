// The StatefulSet of a moving ordinal keeps that ordinal, its first ordinal and its claim-retention policy, and is not deleted. All else
// about it may change; a new template gets a warning.

import { isDeepStrictEqual } from 'node:util';
import type { StatefulSet } from '../../kubernetes/objects.ts';
import type { OrdinalMigration } from '../../migration/record.ts';
import { actorOf } from '../actors.ts';
import { allow, type Decision } from '../decision.ts';
import { hasOrdinal, replicasOf, startOf } from './ordinals.ts';
import { refuse } from './refusal.ts';
import { changeOf, isOn, STATEFUL_SET_GROUPS, type Rule } from './rule.ts';

export const set: Rule = {
  name: 'set',
  onError: 'deny',
  applies: (review) => isOn(review, 'statefulsets') && STATEFUL_SET_GROUPS.includes(review.resource.group) && (review.operation === 'UPDATE' || review.operation === 'DELETE'),
  judge(review, world) {
    const records = world.inFlight.set(review.namespace, review.resource.group, review.name);
    const actor = actorOf(review.user, world.controller);
    if (records.length === 0 || actor === 'kubernetes' || actor === 'ourselves') return undefined;
    if (review.operation === 'DELETE') {
      if (review.oldObject?.metadata.deletionTimestamp !== undefined) return undefined;
      return firstOf(records, (record) => refuse(review, world, { rule: 'set-delete', record, wrong: 'deleting it would leave the move without an owner' }));
    }
    const change = changeOf<StatefulSet>(review);
    return firstOf(records, (record) => refuseChange(change, record, (rule, wrong) => refuse(review, world, { rule, record, wrong }))) ?? warnOfTemplate(change, records);
  },
};

type Refuse = (rule: string, wrong: string) => Decision | undefined;

function refuseChange({ before, after }: { before: StatefulSet; after: StatefulSet }, record: OrdinalMigration, refuseFor: Refuse): Decision | undefined {
  const ordinal = record.spec.ordinal;
  if (startOf(before) !== startOf(after)) return refuseFor('set-ordinals', `changing spec.ordinals.start from ${startOf(before)} to ${startOf(after)} would rename its pods in the middle of a move`);
  if (hasOrdinal(before, ordinal) && !hasOrdinal(after, ordinal)) {
    return refuseFor('set-scale', `going from ${replicasOf(before)} to ${replicasOf(after)} replicas${reservation(before, after)} would take ordinal ${ordinal} away`);
  }
  if (!isDeepStrictEqual(retentionOf(before), retentionOf(after))) {
    return refuseFor('set-retention', `changing spec.persistentVolumeClaimRetentionPolicy could delete claims of ordinal ${ordinal} while they are being replaced`);
  }
  return undefined;
}

function reservation(before: StatefulSet, after: StatefulSet): string {
  return isDeepStrictEqual(before.spec.reserveOrdinals, after.spec.reserveOrdinals) ? '' : ' with other reserveOrdinals';
}

function retentionOf(owner: StatefulSet): { whenDeleted: string; whenScaled: string } {
  const policy = owner.spec.persistentVolumeClaimRetentionPolicy;
  return { whenDeleted: policy?.whenDeleted ?? 'Retain', whenScaled: policy?.whenScaled ?? 'Retain' };
}

function warnOfTemplate({ before, after }: { before: StatefulSet; after: StatefulSet }, records: OrdinalMigration[]): Decision | undefined {
  if (isDeepStrictEqual(before.spec.template, after.spec.template)) return undefined;
  const ordinals = records.map((record) => record.spec.ordinal).join(', ');
  return allow('set-template', [`zonespread: ordinal ${ordinals} is being moved; it gets the new template once it runs again, the rollout may wait for it`]);
}

/** A refusal wins over an override of another record. */
function firstOf(records: OrdinalMigration[], judge: (record: OrdinalMigration) => Decision | undefined): Decision | undefined {
  const decisions = records.map(judge).filter((decision) => decision !== undefined);
  return decisions.find((decision) => decision.kind === 'deny') ?? decisions[0];
}
