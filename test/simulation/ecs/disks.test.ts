// A disk's life in the simulated cloud: created, attached, written, detached, changed, deleted.

import { describe, expect, it } from 'vitest';
import { everythingOnSale } from '../../../src/simulation/ecs/categories.ts';
import { TestCloud, TIMINGS } from './cloud.ts';

const ESSD = { RegionId: 'r', ZoneId: 'a', DiskCategory: 'cloud_essd', Size: 40 };

describe('CreateDisk', () => {
  it('is Creating first and Available when its time has come', async () => {
    const cloud = new TestCloud();
    const id = (await cloud.call('CreateDisk', ESSD))['DiskId'] as string;
    expect((await cloud.described(id))?.['Status']).toBe('Creating');
    await cloud.clock.advance(TIMINGS.createDiskMs);
    expect((await cloud.described(id))?.['Status']).toBe('Available');
  });

  it('falls into every default that a caller leaves open: category cloud, PL1, unencrypted, automatic snapshots deleted', async () => {
    const cloud = new TestCloud();
    const basic = await cloud.call('CreateDisk', { RegionId: 'r', ZoneId: 'a', Size: 40 });
    expect(await cloud.described(basic['DiskId'] as string)).toMatchObject({ Category: 'cloud', Encrypted: false, DeleteAutoSnapshot: true, DiskChargeType: 'PostPaid' });
    const essd = await cloud.call('CreateDisk', ESSD);
    expect(await cloud.described(essd['DiskId'] as string)).toMatchObject({ PerformanceLevel: 'PL1', AttachedTime: '', DetachedTime: '' });
  });

  it('makes a disk from an encrypted snapshot unencrypted unless told otherwise, and takes the snapshot’s key when none is named', async () => {
    const cloud = new TestCloud();
    const source = await cloud.usedDisk(['w'], { Encrypted: true, KMSKeyId: 'key-1' });
    const SnapshotId = await cloud.newSnapshot(source);
    await cloud.clock.advance(TIMINGS.snapshotAvailableMs);
    const plain = await cloud.newDisk({ SnapshotId });
    const encrypted = await cloud.newDisk({ SnapshotId, Encrypted: 'true' });
    expect(await cloud.described(plain)).toMatchObject({ Encrypted: false, KMSKeyId: '' });
    expect(await cloud.described(encrypted)).toMatchObject({ Encrypted: true, KMSKeyId: 'key-1' });
  });

  it.each([
    ['cloud_essd', 'PL0', 1],
    ['cloud_essd', 'PL1', 20],
    ['cloud_essd', 'PL2', 461],
    ['cloud_essd', 'PL3', 1261],
    ['cloud_auto', undefined, 1],
    ['cloud_essd_entry', undefined, 10],
    ['cloud_ssd', undefined, 20],
    ['cloud_efficiency', undefined, 20],
    ['cloud_regional_disk_auto', undefined, 10],
  ])('takes %s %s from %i GiB on', async (DiskCategory, PerformanceLevel, minimum) => {
    const cloud = new TestCloud();
    const wish = { RegionId: 'r', ZoneId: 'a', DiskCategory, PerformanceLevel };
    expect(await cloud.call('CreateDisk', { ...wish, Size: minimum })).toHaveProperty('DiskId');
    expect(await cloud.refusal('CreateDisk', { ...wish, Size: minimum - 1 })).toBe(minimum === 1 ? 'MissingParameter' : 'InvalidDiskSize.NotSupported');
  });

  it('makes a disk as large as its snapshot when a smaller one is asked for', async () => {
    const cloud = new TestCloud();
    const SnapshotId = await cloud.newSnapshot(await cloud.usedDisk(['w'], { Size: 60 }));
    await cloud.clock.advance(TIMINGS.snapshotAvailableMs);
    expect((await cloud.described(await cloud.newDisk({ SnapshotId, Size: 40 })))?.['Size']).toBe(60);
  });

  it.each([
    ['no region', { ...ESSD, RegionId: undefined }, 'MissingParameter'],
    ['another region', { ...ESSD, RegionId: 'q' }, 'InvalidRegionId.NotFound'],
    ['no zone', { ...ESSD, ZoneId: undefined }, 'MissingParameter'],
    ['an unknown zone', { ...ESSD, ZoneId: 'z' }, 'InvalidZoneId.NotFound'],
    ['an unknown category', { ...ESSD, DiskCategory: 'cloud_dream' }, 'InvalidDataDiskCategory.ValueNotSupported'],
    ['an unknown level', { ...ESSD, PerformanceLevel: 'PL9' }, 'InvalidPerformanceLevel.ValueNotSupported'],
    ['a level where there are none', { ...ESSD, DiskCategory: 'cloud_auto', PerformanceLevel: 'PL1' }, 'InvalidPerformanceLevel.ValueNotSupported'],
    ['bursting where there is none', { ...ESSD, BurstingEnabled: true }, 'InvalidParameter'],
    ['more IOPS than there are', { ...ESSD, DiskCategory: 'cloud_auto', ProvisionedIops: 50_001 }, 'InvalidProvisionedIops.LimitExceed'],
    ['no size', { ...ESSD, Size: undefined }, 'MissingParameter'],
    ['an unknown snapshot', { ...ESSD, SnapshotId: 's-no' }, 'InvalidSnapshotId.NotFound'],
    ['a token of 65 characters', { ...ESSD, ClientToken: 'x'.repeat(65) }, 'InvalidClientToken.ValueNotSupported'],
    ['a token that is not ASCII', { ...ESSD, ClientToken: 'tökén' }, 'InvalidClientToken.ValueNotSupported'],
    ['21 tags', { ...ESSD, Tag: Array.from({ length: 21 }, (_, index) => ({ Key: `k${index}`, Value: '' })) }, 'NumberExceed.Tags'],
    ['one tag twice', { ...ESSD, Tag: [{ Key: 'k' }, { Key: 'k' }] }, 'Duplicate.TagKey'],
    ['a reserved tag', { ...ESSD, Tag: [{ Key: 'acs:rm:rgId', Value: 'x' }] }, 'InvalidTagKey.Malformed'],
    ['a wrong name', { ...ESSD, DiskName: '1st' }, 'InvalidDiskName.Malformed'],
    ['a description of one character', { ...ESSD, Description: 'x' }, 'InvalidDescription.Malformed'],
    ['a parameter that is not simulated', { ...ESSD, StorageSetId: 'ss' }, 'InvalidParameter.NotSimulated'],
  ])('refuses %s', async (_what, wish, code) => {
    const cloud = new TestCloud();
    expect(await cloud.refusal('CreateDisk', wish)).toBe(code);
    expect(cloud.model.disks()).toEqual([]);
  });

  it('refuses where the category, the level or everything is sold out, and sells again when the zone does', async () => {
    const cloud = new TestCloud();
    cloud.model.setOnSale('a', [{ category: 'cloud_essd', performanceLevels: ['PL1'] }]);
    expect(await cloud.refusal('CreateDisk', { ...ESSD, DiskCategory: 'cloud_auto' })).toBe('InvalidDataDiskCategory.NotSupported');
    expect(await cloud.refusal('CreateDisk', { ...ESSD, PerformanceLevel: 'PL0' })).toBe('InvalidPerformanceLevel.ValueNotSupported');
    cloud.model.sellOut('a');
    expect(await cloud.refusal('CreateDisk', ESSD)).toBe('Zone.NotOnSale');
    cloud.model.setOnSale('a', everythingOnSale());
    expect(await cloud.call('CreateDisk', ESSD)).toHaveProperty('DiskId');
  });

  it('refuses a snapshot that is not usable yet', async () => {
    const cloud = new TestCloud();
    const SnapshotId = await cloud.newSnapshot(await cloud.usedDisk());
    expect(await cloud.refusal('CreateDisk', { ...ESSD, SnapshotId })).toBe('InvalidSnapshotId.NotReady');
  });

  it('gives a regional disk no zone, and attaches it in any', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newDisk({ DiskCategory: 'cloud_regional_disk_auto', ZoneId: undefined });
    await cloud.attach(id, 'i-c');
    expect(await cloud.described(id)).toMatchObject({ ZoneId: '', Status: 'In_use', InstanceId: 'i-c' });
  });

  it('refuses more disks than the account may have', async () => {
    const cloud = new TestCloud({ quotas: { disks: 1 } });
    await cloud.newDisk();
    expect(await cloud.refusal('CreateDisk', ESSD)).toBe('QuotaExceed.DiskCapacity');
  });
});

describe('attaching', () => {
  it('goes through Attaching to In_use and back through Detaching, with times to the second', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newDisk();
    await cloud.clock.advance(345);
    await cloud.call('AttachDisk', { DiskId: id, InstanceId: 'i-a' });
    expect(await cloud.described(id)).toMatchObject({ Status: 'Attaching', AttachedTime: '' });
    await cloud.clock.advance(TIMINGS.attachMs);
    expect(await cloud.described(id)).toMatchObject({
      Status: 'In_use',
      InstanceId: 'i-a',
      AttachedTime: '2026-11-20T10:00:05Z',
      DetachedTime: '',
      Attachments: { Attachment: [{ InstanceId: 'i-a', Device: '/dev/xvdb', AttachedTime: '2026-11-20T10:00:05Z' }] },
    });
    await cloud.call('DetachDisk', { DiskId: id, InstanceId: 'i-a' });
    expect(await cloud.described(id)).toMatchObject({ Status: 'Detaching', DetachedTime: '' });
    await cloud.clock.advance(TIMINGS.detachMs);
    expect(await cloud.described(id)).toMatchObject({ Status: 'Available', InstanceId: '', AttachedTime: '2026-11-20T10:00:05Z', DetachedTime: '2026-11-20T10:00:09Z', Attachments: { Attachment: [] } });
  });

  it('refuses another zone, an unknown instance, a second instance, a disk being created', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newDisk();
    expect(await cloud.refusal('AttachDisk', { DiskId: id, InstanceId: 'i-b' })).toBe('ResourcesNotInSameZone');
    expect(await cloud.refusal('AttachDisk', { DiskId: id, InstanceId: 'i-x' })).toBe('InvalidInstanceId.NotFound');
    expect(await cloud.refusal('AttachDisk', { DiskId: 'd-x', InstanceId: 'i-a' })).toBe('InvalidDiskId.NotFound');
    cloud.model.addInstance({ id: 'i-a2', zone: 'a' });
    await cloud.attach(id);
    expect(await cloud.refusal('AttachDisk', { DiskId: id, InstanceId: 'i-a2' })).toBe('IncorrectDiskStatus');
    const young = (await cloud.call('CreateDisk', ESSD))['DiskId'];
    expect(await cloud.refusal('AttachDisk', { DiskId: young, InstanceId: 'i-a' })).toBe('IncorrectDiskStatus');
  });

  it('attaches a multi-attach disk to several instances', async () => {
    const cloud = new TestCloud();
    cloud.model.addInstance({ id: 'i-a2', zone: 'a' });
    const id = await cloud.newDisk({ MultiAttach: 'Enabled' });
    await cloud.attach(id);
    await cloud.attach(id, 'i-a2');
    expect(await cloud.described(id)).toMatchObject({ Status: 'In_use', InstanceId: '', MultiAttach: 'Enabled', Attachments: { Attachment: [{ InstanceId: 'i-a' }, { InstanceId: 'i-a2' }] } });
  });

  it('refuses to detach what is not attached there', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newDisk();
    expect(await cloud.refusal('DetachDisk', { DiskId: id, InstanceId: 'i-a' })).toBe('IncorrectDiskStatus');
    await cloud.attach(id);
    expect(await cloud.refusal('DetachDisk', { DiskId: id, InstanceId: 'i-b' })).toBe('DependencyViolation');
  });

  it('refuses one disk too many on an instance', async () => {
    const cloud = new TestCloud({ quotas: { disksPerInstance: 1 } });
    await cloud.attach(await cloud.newDisk());
    expect(await cloud.refusal('AttachDisk', { DiskId: await cloud.newDisk(), InstanceId: 'i-a' })).toBe('InstanceDiskLimitExceeded');
  });

  it('refuses everything under a security lock', async () => {
    const cloud = new TestCloud();
    const id = await cloud.usedDisk();
    cloud.model.setLocks(id, ['security']);
    for (const action of ['AttachDisk', 'DetachDisk', 'DeleteDisk', 'CreateSnapshot'] as const) {
      const InstanceId = action.endsWith('tachDisk') ? 'i-a' : undefined;
      expect(await cloud.refusal(action, { DiskId: id, InstanceId })).toBe('InstanceLockedForSecurity');
    }
    expect(await cloud.described(id)).toMatchObject({ OperationLocks: { OperationLock: [{ LockReason: 'security' }] } });
  });

  it('detaches the disks of an instance that is gone', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newDisk();
    await cloud.attach(id);
    cloud.model.removeInstance('i-a');
    expect(await cloud.described(id)).toMatchObject({ Status: 'Available', DetachedTime: '2026-11-20T10:00:05Z' });
  });
});

describe('contents', () => {
  it('takes writes only from the instance that the disk is attached to', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newDisk();
    expect(() => cloud.model.guestWrite('i-a', id, 'web-0')).toThrow(/cannot write to disk .*Available/);
    await cloud.call('AttachDisk', { DiskId: id, InstanceId: 'i-a' });
    expect(() => cloud.model.guestWrite('i-a', id, 'web-0')).toThrow(/Attaching/);
    await cloud.clock.advance(TIMINGS.attachMs);
    expect(() => cloud.model.guestWrite('i-b', id, 'web-0')).toThrow(/not on this instance/);
    cloud.model.guestWrite('i-a', id, 'web-0', 'hello');
    cloud.model.guestWrite('i-a', id, 'web-0');
    await cloud.call('DetachDisk', { DiskId: id, InstanceId: 'i-a' });
    expect(() => cloud.model.guestWrite('i-a', id, 'web-0')).toThrow(/Detaching/);
    expect(cloud.model.contents(id)).toEqual([
      { writer: 'web-0', sequence: 1, at: cloud.clock.now(), text: 'hello' },
      { writer: 'web-0', sequence: 2, at: cloud.clock.now() },
    ]);
  });

  it('stay readable after the disk is deleted, and nowhere else', async () => {
    const cloud = new TestCloud();
    const id = await cloud.usedDisk(['web-0', 'web-0']);
    await cloud.call('DeleteDisk', { DiskId: id });
    expect(await cloud.described(id)).toBeUndefined();
    expect(cloud.model.disk(id)).toMatchObject({ status: 'Deleted' });
    expect(cloud.model.contents(id)).toHaveLength(2);
    expect(() => cloud.model.contents('d-never')).toThrow('There never was a disk d-never');
  });
});

describe('DeleteDisk', () => {
  it('wants the disk Available, and ignores one that is not there', async () => {
    const cloud = new TestCloud();
    const young = (await cloud.call('CreateDisk', ESSD))['DiskId'];
    expect(await cloud.refusal('DeleteDisk', { DiskId: young })).toBe('IncorrectDiskStatus.Initializing');
    const id = await cloud.newDisk();
    await cloud.attach(id);
    expect(await cloud.refusal('DeleteDisk', { DiskId: id })).toBe('IncorrectDiskStatus');
    expect(await cloud.call('DeleteDisk', { DiskId: 'd-x' })).toHaveProperty('RequestId');
  });

  it('keeps manual snapshots, and automatic ones only when told to', async () => {
    const cloud = new TestCloud();
    for (const keep of [false, true]) {
      const id = await cloud.usedDisk();
      const automatic = cloud.model.takeAutomaticSnapshot(id);
      await cloud.clock.advance(TIMINGS.snapshotUploadMs);
      const manual = await cloud.newSnapshot(id);
      await cloud.clock.advance(TIMINGS.snapshotUploadMs);
      if (keep) await cloud.call('ModifyDiskAttribute', { DiskId: id, DeleteAutoSnapshot: false });
      await cloud.call('DeleteDisk', { DiskId: id });
      expect(cloud.model.snapshot(manual)?.status).toBe('accomplished');
      expect(cloud.model.snapshot(automatic)?.status).toBe(keep ? 'accomplished' : 'deleted');
    }
  });

  it('waits for a snapshot in progress, and refuses a subscription disk', async () => {
    const cloud = new TestCloud();
    const id = await cloud.usedDisk();
    await cloud.newSnapshot(id);
    expect(await cloud.refusal('DeleteDisk', { DiskId: id })).toBe('DiskCreatingSnapshot');
    const prepaid = cloud.model.addDisk({ zone: 'a', chargeType: 'PrePaid', portable: false });
    expect(await cloud.refusal('DeleteDisk', { DiskId: prepaid })).toBe('DiskNotPortable');
    expect(await cloud.described(prepaid)).toMatchObject({ DiskChargeType: 'PrePaid', Portable: false });
  });
});

describe('changing a disk', () => {
  it('grows it, never shrinks it, and not during a snapshot', async () => {
    const cloud = new TestCloud();
    const id = await cloud.usedDisk();
    await cloud.call('ResizeDisk', { DiskId: id, NewSize: 50, Type: 'online' });
    expect((await cloud.described(id))?.['Size']).toBe(50);
    expect(await cloud.refusal('ResizeDisk', { DiskId: id, NewSize: 50 })).toBe('InvalidDiskSize.TooSmall');
    await cloud.newSnapshot(id);
    expect(await cloud.refusal('ResizeDisk', { DiskId: id, NewSize: 60 })).toBe('IncorrectDiskStatus.CreatingSnapshot');
  });

  it('adds backup policies, the first of which shows', async () => {
    const cloud = new TestCloud({ backupPolicies: ['sp-daily', 'sp-weekly'] });
    const id = await cloud.newDisk();
    for (const policy of ['sp-daily', 'sp-weekly', 'sp-daily']) {
      await cloud.call('ApplyAutoSnapshotPolicy', { regionId: 'r', autoSnapshotPolicyId: policy, diskIds: JSON.stringify([id]) });
    }
    expect(cloud.model.disk(id)?.backupPolicyIds).toEqual(['sp-daily', 'sp-weekly']);
    expect((await cloud.described(id))?.['AutoSnapshotPolicyId']).toBe('sp-daily');
    expect(await cloud.refusal('ApplyAutoSnapshotPolicy', { regionId: 'r', autoSnapshotPolicyId: 'sp-x', diskIds: JSON.stringify([id]) })).toBe('InvalidAutoSnapshotPolicyId.NotFound');
  });
});
