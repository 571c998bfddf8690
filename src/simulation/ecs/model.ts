// The simulated ECS: an EcsCall whose disks have contents, whose statuses follow the clock it is given, and which can be told to fail in
// every way the real one can. Pure: no timers, no I/O; the HTTP server around it is server.ts.
//
//   CreateDisk ─► Creating ─► Available ◄─────────── Detaching ◄─ DetachDisk
//                                 │                                  │
//                             AttachDisk ─► Attaching ─► In_use ─────┘

import type { EcsAction, EcsAnswer, EcsCall, EcsParameters } from '../../ports/ecs-call.ts';
import type { Action } from './actions/action.ts';
import { createDisk } from './actions/createDisk.ts';
import { describeDisks } from './actions/describeDisks.ts';
import { applyAutoSnapshotPolicy, attachDisk, deleteDisk, detachDisk, modifyDiskAttribute, resizeDisk } from './actions/disks.ts';
import { createSnapshot, deleteSnapshot, describeSnapshots, takeSnapshot } from './actions/snapshots.ts';
import { tagResources, untagResources } from './actions/tags.ts';
import { describeAvailableResource, describeZones } from './actions/zones.ts';
import { type Exchange, sdkError } from './exchange.ts';
import { Faults, type Suffering } from './faults.ts';
import { ParameterReader } from './parameters.ts';
import { type DiskRecord, diskStatus, type DiskStatus, type HistoryEntry, type InstanceRecord, type SnapshotRecord, snapshotProgress, type SnapshotStatus, snapshotStatus, type Write } from './records.ts';
import { Refusal, SimulationError } from './refusals.ts';
import { seededDisk, type DiskSeed } from './seeds.ts';
import type { EcsSettings, OnSale } from './settings.ts';
import { EcsState } from './state.ts';
import { processing } from './tokens.ts';

const ACTIONS: Record<EcsAction, Action> = {
  ApplyAutoSnapshotPolicy: applyAutoSnapshotPolicy,
  AttachDisk: attachDisk,
  CreateDisk: createDisk,
  CreateSnapshot: createSnapshot,
  DeleteDisk: deleteDisk,
  DeleteSnapshot: deleteSnapshot,
  DescribeAvailableResource: describeAvailableResource,
  DescribeDisks: describeDisks,
  DescribeSnapshots: describeSnapshots,
  DescribeZones: describeZones,
  DetachDisk: detachDisk,
  ModifyDiskAttribute: modifyDiskAttribute,
  ResizeDisk: resizeDisk,
  TagResources: tagResources,
  UntagResources: untagResources,
};

/** A disk as a test looks at it: the stored truth (tags without any lag), its status now; deleted ones too. */
export interface DiskView extends Readonly<Omit<DiskRecord, 'tagRevisions' | 'order'>> {
  status: DiskStatus | 'Deleted';
}

export interface SnapshotView extends Readonly<Omit<SnapshotRecord, 'tagRevisions' | 'order' | 'seen'>> {
  status: SnapshotStatus | 'deleted';
  progress: number;
}

export class EcsModel implements EcsCall {
  /** What goes wrong from now on. */
  readonly faults: Faults;
  /** What the calls suffer that have not had their effect yet. */
  readonly #underWay = new Set<Suffering>();
  readonly #state: EcsState;

  constructor(settings: EcsSettings) {
    this.#state = new EcsState(settings);
    this.faults = new Faults(settings.random);
  }

  get region(): string {
    return this.#state.region;
  }

  /** Whether there is such an action. */
  knows(action: string): action is EcsAction {
    return Object.hasOwn(ACTIONS, action);
  }

  /** @throws what the SDK throws: see ports/ecs-call.ts. */
  async call(action: EcsAction, parameters: EcsParameters): Promise<EcsAnswer> {
    const exchange = await this.answer(action, parameters);
    if (exchange.kind === 'answer') return exchange.body;
    if (exchange.kind === 'lost' && exchange.afterMs > 0) await this.#state.clock.sleep(exchange.afterMs);
    throw sdkError(exchange);
  }

  /** One call, its effect and what comes back for it, before anybody makes an error of it. */
  async answer(action: EcsAction, parameters: EcsParameters): Promise<Exchange> {
    const requestId = this.#state.random.uuid().toUpperCase();
    if (this.#state.timings.callMs > 0) await this.#state.clock.sleep(this.#state.timings.callMs);
    this.#state.catchUp();
    const suffering = this.faults.strike(action, parameters);
    this.#sellOut(suffering, parameters);
    const truth = await this.#truth(action, parameters, { suffering, requestId });
    if (suffering.delayAfterMs > 0) await this.#state.clock.sleep(suffering.delayAfterMs);
    const exchange = suffering.refusal === undefined ? spoiled(truth, suffering, requestId) : truth;
    this.#state.record({ subject: 'call', id: requestId, event: action, details: { parameters: structuredClone(parameters), ...outcome(truth, exchange) } });
    return exchange;
  }

  /** An instance to attach disks to. Adding it again moves nothing. */
  addInstance(instance: { id: string; zone: string }): void {
    if (!this.#state.zones.has(instance.zone)) throw new SimulationError(`There is no zone "${instance.zone}" for instance ${instance.id}: the zones are ${[...this.#state.zones.keys()].join(', ')}`);
    this.#state.instances.set(instance.id, { id: instance.id, zone: instance.zone });
    this.#state.record({ subject: 'instance', id: instance.id, event: 'added', details: { zone: instance.zone } });
  }

  /** The machine is gone; its disks are detached at once. */
  removeInstance(id: string): void {
    this.#state.catchUp();
    this.#state.instances.delete(id);
    for (const disk of this.#state.disks.values()) {
      const left = disk.attachments.filter((attachment) => attachment.instanceId !== id);
      if (left.length === disk.attachments.length) continue;
      disk.attachments = left;
      disk.detachedAt = this.#state.now();
      this.#state.record({ subject: 'disk', id: disk.id, event: diskStatus(disk), details: { instanceId: id, reason: 'instance removed' } });
    }
    this.#state.record({ subject: 'instance', id, event: 'removed', details: {} });
  }

  instances(): InstanceRecord[] {
    return [...this.#state.instances.values()];
  }

  zones(): { id: string; onSale: OnSale[] }[] {
    return [...this.#state.zones].map(([id, onSale]) => ({ id, onSale: structuredClone(onSale) }));
  }

  /** What a zone sells from now on; an empty list closes it, a new id opens a zone. */
  setOnSale(zone: string, onSale: OnSale[]): void {
    this.#state.zones.set(zone, structuredClone(onSale));
    this.#state.record({ subject: 'zone', id: zone, event: 'onSale', details: { onSale } });
  }

  /** Takes a category, or everything, off a zone's shelf. */
  sellOut(zone: string, category?: string): void {
    const onSale = this.#state.zones.get(zone) ?? [];
    this.setOnSale(zone, category === undefined ? [] : onSale.filter((item) => item.category !== category));
  }

  /** A disk that was there before anybody asked, with every attribute as wished; Available at once. @returns its id. */
  addDisk(seed: DiskSeed): string {
    const disk = seededDisk(this.#state, seed);
    if (this.#state.disks.has(disk.id) || this.#state.graveyard.disks.has(disk.id)) throw new SimulationError(`There was a disk ${disk.id} before`);
    this.#state.disks.set(disk.id, disk);
    this.#state.setTags(disk, seed.tags ?? {}, 0);
    this.#state.record({ subject: 'disk', id: disk.id, event: 'seeded', details: { zone: disk.zone, category: disk.category } });
    return disk.id;
  }

  /** What a backup policy does at its hour. @returns the snapshot's id. */
  takeAutomaticSnapshot(diskId: string): string {
    this.#state.catchUp();
    return takeSnapshot(this.#state, this.#liveDisk(diskId), 'auto').id;
  }

  /** Operation locks of a disk, e.g. `security`, `financial`. */
  setLocks(diskId: string, locks: string[]): void {
    this.#liveDisk(diskId).locks = [...locks];
    this.#state.record({ subject: 'disk', id: diskId, event: 'locked', details: { locks } });
  }

  /** What a person changes in the console: from subscription to pay-as-you-go and back, or what the disk is bound to. */
  setTerms(diskId: string, terms: Partial<Pick<DiskRecord, 'chargeType' | 'portable' | 'multiAttach'>>): void {
    Object.assign(this.#liveDisk(diskId), terms);
    this.#state.record({ subject: 'disk', id: diskId, event: 'termsChanged', details: terms });
  }

  /** Lets what is stuck go on: in the usual time from now. Without an id everything, and what a call under way would leave stuck. */
  unstick(id?: string): void {
    this.#state.catchUp();
    if (id === undefined) for (const suffering of this.#underWay) unstickCall(suffering);
    const meant = (resource: { id: string }): boolean => id === undefined || id === resource.id;
    for (const disk of [...this.#state.disks.values()].filter(meant)) unstickDisk(this.#state, disk);
    for (const snapshot of [...this.#state.snapshots.values()].filter(meant)) unstickSnapshot(this.#state, snapshot);
    this.#state.record({ subject: 'fault', id: id ?? '*', event: 'unstuck', details: {} });
  }

  /** A guest writes to its disk. @throws SimulationError unless the disk is In_use on that very instance. */
  guestWrite(instanceId: string, diskId: string, writer: string, text?: string): Write {
    this.#state.catchUp();
    const disk = this.#liveDisk(diskId);
    const attachment = disk.attachments.find((candidate) => candidate.instanceId === instanceId);
    if (attachment?.state !== 'Attached') {
      throw new SimulationError(`Instance ${instanceId} cannot write to disk ${diskId}: it is ${diskStatus(disk)}${attachment === undefined ? ', not on this instance' : ''}`);
    }
    const sequence = (disk.contents.at(-1)?.sequence ?? 0) + 1;
    const write: Write = { writer, sequence, at: this.#state.now(), ...(text === undefined ? {} : { text }) };
    disk.contents.push(write);
    this.#state.record({ subject: 'guest', id: diskId, event: 'write', details: { instanceId, ...write } });
    return { ...write };
  }

  /** Everything that was ever written to the disk, copies included; a deleted disk's too. */
  contents(diskId: string): Write[] {
    return structuredClone(this.#anyDisk(diskId).contents);
  }

  /** Undefined for an id that never existed. */
  disk(id: string): DiskView | undefined {
    this.#state.catchUp();
    const disk = this.#state.disks.get(id) ?? this.#state.graveyard.disks.get(id);
    return disk === undefined ? undefined : diskView(disk);
  }

  snapshot(id: string): SnapshotView | undefined {
    this.#state.catchUp();
    const snapshot = this.#state.snapshots.get(id) ?? this.#state.graveyard.snapshots.get(id);
    return snapshot === undefined ? undefined : this.#snapshotView(snapshot);
  }

  /** Those that exist; `deleted: true`: those that did. In order of creation. */
  disks(which: { deleted?: boolean } = {}): DiskView[] {
    this.#state.catchUp();
    return [...(which.deleted === true ? this.#state.graveyard.disks : this.#state.disks).values()].map(diskView);
  }

  snapshots(which: { deleted?: boolean } = {}): SnapshotView[] {
    this.#state.catchUp();
    return [...(which.deleted === true ? this.#state.graveyard.snapshots : this.#state.snapshots).values()].map((snapshot) => this.#snapshotView(snapshot));
  }

  /** Every call, change and write so far, oldest first. */
  history(): readonly HistoryEntry[] {
    this.#state.catchUp();
    return this.#state.history;
  }

  /** Tells of every call, change and write from now on, in the very turn it is noticed: the listener may note it, and look. @returns what ends it. */
  follow(listener: (entry: HistoryEntry) => void): () => void {
    this.#state.listeners.add(listener);
    return () => this.#state.listeners.delete(listener);
  }

  async #truth(action: EcsAction, parameters: EcsParameters, about: { suffering: Suffering; requestId: string }): Promise<Exchange> {
    const { suffering, requestId } = about;
    this.#underWay.add(suffering);
    try {
      if (suffering.refusal !== undefined) throw refusalOf(suffering.refusal);
      if (suffering.answer?.effect === false) return { kind: 'answer', body: { RequestId: requestId } };
      return { kind: 'answer', body: { RequestId: requestId, ...(await this.#perform(action, parameters, suffering)) } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const retryAfterMs = suffering.refusal !== undefined && 'retryAfterMs' in suffering.refusal ? suffering.refusal.retryAfterMs : undefined;
      return { kind: 'error', status: error.status, code: error.code, message: error.message, requestId, retryAfterMs };
    } finally {
      this.#underWay.delete(suffering);
    }
  }

  async #perform(action: EcsAction, parameters: EcsParameters, suffering: Suffering): Promise<EcsAnswer> {
    const perform = (): EcsAnswer => ACTIONS[action]({ state: this.#state, parameters: new ParameterReader(parameters), raw: parameters, suffering });
    if (action !== 'CreateDisk' && action !== 'CreateSnapshot') {
      await this.#delay(suffering.delayBeforeMs);
      return perform();
    }
    const token = new ParameterReader(parameters).token();
    return processing(this.#state, { action, token, parameters, forgotten: suffering.forgetToken }, async () => {
      await this.#delay(suffering.delayBeforeMs);
      return perform();
    });
  }

  async #delay(ms: number): Promise<void> {
    if (ms <= 0) return;
    await this.#state.clock.sleep(ms);
    this.#state.catchUp();
  }

  #sellOut(suffering: Suffering, parameters: EcsParameters): void {
    const zone = parameters['ZoneId'];
    if (suffering.soldOut !== undefined && typeof zone === 'string') this.sellOut(zone, suffering.soldOut.category);
  }

  #snapshotView(snapshot: SnapshotRecord): SnapshotView {
    const { tagRevisions: _revisions, order: _order, seen: _seen, ...rest } = structuredClone(snapshot);
    const now = this.#state.now();
    const status = snapshot.deletedAt === undefined ? snapshotStatus(snapshot, now) : 'deleted';
    return { ...rest, status, progress: snapshotProgress(snapshot, now, this.#state.timings.snapshotUploadMs) };
  }

  #anyDisk(id: string): DiskRecord {
    const disk = this.#state.disks.get(id) ?? this.#state.graveyard.disks.get(id);
    if (disk === undefined) throw new SimulationError(`There never was a disk ${id}`);
    return disk;
  }

  #liveDisk(id: string): DiskRecord {
    const disk = this.#state.disks.get(id);
    if (disk === undefined) throw new SimulationError(`There is no disk ${id}${this.#state.graveyard.disks.has(id) ? ' any more: it was deleted' : ''}`);
    return disk;
  }
}

function diskView(disk: DiskRecord): DiskView {
  const { tagRevisions: _revisions, order: _order, ...rest } = disk;
  return {
    ...rest,
    // By hand, for disks are looked at all the time, and structuredClone takes ten times as long.
    attachments: disk.attachments.map((attachment) => ({ ...attachment })),
    tags: { ...disk.tags },
    locks: [...disk.locks],
    backupPolicyIds: [...disk.backupPolicyIds],
    contents: disk.contents.map((write) => ({ ...write })),
    lineage: disk.lineage === undefined ? undefined : { ...disk.lineage },
    status: disk.deletedAt === undefined ? diskStatus(disk) : 'Deleted',
  };
}

function unstickCall(suffering: Suffering): void {
  if (suffering.stuckMs === Infinity) suffering.stuckMs = undefined;
  suffering.snapshotStuck = undefined;
}

function unstickDisk(state: EcsState, disk: DiskRecord): void {
  const { timings } = state;
  if (disk.creatingUntil === Infinity) disk.creatingUntil = state.now() + timings.createDiskMs;
  for (const attachment of disk.attachments.filter((candidate) => candidate.until === Infinity)) {
    attachment.until = state.now() + (attachment.state === 'Attaching' ? timings.attachMs : timings.detachMs);
  }
}

function unstickSnapshot(state: EcsState, snapshot: SnapshotRecord): void {
  if (snapshot.accomplishedAt !== Infinity) return;
  snapshot.accomplishedAt = state.now() + state.timings.snapshotUploadMs;
  snapshot.availableAt = Math.min(snapshot.availableAt, snapshot.accomplishedAt);
  snapshot.stuckAt = undefined;
}

function refusalOf(fault: NonNullable<Suffering['refusal']>): Refusal {
  if (fault.kind === 'throttled') return new Refusal(400, 'Throttling.User', 'Request was denied due to user flow control.');
  if (fault.kind === 'quota') return new Refusal(403, fault.code ?? 'QuotaExceed.DiskCapacity', 'The quota is exceeded.');
  return new Refusal(fault.status ?? 403, fault.code, fault.message ?? 'A fault of the simulation.');
}

/** What the caller gets in place of the true answer. */
function spoiled(truth: Exchange, { answer }: Suffering, requestId: string): Exchange {
  if (answer === undefined) return truth;
  if (answer.kind === 'lost') return { kind: 'lost', how: answer.how, afterMs: answer.afterMs ?? 0 };
  if (answer.kind === 'broken') return { kind: 'broken', status: answer.status ?? 200, body: answer.body ?? '<html>bad gateway</html>' };
  const message = 'The request processing has failed due to some unknown error.';
  return { kind: 'error', status: answer.status ?? 500, code: answer.code ?? 'InternalError', message, requestId, retryAfterMs: undefined };
}

/** For the history: what happened in truth, and whether the caller got to know it. */
function outcome(truth: Exchange, told: Exchange): Record<string, unknown> {
  const made = truth.kind === 'answer' ? (truth.body['DiskId'] ?? truth.body['SnapshotId']) : undefined;
  return {
    outcome: truth.kind === 'error' ? truth.code : 'OK',
    ...(made === undefined ? {} : { made }),
    ...(told === truth ? {} : { told: told.kind === 'error' ? told.code : told.kind }),
  };
}
