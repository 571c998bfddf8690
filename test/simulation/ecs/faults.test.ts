// Faults of the simulated cloud, and the client tokens that survive them.

import { describe, expect, it } from 'vitest';
import { TestCloud, TIMINGS } from './cloud.ts';

const CREATE = { RegionId: 'r', ZoneId: 'a', DiskCategory: 'cloud_essd', Size: 40, ClientToken: 'token-1' };

describe('client tokens', () => {
  it('give the first answer again for the same parameters, typed or as strings', async () => {
    const cloud = new TestCloud();
    const first = await cloud.call('CreateDisk', CREATE);
    const again = await cloud.call('CreateDisk', { ...CREATE, Size: '40', Encrypted: undefined });
    expect(again['DiskId']).toBe(first['DiskId']);
    expect(cloud.model.disks()).toHaveLength(1);
  });

  it('refuse other parameters, the order of tags included', async () => {
    const cloud = new TestCloud();
    const tags = [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }];
    await cloud.call('CreateDisk', { ...CREATE, Tag: tags });
    expect(await cloud.refusal('CreateDisk', { ...CREATE, Tag: tags, ZoneId: 'b' })).toBe('IdempotentParameterMismatch');
    expect(await cloud.refusal('CreateDisk', { ...CREATE, Tag: tags.toReversed() })).toBe('IdempotentParameterMismatch');
  });

  it('are each action’s own, and count even when the disk is gone or the zone sold out', async () => {
    const cloud = new TestCloud();
    const first = await cloud.call('CreateDisk', CREATE);
    await cloud.clock.advance(TIMINGS.createDiskMs);
    await cloud.call('DeleteDisk', { DiskId: first['DiskId'] });
    cloud.model.sellOut('a');
    expect((await cloud.call('CreateDisk', CREATE))['DiskId']).toBe(first['DiskId']);
    cloud.model.setOnSale('a', [{ category: 'cloud_essd' }]);
    const used = await cloud.usedDisk();
    expect(await cloud.call('CreateSnapshot', { DiskId: used, ClientToken: 'token-1' })).toHaveProperty('SnapshotId');
  });

  it('are in process while the first call is at work', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'delay', ms: 5_000, action: 'CreateDisk' });
    const first = cloud.call('CreateDisk', CREATE);
    expect(await cloud.refusal('CreateDisk', CREATE)).toBe('LastTokenProcessing');
    const { DiskId } = await cloud.clock.settle(first);
    expect((await cloud.call('CreateDisk', CREATE))['DiskId']).toBe(DiskId);
  });

  it('end with their lifetime, or when the cloud forgets them', async () => {
    const cloud = new TestCloud({ timings: { tokenLifetimeMs: 3_600_000 } });
    const first = await cloud.call('CreateDisk', CREATE);
    cloud.model.faults.add({ kind: 'forgetToken' });
    const second = await cloud.call('CreateDisk', CREATE);
    expect(second['DiskId']).not.toBe(first['DiskId']);
    expect((await cloud.call('CreateDisk', CREATE))['DiskId']).toBe(second['DiskId']);
    await cloud.clock.advance(3_600_000);
    await cloud.call('CreateDisk', CREATE);
    expect(cloud.model.disks()).toHaveLength(3);
  });
});

describe('faults', () => {
  it('before the effect: nothing happened, the error is the SDK’s', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'error', code: 'InternalError', status: 500 });
    await expect(cloud.call('CreateDisk', CREATE)).rejects.toMatchObject({ name: 'ServerError', code: 'InternalError', statusCode: 500, requestId: expect.stringMatching(/^[0-9A-F-]{36}$/) });
    cloud.model.faults.add({ kind: 'throttled', retryAfterMs: 700 });
    await expect(cloud.call('CreateDisk', CREATE)).rejects.toMatchObject({ name: 'ThrottlingError', code: 'Throttling.User', retryAfter: 700 });
    cloud.model.faults.add({ kind: 'quota' });
    await expect(cloud.call('CreateDisk', CREATE)).rejects.toMatchObject({ name: 'ClientError', code: 'QuotaExceed.DiskCapacity', statusCode: 403 });
    expect(cloud.model.disks()).toEqual([]);
    expect(await cloud.call('CreateDisk', CREATE)).toHaveProperty('DiskId');
  });

  it.each([
    [{ kind: 'lost', how: 'timeout' } as const, 'RequestTimeoutError'],
    [{ kind: 'lost', how: 'reset' } as const, 'ECONNRESET'],
    [{ kind: 'broken' } as const, 'SyntaxError'],
    [{ kind: 'serverError', status: 503, code: 'ServiceUnavailable' } as const, 'ServiceUnavailable'],
  ])('after the effect: %o leaves the disk there, and the token finds it', async (fault, code) => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ ...fault, action: 'CreateDisk' });
    expect(await cloud.refusal('CreateDisk', CREATE)).toBe(code);
    const [disk] = cloud.model.disks();
    expect((await cloud.call('CreateDisk', CREATE))['DiskId']).toBe(disk?.id);
    cloud.model.faults.add({ ...fault, effect: false });
    expect(await cloud.refusal('CreateDisk', { ...CREATE, ClientToken: 'token-2' })).toBe(code);
    expect(cloud.model.disks()).toHaveLength(1);
  });

  it('hit the calls they are meant for: action, parameters, how often, after how many', async () => {
    const cloud = new TestCloud();
    const id = cloud.model.faults.add({ kind: 'error', code: 'X', action: 'DescribeDisks', match: { DiskIds: 'd-1' }, times: 2, skip: 1 });
    const about = (diskId: string) => ({ RegionId: 'r', DiskIds: JSON.stringify([diskId]) });
    await cloud.call('DescribeDisks', about('d-2'));
    await cloud.call('DescribeDisks', about('d-1'));
    await cloud.call('DescribeDisks', about('d-11'));
    expect(await cloud.refusal('DescribeDisks', about('d-1'))).toBe('X');
    await cloud.call('DescribeSnapshots', { RegionId: 'r' });
    expect(await cloud.refusal('DescribeDisks', about('d-1'))).toBe('X');
    await cloud.call('DescribeDisks', about('d-1'));
    expect(cloud.model.faults.list()).toMatchObject([{ id, hits: 2, active: false }]);
  });

  it('match a tag among others', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'quota', match: { Tag: [{ Key: 'claim', Value: 'data' }] } });
    await cloud.call('CreateDisk', { ...CREATE, Tag: [{ Key: 'claim', Value: 'logs' }] });
    expect(await cloud.refusal('CreateDisk', { ...CREATE, Tag: [{ Key: 'x', Value: '' }, { Key: 'claim', Value: 'data' }] })).toBe('QuotaExceed.DiskCapacity');
  });

  it('last until they are taken away when times is 0, and come by chance', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'error', code: 'X', times: 0, probability: 0.5 });
    const codes: string[] = [];
    for (let call = 0; call < 100; call += 1) codes.push(await cloud.call('DescribeZones', { RegionId: 'r' }).then(() => 'OK', () => 'X'));
    const hits = codes.filter((code) => code === 'X').length;
    expect(hits).toBeGreaterThan(30);
    expect(hits).toBeLessThan(70);
    cloud.model.faults.clear();
    expect(await cloud.call('DescribeZones', { RegionId: 'r' })).toHaveProperty('Zones');
  });

  it('delay an answer after its effect', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'delay', ms: 5_000, when: 'after' });
    const answer = cloud.call('CreateDisk', CREATE);
    await cloud.clock.advance(0);
    expect(cloud.model.disks()).toHaveLength(1);
    await cloud.clock.settle(answer);
    expect(cloud.clock.now()).toBe(Date.parse('2026-11-20T10:00:05Z'));
  });

  it('let a disk show late though it exists', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'listLag', ms: 30_000 });
    const id = await cloud.newDisk();
    expect(await cloud.described(id)).toBeUndefined();
    await cloud.clock.advance(28_000);
    expect(await cloud.described(id)).toBeDefined();
  });

  it('hold a disk in Creating, Attaching and Detaching until it is let go', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'stuck', action: 'CreateDisk' });
    const id = await cloud.newDisk();
    for (const [status, action] of [['Creating', 'AttachDisk'], ['Attaching', 'DetachDisk'], ['Detaching', undefined]] as const) {
      await cloud.clock.advance(3_600_000);
      expect((await cloud.described(id))?.['Status']).toBe(status);
      cloud.model.unstick(id);
      await cloud.clock.advance(10_000);
      if (action === undefined) continue;
      cloud.model.faults.add({ kind: 'stuck', action });
      await cloud.call(action, { DiskId: id, InstanceId: 'i-a' });
    }
    expect((await cloud.described(id))?.['Status']).toBe('Available');
  });

  it('leave nothing stuck by a call that was sent before everything was let go', async () => {
    const cloud = new TestCloud();
    const id = await cloud.newDisk();
    await cloud.clock.advance(10_000);
    cloud.model.faults.add({ kind: 'stuck', action: 'AttachDisk' });
    cloud.model.faults.add({ kind: 'delay', action: 'AttachDisk', ms: 30_000, when: 'before' });
    const attached = cloud.call('AttachDisk', { DiskId: id, InstanceId: 'i-a' });
    await cloud.clock.advance(15_000);
    cloud.model.unstick();
    await cloud.clock.advance(60_000);
    await attached;
    expect((await cloud.described(id))?.['Status']).toBe('In_use');
  });

  it('hold a disk for so long only', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'stuck', forMs: 60_000 });
    const id = await cloud.newDisk();
    expect((await cloud.described(id))?.['Status']).toBe('Creating');
    await cloud.clock.advance(58_000);
    expect((await cloud.described(id))?.['Status']).toBe('Available');
  });

  it('make a snapshot fail, or stop', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'snapshotFails', atProgress: 20 });
    const failing = await cloud.newSnapshot(await cloud.usedDisk());
    await cloud.clock.advance(19_999);
    expect(await cloud.describedSnapshot(failing)).toMatchObject({ Status: 'progressing', Available: true });
    await cloud.clock.advance(1);
    expect(await cloud.describedSnapshot(failing)).toMatchObject({ Status: 'failed', Progress: '20%', Available: false });

    cloud.model.faults.add({ kind: 'snapshotStuck', progress: 40, available: false });
    const stuck = await cloud.newSnapshot(await cloud.usedDisk());
    await cloud.clock.advance(3_600_000);
    expect(await cloud.describedSnapshot(stuck)).toMatchObject({ Status: 'progressing', Progress: '40%', Available: false });
    cloud.model.unstick(stuck);
    await cloud.clock.advance(TIMINGS.snapshotUploadMs);
    expect(await cloud.describedSnapshot(stuck)).toMatchObject({ Status: 'accomplished', Available: true });
  });

  it('sell a zone out in the middle of it', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'soldOut', action: 'CreateDisk', category: 'cloud_essd' });
    expect(await cloud.refusal('CreateDisk', CREATE)).toBe('InvalidDataDiskCategory.NotSupported');
    expect(await cloud.refusal('CreateDisk', CREATE)).toBe('InvalidDataDiskCategory.NotSupported');
    expect(await cloud.call('CreateDisk', { ...CREATE, ZoneId: 'b' })).toHaveProperty('DiskId');
  });

  it('that are none are refused', () => {
    const cloud = new TestCloud();
    expect(() => cloud.model.faults.add({ kind: 'meteorite' } as never)).toThrow(/kind/);
    expect(() => cloud.model.faults.add({ kind: 'delay', ms: 5, extra: 1 } as never)).toThrow(/extra/);
  });
});

describe('the history', () => {
  it('tells calls, what they did in truth and what the caller got to know, and every change of status in its time', async () => {
    const cloud = new TestCloud();
    cloud.model.faults.add({ kind: 'lost', how: 'timeout' });
    await cloud.refusal('CreateDisk', CREATE);
    await cloud.clock.advance(60_000);
    const [disk] = cloud.model.disks();
    const history = cloud.model.history();
    expect(history.map(({ subject, event, at }) => [subject, event, at - Date.parse('2026-11-20T10:00:00Z')])).toEqual([
      ['disk', 'created', 0],
      ['call', 'CreateDisk', 0],
      ['disk', 'Available', 2_000],
    ]);
    expect(history[1]?.details).toMatchObject({ parameters: CREATE, outcome: 'OK', made: disk?.id, told: 'lost' });
  });

  it('is the same for the same seed', async () => {
    const run = async (): Promise<string> => {
      const cloud = new TestCloud();
      await cloud.newSnapshot(await cloud.usedDisk());
      return JSON.stringify(cloud.model.history());
    };
    expect(await run()).toBe(await run());
  });

  it('drops its oldest entries past the limit', async () => {
    const cloud = new TestCloud({ historyLimit: 5 });
    for (let call = 0; call < 20; call += 1) await cloud.call('DescribeZones', { RegionId: 'r' });
    expect(cloud.model.history()).toHaveLength(5);
    expect(cloud.model.history().at(-1)?.sequence).toBe(20);
  });
});
