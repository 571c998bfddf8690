// The labels and the annotation that Alibaba's own provisioner puts on a PV which the disk driver made. The upstream provisioner has no
// way to, so the agent beside the driver adds them.

import { nameOf, type DiskType } from './categories.ts';
import { DISK_TYPE_LABEL, DRIVER_REGION_KEY, DRIVER_ZONE_KEY, NODE_DISK_TYPE_PREFIX, VOLUME_TOPOLOGY_ANNOTATION } from './names.ts';

export interface Dressing {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** `zone` is undefined for a regional disk. */
export function dressingOf(disk: { type: DiskType; region: string; zone: string | undefined }): Dressing {
  const topology = {
    nodeSelectorTerms: [{ matchExpressions: [{ key: `${NODE_DISK_TYPE_PREFIX}${disk.type.category}`, operator: 'In', values: ['available'] }] }],
  };
  return {
    labels: {
      [DISK_TYPE_LABEL]: nameOf(withDefaultLevel(disk.type)),
      [DRIVER_REGION_KEY]: disk.region,
      ...(disk.zone === undefined ? {} : { [DRIVER_ZONE_KEY]: disk.zone }),
    },
    annotations: { [VOLUME_TOPOLOGY_ANNOTATION]: JSON.stringify(topology) },
  };
}

/** The cloud makes an ESSD without a level a PL1, and the label says so although volumeAttributes do not. */
function withDefaultLevel(type: DiskType): DiskType {
  return type.category === 'cloud_essd' && type.performanceLevel === undefined ? { ...type, performanceLevel: 'PL1' } : type;
}
