// Disks and snapshots of Alibaba Cloud in our words: reading, tagging, deleting, asking what is on sale.

import { describe, expect, it } from 'vitest';
import { createAlicloudDisks } from '../../src/alicloud/disks.ts';
import { DiskError } from '../../src/ports/disks.ts';
import { TIMINGS } from '../simulation/ecs/cloud.ts';
import { Adapter, OURS } from './adapter.ts';

describe('reading a disk', () => {
  it('tells everything that a successor must have', async () => {
    const cloud = new Adapter();
    const id = cloud.model.addDisk({
      zone: 'a',
      category: 'cloud_auto',
      sizeGiB: 100,
      encrypted: true,
      kmsKeyId: 'key-1',
      resourceGroupId: 'rg-1',
      burstingEnabled: true,
      provisionedIops: 2000,
      backupPolicyIds: ['sp-daily'],
      locks: ['financial'],
      tags: { app: 'web', 'acs:rm:rgId': 'rg-1' },
    });
    expect(await cloud.disks.disk(id)).toEqual({
      id,
      zone: 'a',
      regional: false,
      category: 'cloud_auto',
      sizeGiB: 100,
      encrypted: true,
      kmsKeyId: 'key-1',
      resourceGroupId: 'rg-1',
      burstingEnabled: true,
      provisionedIops: 2000,
      status: 'Available',
      attachedTo: [],
      tags: { app: 'web' },
      prepaid: false,
      portable: true,
      locks: ['financial'],
      multiAttach: false,
      autoSnapshotPolicyId: 'sp-daily',
      deleteAutoSnapshots: true,
    });
  });

  it('leaves out what only other categories have', async () => {
    const cloud = new Adapter();
    const essd = await cloud.disks.disk(await cloud.newDisk({ PerformanceLevel: 'PL0' }));
    expect(essd).toMatchObject({ performanceLevel: 'PL0' });
    expect(Object.keys(essd ?? {})).not.toContain('burstingEnabled');
    const regional = await cloud.disks.disk(cloud.model.addDisk({ zone: 'a', category: 'cloud_regional_disk_auto' }));
    expect(regional).toMatchObject({ regional: true, zone: '' });
  });

  it('tells where it is attached, and when it was', async () => {
    const cloud = new Adapter();
    const id = await cloud.newDisk();
    expect(await cloud.disks.disk(id)).not.toHaveProperty('attachedAt');
    await cloud.attach(id);
    expect(await cloud.disks.disk(id)).toMatchObject({ status: 'InUse', attachedTo: ['i-a'], attachedAt: '2026-11-20T10:00:05Z' });
    await cloud.detach(id);
    expect(await cloud.disks.disk(id)).toMatchObject({ status: 'Available', attachedTo: [], attachedAt: '2026-11-20T10:00:05Z', detachedAt: '2026-11-20T10:00:09Z' });
  });

  it('tells of a shared and of a prepaid disk', async () => {
    const cloud = new Adapter();
    cloud.model.addInstance({ id: 'i-a2', zone: 'a' });
    const shared = await cloud.newDisk({ MultiAttach: 'Enabled' });
    await cloud.attach(shared);
    await cloud.attach(shared, 'i-a2');
    expect(await cloud.disks.disk(shared)).toMatchObject({ multiAttach: true, attachedTo: ['i-a', 'i-a2'] });
    expect(await cloud.disks.disk(cloud.model.addDisk({ zone: 'a', chargeType: 'PrePaid', portable: false }))).toMatchObject({ prepaid: true, portable: false });
  });

  it('knows no disk that the cloud does not show', async () => {
    const cloud = new Adapter();
    expect(await cloud.disks.disk('d-x')).toBeUndefined();
    cloud.model.faults.add({ kind: 'listLag', ms: 60_000 });
    expect(await cloud.disks.disk(await cloud.newDisk())).toBeUndefined();
  });

  it('reads any number by id, 100 at a time, and asks nothing for none', async () => {
    const cloud = new Adapter();
    const ids = Array.from({ length: 250 }, (_, index) => cloud.model.addDisk({ zone: 'a', id: `d-${index}` }));
    const found = await cloud.disks.disks([...ids, 'd-0', 'd-x']);
    expect([...found.keys()].sort()).toEqual(ids.toSorted());
    const calls = () => cloud.model.history().filter((entry) => entry.subject === 'call').length;
    expect(calls()).toBe(3);
    expect(await cloud.disks.disks([])).toEqual(new Map());
    expect(calls()).toBe(3);
  });
});

describe('reading snapshots', () => {
  it('tells available and accomplished apart', async () => {
    const cloud = new Adapter();
    const diskId = await cloud.usedDisk();
    const id = await cloud.newSnapshot(diskId, { Tag: [{ Key: 'k', Value: 'v' }] });
    expect(await cloud.disks.snapshot(id)).toEqual({ id, sourceDiskId: diskId, sizeGiB: 40, available: false, accomplished: false, failed: false, progress: 0, tags: { k: 'v' }, createdAt: '2026-11-20T10:00:09Z' });
    await cloud.clock.advance(TIMINGS.snapshotAvailableMs);
    expect(await cloud.disks.snapshot(id)).toMatchObject({ available: true, accomplished: false, progress: 5 });
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    expect(await cloud.disks.snapshot(id)).toMatchObject({ available: true, accomplished: true, progress: 100 });
  });

  it('tells of one that failed', async () => {
    const cloud = new Adapter();
    cloud.model.faults.add({ kind: 'snapshotFails', atProgress: 10 });
    const id = await cloud.newSnapshot(await cloud.usedDisk());
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    expect(await cloud.disks.snapshot(id)).toMatchObject({ failed: true, available: false, accomplished: false });
    expect(await cloud.disks.snapshot('s-x')).toBeUndefined();
  });

  it('lists all of a disk, automatic ones in progress too, over several pages', async () => {
    const cloud = new Adapter({ timings: { snapshotUploadMs: 0 } });
    const diskId = await cloud.usedDisk();
    for (let count = 0; count < 120; count += 1) await cloud.newSnapshot(diskId);
    cloud.model.takeAutomaticSnapshot(diskId);
    expect(await cloud.disks.snapshotsOf(diskId)).toHaveLength(121);
  });
});

describe('by tag', () => {
  it('finds what carries every one of them', async () => {
    const cloud = new Adapter();
    const diskId = await cloud.usedDisk();
    const snapshotId = await cloud.newSnapshot(diskId);
    await cloud.disks.tag({ kind: 'disk', id: diskId }, OURS);
    await cloud.disks.tag({ kind: 'snapshot', id: snapshotId }, { ...OURS, more: '1' });
    const found = await cloud.disks.tagged({ 'zonespread.io/migration': 'uid-1', 'zonespread.io/cluster': 'cluster-1' });
    expect([found.disks.map((disk) => disk.id), found.snapshots.map((snapshot) => snapshot.id)]).toEqual([[diskId], [snapshotId]]);
    await cloud.disks.untag({ kind: 'disk', id: diskId }, Object.keys(OURS));
    expect((await cloud.disks.tagged(OURS)).disks).toEqual([]);
    expect((await cloud.disks.tagged({ more: '1' })).snapshots).toHaveLength(1);
  });

  it('never lists the whole account', async () => {
    await expect(new Adapter().disks.tagged({})).rejects.toThrow('at least one tag');
  });

  it('says which resource has no room for more tags', async () => {
    const cloud = new Adapter();
    const id = await cloud.newDisk();
    await cloud.disks.tag({ kind: 'disk', id }, Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, 'v'])));
    await expect(cloud.disks.tag({ kind: 'disk', id }, { one: 'more' })).rejects.toMatchObject({ name: 'DiskError', code: 'NumberExceed.Tags', retriable: false, message: expect.stringContaining(id) });
  });
});

describe('deleting a disk', () => {
  it('saves its automatic snapshots, and succeeds when it is gone already', async () => {
    const cloud = new Adapter();
    const id = await cloud.usedDisk();
    const automatic = cloud.model.takeAutomaticSnapshot(id);
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    await cloud.disks.deleteDisk(id);
    expect(cloud.model.disk(id)?.status).toBe('Deleted');
    expect(cloud.model.snapshot(automatic)?.status).toBe('accomplished');
    await cloud.disks.deleteDisk(id);
  });

  it('never deletes when it could not save the automatic snapshots first', async () => {
    const cloud = new Adapter();
    const id = await cloud.usedDisk();
    cloud.model.faults.add({ kind: 'error', code: 'Throttling', action: 'ModifyDiskAttribute' });
    await expect(cloud.disks.deleteDisk(id)).rejects.toMatchObject({ code: 'Throttling', retriable: true });
    expect(cloud.model.disk(id)?.status).toBe('Available');
  });

  it('says that waiting helps while it is in use or being snapshotted, and that it does not for a prepaid one', async () => {
    const cloud = new Adapter();
    const used = await cloud.newDisk();
    await cloud.attach(used);
    await expect(cloud.disks.deleteDisk(used)).rejects.toMatchObject({ code: 'IncorrectDiskStatus', retriable: true });
    await cloud.newSnapshot(used);
    await cloud.detach(used);
    await expect(cloud.disks.deleteDisk(used)).rejects.toMatchObject({ code: 'DiskCreatingSnapshot', retriable: true });
    await expect(cloud.disks.deleteDisk(cloud.model.addDisk({ zone: 'a', chargeType: 'PrePaid' }))).rejects.toMatchObject({ retriable: false });
  });

  it('can be repeated when its answer was lost', async () => {
    const cloud = new Adapter();
    const id = await cloud.usedDisk();
    cloud.model.faults.add({ kind: 'lost', how: 'reset', action: 'DeleteDisk' });
    await expect(cloud.disks.deleteDisk(id)).rejects.toMatchObject({ code: 'ECONNRESET', retriable: true });
    await cloud.disks.deleteDisk(id);
    expect(cloud.model.disk(id)?.status).toBe('Deleted');
  });
});

describe('deleting a snapshot', () => {
  async function withCopy(tags: Record<string, string> = OURS) {
    const cloud = new Adapter();
    const snapshotId = await cloud.newSnapshot(await cloud.usedDisk(), { Tag: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) });
    await cloud.clock.advance(TIMINGS.snapshotAvailableMs);
    return { cloud, snapshotId, copy: await cloud.newDisk({ SnapshotId: snapshotId }) };
  }

  it('needs no force when nothing was made from it, and succeeds when it is gone', async () => {
    const cloud = new Adapter();
    const id = await cloud.newSnapshot(await cloud.usedDisk());
    await cloud.disks.deleteSnapshot(id);
    await cloud.disks.deleteSnapshot(id);
    expect(cloud.model.snapshot(id)?.status).toBe('deleted');
    expect(cloud.model.history().some((entry) => JSON.stringify(entry.details).includes('Force'))).toBe(false);
  });

  it('forces our own once it is uploaded', async () => {
    const { cloud, snapshotId } = await withCopy();
    await expect(cloud.disks.deleteSnapshot(snapshotId)).rejects.toMatchObject({ code: 'SnapshotCreatedDisk', retriable: true, message: expect.stringContaining('not uploaded yet') });
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    await cloud.disks.deleteSnapshot(snapshotId);
    expect(cloud.model.snapshot(snapshotId)?.status).toBe('deleted');
  });

  it('forces our own at once when the disks that were made from it are gone', async () => {
    const { cloud, snapshotId, copy } = await withCopy();
    await cloud.disks.deleteDisk(copy);
    await cloud.disks.deleteSnapshot(snapshotId);
    expect(cloud.model.snapshot(snapshotId)?.status).toBe('deleted');
  });

  it('never forces somebody else’s', async () => {
    const { cloud, snapshotId } = await withCopy({ app: 'web' });
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    await expect(cloud.disks.deleteSnapshot(snapshotId)).rejects.toThrow('not ours');
    expect(cloud.model.snapshot(snapshotId)?.status).toBe('accomplished');
  });
});

describe('the rest of the port', () => {
  it('gives a disk the backup policy of another, twice without harm', async () => {
    const cloud = new Adapter();
    const id = await cloud.newDisk();
    await cloud.disks.applyBackupPolicy(id, 'sp-daily');
    await cloud.disks.applyBackupPolicy(id, 'sp-daily');
    expect(await cloud.disks.disk(id)).toMatchObject({ autoSnapshotPolicyId: 'sp-daily' });
    await expect(cloud.disks.applyBackupPolicy(id, 'sp-x')).rejects.toMatchObject({ retriable: false });
  });

  it('says what is on sale, and why not', async () => {
    const cloud = new Adapter();
    expect(await cloud.disks.onSale('a', { category: 'cloud_essd' })).toEqual({ onSale: true, message: '' });
    cloud.model.sellOut('a', 'cloud_essd');
    expect(await cloud.disks.onSale('a', { category: 'cloud_essd' })).toEqual({ onSale: false, message: 'zone a does not sell cloud_essd disks' });
    expect(await cloud.disks.onSale('z', { category: 'cloud_essd' })).toMatchObject({ onSale: false, message: expect.stringContaining('zone z') });
  });

  it.each([['Available', 'WithStock', true], ['Available', 'ClosedWithStock', true], ['Available', 'WithoutStock', false], ['SoldOut', 'WithoutStock', false], ['SoldOut', '', false]])(
    'takes %s %s for on sale: %s',
    async (Status, StatusCategory, onSale) => {
      const SupportedResource = [{ Value: 'cloud_essd', Status, StatusCategory }];
      const answer = { AvailableZones: { AvailableZone: [{ ZoneId: 'a', AvailableResources: { AvailableResource: [{ SupportedResources: { SupportedResource } }] } }] } };
      const disks = createAlicloudDisks({ call: { call: async () => answer }, clock: new Adapter().clock, region: 'r' });
      expect((await disks.onSale('a', { category: 'cloud_essd' })).onSale).toBe(onSale);
    },
  );

  it('knows which snapshots are instant', () => {
    const { disks } = new Adapter();
    const categories = ['cloud_essd', 'cloud_auto', 'cloud_essd_entry', 'cloud_regional_disk_auto', 'cloud_ssd', 'cloud_efficiency', 'cloud'];
    expect(categories.filter((category) => disks.instantSnapshots({ category }))).toEqual(categories.slice(0, 4));
    expect(disks.maxTags).toBe(20);
  });

  it.each([
    ['an unknown status', { Disks: { Disk: [{ DiskId: 'd-1', Category: 'cloud_essd', Size: 20, Status: 'Melting' }] } }, 'UnknownStatus'],
    ['another shape', { Disks: 'none' }, 'UnreadableAnswer'],
  ])('does not guess at an answer with %s', async (_what, answer, code) => {
    const disks = createAlicloudDisks({ call: { call: async () => answer }, clock: new Adapter().clock, region: 'r' });
    const error = await disks.disk('d-1').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DiskError);
    expect(error).toMatchObject({ code });
  });

  it('hands on how long to wait', async () => {
    const cloud = new Adapter();
    cloud.model.faults.add({ kind: 'throttled', retryAfterMs: 1234 });
    await expect(cloud.disks.disk('d-1')).rejects.toMatchObject({ name: 'DiskError', code: 'Throttling.User', retriable: true, retryAfterMs: 1234, message: expect.stringContaining('d-1') });
  });
});
