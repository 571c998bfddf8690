// A simulated cloud under a fake clock: region r with zones a, b, c that sell everything, one instance in each, seconds as timings.

import type { EcsAction, EcsAnswer, EcsParameters } from '../../../src/ports/ecs-call.ts';
import { everythingOnSale } from '../../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../../src/simulation/ecs/model.ts';
import type { EcsSettings } from '../../../src/simulation/ecs/settings.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { SeededRandom } from '../../fakes/random.ts';

export const TIMINGS = { createDiskMs: 2_000, attachMs: 3_000, detachMs: 4_000, snapshotAvailableMs: 5_000, snapshotUploadMs: 100_000 };

export class TestCloud {
  readonly clock = new FakeClock('2026-11-20T10:00:00.000Z');
  readonly model: EcsModel;

  constructor(settings: Partial<EcsSettings> = {}) {
    this.model = new EcsModel({
      clock: this.clock,
      random: new SeededRandom(),
      region: 'r',
      zones: ['a', 'b', 'c'].map((id) => ({ id, onSale: everythingOnSale() })),
      instances: ['a', 'b', 'c'].map((zone) => ({ id: `i-${zone}`, zone })),
      backupPolicies: ['sp-daily'],
      ...settings,
      timings: { ...TIMINGS, ...settings.timings },
    });
  }

  call(action: EcsAction, parameters: EcsParameters): Promise<EcsAnswer> {
    return this.model.call(action, parameters);
  }

  /** The error code of a call that must be refused, or its name when it has no code. */
  async refusal(action: EcsAction, parameters: EcsParameters): Promise<string> {
    try {
      await this.model.call(action, parameters);
    } catch (error) {
      const { code, name } = error as { code?: string; name: string };
      return code ?? name;
    }
    throw new Error(`${action} was expected to be refused, and was not`);
  }

  /** A 40 GiB PL1 ESSD in zone a, asked for and created. */
  async newDisk(wish: EcsParameters = {}): Promise<string> {
    const answer = await this.call('CreateDisk', { RegionId: 'r', ZoneId: 'a', DiskCategory: 'cloud_essd', Size: 40, ...wish });
    await this.clock.advance(TIMINGS.createDiskMs);
    return answer['DiskId'] as string;
  }

  async attach(diskId: string, instanceId = 'i-a'): Promise<void> {
    await this.call('AttachDisk', { DiskId: diskId, InstanceId: instanceId });
    await this.clock.advance(TIMINGS.attachMs);
  }

  async detach(diskId: string, instanceId = 'i-a'): Promise<void> {
    await this.call('DetachDisk', { DiskId: diskId, InstanceId: instanceId });
    await this.clock.advance(TIMINGS.detachMs);
  }

  /** A disk that was attached, written to by `writers` in turn, and detached. */
  async usedDisk(writers: string[] = ['web-0'], wish: EcsParameters = {}): Promise<string> {
    const id = await this.newDisk(wish);
    await this.attach(id);
    for (const writer of writers) this.model.guestWrite('i-a', id, writer);
    await this.detach(id);
    return id;
  }

  async newSnapshot(diskId: string, wish: EcsParameters = {}): Promise<string> {
    const answer = await this.call('CreateSnapshot', { DiskId: diskId, ...wish });
    return answer['SnapshotId'] as string;
  }

  /** The one disk as DescribeDisks prints it; undefined when it does not. */
  async described(diskId: string): Promise<Record<string, unknown> | undefined> {
    const answer = await this.call('DescribeDisks', { RegionId: 'r', DiskIds: JSON.stringify([diskId]) });
    return (answer['Disks'] as { Disk: Record<string, unknown>[] }).Disk[0];
  }

  async describedSnapshot(snapshotId: string): Promise<Record<string, unknown> | undefined> {
    const answer = await this.call('DescribeSnapshots', { RegionId: 'r', SnapshotIds: JSON.stringify([snapshotId]) });
    return (answer['Snapshots'] as { Snapshot: Record<string, unknown>[] }).Snapshot[0];
  }
}
