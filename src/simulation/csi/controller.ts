// Alibaba Cloud's disk CSI controller as a model: volumes are disks of the cloud behind `EcsCall`. Its habits are the real driver's, the
// dangerous ones included: DeleteVolume takes a disk that is in use away from its instance and then deletes it.

import { GIB } from '../../kubernetes/quantity.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EcsCall } from '../../ports/ecs-call.ts';
import { categoryOf, type DiskType } from './categories.ts';
import { attachedTo, CloudDisks, type CloudDisk } from './cloud-disks.ts';
import { codeOf, makeDisk, messageOf, type DiskMaker } from './disk-creation.ts';
import { dressingOf, type Dressing } from './dressing.ts';
import { CsiError } from './error.ts';
import { DRIVER_ZONE_KEY, REGION_KEY } from './names.ts';
import { parseVolumeRequest, type CreateVolumeRequest, type Segments, type VolumeRequest } from './volume-request.ts';
import { ZoneChoice } from './zone-choice.ts';

export interface DiskControllerOptions {
  ecs: EcsCall;
  clock: Clock;
  region: string;
  /** Value of the tag `ack.aliyun.com`. Default `zonespread-simulation`. */
  clusterId?: string;
  /** Zone of a disk that neither the class nor the scheduler places. */
  fallbackZone?: string;
  /** Between two looks at a disk that is changing. Default 50. */
  pollMs?: number;
  /** Between two tries to delete a disk that is still initializing. Default 5,000, as the real driver. */
  deleteRetryMs?: number;
  /** Real default true: a disk that is in use is detached and then deleted. */
  detachBeforeDelete?: boolean;
  /** A disk that is attached to another instance is taken from there (the real driver's DISK_FORCE_DETACHED). Default false: refused. */
  detachBeforeAttach?: boolean;
  /** Shared with the driver that takes its place after a restart; the driver itself needs none of it. */
  journal?: DriverJournal;
  /** Categories that the node which the scheduler chose for the claim can take. Without it, or undefined: all. */
  supportedCategories?: (claim: { namespace: string; name: string }) => Promise<ReadonlySet<string> | undefined>;
}

export interface Volume {
  id: string;
  capacityBytes: number;
  /** Becomes the PV's volumeAttributes. */
  attributes: Record<string, string>;
  /** Becomes the PV's nodeAffinity. */
  topology: Segments;
}

/** One piece of work at the cloud, for the accounts of who took how long. Times on the clock, in ms since the epoch. */
export interface DiskOperation {
  operation: 'create' | 'delete' | 'attach' | 'detach';
  diskId: string;
  /** Of attach and detach. */
  instanceId?: string;
  startedAt: number;
  endedAt: number;
  /** Why it failed. */
  error?: string;
}

/** What those who look at the driver from outside remember of it. */
export interface DriverJournal {
  /** In the order in which they ended, failed ones included. */
  operations: DiskOperation[];
  /** By volume name (the PV's name). */
  dressings: Map<string, { diskId: string; dressing: Dressing }>;
}

export function emptyJournal(): DriverJournal {
  return { operations: [], dressings: new Map() };
}

export class DiskController {
  readonly region: string;
  readonly #options: DiskControllerOptions;
  readonly #disks: CloudDisks;
  readonly #zones = new ZoneChoice();
  readonly #journal: DriverJournal;

  constructor(options: DiskControllerOptions) {
    this.region = options.region;
    this.#options = options;
    this.#journal = options.journal ?? emptyJournal();
    this.#disks = new CloudDisks({ ecs: options.ecs, clock: options.clock, region: options.region, pollMs: options.pollMs ?? 50 });
  }

  /** In the order in which they ended, failed ones included. */
  get operations(): readonly DiskOperation[] {
    return this.#journal.operations;
  }

  /** What the PV of that name gets put on, if this driver made its disk. */
  dressingFor(volume: { name: string; handle: string }): Dressing | undefined {
    const known = this.#journal.dressings.get(volume.name);
    return known?.diskId === volume.handle ? known.dressing : undefined;
  }

  /** Repeatable by name. @throws CsiError */
  async createVolume(request: CreateVolumeRequest): Promise<Volume> {
    const wanted = parseVolumeRequest(request);
    const startedAt = this.#options.clock.now();
    const zone = this.#zoneOf(wanted, request);
    const made = await makeDisk(this.#maker(), { request: wanted, zone, supported: await this.#supported(request.parameters) });
    const regional = categoryOf(made.type.category)?.regional === true;
    const placed = { type: made.type, region: this.region, zone: regional ? undefined : zone };
    this.#journal.dressings.set(wanted.name, { diskId: made.id, dressing: dressingOf(placed) });
    this.#record({ operation: 'create', diskId: made.id, startedAt });
    return {
      id: made.id,
      capacityBytes: wanted.sizeGiB * GIB,
      attributes: { ...wanted.attributes, ...attributesOf(made.type) },
      topology: zone === undefined || regional ? { [REGION_KEY]: this.region } : { [DRIVER_ZONE_KEY]: zone },
    };
  }

  /** A disk that is gone already is success. @throws CsiError INTERNAL */
  async deleteVolume(id: string, signal: AbortSignal): Promise<void> {
    const disk = await this.#find(id, 'INTERNAL');
    if (disk === undefined) return;
    await this.#timed({ operation: 'delete', diskId: id }, async () => {
      if (this.#options.detachBeforeDelete !== false && disk.status === 'In_use') await this.#detachFromAll(disk, signal);
      await this.#delete(id, signal);
    });
    for (const [name, known] of this.#journal.dressings) {
      if (known.diskId === id) {
        this.#journal.dressings.delete(name);
        this.#zones.forget(name);
      }
    }
  }

  /** Resolves once the disk is In_use there. @throws CsiError NOT_FOUND for an unknown disk or instance, ABORTED while something else is under way with the disk. */
  async publish(id: string, instanceId: string, signal: AbortSignal): Promise<{ serialNumber: string }> {
    const disk = await this.#find(id, 'INTERNAL');
    if (disk === undefined) throw new CsiError('NOT_FOUND', `disk ${id} is not in region ${this.region}`);
    if (disk.status === 'In_use' && attachedTo(disk, instanceId)) return { serialNumber: disk.serialNumber };
    await this.#timed({ operation: 'attach', diskId: id, instanceId }, async () => {
      await this.#makeAvailable(disk, signal);
      await this.#attach(id, instanceId);
      const after = await this.#disks.until(id, ({ status }) => status === 'In_use' || status === 'Available', signal);
      if (after === undefined) throw new CsiError('ABORTED', `disk ${id} went away while it was attached`);
      if (!attachedTo(after, instanceId)) throw new CsiError('ABORTED', `disk ${id} was not attached to instance ${instanceId}: it is ${after.status}`);
    });
    return { serialNumber: disk.serialNumber };
  }

  /** Resolves once the disk is no longer on that instance. Not there, or no such disk = success. @throws CsiError ABORTED */
  async unpublish(id: string, instanceId: string, signal: AbortSignal): Promise<void> {
    const disk = await this.#find(id, 'ABORTED');
    if (disk === undefined || !attachedTo(disk, instanceId)) return;
    await this.#timed({ operation: 'detach', diskId: id, instanceId }, () => this.#detach(disk, instanceId, signal));
  }

  #maker(): DiskMaker {
    return { ecs: this.#options.ecs, disks: this.#disks, region: this.region, clusterId: this.#options.clusterId ?? 'zonespread-simulation' };
  }

  #zoneOf(wanted: VolumeRequest, request: CreateVolumeRequest): string | undefined {
    if (wanted.types.every((type) => categoryOf(type.category)?.regional === true)) return undefined;
    const zone = this.#zones.zoneFor(wanted, request.requirement) ?? this.#options.fallbackZone;
    if (zone === undefined || zone === '') {
      throw new CsiError('INVALID_ARGUMENT', `volume ${wanted.name}: no zone: neither a selected node nor the parameter zoneId names one`);
    }
    return zone;
  }

  async #supported(parameters: Record<string, string>): Promise<ReadonlySet<string> | undefined> {
    const namespace = parameters['csi.storage.k8s.io/pvc/namespace'];
    const name = parameters['csi.storage.k8s.io/pvc/name'];
    if (namespace === undefined || name === undefined) return undefined;
    return this.#options.supportedCategories?.({ namespace, name });
  }

  async #find(id: string, code: 'INTERNAL' | 'ABORTED'): Promise<CloudDisk | undefined> {
    try {
      return await this.#disks.find(id);
    } catch (cause) {
      throw new CsiError(code, `disk ${id}: DescribeDisks: ${messageOf(cause)}`, cause);
    }
  }

  async #makeAvailable(disk: CloudDisk, signal: AbortSignal): Promise<void> {
    if (disk.status === 'Attaching') throw new CsiError('ABORTED', `disk ${disk.id} is attaching to ${disk.instanceIds.join(', ')}`);
    if (disk.status === 'In_use') {
      if (this.#options.detachBeforeAttach !== true) {
        throw new CsiError('ABORTED', `disk ${disk.id} is already attached to instance ${disk.instanceIds.join(', ')}: not taken from it by force`);
      }
      await this.#detachFromAll(disk, signal);
    }
    await this.#disks.until(disk.id, (now) => now.status === 'Available', signal);
  }

  async #attach(id: string, instanceId: string): Promise<void> {
    try {
      await this.#options.ecs.call('AttachDisk', { DiskId: id, InstanceId: instanceId });
    } catch (cause) {
      throw attachError(cause, id, instanceId);
    }
  }

  async #detachFromAll(disk: CloudDisk, signal: AbortSignal): Promise<void> {
    for (const instanceId of disk.instanceIds) await this.#detach(disk, instanceId, signal);
  }

  async #detach(disk: CloudDisk, instanceId: string, signal: AbortSignal): Promise<void> {
    // One that is Detaching already is only waited for: a second call would be refused.
    if (disk.status !== 'Detaching') {
      try {
        await this.#options.ecs.call('DetachDisk', { DiskId: disk.id, InstanceId: instanceId });
      } catch (cause) {
        throw new CsiError('ABORTED', `disk ${disk.id}: DetachDisk from ${instanceId}: ${messageOf(cause)}`, cause);
      }
    }
    await this.#disks.until(disk.id, (now) => !attachedTo(now, instanceId) && now.status !== 'Detaching', signal);
  }

  async #delete(id: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#options.ecs.call('DeleteDisk', { DiskId: id });
        return;
      } catch (cause) {
        if (codeOf(cause) !== 'IncorrectDiskStatus.Initializing') throw new CsiError('INTERNAL', `disk ${id}: DeleteDisk: ${messageOf(cause)}`, cause);
        await this.#options.clock.sleep(this.#options.deleteRetryMs ?? 5_000, signal);
        if (signal.aborted) throw new CsiError('INTERNAL', `disk ${id} is still initializing`, cause);
      }
    }
  }

  async #timed(what: Omit<DiskOperation, 'startedAt' | 'endedAt'>, work: () => Promise<void>): Promise<void> {
    const startedAt = this.#options.clock.now();
    try {
      await work();
      this.#record({ ...what, startedAt });
    } catch (error) {
      this.#record({ ...what, startedAt, error: messageOf(error) });
      throw error;
    }
  }

  #record(operation: Omit<DiskOperation, 'endedAt'>): void {
    this.#journal.operations.push({ ...operation, endedAt: this.#options.clock.now() });
  }
}

function attributesOf(type: DiskType): Record<string, string> {
  return { type: type.category, ...(type.performanceLevel === undefined ? {} : { performanceLevel: type.performanceLevel }) };
}

function attachError(cause: unknown, id: string, instanceId: string): CsiError {
  const message = `disk ${id}: AttachDisk to ${instanceId}: ${messageOf(cause)}`;
  switch (codeOf(cause)) {
    case 'InvalidInstanceId.NotFound':
      return new CsiError('NOT_FOUND', message, cause);
    case 'InstanceDiskLimitExceeded':
    case 'DiskNotPortable':
    case 'NotSupportDiskCategory':
      return new CsiError('INTERNAL', message, cause);
    default:
      return new CsiError('ABORTED', message, cause);
  }
}
