// What a CreateVolume call asks for, read from the StorageClass parameters as the disk driver reads them.

import { GIB } from '../../kubernetes/quantity.ts';
import { CATEGORY_NAMES, PERFORMANCE_LEVELS, categoryOf, type DiskType } from './categories.ts';
import { CsiError } from './error.ts';
import { SELECTED_NODE_ANNOTATION } from './names.ts';

/** Topology key → value, e.g. `{ 'topology.diskplugin.csi.alibabacloud.com/zone': 'cn-beijing-h' }`. */
export type Segments = Record<string, string>;

export interface TopologyRequirement {
  /** The volume must be usable from one of them. */
  requisite: Segments[];
  /** Best first. */
  preferred: Segments[];
}

export interface CreateVolumeRequest {
  /** The PV's name-to-be: the identity of the request over all its repetitions. */
  name: string;
  requiredBytes: number;
  parameters: Record<string, string>;
  requirement?: TopologyRequirement;
  /** `SINGLE_NODE_WRITER`, `MULTI_NODE_MULTI_WRITER` … */
  accessModes: string[];
}

export interface VolumeRequest {
  name: string;
  /** To be tried in this order. */
  types: DiskType[];
  /** The `zoneId` parameter's list; empty without it. */
  zones: string[];
  sizeGiB: number;
  encrypted: boolean;
  kmsKeyId?: string;
  resourceGroupId?: string;
  provisionedIops?: number;
  burstingEnabled: boolean;
  tags: Record<string, string>;
  /** What the PV's volumeAttributes keep of the parameters, `type` and `performanceLevel` aside. */
  attributes: Record<string, string>;
}

/** `volumeSizeAutoAvailable` raises smaller requests to this. */
const AUTO_SIZE_GIB = 20;

/** Parameters that are about the claim, not about the volume. */
const CLAIM_TAGS: Readonly<Record<string, string>> = {
  'csi.storage.k8s.io/pvc/name': 'kubernetes.io/created-for/pvc/name',
  'csi.storage.k8s.io/pvc/namespace': 'kubernetes.io/created-for/pvc/namespace',
  'csi.storage.k8s.io/pv/name': 'kubernetes.io/created-for/pv/name',
};
const NOT_KEPT = new Set([...Object.keys(CLAIM_TAGS), SELECTED_NODE_ANNOTATION]);

/** @throws CsiError INVALID_ARGUMENT naming the parameter. */
export function parseVolumeRequest(request: CreateVolumeRequest): VolumeRequest {
  const { parameters } = request;
  refuseSharedAccess(request.accessModes);
  const kmsKeyId = parameters['kmsKeyId'] ?? parameters['kmsKeyID'];
  const resourceGroupId = parameters['resourceGroupId'];
  const provisionedIops = parseIops(parameters['provisionedIops']);
  return {
    name: request.name,
    types: parseTypes(parameters),
    zones: list(parameters['zoneId'] ?? parameters['zoneid']),
    sizeGiB: parseSize(request),
    encrypted: isOn(parameters['encrypted']),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(resourceGroupId === undefined ? {} : { resourceGroupId }),
    ...(provisionedIops === undefined ? {} : { provisionedIops }),
    burstingEnabled: isOn(parameters['burstingEnabled']),
    tags: parseTags(parameters),
    attributes: Object.fromEntries(Object.entries(parameters).filter(([key]) => !NOT_KEPT.has(key))),
  };
}

function refuseSharedAccess(accessModes: readonly string[]): void {
  const shared = accessModes.find((mode) => !mode.startsWith('SINGLE_NODE_'));
  if (shared !== undefined) {
    throw new CsiError('INVALID_ARGUMENT', `access mode ${shared} needs a multi-attach disk, which this driver does not make: ask for ReadWriteOnce`);
  }
}

/** Every category of the list with every level of the list that it has, in that order. */
function parseTypes(parameters: Record<string, string>): DiskType[] {
  const value = parameters['type'];
  const names = value === undefined || value === 'available' ? ['cloud_ssd', 'cloud_efficiency'] : value.split(',');
  const levels = list(parameters['performanceLevel']);
  refuseUnknown('performanceLevel', levels, PERFORMANCE_LEVELS);
  refuseUnknown('type', names, CATEGORY_NAMES);
  return names.flatMap((category): DiskType[] => {
    const known = categoryOf(category)?.performanceLevels;
    if (known === undefined || levels.length === 0) return [{ category }];
    return levels.filter((level) => Object.hasOwn(known, level)).map((performanceLevel) => ({ category, performanceLevel }));
  });
}

function refuseUnknown(parameter: string, values: readonly string[], allowed: readonly string[]): void {
  const unknown = values.find((value) => !allowed.includes(value));
  if (unknown !== undefined) throw new CsiError('INVALID_ARGUMENT', `parameter ${parameter}: "${unknown}" is not known; allowed: ${allowed.join(', ')}`);
}

function parseSize(request: CreateVolumeRequest): number {
  if (request.requiredBytes <= 0) throw new CsiError('INVALID_ARGUMENT', `volume ${request.name}: a capacity is required`);
  const sizeGiB = Math.ceil(request.requiredBytes / GIB);
  return isOn(request.parameters['volumeSizeAutoAvailable']) ? Math.max(sizeGiB, AUTO_SIZE_GIB) : sizeGiB;
}

function parseIops(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) throw new CsiError('INVALID_ARGUMENT', `parameter provisionedIops: "${value}" is no whole number ≥ 0`);
  return Number(value);
}

/** `diskTags: "a:1,b:2"`, then `diskTags/<key>: <value>`, then what is known about the claim; later ones win. */
function parseTags(parameters: Record<string, string>): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const tag of list(parameters['diskTags'])) {
    const colon = tag.indexOf(':');
    if (colon === -1) throw new CsiError('INVALID_ARGUMENT', `parameter diskTags: "${tag}" has no ":"; write key:value, e.g. team:storage`);
    tags[tag.slice(0, colon)] = tag.slice(colon + 1);
  }
  for (const [key, value] of Object.entries(parameters)) {
    if (key.startsWith('diskTags/')) tags[key.slice('diskTags/'.length)] = value;
  }
  for (const [key, tag] of Object.entries(CLAIM_TAGS)) {
    const value = parameters[key];
    if (value !== undefined && value !== '') tags[tag] = value;
  }
  return tags;
}

function list(value: string | undefined): string[] {
  return value === undefined || value === '' ? [] : value.split(',').map((item) => item.trim());
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && ['yes', 'true', '1'].includes(value.toLowerCase());
}
