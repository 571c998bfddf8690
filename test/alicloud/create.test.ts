// Creating snapshots and disks: what is sent, and what every kind of answer, or none, leads to.

import { describe, expect, it } from 'vitest';
import { createAlicloudDisks } from '../../src/alicloud/disks.ts';
import type { EcsParameters } from '../../src/ports/ecs-call.ts';
import type { FaultInput } from '../../src/simulation/ecs/faults.ts';
import { TIMINGS } from '../simulation/ecs/cloud.ts';
import { Adapter, OURS } from './adapter.ts';

const HOUR = 3_600_000;

describe('what CreateDisk sends', () => {
  it.each([
    ['a PL0 ESSD', { performanceLevel: 'PL0' }],
    ['a PL2 ESSD', { performanceLevel: 'PL2', sizeGiB: 500 }],
    ['an encrypted one', { encrypted: true, kmsKeyId: 'key-1', resourceGroupId: 'rg-1' }],
    ['an AutoPL one', { category: 'cloud_auto', performanceLevel: undefined, burstingEnabled: true, provisionedIops: 1000 }],
    ['a standard SSD', { category: 'cloud_ssd', performanceLevel: undefined }],
  ])('makes %s that is just like its source', async (_what, changes) => {
    const cloud = new Adapter();
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const intent = await cloud.readyIntent(given);
    if ('performanceLevel' in changes && changes.performanceLevel === undefined) delete intent.params.performanceLevel;
    const outcome = await cloud.disks.createDisk(intent);
    expect(outcome).toMatchObject({ kind: 'created', adopted: false });
    const made = await cloud.disks.disk(outcome.kind === 'created' ? outcome.id : '');
    const { snapshotId, name: _name, description: _description, ...attributes } = intent.params;
    expect(made).toMatchObject(attributes);
    expect(cloud.model.disk(made?.id ?? '')).toMatchObject({ sourceSnapshotId: snapshotId, name: intent.params.name });
  });

  it('is the same whatever order the record keeps its tags in', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    await cloud.disks.createDisk(intent);
    const reordered = { ...intent, params: { ...intent.params, tags: Object.fromEntries(Object.entries(intent.params.tags).toReversed()) } };
    expect(await cloud.disks.createDisk(reordered)).toMatchObject({ kind: 'created', adopted: false });
    expect(cloud.ours()).toHaveLength(1);
  });

  it('leaves no parameter to the API’s defaults', async () => {
    const sent: EcsParameters[] = [];
    const clock = new Adapter().clock;
    const disks = createAlicloudDisks({ call: { call: async (_action, parameters) => (sent.push(parameters), { DiskId: 'd-1' }) }, clock, region: 'r' });
    const { intent } = await new Adapter().readyIntent().then((ready) => ({ intent: { ...ready, requestedAt: new Date(clock.now()).toISOString() } }));
    await disks.createDisk(intent);
    expect(sent).toEqual([
      {
        RegionId: 'r',
        ZoneId: 'b',
        SnapshotId: intent.params.snapshotId,
        DiskCategory: 'cloud_essd',
        PerformanceLevel: 'PL1',
        Size: 40,
        Encrypted: false,
        DiskName: intent.params.name,
        Description: intent.params.description,
        Tag: Object.keys(intent.params.tags).toSorted().map((Key) => ({ Key, Value: intent.params.tags[Key] })),
        ClientToken: 'token-1',
      },
    ]);
  });
});

describe('an answer that never came', () => {
  const faults: FaultInput[] = [
    { kind: 'lost', how: 'timeout' },
    { kind: 'lost', how: 'reset' },
    { kind: 'broken' },
    { kind: 'serverError' },
    { kind: 'serverError', status: 503, code: 'ServiceUnavailable' },
  ];

  it.each(faults)('%o after the effect: pending, and the same token finds the same disk', async (fault) => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ ...fault, action: 'CreateDisk' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'pending', retryAfterMs: 2000, message: expect.stringContaining('same token') });
    const [made] = cloud.ours();
    expect(await cloud.disks.createDisk(intent)).toEqual({ kind: 'created', id: made, adopted: false });
    expect(cloud.ours()).toEqual([made]);
  });

  it.each(faults)('%o without an effect: pending, then made', async (fault) => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ ...fault, action: 'CreateDisk', effect: false } as FaultInput);
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'pending' });
    expect(cloud.ours()).toEqual([]);
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'created', adopted: false });
    expect(cloud.ours()).toHaveLength(1);
  });

  it('holds for snapshots just the same', async () => {
    const cloud = new Adapter();
    const diskId = await cloud.usedDisk();
    const intent = cloud.intent(cloud.snapshotParams(diskId));
    cloud.model.faults.add({ kind: 'lost', how: 'timeout', action: 'CreateSnapshot' });
    expect(await cloud.disks.createSnapshot(intent)).toMatchObject({ kind: 'pending' });
    const [made] = cloud.model.snapshots();
    expect(await cloud.disks.createSnapshot(intent)).toEqual({ kind: 'created', id: made?.id, adopted: false });
    expect(cloud.model.snapshots()).toHaveLength(1);
  });

  it('and a second call while the first is still at work: pending', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'delay', ms: 5_000, action: 'CreateDisk' });
    const first = cloud.disks.createDisk(intent);
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'pending', message: expect.stringContaining('LastTokenProcessing') });
    expect(await cloud.clock.settle(first)).toMatchObject({ kind: 'created' });
  });
});

describe('a token that the cloud no longer knows', () => {
  it('that would have made a second disk: the two are left to a person', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'lost', how: 'timeout', action: 'CreateDisk' });
    await cloud.disks.createDisk(intent);
    cloud.model.faults.add({ kind: 'forgetToken' });
    const outcome = await cloud.disks.createDisk(intent);
    expect(outcome).toMatchObject({ kind: 'ambiguous' });
    for (const id of cloud.ours()) expect(outcome).toMatchObject({ message: expect.stringContaining(id) });
    expect(cloud.ours()).toHaveLength(2);
  });

  it('that would have made a second disk, the first one known but not written down: the two are left to a person', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'created' });
    cloud.model.faults.add({ kind: 'forgetToken' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'ambiguous', message: expect.stringContaining('2 disks') });
  });

  it('older than an hour: the one disk with our tags is adopted, nothing is created', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'lost', how: 'timeout', action: 'CreateDisk' });
    await cloud.disks.createDisk(intent);
    await cloud.clock.advance(HOUR);
    expect(await cloud.disks.createDisk(intent)).toEqual({ kind: 'created', id: cloud.ours()[0], adopted: true });
  });

  it('older than an hour and nothing to be seen: waits out the tags’ lag, then leaves it to a person', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    await cloud.clock.advance(HOUR);
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'pending', retryAfterMs: 15_000 });
    await cloud.clock.advance(10 * 60_000);
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'ambiguous', message: expect.stringContaining('nobody knows') });
    expect(cloud.ours()).toEqual([]);
  });

  it('whose tags show late: adopted when they do', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    await cloud.clock.advance(HOUR - 1_000);
    cloud.model.faults.add({ kind: 'tagLag', ms: 9 * 60_000 });
    cloud.model.faults.add({ kind: 'lost', how: 'timeout', action: 'CreateDisk' });
    expect(await cloud.createDiskUntilItEnds(intent)).toEqual({ kind: 'created', id: cloud.ours()[0], adopted: true });
  });

  it('older than an hour, for a snapshot: adopted when it is of that disk, left to a person when not', async () => {
    const cloud = new Adapter();
    const [diskId, other] = [await cloud.usedDisk(), await cloud.usedDisk()];
    const intent = cloud.intent(cloud.snapshotParams(diskId));
    const made = await cloud.disks.createSnapshot(intent);
    await cloud.clock.advance(HOUR);
    expect(await cloud.disks.createSnapshot(intent)).toEqual({ ...made, adopted: true });
    expect(await cloud.disks.createSnapshot({ ...intent, params: cloud.snapshotParams(other) })).toMatchObject({ kind: 'ambiguous', message: expect.stringContaining(diskId) });
  });
});

describe('a token that stands for something else', () => {
  it('with one disk of ours that is what we want: adopted', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    const made = await cloud.disks.createDisk(intent);
    cloud.model.faults.add({ kind: 'error', code: 'IdempotentParameterMismatch', status: 400, action: 'CreateDisk' });
    expect(await cloud.disks.createDisk(intent)).toEqual({ ...made, adopted: true });
  });

  it.each([
    ['zone', { zone: 'c' }],
    ['size', { sizeGiB: 41 }],
    ['level', { performanceLevel: 'PL0' }],
    ['category', { category: 'cloud_auto' }],
    ['encryption', { encrypted: true }],
    ['resource group', { resourceGroupId: 'rg-2' }],
    ['name', { name: 'other' }],
    ['a tag', { tags: { ...OURS, 'k8s.aliyun.com': 'false' } }],
  ])('with one that differs in %s: left to a person', async (_what, changes) => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    await cloud.disks.createDisk(intent);
    const outcome = await cloud.disks.createDisk({ ...intent, params: { ...intent.params, ...changes } });
    expect(outcome).toMatchObject({ kind: 'ambiguous', message: expect.stringContaining('not what was asked for') });
    expect(cloud.ours()).toHaveLength(1);
  });

  it('with two: left to a person', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    await cloud.disks.createDisk(intent);
    await cloud.disks.createDisk({ ...intent, token: 'token-2' });
    cloud.model.faults.add({ kind: 'error', code: 'IdempotentParameterMismatch', status: 400, action: 'CreateDisk' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'ambiguous', message: expect.stringContaining('2 disks') });
  });

  it('never takes what another cluster, claim or attempt made', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    for (const key of ['zonespread.io/cluster', 'zonespread.io/claim', 'zonespread.io/attempt']) {
      await cloud.disks.createDisk({ ...intent, token: key, params: { ...intent.params, tags: { ...intent.params.tags, [key]: 'other' } } });
    }
    cloud.model.faults.add({ kind: 'error', code: 'IdempotentParameterMismatch', status: 400, action: 'CreateDisk' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'pending' });
  });
});

describe('a refusal', () => {
  it('because the zone sells none', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'soldOut' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'refused', reason: 'ZoneUnavailable', message: expect.stringContaining('Zone.NotOnSale') });
  });

  it('because of a quota', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'quota', action: 'CreateDisk' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'refused', reason: 'QuotaExceeded', certain: true });
  });

  it('because the snapshot is gone, or a parameter is wrong', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    expect(await cloud.disks.createDisk({ ...intent, params: { ...intent.params, snapshotId: 's-x' } })).toMatchObject({ kind: 'refused', reason: 'Refused' });
    expect(await cloud.disks.createDisk({ ...intent, params: { ...intent.params, name: '1' } })).toMatchObject({ kind: 'refused', reason: 'Refused' });
  });

  it('because the disk was never attached, or the account does not pay', async () => {
    const cloud = new Adapter();
    expect(await cloud.disks.createSnapshot(cloud.intent(cloud.snapshotParams(await cloud.newDisk())))).toMatchObject({ kind: 'refused', reason: 'SnapshotImpossible' });
    const arrears = await cloud.usedDisk();
    cloud.model.setLocks(arrears, ['financial']);
    expect(await cloud.disks.createSnapshot(cloud.intent(cloud.snapshotParams(arrears)))).toMatchObject({ kind: 'refused', reason: 'SnapshotImpossible' });
    expect(await cloud.disks.createSnapshot(cloud.intent(cloud.snapshotParams('d-x')))).toMatchObject({ kind: 'refused', reason: 'Refused' });
  });

  it('is not certain when an earlier call of the same intent may have made the disk, which does not show yet', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'listLag', action: 'CreateDisk', ms: 60_000 });
    cloud.model.faults.add({ kind: 'lost', how: 'timeout', action: 'CreateDisk' });
    await cloud.disks.createDisk(intent);
    cloud.model.faults.add({ kind: 'quota', action: 'CreateDisk' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'refused', reason: 'QuotaExceeded', certain: false });
  });

  it('is not believed when an earlier call of the same intent has made the disk', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'lost', how: 'timeout', action: 'CreateDisk' });
    await cloud.disks.createDisk(intent);
    cloud.model.faults.add({ kind: 'error', code: 'Zone.NotOnSale', action: 'CreateDisk' });
    expect(await cloud.disks.createDisk(intent)).toEqual({ kind: 'created', id: cloud.ours()[0], adopted: true });
  });
});

describe('what passes by itself', () => {
  it('a snapshot that is not usable yet', async () => {
    const cloud = new Adapter();
    const snapshotId = await cloud.newSnapshot(await cloud.usedDisk());
    const intent = cloud.intent(cloud.diskParams(snapshotId));
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'pending', message: expect.stringContaining('InvalidSnapshotId.NotReady') });
    await cloud.clock.advance(TIMINGS.snapshotAvailableMs);
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'created' });
  });

  it('another snapshot of the disk in progress, the concurrency of the account, a disk being detached', async () => {
    const cloud = new Adapter({ quotas: { snapshotsInProgress: 1 } });
    const diskId = await cloud.newDisk();
    await cloud.attach(diskId);
    await cloud.call('DetachDisk', { DiskId: diskId, InstanceId: 'i-a' });
    const intent = cloud.intent(cloud.snapshotParams(diskId));
    expect(await cloud.disks.createSnapshot(intent)).toMatchObject({ kind: 'pending', message: expect.stringContaining('Detaching') });
    await cloud.clock.advance(TIMINGS.detachMs);
    const other = await cloud.usedDisk();
    cloud.model.takeAutomaticSnapshot(other);
    expect(await cloud.disks.createSnapshot(intent)).toMatchObject({ kind: 'pending', message: expect.stringContaining('ConcurrentSnapshotQuota') });
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    cloud.model.takeAutomaticSnapshot(diskId);
    expect(await cloud.disks.createSnapshot(intent)).toMatchObject({ kind: 'pending', message: expect.stringContaining('CreatingSnapshot') });
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    expect(await cloud.disks.createSnapshot(intent)).toMatchObject({ kind: 'created' });
  });

  it('throttling, for as long as the cloud says', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'throttled', retryAfterMs: 4321 });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'pending', retryAfterMs: 4321 });
  });

  it('trouble while looking by tag', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'soldOut' });
    cloud.model.faults.add({ kind: 'lost', how: 'reset', action: 'DescribeDisks' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'pending' });
    expect(await cloud.disks.createDisk(intent)).toMatchObject({ kind: 'refused', reason: 'ZoneUnavailable' });
  });

  it('but looking that is forbidden does not', async () => {
    const cloud = new Adapter();
    const intent = await cloud.readyIntent();
    cloud.model.faults.add({ kind: 'error', code: 'Forbidden.RAM', times: 0 });
    await expect(cloud.disks.createDisk(intent)).rejects.toMatchObject({ name: 'DiskError', code: 'Forbidden.RAM', retriable: false });
  });
});
