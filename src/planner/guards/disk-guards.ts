// Guards about the disks at the cloud, and the snapshots that a move takes of them.

import { SUPERSEDED_TAG } from '../../kubernetes/names.ts';
import type { VolumeFacts } from '../../layout/volumes.ts';
import { formatDuration } from '../../policy/duration.ts';
import type { Disk } from '../../ports/disks.ts';
import { UNMEASURED } from '../estimate.ts';
import { firstProblem, type Guard, type Proposal } from './guard.ts';

export const DISK_GUARDS: readonly Guard[] = [
  { reason: 'DiskNotMovable', scope: 'ordinal', lasting: true, check: ({ volumes }) => firstProblem(volumes, notMovable) },
  {
    reason: 'DiskLocked',
    scope: 'ordinal',
    lasting: true,
    check: onDisks(({ id, locks }) => (locks.length === 0 ? undefined : `disk ${id} is locked by the cloud (${locks.join(', ')}); have the lock lifted, for instance by paying what is due`)),
  },
  {
    reason: 'DiskPrepaid',
    scope: 'ordinal',
    lasting: true,
    check: onDisks(({ id, prepaid }) => (prepaid ? `disk ${id} is a subscription (prepaid): it cannot be deleted after the move and would be paid for twice; convert it to pay-as-you-go` : undefined)),
  },
  {
    reason: 'DiskSuperseded',
    scope: 'ordinal',
    lasting: true,
    check: onDisks(({ id, tags }) => (tags[SUPERSEDED_TAG] === undefined ? undefined : `disk ${id} is tagged ${SUPERSEDED_TAG}=${tags[SUPERSEDED_TAG]}: newer data is on that disk. Find out which of the two is right, then remove the tag or bind the other`)),
  },
  {
    reason: 'DiskNeverAttached',
    scope: 'ordinal',
    check: onDisks(({ id, attachedAt }) => (attachedAt === undefined ? `disk ${id} was never attached, and such a disk cannot be snapshotted; it goes on once its pod has run` : undefined)),
  },
  { reason: 'TagSlotsExhausted', scope: 'ordinal', lasting: true, check: tagSlotsExhausted },
  { reason: 'SlowSnapshots', scope: 'ordinal', lasting: true, check: slowSnapshots },
  { reason: 'DowntimeTooLong', scope: 'ordinal', lasting: true, check: downtimeTooLong },
  { reason: 'SnapshotInProgress', scope: 'ordinal', check: ({ volumes }) => firstProblem(volumes, snapshotInProgress) },
  { reason: 'SnapshotQuotaFull', scope: 'ordinal', check: ({ volumes, context }) => context.snapshotQuotaFull ?? firstProblem(volumes, tooManySnapshots) },
];

function onDisks(problem: (disk: Disk) => string | undefined): Guard['check'] {
  return ({ volumes }) => firstProblem(volumes, ({ disk }) => (disk === undefined ? undefined : problem(disk)));
}

function notMovable(facts: VolumeFacts): string | undefined {
  const { volume, disk } = facts;
  if (volume === undefined) return undefined; // ClaimNotBound says so.
  if (volume.diskId === undefined) return `volume ${volume.name} is no CSI volume: only disks of the cloud can be moved`;
  if (disk === undefined) return `the cloud knows no disk ${volume.diskId} of volume ${volume.name} (driver ${volume.driver}): only zonal disks of the cloud and region that zonespread is connected to can be moved`;
  return heldByNodes(facts, disk) ?? inAnotherZone(facts, disk);
}

function heldByNodes({ claim }: VolumeFacts, { id, multiAttach, portable }: Disk): string | undefined {
  if (multiAttach || claim?.accessModes.includes('ReadWriteMany') === true) return `disk ${id} can be attached to several nodes at once; such disks are not moved`;
  return portable ? undefined : `disk ${id} belongs to its instance and cannot be detached from it (Portable is false)`;
}

function inAnotherZone({ volume, zone }: VolumeFacts, disk: Disk): string | undefined {
  if (!disk.regional && disk.zone === zone) return undefined;
  return `volume ${volume?.name} says that disk ${disk.id} is in zone ${zone}, the cloud says ${disk.regional ? 'that it is regional' : disk.zone}; correct the volume's nodeAffinity`;
}

/** What the move writes on the source disk when the pod leaves it. */
const SOURCE_TAGS = [SUPERSEDED_TAG];

function tagSlotsExhausted({ volumes, layout: { maxTags } }: Proposal): string | undefined {
  return firstProblem(volumes, ({ disk }) => {
    if (disk === undefined) return undefined;
    const tags = new Set([...Object.keys(disk.tags), ...SOURCE_TAGS]);
    return tags.size <= maxTags ? undefined : `disk ${disk.id} has ${Object.keys(disk.tags).length} tags, and a disk holds ${maxTags}: there is no room for ${SOURCE_TAGS.join(', ')}; remove one`;
  });
}

function slowSnapshots(proposal: Proposal): string | undefined {
  const { ordinal, volumes, rules } = proposal;
  if (rules.maxDowntimeMs !== undefined) return undefined;
  const slow = volumes.find(({ disk, instantSnapshots }) => disk !== undefined && !instantSnapshots);
  if (slow?.disk === undefined) return undefined;
  const { id, category, sizeGiB } = slow.disk;
  return `disk ${id} (${category}, ${sizeGiB} GiB) has no instant snapshots: ${ordinal.podName} would be down until its snapshot is uploaded, about ${formatDuration(longestDowntimeMs(proposal))}; allow that with zonespread.io/max-downtime, or change the disk's category to ESSD`;
}

function downtimeTooLong(proposal: Proposal): string | undefined {
  const { ordinal, rules } = proposal;
  const estimated = longestDowntimeMs(proposal);
  if (rules.maxDowntimeMs === undefined || estimated <= rules.maxDowntimeMs) return undefined;
  return `${ordinal.podName} would be down for about ${formatDuration(estimated)}, and zonespread.io/max-downtime allows ${formatDuration(rules.maxDowntimeMs)}; raise it if that is acceptable`;
}

function longestDowntimeMs({ ordinal, zone, rules, context }: Proposal): number {
  return (context.estimates ?? UNMEASURED).of(ordinal, zone, rules).downtime.highMs;
}

function snapshotInProgress({ snapshots }: VolumeFacts): string | undefined {
  const running = snapshots.find(({ accomplished, failed }) => !accomplished && !failed);
  if (running === undefined) return undefined;
  return `snapshot ${running.id} of disk ${running.sourceDiskId} is in progress (${running.progress} %), and a disk takes one at a time; it goes on when that one is done`;
}

/** The cloud's limit for one disk. */
const MOST_SNAPSHOTS = 256;

function tooManySnapshots({ disk, snapshots }: VolumeFacts): string | undefined {
  if (disk === undefined || snapshots.length < MOST_SNAPSHOTS) return undefined;
  return `disk ${disk.id} has ${snapshots.length} snapshots, and a disk holds ${MOST_SNAPSHOTS}; delete old ones`;
}
