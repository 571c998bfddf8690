// Disks and snapshots as the cloud describes them: healthy, pay-as-you-go ESSD disks unless told otherwise.

import type { Disk, Disks, Snapshot } from '../../src/ports/disks.ts';

export function disk(changes: Partial<Disk> = {}): Disk {
  return {
    id: 'd-web-0',
    zone: 'a',
    regional: false,
    category: 'cloud_essd',
    performanceLevel: 'PL1',
    sizeGiB: 20,
    encrypted: false,
    status: 'InUse',
    attachedTo: ['i-1'],
    attachedAt: '2026-11-01T00:00:00Z',
    tags: {},
    prepaid: false,
    portable: true,
    locks: [],
    multiAttach: false,
    deleteAutoSnapshots: true,
    ...changes,
  };
}

/** Detached cleanly, as after its pod is gone. */
export function idleDisk(changes: Partial<Disk> = {}): Disk {
  return disk({ status: 'Available', attachedTo: [], detachedAt: '2026-11-19T00:00:00Z', ...changes });
}

export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return { id: 's-1', sourceDiskId: 'd-web-0', sizeGiB: 20, available: true, accomplished: true, failed: false, progress: 100, tags: {}, createdAt: '2026-11-10T00:00:00Z', ...changes };
}

/** Instant snapshots for the ESSD family, 20 tags a disk, as on Alibaba Cloud. */
export const cloud: Pick<Disks, 'instantSnapshots' | 'maxTags'> = {
  instantSnapshots: ({ category }) => ['cloud_essd', 'cloud_auto', 'cloud_essd_entry', 'cloud_regional_disk_auto'].includes(category),
  maxTags: 20,
};
