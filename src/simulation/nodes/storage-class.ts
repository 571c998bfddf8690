// StorageClasses of the disk driver, as Alibaba Cloud ships them and as their users vary them.

import type { StorageClass } from '../../kubernetes/objects.ts';
import { DISK_DRIVER } from '../csi/names.ts';

export interface StorageClassOptions {
  /** Default `alicloud-disk-essd`. */
  name?: string;
  /** Comma list in order of preference; default `cloud_essd`. */
  type?: string;
  /** Comma list; ESSD without it is a PL1. */
  performanceLevel?: string;
  /** Default WaitForFirstConsumer. */
  volumeBindingMode?: 'WaitForFirstConsumer' | 'Immediate';
  /** Default Delete. */
  reclaimPolicy?: 'Delete' | 'Retain';
  /** In turn under Immediate. */
  zoneIds?: string[];
  encrypted?: boolean;
  kmsKeyId?: string;
  /** Default true, as shipped. */
  allowVolumeExpansion?: boolean;
  /** More parameters, e.g. `provisionedIops`, `burstingEnabled`, `resourceGroupId`, `diskTags`. */
  parameters?: Record<string, string>;
  mountOptions?: string[];
}

/** A complete manifest. */
export function storageClass(options: StorageClassOptions = {}): StorageClass {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: options.name ?? 'alicloud-disk-essd' },
    provisioner: DISK_DRIVER,
    parameters: parametersOf(options),
    reclaimPolicy: options.reclaimPolicy ?? 'Delete',
    volumeBindingMode: options.volumeBindingMode ?? 'WaitForFirstConsumer',
    allowVolumeExpansion: options.allowVolumeExpansion ?? true,
    ...(options.mountOptions === undefined ? {} : { mountOptions: options.mountOptions }),
  };
}

function parametersOf({ type = 'cloud_essd', performanceLevel, zoneIds, encrypted, kmsKeyId, parameters }: StorageClassOptions): Record<string, string> {
  return {
    type,
    ...(performanceLevel === undefined ? {} : { performanceLevel }),
    ...(zoneIds === undefined ? {} : { zoneId: zoneIds.join(',') }),
    ...(encrypted === undefined ? {} : { encrypted: String(encrypted) }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...parameters,
  };
}
