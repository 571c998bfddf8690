// Names of Alibaba Cloud's disk CSI driver on Kubernetes objects and on disks: other people's contract, in one place.

export const DISK_DRIVER = 'diskplugin.csi.alibabacloud.com';
/** On nodes, in the accessible topology of a volume, and so in the nodeAffinity of its PV. */
export const DRIVER_ZONE_KEY = `topology.${DISK_DRIVER}/zone`;
export const DRIVER_REGION_KEY = `topology.${DISK_DRIVER}/region`;
export const ZONE_KEY = 'topology.kubernetes.io/zone';
export const REGION_KEY = 'topology.kubernetes.io/region';
/** Label on a PV: `cloud_essd.PL1`. */
export const DISK_TYPE_LABEL = 'csi.alibabacloud.com/disktype';
/** Annotation on a PV: a NodeSelector as JSON. */
export const VOLUME_TOPOLOGY_ANNOTATION = 'csi.alibabacloud.com/volume-topology';
/** Label on a node, followed by the category; value `available`. */
export const NODE_DISK_TYPE_PREFIX = 'node.csi.alibabacloud.com/disktype.';
/** Annotation on a claim: the node that the scheduler chose. */
export const SELECTED_NODE_ANNOTATION = 'volume.kubernetes.io/selected-node';
/** Tag on a disk: the name of the volume (of the PV) that it was made for; disk names allow fewer characters. */
export const VOLUME_NAME_TAG = 'csi.alibabacloud.com/volume-name';

/** How the attach-detach controller and kubelets name a volume in `node.status.volumesInUse` and `volumesAttached`. */
export function uniqueVolumeName(driver: string, volumeHandle: string): string {
  return `kubernetes.io/csi/${driver}^${volumeHandle}`;
}
