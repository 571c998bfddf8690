// How claims, volumes, storage classes and what belongs to them are shown in tables.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { isObject, listAt, textAt } from '../json.ts';
import { AGE, column, NAME, text, wide, yes, type Column } from './column.ts';

const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class';
const DEFAULT_CLASS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];
const UNSET = '<unset>';
const MODES: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' };

export const CLAIM_COLUMNS: Column[] = [
  NAME,
  column('Status', phase),
  column('Volume', text('spec.volumeName')),
  column('Capacity', (claim) => (isBound(claim) ? textAt(claim, 'status', 'capacity', 'storage') || '0' : '')),
  column('Access Modes', (claim) => (isBound(claim) ? modes(listAt(claim, 'status', 'accessModes')) : '')),
  column('StorageClass', storageClass),
  column('VolumeAttributesClass', text('spec.volumeAttributesClassName', UNSET)),
  AGE,
  wide('VolumeMode', text('spec.volumeMode', UNSET)),
];

export const VOLUME_COLUMNS: Column[] = [
  NAME,
  column('Capacity', text('spec.capacity.storage', '0')),
  column('Access Modes', (volume) => modes(listAt(volume, 'spec', 'accessModes'))),
  column('Reclaim Policy', text('spec.persistentVolumeReclaimPolicy')),
  column('Status', phase),
  column('Claim', claimOf),
  column('StorageClass', storageClass),
  column('VolumeAttributesClass', text('spec.volumeAttributesClassName', UNSET)),
  column('Reason', text('status.reason')),
  AGE,
  wide('VolumeMode', text('spec.volumeMode', UNSET)),
];

export const STORAGE_CLASS_COLUMNS: Column[] = [
  column('Name', (object) => `${object.metadata.name}${isDefault(object) ? ' (default)' : ''}`, { format: 'name' }),
  column('Provisioner', text('provisioner')),
  column('ReclaimPolicy', text('reclaimPolicy', 'Delete')),
  column('VolumeBindingMode', text('volumeBindingMode', 'Immediate')),
  column('AllowVolumeExpansion', yes('allowVolumeExpansion')),
  AGE,
];

export const ATTACHMENT_COLUMNS: Column[] = [
  NAME,
  column('Attacher', text('spec.attacher'), { format: 'name' }),
  column('PV', text('spec.source.persistentVolumeName')),
  column('Node', text('spec.nodeName')),
  column('Attached', yes('status.attached'), { type: 'boolean' }),
  AGE,
];

export const CSI_NODE_COLUMNS: Column[] = [NAME, column('Drivers', (node) => listAt(node, 'spec', 'drivers').length, { type: 'integer' }), AGE];

export const CSI_DRIVER_COLUMNS: Column[] = [
  NAME,
  column('AttachRequired', yes('spec.attachRequired', true), { type: 'boolean' }),
  column('PodInfoOnMount', yes('spec.podInfoOnMount'), { type: 'boolean' }),
  column('StorageCapacity', yes('spec.storageCapacity'), { type: 'boolean' }),
  column('TokenRequests', tokenRequests),
  column('RequiresRepublish', yes('spec.requiresRepublish'), { type: 'boolean' }),
  column('Modes', (driver) => listAt(driver, 'spec', 'volumeLifecycleModes').join(',') || '<none>'),
  AGE,
];

export const ATTRIBUTES_CLASS_COLUMNS: Column[] = [NAME, column('DriverName', text('driverName')), AGE];

function phase(object: KubernetesObject): string {
  return object.metadata.deletionTimestamp === undefined ? textAt(object, 'status', 'phase') : 'Terminating';
}

function isBound(claim: KubernetesObject): boolean {
  return textAt(claim, 'spec', 'volumeName') !== '';
}

/** In the order of Kubernetes, not of the object. */
function modes(asked: unknown[]): string {
  return Object.entries(MODES)
    .flatMap(([mode, short]) => (asked.includes(mode) ? [short] : []))
    .join(',');
}

function storageClass(object: KubernetesObject): string {
  return object.metadata.annotations?.[OLD_CLASS] ?? textAt(object, 'spec', 'storageClassName');
}

function isDefault({ metadata: { annotations = {} } }: KubernetesObject): boolean {
  return DEFAULT_CLASS.some((key) => annotations[key] === 'true');
}

function claimOf(volume: KubernetesObject): string {
  const spec = volume.spec;
  if (!isObject(spec) || !isObject(spec.claimRef)) return '';
  return `${textAt(spec.claimRef, 'namespace')}/${textAt(spec.claimRef, 'name')}`;
}

function tokenRequests({ spec }: KubernetesObject): string {
  if (!isObject(spec) || spec.tokenRequests === undefined) return UNSET;
  return listAt(spec, 'tokenRequests')
    .map((request) => textAt(request, 'audience'))
    .join(',');
}
