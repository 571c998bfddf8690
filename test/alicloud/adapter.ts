// The adapter on the simulated cloud, and what a migration asks of it.

import { createAlicloudDisks } from '../../src/alicloud/disks.ts';
import type { CreateIntent, CreateOutcome, DiskParams, Disks, SnapshotParams } from '../../src/ports/disks.ts';
import { TestCloud, TIMINGS } from '../simulation/ecs/cloud.ts';
import type { EcsSettings } from '../../src/simulation/ecs/settings.ts';

export const OURS = {
  'zonespread.io/migration': 'uid-1',
  'zonespread.io/cluster': 'cluster-1',
  'zonespread.io/claim': 'data',
  'zonespread.io/attempt': '1',
  'zonespread.io/role': 'target',
};

export class Adapter extends TestCloud {
  readonly #disks: Disks;

  constructor(settings: Partial<EcsSettings> = {}) {
    super(settings);
    this.#disks = createAlicloudDisks({ call: this.model, clock: this.clock, region: 'r' });
  }

  get disks(): Disks {
    return this.#disks;
  }

  intent<P>(params: P, token = 'token-1'): CreateIntent<P> {
    return { token, params, requestedAt: new Date(this.clock.now()).toISOString() };
  }

  snapshotParams(diskId: string, changes: Partial<SnapshotParams> = {}): SnapshotParams {
    return { diskId, name: 'zonespread-web-2-data', description: 'made by zonespread', tags: OURS, ...changes };
  }

  diskParams(snapshotId: string, changes: Partial<DiskParams> = {}): DiskParams {
    return {
      snapshotId,
      zone: 'b',
      name: 'zonespread-web-2-data',
      description: 'made by zonespread',
      tags: { ...OURS, 'k8s.aliyun.com': 'true' },
      category: 'cloud_essd',
      performanceLevel: 'PL1',
      sizeGiB: 40,
      encrypted: false,
      ...changes,
    };
  }

  /** A snapshot of a disk that was written to, usable, and the intent to make its successor in zone b. */
  async readyIntent(changes: Partial<DiskParams> = {}): Promise<CreateIntent<DiskParams>> {
    const snapshotId = await this.newSnapshot(await this.usedDisk());
    await this.clock.advance(TIMINGS.snapshotAvailableMs);
    return this.intent(this.diskParams(snapshotId, changes));
  }

  /** Repeats as a migration does: until it ends, waiting as long as it is told. */
  async createDiskUntilItEnds(intent: CreateIntent<DiskParams>): Promise<CreateOutcome> {
    for (;;) {
      const outcome = await this.clock.settle(this.disks.createDisk(intent));
      if (outcome.kind !== 'pending') return outcome;
      await this.clock.advance(outcome.retryAfterMs);
    }
  }

  /** Ids of the disks that carry the tags of the migration in truth. */
  ours(): string[] {
    return this.model.disks().filter((disk) => disk.tags['zonespread.io/migration'] === 'uid-1').map((disk) => disk.id);
  }
}
