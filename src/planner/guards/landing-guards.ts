// Guards about where the pod would land.

import { ZONE_KEYS } from '../../layout/zones.ts';
import { demandsAllowZone } from '../placement/node-affinity.ts';
import { placementProblem } from '../placement/verdict.ts';
import type { Guard, Proposal } from './guard.ts';
import { VOLUME_GUARDS } from './volume-guards.ts';

export const LANDING_GUARDS: readonly Guard[] = [
  {
    reason: 'TemplatePinsZone',
    scope: 'ordinal',
    lasting: true,
    check: ({ ordinal, zone }) =>
      demandsAllowZone(ordinal.demands, zone, ZONE_KEYS) ? undefined : `the node selector or affinity of pod ${ordinal.podName} excludes zone ${zone}; take the zone out of the StatefulSet's pod template and let it roll out`,
  },
  { reason: 'ZoneUnavailable', scope: 'ordinal', lasting: true, check: zoneUnavailable },
  { reason: 'Forbidden', scope: 'ordinal', lasting: true, check: ({ ordinal, zone, context }) => context.forbidden?.(ordinal.ordinal, zone) },
];

function zoneUnavailable(proposal: Proposal): string | undefined {
  const { layout, ordinal, zone, context, siblingsMayMove } = proposal;
  const why = context.unusableZones?.get(zone);
  // A volume that ties the pod is named by its own guard; that no node of the zone reaches it is the same thing once more.
  if (why === undefined && VOLUME_GUARDS.some(({ check }) => check(proposal) !== undefined)) return undefined;
  return why === undefined ? placementProblem({ layout, ordinal, zone, siblingsMayMove }, context) : `zone ${zone} takes no disks now: ${why}`;
}
