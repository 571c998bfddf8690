// A ZoneEvacuation empties whatever it names, so a name that cannot be a zone is refused, and one that no node has is remarked on: the
// nodes may be gone already, and that may be why.

import type { KubernetesObject } from '../../kubernetes/objects.ts';
import { isZoneName } from '../../policy/annotations.ts';
import { actorOf } from '../actors.ts';
import { allow, deny } from '../decision.ts';
import { isOn, subjectOf, type Rule } from './rule.ts';

interface Evacuation extends KubernetesObject {
  spec: { zone: string };
}

export const evacuation: Rule = {
  name: 'evacuation',
  onError: 'allow',
  applies: (review) => isOn(review, 'zoneevacuations') && review.operation === 'CREATE',
  judge(review, world) {
    const actor = actorOf(review.user, world.controller);
    if (actor === 'kubernetes' || actor === 'ourselves') return undefined;
    const { zone } = (subjectOf(review) as Evacuation).spec;
    if (!isZoneName(zone)) return deny('evacuation-zone', `ZoneEvacuation ${review.name}: spec.zone "${zone}" cannot be the name of a zone. Allowed: what nodes have as topology.kubernetes.io/zone, for example cn-beijing-h`);
    const zones = world.zones.known();
    if (zones.size === 0 || zones.has(zone)) return undefined;
    return allow('evacuation-zone', [`zonespread: no node is in zone ${zone} (zones with nodes: ${[...zones].toSorted().join(', ')}); is it spelled right?`]);
  },
};
