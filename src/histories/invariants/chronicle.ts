// What several invariants need to remember of a history: every record that ever was, which disk stood for which claim, what was made for
// a move, and which data people or their policies have thrown away. One for each world, kept up to date by the store itself.

import { CLUSTER_TAG, MIGRATION_LABEL } from '../../kubernetes/names.ts';
import { claims, statefulSets, volumes, type PersistentVolume, type PersistentVolumeClaim } from '../../kubernetes/objects.ts';
import { diskIdOf } from '../../kubernetes/reading.ts';
import { claimsOf, ended, inFlight, ordinalMigrations, type ClaimRecord, type OrdinalMigration } from '../../migration/record.ts';
import { ordinalsOf } from '../../migration/owner.ts';
import type { StoreEvent } from '../../simulation/apiserver/contract.ts';
import type { HistoryEntry } from '../../simulation/ecs/records.ts';
import { EXCUSES } from '../acts/excuses.ts';
import type { HistoryWorld } from '../world.ts';

/** One claim of one record. */
export interface Part {
  record: OrdinalMigration;
  claim: ClaimRecord;
}

const chronicles = new WeakMap<HistoryWorld, Chronicle>();

/** The world's own; it begins when it is asked for first. */
export function chronicleOf(world: HistoryWorld): Chronicle {
  const known = chronicles.get(world) ?? new Chronicle(world);
  chronicles.set(world, known);
  return known;
}

export class Chronicle {
  /** Every record that ever was, by UID, as it was last. */
  readonly records = new Map<string, OrdinalMigration>();
  /** When each ended, by UID, in ms since the epoch on the cluster's clock. */
  readonly endedAt = new Map<string, number>();
  /** Every PV that ever was, by name, as it was last. */
  readonly volumes = new Map<string, PersistentVolume>();
  /** Disks and snapshots that were made for a move: UID of its record by their ids. */
  readonly made = new Map<string, string>();
  /** Of what was made for a move, by id. */
  readonly #tokens = new Map<string, string>();
  readonly #world: HistoryWorld;
  readonly #claimOfDisk = new Map<string, string>();
  readonly #givenUpAt = new Map<string, number>();
  /** When a claim's disk began to stand for it, and when a claim of the name was last deleted for good. */
  readonly #standsSince = new Map<string, number>();
  readonly #deletedAt = new Map<string, number>();
  /** Disks of claims that were deleted for good, until a claim is on one again. */
  readonly #abandoned = new Set<string>();

  constructor(world: HistoryWorld) {
    this.#world = world;
    const { server, ecs } = world.simulated;
    for (const volume of server.readAll(volumes)) this.#noteVolume(volume);
    for (const record of server.readAll(ordinalMigrations)) this.#noteRecord(record);
    server.follow(volumes, ({ object }) => this.#noteVolume(object));
    server.follow(ordinalMigrations, (event) => this.#recordChanged(event));
    server.follow(claims, (event) => this.#claimChanged(event));
    ecs.follow((entry) => this.#noteMade(entry));
  }

  /** Those that are there now. */
  live(): OrdinalMigration[] {
    return this.#world.simulated.server.readAll(ordinalMigrations);
  }

  /** One of several that the cloud made for one token, seen too late to be told: the sweep finds it once its record has ended. */
  isFoundByTag(record: OrdinalMigration, id: string): boolean {
    const { simulated: { ecs }, clusterUID } = this.#world;
    const tags = (ecs.disk(id) ?? ecs.snapshot(id))?.tags ?? {};
    return this.#hasTwin(id) && tags[CLUSTER_TAG] === clusterUID && tags[MIGRATION_LABEL] === record.metadata.uid;
  }

  /** Made for a token that a record in flight holds: whoever goes on with it asks for it again by that, and learns the id. */
  isIntended(record: OrdinalMigration, id: string): boolean {
    const token = this.#tokens.get(id);
    return inFlight(record) && claimsOf(record).some(({ snapshot, target, rescue }) => [snapshot, target, rescue].some((slot) => token !== undefined && slot?.token === token));
  }

  /** The cloud forgot the token that it was asked for with, and made two or more. */
  #hasTwin(id: string): boolean {
    const token = this.#tokens.get(id);
    return token !== undefined && [...this.#tokens].some(([other, same]) => other !== id && same === token);
  }

  /** `namespace/name` of the claim that the disk stands or stood for. */
  claimOfDisk(diskId: string): string | undefined {
    return this.#claimOfDisk.get(diskId);
  }

  /** When people, or the retention policy that they declared, last gave the claim's data up: nothing is owed from before. */
  givenUpAt(claim: string): number {
    return this.#givenUpAt.get(claim) ?? Number.NEGATIVE_INFINITY;
  }

  /** No claim is on it any more: a pod that runs on without its claim writes there for nobody. */
  isAbandoned(diskId: string): boolean {
    return this.#abandoned.has(diskId);
  }

  /** It stood for a claim that was deleted for good; one of the same name that came later has nothing to do with it. */
  isOfDeletedClaim(diskId: string): boolean {
    const claim = this.#claimOfDisk.get(diskId);
    return claim !== undefined && (this.#standsSince.get(diskId) ?? 0) <= (this.#deletedAt.get(claim) ?? Number.NEGATIVE_INFINITY);
  }

  /** Where the disk is written down, in records that are there now. */
  partsWith(diskId: string): (Part & { role: 'source' | 'target' })[] {
    const roleOf = ({ source, target }: ClaimRecord): 'source' | 'target' | undefined => (source.diskId === diskId ? 'source' : target?.diskId === diskId ? 'target' : undefined);
    return this.parts(this.live()).flatMap((part) => {
      const role = roleOf(part.claim);
      return role === undefined ? [] : [{ ...part, role }];
    });
  }

  parts(records: Iterable<OrdinalMigration>): Part[] {
    return [...records].flatMap((record) => claimsOf(record).map((claim) => ({ record, claim })));
  }

  /** What moves in flight say of the claim. */
  moving({ namespace, name }: { namespace?: string | undefined; name: string }): Part[] {
    return this.parts(this.live().filter(inFlight)).filter(({ record, claim }) => record.metadata.namespace === namespace && claim.claimName === name);
  }

  /** Whether the disk is the other one, or came from it by snapshots. */
  descends(diskId: string, ancestor: string): boolean {
    const { ecs } = this.#world.simulated;
    for (let at: string | undefined = diskId; at !== undefined; at = ecs.disk(at)?.lineage?.diskId) if (at === ancestor) return true;
    return false;
  }

  /** Whether `restore-source`, which was declared, went back from this disk to that one or its descendants. */
  wasRestored(from: string, to: string): boolean {
    return this.parts(this.records.values()).some(({ record, claim }) => record.status?.course === 'Restore' && claim.target?.diskId === from && this.descends(to, claim.source.diskId));
  }

  #recordChanged({ type, object, previous }: StoreEvent<OrdinalMigration>): void {
    this.#noteRecord(object);
    const letGo = type === 'DELETED' ? inFlight(object) : previous !== undefined && inFlight(previous) && wasLetGo(object);
    // Without its record nobody answers for the claims any more.
    if (letGo) for (const { claimName } of claimsOf(object)) this.#giveUp(`${object.metadata.namespace ?? ''}/${claimName}`);
  }

  #noteRecord(record: OrdinalMigration): void {
    const uid = record.metadata.uid ?? '';
    if (ended(record) && !this.endedAt.has(uid)) this.endedAt.set(uid, this.#world.simulated.clock.now());
    this.records.set(uid, record);
  }

  #noteVolume(volume: PersistentVolume): void {
    this.volumes.set(volume.metadata.name, volume);
    const [diskId, holder] = [diskIdOf(volume), volume.spec.claimRef];
    if (diskId === undefined || holder?.name === undefined) return;
    this.#claimOfDisk.set(diskId, `${holder.namespace ?? ''}/${holder.name}`);
    if (!this.#standsSince.has(diskId)) this.#standsSince.set(diskId, this.#world.simulated.clock.now());
  }

  #claimChanged({ type, object }: StoreEvent<PersistentVolumeClaim>): void {
    const volume = this.volumes.get(object.spec.volumeName ?? '');
    const diskId = (volume === undefined ? undefined : diskIdOf(volume)) ?? '';
    if (type !== 'DELETED') this.#abandoned.delete(diskId);
    else if (this.#goesForGood(object)) this.#claimGone(object, diskId);
  }

  #claimGone({ metadata: { namespace = '', name } }: PersistentVolumeClaim, diskId: string): void {
    this.#giveUp(`${namespace}/${name}`);
    this.#deletedAt.set(`${namespace}/${name}`, this.#world.simulated.clock.now());
    this.#abandoned.add(diskId);
  }

  /** A claim that goes while nothing moves it, or whose ordinal is gone, takes its data's right to be found again with it. */
  #goesForGood({ metadata: { namespace, name } }: PersistentVolumeClaim): boolean {
    const [moving] = this.moving({ namespace, name });
    if (moving === undefined || !this.#hasOrdinal(moving.record)) return true;
    return this.#world.excuses.has(EXCUSES.guardOverridden(moving.record.metadata.name)) && this.#world.excuses.has(EXCUSES.claimGivenUp(name));
  }

  #hasOrdinal({ metadata, spec }: OrdinalMigration): boolean {
    const set = this.#world.simulated.server.read(statefulSets, { namespace: metadata.namespace ?? '', name: spec.statefulSetRef.name });
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return false;
    const { first, last } = ordinalsOf(set);
    return spec.ordinal >= first && spec.ordinal <= last;
  }

  #giveUp(claim: string): void {
    this.#givenUpAt.set(claim, this.#world.simulated.clock.now());
  }

  #noteMade({ subject, event, details }: HistoryEntry): void {
    if (subject !== 'call' || (event !== 'CreateDisk' && event !== 'CreateSnapshot') || typeof details['made'] !== 'string') return;
    const uid = tagsIn(details['parameters'])[MIGRATION_LABEL];
    if (uid === undefined) return;
    this.made.set(details['made'], uid);
    this.#tokens.set(details['made'], String((details['parameters'] as { ClientToken?: string }).ClientToken));
  }
}

/** By a person: released, or declared to be over with its status written by hand. */
function wasLetGo(record: OrdinalMigration): boolean {
  return ended(record) && (record.status?.reason === 'Released' || isHandwritten(record));
}

/** The daemon never ends a record without saying when. */
export function isHandwritten(record: OrdinalMigration): boolean {
  return ended(record) && record.status?.finishedAt === undefined;
}

/** The tags of a create call's parameters. */
export function tagsIn(parameters: unknown): Record<string, string> {
  const list = (parameters as { Tag?: { Key: string; Value: string }[] } | undefined)?.Tag ?? [];
  return Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]));
}
