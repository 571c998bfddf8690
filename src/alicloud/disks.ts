// ports/disks.ts on Alibaba Cloud ECS.

import type { z } from 'zod';
import type { Clock } from '../ports/clock.ts';
import { type CreateIntent, type CreateOutcome, type Disk, DiskError, type DiskParams, type Disks, type Snapshot, type SnapshotParams } from '../ports/disks.ts';
import type { EcsAction, EcsAnswer, EcsCall, EcsParameters } from '../ports/ecs-call.ts';
import { adoption, type Candidate, differences, IDENTITY_TAG_PREFIX, identityTags, severalMade, tokenIsTrusted } from './adoption.ts';
import { type ApiDisk, type ApiSnapshot, diskPage, isInstant, isRegional, madeDisk, madeSnapshot, snapshotPage, stock, toDisk, toSnapshot } from './answers.ts';
import { type CloudFailure, understood } from './errors.ts';
import { diskParameters, snapshotParameters, tagList } from './parameters.ts';

export interface AlicloudOptions {
  call: EcsCall;
  clock: Clock;
  region: string;
}

/** The API takes at most this many ids at once, and gives at most this many snapshots. */
const BATCH = 100;
const LARGEST_DISK_PAGE = 500;

/** Waits for callers whose answer named none. */
const ASK_AGAIN_MS = 2_000;
const LOOK_AGAIN_MS = 15_000;

const MAX_TAGS = 20;

/** Many more than moves are ever under way at once. */
const TOKENS_REMEMBERED = 1_000;

export function createAlicloudDisks(options: AlicloudOptions): Disks {
  const cloud = new Cloud(options);
  return {
    maxTags: MAX_TAGS,
    instantSnapshots: ({ category }) => isInstant(category),
    disk: async (id) => (await disksById(cloud, [id])).get(id),
    disks: (ids) => disksById(cloud, ids),
    snapshot: async (id) => (await snapshotsWhere(cloud, { SnapshotIds: JSON.stringify([id]) })).map(toSnapshot).find((snapshot) => snapshot.id === id),
    snapshotsOf: async (diskId) => (await snapshotsWhere(cloud, { DiskId: diskId })).map(toSnapshot),
    tagged: (tags) => tagged(cloud, tags),
    createSnapshot: (intent) => create(cloud, intent, snapshotMaking(cloud, intent)),
    createDisk: (intent) => create(cloud, intent, diskMaking(cloud, intent)),
    deleteDisk: (id) => deleteDisk(cloud, id),
    deleteSnapshot: (id) => deleteSnapshot(cloud, id),
    tag: (resource, tags) => cloud.change('TagResources', { ResourceType: resource.kind, ResourceId: [resource.id], Tag: tagList(tags) }),
    untag: (resource, keys) => cloud.change('UntagResources', { ResourceType: resource.kind, ResourceId: [resource.id], TagKey: keys }),
    applyBackupPolicy: (diskId, policyId) =>
      // The only action whose parameters are in lower case.
      cloud.change('ApplyAutoSnapshotPolicy', { RegionId: undefined, regionId: cloud.region, autoSnapshotPolicyId: policyId, diskIds: JSON.stringify([diskId]) }),
    onSale: (zone, disk) => onSale(cloud, zone, disk.category),
  };
}

/** One call with its region, and its errors in our words. */
class Cloud {
  readonly region: string;
  readonly clock: Clock;
  /** The latest tokens of create calls, whatever their outcome: who asks again may not have got to write it down. After a restart the intent's age tells the same. */
  readonly #asked = new Set<string>();
  readonly #call: EcsCall;

  constructor(options: AlicloudOptions) {
    this.region = options.region;
    this.clock = options.clock;
    this.#call = options.call;
  }

  /** Whether a call with this token has been sent before; from now on it has. */
  asks(token: string): boolean {
    const again = this.#asked.delete(token);
    this.#asked.add(token);
    const [oldest] = this.#asked;
    if (this.#asked.size > TOKENS_REMEMBERED && oldest !== undefined) this.#asked.delete(oldest);
    return again;
  }

  /** @throws DiskError. */
  async read<S extends z.ZodType>(action: EcsAction, parameters: EcsParameters, shape: S): Promise<z.infer<S>> {
    const answer = await this.attempt(action, parameters);
    if (!answer.ok) throw diskError(action, parameters, answer.failure);
    const parsed = shape.safeParse(answer.body);
    if (!parsed.success) throw new DiskError(`the answer to ${action} is not as documented: ${parsed.error.message}`, { code: 'UnreadableAnswer', retriable: true });
    return parsed.data;
  }

  /** @throws DiskError. */
  async change(action: EcsAction, parameters: EcsParameters): Promise<void> {
    const answer = await this.attempt(action, parameters);
    if (!answer.ok) throw diskError(action, parameters, answer.failure);
  }

  async attempt(action: EcsAction, parameters: EcsParameters): Promise<{ ok: true; body: EcsAnswer } | { ok: false; failure: CloudFailure }> {
    try {
      return { ok: true, body: await this.#call.call(action, { ...(TAKES_REGION.has(action) ? { RegionId: this.region } : {}), ...parameters }) };
    } catch (error) {
      return { ok: false, failure: understood(error) };
    }
  }
}

const TAKES_REGION = new Set<EcsAction>(['DescribeDisks', 'DescribeSnapshots', 'DescribeAvailableResource', 'TagResources', 'UntagResources', 'ModifyDiskAttribute', 'CreateDisk']);

function diskError(action: EcsAction, parameters: EcsParameters, failure: CloudFailure): DiskError {
  const about = ['DiskId', 'SnapshotId', 'ResourceId', 'DiskIds', 'SnapshotIds', 'diskIds'].map((name) => parameters[name]).find((value) => value !== undefined);
  const subject = about === undefined ? action : `${action} ${typeof about === 'string' ? about : JSON.stringify(about)}`;
  return new DiskError(`${subject}: ${failure.message}`, {
    code: failure.code,
    retriable: failure.meaning === 'retry' || failure.meaning === 'unknown',
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
}

async function disksById(cloud: Cloud, ids: string[]): Promise<Map<string, Disk>> {
  const found = new Map<string, Disk>();
  const wanted = [...new Set(ids)];
  for (let start = 0; start < wanted.length; start += BATCH) {
    const batch = wanted.slice(start, start + BATCH);
    for (const disk of await disksWhere(cloud, { DiskIds: JSON.stringify(batch), MaxResults: BATCH })) found.set(disk.DiskId, toDisk(disk));
  }
  return found;
}

async function disksWhere(cloud: Cloud, filter: EcsParameters): Promise<ApiDisk[]> {
  return allPages(async (NextToken) => {
    const page = await cloud.read('DescribeDisks', { MaxResults: LARGEST_DISK_PAGE, ...filter, NextToken }, diskPage);
    return { items: page.Disks.Disk, next: page.NextToken };
  });
}

async function snapshotsWhere(cloud: Cloud, filter: EcsParameters): Promise<ApiSnapshot[]> {
  return allPages(async (NextToken) => {
    const page = await cloud.read('DescribeSnapshots', { MaxResults: BATCH, ...filter, NextToken }, snapshotPage);
    return { items: page.Snapshots.Snapshot, next: page.NextToken };
  });
}

async function allPages<T>(page: (token: string | undefined) => Promise<{ items: T[]; next: string }>): Promise<T[]> {
  const items: T[] = [];
  let token: string | undefined;
  do {
    const { items: more, next } = await page(token);
    items.push(...more);
    token = next === '' ? undefined : next;
  } while (token !== undefined);
  return items;
}

async function tagged(cloud: Cloud, tags: Record<string, string>): Promise<{ disks: Disk[]; snapshots: Snapshot[] }> {
  // Without a filter the API would list the whole account.
  if (Object.keys(tags).length === 0) throw new DiskError('looking for resources by tag needs at least one tag', { code: 'NoTags', retriable: false });
  const filter = { Tag: tagList(tags) };
  const disks = await disksWhere(cloud, filter);
  const snapshots = await snapshotsWhere(cloud, filter);
  return { disks: disks.map(toDisk), snapshots: snapshots.map(toSnapshot) };
}

/** What creating a disk and creating a snapshot differ in. */
interface Making {
  what: 'disk' | 'snapshot';
  action: 'CreateDisk' | 'CreateSnapshot';
  parameters: EcsParameters;
  /** Undefined when the answer names none. */
  idIn(answer: EcsAnswer): string | undefined;
  /** Everything that carries the intent's identity tags. @throws DiskError. */
  candidates(): Promise<Candidate[]>;
}

function snapshotMaking(cloud: Cloud, intent: CreateIntent<SnapshotParams>): Making {
  const { params } = intent;
  return {
    what: 'snapshot',
    action: 'CreateSnapshot',
    parameters: snapshotParameters(intent),
    idIn: (answer) => madeSnapshot.safeParse(answer).data?.SnapshotId,
    candidates: async () => {
      const found = await snapshotsWhere(cloud, { Tag: tagList(identityTags(params.tags)) });
      return found.map((snapshot) => ({ id: snapshot.SnapshotId, differences: snapshotDifferences(params, snapshot) }));
    },
  };
}

function snapshotDifferences(wanted: SnapshotParams, actual: ApiSnapshot): string[] {
  return [
    ...differences({ disk: wanted.diskId, name: wanted.name, description: wanted.description }, { disk: actual.SourceDiskId, name: actual.SnapshotName, description: actual.Description }),
    ...differences(wanted.tags, actual.Tags),
  ];
}

function diskMaking(cloud: Cloud, intent: CreateIntent<DiskParams>): Making {
  const { params } = intent;
  return {
    what: 'disk',
    action: 'CreateDisk',
    parameters: diskParameters(intent, cloud.region),
    idIn: (answer) => madeDisk.safeParse(answer).data?.DiskId,
    candidates: async () => {
      const found = await disksWhere(cloud, { Tag: tagList(identityTags(params.tags)) });
      return found.map((disk) => ({ id: disk.DiskId, differences: diskDifferences(params, disk) }));
    },
  };
}

function diskDifferences(wanted: DiskParams, api: ApiDisk): string[] {
  const { tags, snapshotId, name, description, zone, ...attributes } = wanted;
  const actual = toDisk(api);
  return [
    ...differences(attributes, { ...actual }),
    ...differences(
      { zone: isRegional(wanted.category) ? undefined : zone, snapshot: snapshotId, name, description },
      { zone: actual.zone, snapshot: api.SourceSnapshotId, name: api.DiskName, description: api.Description },
    ),
    ...differences(tags, api.Tags),
  ];
}

async function create(cloud: Cloud, intent: CreateIntent<unknown>, making: Making): Promise<CreateOutcome> {
  const ageMs = cloud.clock.now() - Date.parse(intent.requestedAt);
  const repeated = cloud.asks(intent.token) || ageMs >= ASK_AGAIN_MS;
  return ask(cloud, making, { ageMs, repeated });
}

async function ask(cloud: Cloud, making: Making, { ageMs, repeated }: { ageMs: number; repeated: boolean }): Promise<CreateOutcome> {
  if (!tokenIsTrusted(ageMs)) return adopt(making, ageMs);
  const answer = await cloud.attempt(making.action, making.parameters);
  if (!answer.ok) return afterFailure(making, answer.failure, { ageMs, repeated });
  const id = making.idIn(answer.body);
  if (id === undefined) return pending(`${making.action} gave no id; asking again with the same token`);
  return repeated ? onlyOne(making, id) : { kind: 'created', id, adopted: false };
}

/** The cloud may have forgotten the token of an earlier call whose answer was lost: then there are two. */
async function onlyOne(making: Making, id: string): Promise<CreateOutcome> {
  const found = await look(making);
  if (found.kind === 'pending') return found;
  const others = found.candidates.filter((candidate) => candidate.id !== id);
  if (others.length === 0) return { kind: 'created', id, adopted: false };
  return { kind: 'ambiguous', message: severalMade(making.what, [id, ...others.map((other) => other.id)]) };
}

async function afterFailure(making: Making, failure: CloudFailure, asked: { ageMs: number; repeated: boolean }): Promise<CreateOutcome> {
  const { meaning, retryAfterMs } = failure;
  const message = `${making.action}: ${failure.message}`;
  if (meaning === 'retry') return pending(message, retryAfterMs);
  if (meaning === 'unknown') return pending(`${message} (it may have been done: asking again with the same token)`, retryAfterMs);
  if (meaning === 'tokenMismatch') return adopt(making, asked.ageMs);
  return refusedUnlessMade(making, failure, asked);
}

/**
 * A refusal says that this call did nothing; an earlier one of the same intent may have (its answer lost, its token forgotten). What it
 * made is adopted if it shows, and may not show yet.
 */
async function refusedUnlessMade(making: Making, failure: CloudFailure, { ageMs, repeated }: { ageMs: number; repeated: boolean }): Promise<CreateOutcome> {
  const found = await look(making);
  if (found.kind === 'pending') return found;
  if (found.candidates.length > 0) return decided(making, found.candidates, ageMs);
  return { kind: 'refused', reason: refusalReason(failure), message: `${making.action}: ${failure.message}`, certain: !repeated };
}

function refusalReason({ meaning }: CloudFailure): Extract<CreateOutcome, { kind: 'refused' }>['reason'] {
  if (meaning === 'zoneUnavailable') return 'ZoneUnavailable';
  if (meaning === 'quota') return 'QuotaExceeded';
  return meaning === 'snapshotImpossible' ? 'SnapshotImpossible' : 'Refused';
}

async function adopt(making: Making, ageMs: number): Promise<CreateOutcome> {
  const found = await look(making);
  return found.kind === 'pending' ? found : decided(making, found.candidates, ageMs);
}

function decided(making: Making, candidates: Candidate[], ageMs: number): CreateOutcome {
  const decision = adoption(making.what, candidates, ageMs);
  if (decision.kind === 'adopt') return { kind: 'created', id: decision.id, adopted: true };
  if (decision.kind === 'ambiguous') return { kind: 'ambiguous', message: decision.message };
  return pending(decision.message, LOOK_AGAIN_MS);
}

/** @throws DiskError when looking is refused for good. */
async function look(making: Making): Promise<{ kind: 'found'; candidates: Candidate[] } | Extract<CreateOutcome, { kind: 'pending' }>> {
  try {
    return { kind: 'found', candidates: await making.candidates() };
  } catch (error) {
    if (!(error instanceof DiskError) || !error.retriable) throw error;
    return pending(error.message, error.retryAfterMs);
  }
}

function pending(message: string, retryAfterMs: number | undefined = ASK_AGAIN_MS): Extract<CreateOutcome, { kind: 'pending' }> {
  return { kind: 'pending', message, retryAfterMs };
}

/** Automatic snapshots go with a disk unless it is told otherwise first. */
async function deleteDisk(cloud: Cloud, id: string): Promise<void> {
  const kept = await cloud.attempt('ModifyDiskAttribute', { DiskId: id, DeleteAutoSnapshot: false });
  if (isGone(kept)) return;
  if (!kept.ok) throw diskError('ModifyDiskAttribute', { DiskId: id }, kept.failure);
  const deleted = await cloud.attempt('DeleteDisk', { DiskId: id });
  if (!deleted.ok && !isGone(deleted)) throw diskError('DeleteDisk', { DiskId: id }, deleted.failure);
}

/** By force only when it is ours, and its disks no longer need it or are gone. */
async function deleteSnapshot(cloud: Cloud, id: string): Promise<void> {
  const gentle = await cloud.attempt('DeleteSnapshot', { SnapshotId: id });
  if (gentle.ok || isGone(gentle)) return;
  if (gentle.failure.meaning !== 'forceNeeded') throw diskError('DeleteSnapshot', { SnapshotId: id }, gentle.failure);
  const [snapshot] = await snapshotsWhere(cloud, { SnapshotIds: JSON.stringify([id]) });
  if (snapshot !== undefined) await checkMayForce(cloud, snapshot);
  const forced = await cloud.attempt('DeleteSnapshot', { SnapshotId: id, Force: true });
  if (!forced.ok && !isGone(forced)) throw diskError('DeleteSnapshot', { SnapshotId: id }, forced.failure);
}

async function checkMayForce(cloud: Cloud, snapshot: ApiSnapshot): Promise<void> {
  const id = snapshot.SnapshotId;
  if (!Object.keys(snapshot.Tags).some((key) => key.startsWith(IDENTITY_TAG_PREFIX))) {
    throw new DiskError(`snapshot ${id} has made disks and carries no ${IDENTITY_TAG_PREFIX} tag: it is not ours to delete by force`, { code: 'SnapshotCreatedDisk', retriable: true });
  }
  if (toSnapshot(snapshot).accomplished) return;
  const users = await disksWhere(cloud, { SnapshotId: id });
  if (users.length > 0) {
    const disks = users.map((disk) => disk.DiskId).join(', ');
    throw new DiskError(`snapshot ${id} is not uploaded yet (${snapshot.Progress}), and ${disks} was made from it: it is deleted once it is`, { code: 'SnapshotCreatedDisk', retriable: true });
  }
}

function isGone(answer: { ok: boolean; failure?: CloudFailure }): boolean {
  return answer.failure?.meaning === 'gone';
}

async function onSale(cloud: Cloud, zone: string, category: string): Promise<{ onSale: boolean; message: string }> {
  const parameters = { ZoneId: zone, ResourceType: 'disk', DestinationResource: 'DataDisk', DataDiskCategory: category };
  const answer = await cloud.attempt('DescribeAvailableResource', parameters);
  if (!answer.ok && answer.failure.meaning === 'zoneUnavailable') return { onSale: false, message: answer.failure.message };
  if (!answer.ok) throw diskError('DescribeAvailableResource', parameters, answer.failure);
  const parsed = stock.safeParse(answer.body);
  if (!parsed.success) throw new DiskError(`the answer to DescribeAvailableResource is not as documented: ${parsed.error.message}`, { code: 'UnreadableAnswer', retriable: true });
  const here = (parsed.data.AvailableZones?.AvailableZone ?? []).filter((candidate) => candidate.ZoneId === zone);
  const offers = here.flatMap((candidate) => candidate.AvailableResources?.AvailableResource ?? []).flatMap((resource) => resource.SupportedResources?.SupportedResource ?? []);
  const offer = offers.find((candidate) => candidate.Value === category);
  if (offer === undefined) return { onSale: false, message: `zone ${zone} does not sell ${category} disks` };
  const sold = offer.Status === 'Available' && !offer.StatusCategory.endsWith('WithoutStock');
  return { onSale: sold, message: sold ? '' : `${category} disks in zone ${zone} are ${offer.Status} (${offer.StatusCategory})` };
}
