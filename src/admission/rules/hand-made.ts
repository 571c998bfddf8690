// A record that a person writes for one move by hand is checked for what can be known at once: the ordinal exists, the zone has nodes,
// and nothing else moves the ordinal. Whether and when it moves is up to the daemon's guards.

import { kruiseStatefulSets, statefulSetsOf } from '../../kubernetes/objects.ts';
import { nameOf } from '../../kubernetes/reading.ts';
import { inFlight, phaseOf, type OrdinalMigration } from '../../migration/record.ts';
import { isZoneName } from '../../policy/annotations.ts';
import { actorOf, type Actor } from '../actors.ts';
import { allow, deny, type Decision } from '../decision.ts';
import { isOn, subjectOf, type Rule, type World } from './rule.ts';

export const handMade: Rule = {
  name: 'hand-made',
  onError: 'allow',
  applies: (review) => isOn(review, 'ordinalmigrations') && review.operation === 'CREATE',
  judge(review, world) {
    const asked = subjectOf(review) as OrdinalMigration;
    if (isDaemons(asked, actorOf(review.user, world.controller))) return undefined;
    const record = { ...asked, metadata: { ...asked.metadata, name: review.name, namespace: review.namespace } };
    for (const check of CHECKS) {
      const decision = check(record, world);
      if (decision !== undefined) return decision;
    }
    return undefined;
  },
};

/** The daemon has looked at everything live; where it shares its name, its records are those of another reason. Kubernetes makes none. */
function isDaemons({ spec }: OrdinalMigration, actor: Actor): boolean {
  return actor === 'ourselves' || actor === 'kubernetes' || (actor === 'perhaps-ourselves' && (spec.reason ?? 'Manual') !== 'Manual');
}

type Check = (record: OrdinalMigration, world: World) => Decision | undefined;

const CHECKS: readonly Check[] = [reversesByHand, movesTwice, lacksOrdinal, lacksZone, lacksSet];

/** A reverse is exempt from guards and windows, so only the daemon makes one, of a record that it knows. */
function reversesByHand(record: OrdinalMigration): Decision | undefined {
  if (record.spec.reason !== 'Reverse') return undefined;
  const of = record.spec.reverses ?? '<name>';
  return deny('hand-made-reverse', `OrdinalMigration ${nameOf(record)}: a record of reason Reverse is made by the daemon only. To take a frozen move back: kubectl annotate om ${of} -n ${record.metadata.namespace ?? ''} zonespread.io/request=reverse; for a move by hand leave the reason out`);
}

function movesTwice(record: OrdinalMigration, world: World): Decision | undefined {
  const [other] = world.inFlight.othersOf(record);
  if (other === undefined) return undefined;
  const wayOut = inFlight(other) ? 'wait until it has ended' : `wait until it has ended, or delete it: kubectl delete om ${other.metadata.name} -n ${other.metadata.namespace ?? ''}`;
  return deny('hand-made-twice', `OrdinalMigration ${nameOf(record)}: OrdinalMigration ${other.metadata.name} (${phaseOf(other)}) is already about ordinal ${record.spec.ordinal} of ${record.spec.statefulSetRef.name}; ${wayOut}`);
}

function lacksOrdinal(record: OrdinalMigration, world: World): Decision | undefined {
  const known = setOf(record, world);
  const { ordinal, statefulSetRef } = record.spec;
  if (known === undefined || (ordinal >= known.start && ordinal < known.start + known.replicas)) return undefined;
  const has = known.replicas === 0 ? 'none' : `${known.start} to ${known.start + known.replicas - 1}`;
  return deny('hand-made-ordinal', `OrdinalMigration ${nameOf(record)}: StatefulSet ${statefulSetRef.name} has no ordinal ${ordinal} (it has ${has}). Name one that it has, or scale it first`);
}

function lacksZone(record: OrdinalMigration, world: World): Decision | undefined {
  const { targetZone } = record.spec;
  const zones = world.zones.known();
  if (isZoneName(targetZone) && (zones.size === 0 || zones.has(targetZone))) return undefined;
  return deny('hand-made-zone', `OrdinalMigration ${nameOf(record)}: targetZone "${targetZone}" is no zone of this cluster${zones.size === 0 ? '' : `; zones with nodes are ${[...zones].toSorted().join(', ')}`}`);
}

/** It may have been made a moment ago, so this is no refusal. Sets of OpenKruise are not watched here. */
function lacksSet(record: OrdinalMigration, world: World): Decision | undefined {
  if (groupIsKruise(record) || setOf(record, world) !== undefined) return undefined;
  return allow('hand-made-set', [`zonespread: no StatefulSet ${record.metadata.namespace ?? ''}/${record.spec.statefulSetRef.name} is known yet; the move waits until there is one`]);
}

function setOf(record: OrdinalMigration, world: World): ReturnType<World['sets']['get']> {
  return groupIsKruise(record) ? undefined : world.sets.get(record.metadata.namespace ?? '', record.spec.statefulSetRef.name);
}

function groupIsKruise({ spec }: OrdinalMigration): boolean {
  return statefulSetsOf(spec.statefulSetRef.apiVersion) === kruiseStatefulSets;
}
