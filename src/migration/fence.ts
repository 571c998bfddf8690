// The stale-detach fence: has anybody touched the old disk since it was seen detached, or is about to? Asked live, of the API server and
// then of the cloud, before the snapshot, before and after the claim goes, and twice before the gate comes off (trap 14 of
// kubernetes-facts.md).

import { volumeAttachments, type VolumeAttachment } from '../kubernetes/objects.ts';
import type { Disk } from '../ports/disks.ts';
import type { ClaimRecord } from './record.ts';
import { DONE, wait, type StepContext, type StepResult } from './step.ts';

/** `done`: untouched. `void`: touched, so a snapshot of it is not the last write. */
export async function fence(context: StepContext, claim: ClaimRecord): Promise<StepResult> {
  // A pod that slipped past the webhook leaves one behind: the driver's attach may be under way for long, and show at the cloud only later.
  const attachment = await attachmentOf(context, claim.source.pv);
  if (attachment !== undefined) {
    return wait('Detaching', `PV ${claim.source.pv} of claim ${claim.claimName} has an attachment to node ${attachment.spec.nodeName} again, and its disk may yet be attached`, 1_000);
  }
  const disk = await context.disks.disk(claim.source.diskId);
  if (disk === undefined) {
    return wait('DiskNotVisible', `the cloud does not show disk ${claim.source.diskId} of claim ${claim.claimName} at the moment`, 2_000);
  }
  const touched = touchedSince(disk, claim.source);
  return touched === undefined ? DONE : { kind: 'void', message: `disk ${disk.id} of claim ${claim.claimName} was touched after it had been detached: ${touched}` };
}

export async function attachmentOf(context: StepContext, volumeName: string): Promise<VolumeAttachment | undefined> {
  return (await context.api.list(volumeAttachments)).find((attachment) => attachment.spec.source.persistentVolumeName === volumeName);
}

/** When it was last attached and detached, as the cloud wrote it; absent when it never was. */
export interface AttachmentStamps {
  attachedAt?: string;
  detachedAt?: string;
}

export function stampsOf({ attachedAt, detachedAt }: { attachedAt?: string | undefined; detachedAt?: string | undefined }): AttachmentStamps {
  return { ...(attachedAt === undefined ? {} : { attachedAt }), ...(detachedAt === undefined ? {} : { detachedAt }) };
}

/** In words what differs from the stamps taken when the disk was seen detached. */
export function touchedSince(disk: Disk, seen: AttachmentStamps): string | undefined {
  if (disk.status !== 'Available' || disk.attachedTo.length > 0) return `it is ${disk.status}${disk.attachedTo.length === 0 ? '' : ` on ${disk.attachedTo.join(', ')}`}`;
  if (disk.attachedAt !== seen.attachedAt) return `attached at ${disk.attachedAt ?? 'never'}, was ${seen.attachedAt ?? 'never'}`;
  if (disk.detachedAt !== seen.detachedAt) return `detached at ${disk.detachedAt ?? 'never'}, was ${seen.detachedAt ?? 'never'}`;
  return undefined;
}
