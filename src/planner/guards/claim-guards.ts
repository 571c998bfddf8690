// Guards about claims: a claim is deleted and made again in the middle of a move, so nobody else may hold or manage it.

import type { VolumeFacts } from '../../layout/volumes.ts';
import type { ManagementSign } from '../../layout/signs.ts';
import { zonalVolumes } from '../../layout/layout.ts';
import { firstProblem, type Guard, type Proposal } from './guard.ts';

const PROTECTION = 'kubernetes.io/pvc-protection';

export const CLAIM_GUARDS: readonly Guard[] = [
  { reason: 'ClaimNotBound', scope: 'ordinal', check: ({ ordinal }) => firstProblem(ordinal.volumes, notBound) },
  {
    reason: 'AlreadyInZone',
    scope: 'ordinal',
    check: ({ ordinal, zone, volumes }) => (ordinal.zones.length > 0 && volumes.length === 0 ? `the disks of ${ordinal.podName} are in zone ${zone} already; there is nothing to move` : undefined),
  },
  { reason: 'DiskNotZonal', scope: 'ordinal', lasting: true, check: diskNotZonal },
  { reason: 'ManagedByGitOps', scope: 'ordinal', lasting: true, check: ({ volumes }) => firstProblem(volumes, managed) },
  { reason: 'ClaimHasFinalizers', scope: 'ordinal', lasting: true, check: ({ volumes }) => firstProblem(volumes, finalizers) },
  { reason: 'ClaimUsedByOtherPod', scope: 'ordinal', check: ({ volumes }) => firstProblem(volumes, usedByOthers) },
  {
    reason: 'ResizePending',
    scope: 'ordinal',
    check: ({ volumes }) => firstProblem(volumes, ({ claim }) => (claim?.resizing === undefined ? undefined : `claim ${claim.name} is being resized (${claim.resizing}); it goes on when the resize is done`)),
  },
];

function notBound({ source, claimName, claim, volume }: VolumeFacts): string | undefined {
  if (source !== 'template') return undefined;
  if (claim === undefined) return `claim ${claimName} does not exist; it goes on when it is there and Bound`;
  if (claim.terminating) return `claim ${claim.name} is being deleted; see who deletes it`;
  if (claim.phase !== 'Bound' || volume === undefined) return `claim ${claim.name} is ${claim.phase}, not Bound to a volume that exists; see its events`;
  return volume.claimUID === claim.uid ? undefined : `claim ${claim.name} names volume ${volume.name}, which is bound to another claim; repair the claim first`;
}

function diskNotZonal({ ordinal }: Proposal): string | undefined {
  if (zonalVolumes(ordinal).length > 0) return undefined;
  const places = ordinal.volumes.flatMap(({ source, claimName, volume }) => (source === 'template' && volume !== undefined ? [`${claimName}: ${volume.place.kind}`] : []));
  return `no disk of ${ordinal.podName} belongs to one zone (${places.join(', ') || 'it has no claims'}); it needs no move`;
}

function managed({ claim, volume }: VolumeFacts): string | undefined {
  return bySign(`claim ${claim?.name}`, claim?.managedBy) ?? bySign(`volume ${volume?.name}`, volume?.managedBy);
}

function bySign(object: string, signs: readonly ManagementSign[] = []): string | undefined {
  const [sign] = signs;
  if (sign === undefined) return undefined;
  return `${object} is managed by ${sign.tool} (${sign.kind} ${sign.key}), which may put the old one back in the middle of a move; take it out of that tool's hands and remove the ${sign.kind}`;
}

function finalizers({ claim }: VolumeFacts): string | undefined {
  const others = (claim?.finalizers ?? []).filter((finalizer) => finalizer !== PROTECTION);
  if (others.length === 0) return undefined;
  return `claim ${claim?.name} has the finalizer ${others.join(', ')}: deleting it could hang, or set off whoever put it there; remove it first`;
}

function usedByOthers({ claim }: VolumeFacts): string | undefined {
  const [other, ...more] = claim?.otherPods ?? [];
  if (other === undefined) return undefined;
  return `claim ${claim?.name} is also used by pod ${[other, ...more].join(', ')} (a completed pod counts too); delete ${more.length === 0 ? 'it' : 'them'}`;
}
