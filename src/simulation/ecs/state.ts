// The stored state of the simulated cloud. Nothing here runs by itself: whoever looks first brings it up to the clock (`catchUp`), so a
// status is a function of the time and of what was asked for.

import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import {
  type Attachment,
  diskStatus,
  type DiskRecord,
  type HistoryEntry,
  type InstanceRecord,
  type SnapshotRecord,
  snapshotStatus,
  visibleTags,
} from './records.ts';
import { noSuchDisk, noSuchSnapshot } from './refusals.ts';
import { defaultQuotas, defaultTimings, type EcsQuotas, type EcsSettings, type EcsTimings, type OnSale } from './settings.ts';

export interface RememberedCall {
  fingerprint: string;
  id: string;
  until: number;
}

const ID_CHARACTERS = '0123456789abcdefghijklmnopqrstuvwxyz';
const DEFAULT_HISTORY_LIMIT = 200_000;

export class EcsState {
  readonly clock: Clock;
  readonly random: Random;
  readonly region: string;
  readonly timings: EcsTimings;
  readonly quotas: EcsQuotas;
  readonly detachingSnapshots: 'refused' | 'inconsistent';
  readonly zones = new Map<string, OnSale[]>();
  readonly instances = new Map<string, InstanceRecord>();
  readonly disks = new Map<string, DiskRecord>();
  readonly snapshots = new Map<string, SnapshotRecord>();
  /** What was deleted, as it was at the end. */
  readonly graveyard = { disks: new Map<string, DiskRecord>(), snapshots: new Map<string, SnapshotRecord>() };
  readonly backupPolicies: Set<string>;
  /** By action and token. */
  readonly tokens = new Map<string, RememberedCall>();
  /** Calls with a token that have not had their effect yet. */
  readonly tokensInProcess = new Set<string>();
  readonly history: HistoryEntry[] = [];
  readonly #historyLimit: number;
  #sequence = 0;
  #order = 0;
  #catchingUp = false;

  constructor(settings: EcsSettings) {
    this.clock = settings.clock;
    this.random = settings.random;
    this.region = settings.region;
    this.timings = { ...defaultTimings, ...settings.timings };
    this.quotas = { ...defaultQuotas, ...settings.quotas };
    this.detachingSnapshots = settings.detachingSnapshots ?? 'refused';
    this.backupPolicies = new Set(settings.backupPolicies);
    this.#historyLimit = settings.historyLimit ?? DEFAULT_HISTORY_LIMIT;
    for (const zone of settings.zones) this.zones.set(zone.id, structuredClone(zone.onSale));
    for (const instance of settings.instances ?? []) this.instances.set(instance.id, { ...instance });
  }

  now(): number {
    return this.clock.now();
  }

  /** @throws Refusal InvalidDiskId.NotFound. */
  disk(id: string): DiskRecord {
    const disk = this.disks.get(id);
    if (disk === undefined) throw noSuchDisk(id);
    return disk;
  }

  /** @throws Refusal InvalidSnapshotId.NotFound. */
  snapshot(id: string): SnapshotRecord {
    const snapshot = this.snapshots.get(id);
    if (snapshot === undefined) throw noSuchSnapshot(id);
    return snapshot;
  }

  snapshotsOf(diskId: string): SnapshotRecord[] {
    return [...this.snapshots.values()].filter((snapshot) => snapshot.sourceDiskId === diskId);
  }

  runningSnapshotOf(diskId: string): SnapshotRecord | undefined {
    return this.snapshotsOf(diskId).find((snapshot) => snapshotStatus(snapshot, this.now()) === 'progressing');
  }

  newId(prefix: 'd' | 's'): string {
    const letters = Array.from({ length: 16 }, () => ID_CHARACTERS[Math.floor(this.random.next() * ID_CHARACTERS.length)]);
    return `${prefix}-sim1${letters.join('')}`;
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  /** Told of every entry of the history, in the very turn. */
  readonly listeners = new Set<(entry: HistoryEntry) => void>();

  record(entry: Omit<HistoryEntry, 'sequence' | 'at'> & { at?: number }): void {
    this.#sequence += 1;
    const made = { sequence: this.#sequence, ...entry, at: entry.at ?? this.now() };
    this.history.push(made);
    for (const listener of this.listeners) listener(made);
    if (this.history.length > this.#historyLimit) this.history.splice(0, this.history.length - this.#historyLimit);
  }

  setTags(resource: DiskRecord | SnapshotRecord, tags: Record<string, string>, lagMs: number): void {
    resource.tags = { ...tags };
    const visibleAt = Math.max(this.now() + lagMs, resource.tagRevisions.at(-1)?.visibleAt ?? 0);
    resource.tagRevisions.push({ visibleAt, tags: { ...tags } });
  }

  deleteDisk(disk: DiskRecord): void {
    disk.deletedAt = this.now();
    this.disks.delete(disk.id);
    this.graveyard.disks.set(disk.id, disk);
    this.record({ subject: 'disk', id: disk.id, event: 'deleted', details: {} });
  }

  deleteSnapshot(snapshot: SnapshotRecord, reason: string): void {
    snapshot.deletedAt = this.now();
    this.snapshots.delete(snapshot.id);
    this.graveyard.snapshots.set(snapshot.id, snapshot);
    this.record({ subject: 'snapshot', id: snapshot.id, event: 'deleted', details: { reason } });
  }

  /** Brings every status up to the clock, in the order in which things came due. A listener that looks meanwhile sees them as far as they have come. */
  catchUp(): void {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    try {
      this.#applyDue(this.now());
    } finally {
      this.#catchingUp = false;
    }
  }

  #applyDue(now: number): void {
    const due = [...this.disks.values()].flatMap((disk) => this.#dueOfDisk(disk, now));
    due.push(...[...this.snapshots.values()].flatMap((snapshot) => this.#dueOfSnapshot(snapshot, now)));
    due.sort((left, right) => left.at - right.at);
    for (const change of due) change.apply();
  }

  #dueOfDisk(disk: DiskRecord, now: number): Due[] {
    const due: Due[] = [];
    const created = disk.creatingUntil;
    if (created !== undefined && created <= now) due.push({ at: created, apply: () => this.#finishCreating(disk, created) });
    for (const attachment of disk.attachments) {
      const until = attachment.until;
      if (until !== undefined && until <= now) due.push({ at: until, apply: () => this.#finishAttachment(disk, attachment, until) });
    }
    return due;
  }

  #finishCreating(disk: DiskRecord, at: number): void {
    disk.creatingUntil = undefined;
    this.record({ at, subject: 'disk', id: disk.id, event: diskStatus(disk), details: {} });
  }

  #finishAttachment(disk: DiskRecord, attachment: Attachment, at: number): void {
    attachment.until = undefined;
    if (attachment.state === 'Attaching') {
      attachment.state = 'Attached';
      attachment.attachedAt = at;
      disk.attachedAt = at;
    } else {
      disk.attachments = disk.attachments.filter((other) => other !== attachment);
      disk.detachedAt = at;
    }
    this.record({ at, subject: 'disk', id: disk.id, event: diskStatus(disk), details: { instanceId: attachment.instanceId } });
  }

  #dueOfSnapshot(snapshot: SnapshotRecord, now: number): Due[] {
    const due: Due[] = [];
    const status = snapshotStatus(snapshot, now);
    if (status !== snapshot.seen) {
      const at = status === 'failed' ? (snapshot.failsAt ?? now) : snapshot.accomplishedAt;
      due.push({ at, apply: () => this.#noteSnapshot(snapshot, at) });
    }
    const expires = snapshot.retentionDays === undefined ? Infinity : snapshot.createdAt + snapshot.retentionDays * 86_400_000;
    if (expires <= now) due.push({ at: expires, apply: () => this.deleteSnapshot(snapshot, 'retention') });
    return due;
  }

  #noteSnapshot(snapshot: SnapshotRecord, at: number): void {
    snapshot.seen = snapshotStatus(snapshot, at);
    this.record({ at, subject: 'snapshot', id: snapshot.id, event: snapshot.seen, details: {} });
  }
}

interface Due {
  at: number;
  apply: () => void;
}

/** Whether the resource carries every tag as far as can be seen now. A tag without a value matches any value. */
export function carriesTags(resource: DiskRecord | SnapshotRecord, wanted: Map<string, string | undefined>, now: number): boolean {
  const tags = visibleTags(resource, now);
  return [...wanted].every(([key, value]) => Object.hasOwn(tags, key) && (value === undefined || tags[key] === value));
}
