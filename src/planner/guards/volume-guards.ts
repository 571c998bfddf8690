// Guards about what ties a pod to a place: every volume it has, not only those that would be copied.

import type { VolumeFacts } from '../../layout/volumes.ts';
import { firstProblem, type Guard } from './guard.ts';

export const VOLUME_GUARDS: readonly Guard[] = [
  { reason: 'UnknownAffinity', scope: 'ordinal', lasting: true, check: ({ ordinal }) => firstProblem(ordinal.volumes, unknownAffinity) },
  { reason: 'VolumePinsZone', scope: 'ordinal', lasting: true, check: ({ ordinal, zone }) => firstProblem(ordinal.volumes, (volume) => pinnedElsewhere(volume, zone)) },
  { reason: 'SeveralVolumesPerHandle', scope: 'ordinal', lasting: true, check: ({ volumes }) => firstProblem(volumes, sharedHandle) },
];

function unknownAffinity({ volume }: VolumeFacts): string | undefined {
  if (volume?.place.kind !== 'unknown') return undefined;
  return `volume ${volume.name} asks for nodes by ${volume.place.keys.join(', ')}, which says nothing about zones that zonespread understands: a copy elsewhere might fit nowhere. Move it by hand, or recreate it with a plain zone affinity`;
}

function pinnedElsewhere(facts: VolumeFacts, zone: string): string | undefined {
  if (facts.source === 'ephemeral') return ephemeralElsewhere(facts);
  const { volume } = facts;
  if (volume?.place.kind === 'node') return facts.zone === zone ? undefined : `volume ${volume.name} is local to node ${volume.place.hostnames.join(', ') || '(unknown)'}: its data cannot go to zone ${zone}`;
  if (volume?.place.kind === 'spanning') return volume.place.zones.includes(zone) ? undefined : `volume ${volume.name} can be used in ${volume.place.zones.join(', ')} only, not in zone ${zone}`;
  return foreignClaim(facts, zone);
}

function foreignClaim({ source, claimName, volume }: VolumeFacts, zone: string): string | undefined {
  if (source !== 'claim' || volume?.place.kind !== 'zonal' || volume.place.zone === zone) return undefined;
  return `claim ${claimName}, which comes from no claim template, has its disk in zone ${volume.place.zone} and keeps the pod there; only disks of claim templates are moved. Move it by hand, or take it out of the pod`;
}

/** It goes with the pod and is made anew: where the new pod lands, unless its class does not wait for that. */
function ephemeralElsewhere({ name, bindingMode }: VolumeFacts): string | undefined {
  if (bindingMode === 'WaitForFirstConsumer') return undefined;
  const why = bindingMode === undefined ? 'has a storage class that does not exist' : `has a storage class with volumeBindingMode ${bindingMode}`;
  return `generic ephemeral volume ${name} ${why}: it could be provisioned in another zone than the pod's; use a class with WaitForFirstConsumer`;
}

function sharedHandle({ volume }: VolumeFacts): string | undefined {
  if (volume === undefined || volume.sameHandle.length === 0) return undefined;
  return `disk ${volume.diskId} has more than one PersistentVolume (${[volume.name, ...volume.sameHandle].join(', ')}): deleting one could delete the disk under the other. Keep the one that is bound, with reclaim policy Retain while you delete the rest`;
}
