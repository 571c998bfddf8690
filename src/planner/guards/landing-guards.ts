// Guards about where the pod would land.

import { ZONE_KEYS } from '../../layout/zones.ts';
import { demandsAllowZone } from '../placement/node-affinity.ts';
import { placementProblem } from '../placement/verdict.ts';
import type { Guard, Proposal } from './guard.ts';

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

function zoneUnavailable({ layout, ordinal, zone, context, siblingsMayMove }: Proposal): string | undefined {
  const why = context.unusableZones?.get(zone);
  return why === undefined ? placementProblem({ layout, ordinal, zone, siblingsMayMove }) : `zone ${zone} takes no disks now: ${why}`;
}
