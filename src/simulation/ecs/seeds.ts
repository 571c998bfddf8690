// Disk records: a blank one, and those that are there from the start in states that no call of the simulated API leads to (subscription
// disks, foreign locks, an old past).

import { REGIONAL_CATEGORY } from './categories.ts';
import type { DiskRecord } from './records.ts';
import type { EcsState } from './state.ts';

type Wishable = Omit<DiskRecord, 'order' | 'tagRevisions' | 'creatingUntil' | 'attachments' | 'deletedAt' | 'visibleAt'>;

/** What differs from a 40 GiB PL1 ESSD that was never attached. */
export type DiskSeed = Partial<Wishable> & { zone: string };

export function seededDisk(state: EcsState, seed: DiskSeed): DiskRecord {
  const category = seed.category ?? 'cloud_essd';
  const performanceLevel = category === 'cloud_essd' ? 'PL1' : '';
  return { ...blankDisk(state), performanceLevel, ...structuredClone(seed), category, zone: category === REGIONAL_CATEGORY ? '' : seed.zone };
}

/** With the API's defaults: category `cloud`, unencrypted, pay-as-you-go, automatic snapshots deleted with it. No zone yet. */
export function blankDisk(state: EcsState): DiskRecord {
  const now = state.now();
  return {
    id: state.newId('d'),
    order: state.nextOrder(),
    zone: '',
    category: 'cloud',
    performanceLevel: '',
    sizeGiB: 40,
    encrypted: false,
    kmsKeyId: '',
    resourceGroupId: '',
    burstingEnabled: false,
    provisionedIops: 0,
    name: '',
    description: '',
    createdAt: now,
    visibleAt: now,
    creatingUntil: undefined,
    reinitializing: false,
    attachments: [],
    attachedAt: undefined,
    detachedAt: undefined,
    tags: {},
    tagRevisions: [],
    chargeType: 'PostPaid',
    portable: true,
    locks: [],
    multiAttach: false,
    backupPolicyIds: [],
    deleteAutoSnapshot: true,
    deleteWithInstance: false,
    enableAutoSnapshot: true,
    sourceSnapshotId: '',
    contents: [],
    lineage: undefined,
    deletedAt: undefined,
  };
}
