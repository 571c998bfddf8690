// Making a disk for a volume: every category and level of the class in turn until the zone sells one, repeatable under one client token.

import type { EcsCall } from '../../ports/ecs-call.ts';
import { categoryOf, minimumGiB, nameOf, type DiskType } from './categories.ts';
import type { CloudDisk, CloudDisks } from './cloud-disks.ts';
import { CsiError } from './error.ts';
import { VOLUME_NAME_TAG } from './names.ts';
import type { VolumeRequest } from './volume-request.ts';

export interface DiskCreation {
  request: VolumeRequest;
  /** Undefined when every category asked for is regional. */
  zone: string | undefined;
  /** Categories that the chosen node can take; undefined when no node is chosen or it does not say. */
  supported: ReadonlySet<string> | undefined;
}

export interface DiskMaker {
  ecs: EcsCall;
  disks: CloudDisks;
  region: string;
  /** Value of the tag `ack.aliyun.com`. */
  clusterId: string;
}

export interface MadeDisk {
  id: string;
  type: DiskType;
}

/** Codes after which the next category or level of the list is tried. */
const NEXT_TYPE = [
  /^InvalidDataDiskCategory/,
  /^InvalidDiskSize\.NotSupported$/,
  /^InvalidDataDiskSize\.ValueNotSupported$/,
  /^OperationDenied\.PerformanceLevelNotMatch$/,
  /^InvalidPerformanceLevel\.Malformed$/,
  /^InvalidProvisionedIops\.LimitExceed$/,
];

/** @throws CsiError INTERNAL when nothing of the list can be had, ALREADY_EXISTS when the name is taken by another kind of disk, UNKNOWN for other answers of the cloud. */
export async function makeDisk(maker: DiskMaker, creation: DiskCreation): Promise<MadeDisk> {
  const refusals: string[] = [];
  for (const type of creation.request.types) {
    const refusal = refusedBeforehand(creation, type);
    const outcome = refusal === undefined ? await attempt(maker, creation, type) : refusal;
    if (typeof outcome !== 'string') return outcome;
    refusals.push(`${nameOf(type)}: ${outcome}`);
  }
  throw new CsiError('INTERNAL', `volume ${creation.request.name}: all attempts failed: ${refusals.join('; ')}`);
}

function refusedBeforehand({ request, supported }: DiskCreation, type: DiskType): string | undefined {
  if (supported !== undefined && supported.size > 0 && !supported.has(type.category)) return 'not supported by the selected node';
  const minimum = minimumGiB(type);
  if (request.sizeGiB < minimum) return `requested size ${request.sizeGiB}GiB is less than minimum ${minimum}GiB`;
  return undefined;
}

/** The disk, or why this type cannot be had. */
async function attempt(maker: DiskMaker, creation: DiskCreation, type: DiskType): Promise<MadeDisk | string> {
  try {
    const answer = await maker.ecs.call('CreateDisk', createParameters(maker, creation, type));
    return { id: String(answer['DiskId']), type };
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'IdempotentParameterMismatch') return adopt(maker, creation);
    if (NEXT_TYPE.some((pattern) => pattern.test(code))) return `${code} in zone ${creation.zone ?? 'none'}`;
    throw new CsiError('UNKNOWN', `volume ${creation.request.name}: CreateDisk: ${messageOf(cause)}`, cause);
  }
}

function createParameters(maker: DiskMaker, creation: DiskCreation, type: DiskType): Record<string, unknown> {
  const { request } = creation;
  const category = categoryOf(type.category);
  return {
    RegionId: maker.region,
    ZoneId: category?.regional === true ? undefined : creation.zone,
    DiskName: request.name,
    DiskCategory: type.category,
    PerformanceLevel: type.performanceLevel,
    Size: request.sizeGiB,
    Encrypted: request.encrypted,
    KMSKeyId: request.encrypted ? request.kmsKeyId : undefined,
    ResourceGroupId: request.resourceGroupId,
    ProvisionedIops: category?.provisionedIops === true ? request.provisionedIops : undefined,
    BurstingEnabled: category?.bursting === true ? request.burstingEnabled : undefined,
    ClientToken: `n:${request.name}`,
    Tag: tagsOf(maker, request),
  };
}

/** Always in the same order: another order would be another request under the same token. */
function tagsOf(maker: DiskMaker, request: VolumeRequest): { Key: string; Value: string }[] {
  const declared = Object.entries(request.tags).sort(([left], [right]) => (left < right ? -1 : 1));
  const tags: [string, string][] = [
    ['k8s.aliyun.com', 'true'],
    ['createdby', 'alibabacloud-csi-plugin'],
    ['ack.aliyun.com', maker.clusterId],
    ...declared,
    [VOLUME_NAME_TAG, request.name],
  ];
  return tags.map(([Key, Value]) => ({ Key, Value }));
}

/** The token was used with other parameters (another type of the list came through last time): take that disk if it is what is wanted now. */
async function adopt(maker: DiskMaker, creation: DiskCreation): Promise<MadeDisk> {
  const { request } = creation;
  const found = await maker.disks.withTag(VOLUME_NAME_TAG, request.name);
  const disk = found[0];
  if (disk === undefined || found.length > 1) {
    throw new CsiError('INTERNAL', `volume ${request.name}: its client token is taken, and ${found.length} disks carry its name`);
  }
  const difference = differenceOf(disk, creation);
  if (difference !== undefined) throw new CsiError('ALREADY_EXISTS', `volume ${request.name} already created but parameter mismatch: ${difference}`);
  return { id: disk.id, type: { category: disk.category, ...(disk.performanceLevel === '' ? {} : { performanceLevel: disk.performanceLevel }) } };
}

function differenceOf(disk: CloudDisk, { request, zone }: DiskCreation): string | undefined {
  const pairs: [name: string, existing: unknown, requested: unknown][] = [
    ['size', disk.sizeGiB, request.sizeGiB],
    ['encrypted', disk.encrypted, request.encrypted],
    ['KMSKeyId', disk.kmsKeyId, request.encrypted ? (request.kmsKeyId ?? '') : ''],
    ['zoneId', disk.zone, zone ?? ''],
    ...Object.entries(request.tags).map(([key, value]): [string, unknown, unknown] => [`tag ${key}`, disk.tags[key], value]),
  ];
  const wrong = pairs.find(([, existing, requested]) => existing !== requested);
  if (wrong !== undefined) return `${wrong[0]}: ${String(wrong[1])} != requested ${String(wrong[2])}`;
  const listed = request.types.some((type) => type.category === disk.category && (type.performanceLevel ?? disk.performanceLevel) === disk.performanceLevel);
  return listed ? undefined : `type: ${disk.category} is not requested`;
}

/** Empty for anything that is no answer of the API. */
export function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

export function messageOf(cause: unknown): string {
  const code = codeOf(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  return code === '' || message.startsWith(code) ? message : `${code}: ${message}`;
}
