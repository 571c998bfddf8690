// Snapshots of the simulated cloud: what they hold, when they are usable, when they may go.

import { describe, expect, it } from 'vitest';
import { TestCloud, TIMINGS } from './cloud.ts';

describe('CreateSnapshot', () => {
  it('holds what was written before it, and a disk made from it goes on from there', async () => {
    const cloud = new TestCloud();
    const source = await cloud.newDisk();
    await cloud.attach(source);
    cloud.model.guestWrite('i-a', source, 'web-0');
    const SnapshotId = await cloud.newSnapshot(source);
    cloud.model.guestWrite('i-a', source, 'web-0');
    await cloud.clock.advance(TIMINGS.snapshotAvailableMs);
    const copy = await cloud.newDisk({ SnapshotId, ZoneId: 'b' });
    expect(cloud.model.contents(copy).map((write) => write.sequence)).toEqual([1]);
    await cloud.attach(copy, 'i-b');
    cloud.model.guestWrite('i-b', copy, 'web-0');
    expect(cloud.model.contents(copy).map((write) => write.sequence)).toEqual([1, 2]);
    expect(cloud.model.contents(source)).toHaveLength(2);
    expect(cloud.model.disk(copy)?.lineage).toEqual({ snapshotId: SnapshotId, diskId: source });
  });

  it('refuses a disk that was never attached, is on its way, or has one in progress already', async () => {
    const cloud = new TestCloud();
    const fresh = await cloud.newDisk();
    expect(await cloud.refusal('CreateSnapshot', { DiskId: fresh })).toBe('IncorrectDiskStatus.NeverAttached');
    await cloud.attach(fresh);
    await cloud.call('DetachDisk', { DiskId: fresh, InstanceId: 'i-a' });
    expect(await cloud.refusal('CreateSnapshot', { DiskId: fresh })).toBe('IncorrectDiskStatus');
    await cloud.clock.advance(TIMINGS.detachMs);
    cloud.model.takeAutomaticSnapshot(fresh);
    expect(await cloud.refusal('CreateSnapshot', { DiskId: fresh })).toBe('IncorrectDiskStatus.CreatingSnapshot');
    expect(await cloud.refusal('CreateSnapshot', { DiskId: 'd-x' })).toBe('InvalidDiskId.NotFound');
  });

  it('taken while Detaching, where the cloud lets it, misses the last write and says so', async () => {
    const cloud = new TestCloud({ detachingSnapshots: 'inconsistent' });
    const id = await cloud.newDisk();
    await cloud.attach(id);
    for (let write = 0; write < 3; write += 1) cloud.model.guestWrite('i-a', id, 'web-0');
    await cloud.call('DetachDisk', { DiskId: id, InstanceId: 'i-a' });
    const snapshot = cloud.model.snapshot(await cloud.newSnapshot(id));
    expect(snapshot).toMatchObject({ inconsistent: true });
    expect(snapshot?.contents).toHaveLength(2);
  });

  it('refuses over the quotas of the disk and of the account', async () => {
    const cloud = new TestCloud({ quotas: { snapshotsPerDisk: 1, snapshotsInProgress: 1 } });
    const [one, two] = [await cloud.usedDisk(), await cloud.usedDisk()];
    await cloud.newSnapshot(one);
    expect(await cloud.refusal('CreateSnapshot', { DiskId: two })).toBe('QuotaExceed.ConcurrentSnapshotQuota');
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    expect(await cloud.refusal('CreateSnapshot', { DiskId: one })).toBe('QuotaExceed.Snapshot');
  });

  it('refuses a disk in arrears and retention outside 1 to 65536 days', async () => {
    const cloud = new TestCloud();
    const id = await cloud.usedDisk();
    expect(await cloud.refusal('CreateSnapshot', { DiskId: id, RetentionDays: 0 })).toBe('InvalidRetentionDays.Malformed');
    cloud.model.setLocks(id, ['financial']);
    expect(await cloud.refusal('CreateSnapshot', { DiskId: id })).toBe('DiskInArrears');
  });
});

describe('progress', () => {
  it('of an ESSD is available within seconds, accomplished when uploaded', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newSnapshot(await cloud.usedDisk());
    expect(await cloud.describedSnapshot(id)).toMatchObject({ Status: 'progressing', Progress: '0%', Available: false, SourceDiskSize: '40' });
    await cloud.clock.advance(TIMINGS.snapshotAvailableMs);
    expect(await cloud.describedSnapshot(id)).toMatchObject({ Status: 'progressing', Progress: '5%', Available: true });
    await cloud.clock.advance(94_500);
    expect(await cloud.describedSnapshot(id)).toMatchObject({ Progress: '99%' });
    await cloud.clock.advance(500);
    expect(await cloud.describedSnapshot(id)).toMatchObject({ Status: 'accomplished', Progress: '100%', Available: true });
  });

  it.each(['cloud_ssd', 'cloud_efficiency'])('of %s is available only when it is uploaded', async (DiskCategory) => {
    const cloud = new TestCloud();
    const id = await cloud.newSnapshot(await cloud.usedDisk(['w'], { DiskCategory }));
    await cloud.clock.advance(TIMINGS.snapshotUploadMs - 1);
    expect(await cloud.describedSnapshot(id)).toMatchObject({ Available: false });
    await cloud.clock.advance(1);
    expect(await cloud.describedSnapshot(id)).toMatchObject({ Available: true });
  });

  it('ends after its retention', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newSnapshot(await cloud.usedDisk(), { RetentionDays: 1 });
    await cloud.clock.advance(86_400_000 - 1);
    expect(await cloud.describedSnapshot(id)).toBeDefined();
    await cloud.clock.advance(1);
    expect(await cloud.describedSnapshot(id)).toBeUndefined();
  });
});

describe('DeleteSnapshot', () => {
  it('needs force for one that has made a disk, and ignores one that is not there', async () => {
    const cloud = new TestCloud();
    const SnapshotId = await cloud.newSnapshot(await cloud.usedDisk());
    await cloud.clock.advance(TIMINGS.snapshotAvailableMs);
    const copy = await cloud.newDisk({ SnapshotId });
    expect(await cloud.describedSnapshot(SnapshotId)).toMatchObject({ Usage: 'disk' });
    expect(await cloud.refusal('DeleteSnapshot', { SnapshotId })).toBe('SnapshotCreatedDisk');
    await cloud.call('DeleteSnapshot', { SnapshotId, Force: true });
    expect(await cloud.describedSnapshot(SnapshotId)).toBeUndefined();
    expect(cloud.model.contents(copy)).toHaveLength(1);
    expect(await cloud.call('DeleteSnapshot', { SnapshotId })).toHaveProperty('RequestId');
  });
});

describe('DescribeSnapshots', () => {
  it('filters by disk, kind, status and tag, and pages', async () => {
    const cloud = new TestCloud();
    const id = await cloud.usedDisk();
    const automatic = cloud.model.takeAutomaticSnapshot(id);
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    const manual = await cloud.newSnapshot(id, { Tag: [{ Key: 'k', Value: 'v' }] });
    await cloud.newSnapshot(await cloud.usedDisk());
    const found = async (filter: Record<string, unknown>): Promise<string[]> => {
      const answer = await cloud.call('DescribeSnapshots', { RegionId: 'r', ...filter });
      return (answer['Snapshots'] as { Snapshot: { SnapshotId: string }[] }).Snapshot.map((snapshot) => snapshot.SnapshotId);
    };
    expect(await found({ DiskId: id })).toEqual([manual, automatic]);
    expect(await found({ SnapshotType: 'auto' })).toEqual([automatic]);
    expect(await found({ DiskId: id, Status: 'progressing' })).toEqual([manual]);
    expect(await found({ Tag: [{ Key: 'k', Value: 'v' }] })).toEqual([manual]);
    expect(await found({ Tag: [{ Key: 'k', Value: 'w' }] })).toEqual([]);
    expect(await found({ SnapshotIds: '[]' })).toEqual([]);
  });
});
