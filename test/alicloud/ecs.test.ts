// The real SDK against the simulated cloud over HTTP: every action, and every shape of answer that is none.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAlicloudDisks } from '../../src/alicloud/disks.ts';
import { createEcsCall } from '../../src/alicloud/ecs.ts';
import { understood } from '../../src/alicloud/errors.ts';
import { systemClock } from '../../src/ports/clock.ts';
import type { EcsAction, EcsCall, EcsParameters } from '../../src/ports/ecs-call.ts';
import { systemRandom } from '../../src/ports/random.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import type { FaultInput } from '../../src/simulation/ecs/faults.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { DEFAULT_ACCESS_KEY_ID, type EcsServer, startEcsServer } from '../../src/simulation/ecs/server.ts';
import { OURS } from './adapter.ts';

const AT_ONCE = { createDiskMs: 0, attachMs: 0, detachMs: 0, snapshotAvailableMs: 0, snapshotUploadMs: 0 };
const observed: [EcsAction, string][] = [];

let model: EcsModel;
let server: EcsServer;
let ecs: EcsCall;

beforeAll(async () => {
  process.env['ALIBABA_CLOUD_ACCESS_KEY_ID'] = DEFAULT_ACCESS_KEY_ID;
  process.env['ALIBABA_CLOUD_ACCESS_KEY_SECRET'] = 'secret';
  model = new EcsModel({
    clock: systemClock,
    random: systemRandom,
    region: 'r',
    zones: ['a', 'b'].map((id) => ({ id, onSale: everythingOnSale() })),
    instances: [{ id: 'i-a', zone: 'a' }],
    backupPolicies: ['sp-daily'],
    timings: AT_ONCE,
  });
  server = await startEcsServer({ model });
  ecs = connected(server.endpoint);
});

afterAll(() => server.close());

beforeEach(() => {
  observed.length = 0;
});

function connected(endpoint: string): EcsCall {
  return createEcsCall({
    region: 'r',
    endpoint,
    protocol: 'HTTP',
    clock: systemClock,
    connectTimeoutMs: 300,
    readTimeoutMs: 300,
    observe: (action, code) => observed.push([action, code]),
  });
}

async function failure(action: EcsAction, parameters: EcsParameters, call = ecs) {
  try {
    await call.call(action, parameters);
  } catch (error) {
    return { error: error as Error & { statusCode?: number; requestId?: string }, ...understood(error) };
  }
  throw new Error(`${action} was expected to fail, and did not`);
}

describe('every action', () => {
  it('reaches the cloud with its parameters, and its answer comes back as on the wire', async () => {
    const create = { RegionId: 'r', ZoneId: 'a', DiskCategory: 'cloud_auto', Size: 40, Encrypted: true, KMSKeyId: 'key-1', BurstingEnabled: true, ProvisionedIops: 100, Description: 'über & more=?', DiskName: 'web:data', Tag: [{ Key: 'k/1', Value: 'v w' }, { Key: 'empty', Value: '' }], ClientToken: 't-1' };
    const DiskId = (await ecs.call('CreateDisk', create))['DiskId'] as string;
    expect(model.disk(DiskId)).toMatchObject({ zone: 'a', category: 'cloud_auto', sizeGiB: 40, encrypted: true, kmsKeyId: 'key-1', burstingEnabled: true, provisionedIops: 100, description: 'über & more=?', name: 'web:data', tags: { 'k/1': 'v w', empty: '' } });
    expect(await ecs.call('CreateDisk', create)).toMatchObject({ DiskId });

    await ecs.call('AttachDisk', { DiskId, InstanceId: 'i-a' });
    model.guestWrite('i-a', DiskId, 'web-0');
    const { SnapshotId } = await ecs.call('CreateSnapshot', { DiskId, SnapshotName: 'web', Description: 'of web', RetentionDays: 5, Tag: [{ Key: 'k', Value: 'v' }], ClientToken: 't-1' });
    await ecs.call('DetachDisk', { DiskId, InstanceId: 'i-a' });
    await ecs.call('ResizeDisk', { DiskId, NewSize: 50, Type: 'online' });
    await ecs.call('ModifyDiskAttribute', { RegionId: 'r', DiskId, DeleteAutoSnapshot: false });
    await ecs.call('ModifyDiskAttribute', { RegionId: 'r', DiskIds: [DiskId], DiskName: 'renamed' });
    await ecs.call('ApplyAutoSnapshotPolicy', { regionId: 'r', autoSnapshotPolicyId: 'sp-daily', diskIds: JSON.stringify([DiskId]) });
    await ecs.call('TagResources', { RegionId: 'r', ResourceType: 'disk', ResourceId: [DiskId], Tag: [{ Key: 'x', Value: '1' }] });
    await ecs.call('UntagResources', { RegionId: 'r', ResourceType: 'disk', ResourceId: [DiskId], TagKey: ['empty', 'k/1'] });

    expect(await ecs.call('DescribeDisks', { RegionId: 'r', DiskIds: JSON.stringify([DiskId]), MaxResults: 100, Tag: [{ Key: 'x', Value: '1' }] })).toMatchObject({
      RequestId: expect.any(String),
      Disks: { Disk: [{ DiskId, DiskName: 'renamed', Size: 50, DeleteAutoSnapshot: false, AutoSnapshotPolicyId: 'sp-daily', Status: 'Available', Tags: { Tag: [{ TagKey: 'x', TagValue: '1' }] } }] },
    });
    expect(await ecs.call('DescribeSnapshots', { RegionId: 'r', DiskId })).toMatchObject({ Snapshots: { Snapshot: [{ SnapshotId, Status: 'accomplished', Progress: '100%', Available: true, RetentionDays: 5, Tags: { Tag: [{ TagKey: 'k', TagValue: 'v' }] } }] } });
    expect(await ecs.call('DescribeZones', { RegionId: 'r' })).toMatchObject({ Zones: { Zone: [{ ZoneId: 'a' }, { ZoneId: 'b' }] } });
    const wanted = { RegionId: 'r', ZoneId: 'a', ResourceType: 'disk', DestinationResource: 'DataDisk', DataDiskCategory: 'cloud_essd' };
    expect(await ecs.call('DescribeAvailableResource', wanted)).toMatchObject({ AvailableZones: { AvailableZone: [{ ZoneId: 'a' }] } });
    await ecs.call('DeleteDisk', { DiskId });
    await ecs.call('DeleteSnapshot', { SnapshotId, Force: true });
    expect([model.disk(DiskId)?.status, model.snapshot(SnapshotId as string)?.status]).toEqual(['Deleted', 'deleted']);
    expect(new Set(observed.map(([action]) => action)).size).toBe(15);
    expect(observed.every(([, code]) => code === 'OK')).toBe(true);
  });

  it('is refused before it is sent when the SDK knows no such parameter', async () => {
    const calls = model.history().length;
    expect((await failure('DeleteDisk', { DiskId: 'd-1', Forse: true })).message).toContain('has no parameter Forse');
    expect(model.history()).toHaveLength(calls);
  });
});

describe('the adapter through the real SDK', () => {
  it('makes a disk, loses the answer, and finds the very same disk again', async () => {
    const disks = createAlicloudDisks({ call: ecs, clock: systemClock, region: 'r' });
    const source = model.addDisk({ zone: 'a', attachedAt: systemClock.now() });
    const requestedAt = new Date().toISOString();
    const made = await disks.createSnapshot({ token: 's-token', requestedAt, params: { diskId: source, name: 'web', description: 'of web', tags: OURS } });
    const snapshotId = made.kind === 'created' ? made.id : '';
    expect(await disks.snapshot(snapshotId)).toMatchObject({ available: true, accomplished: true, tags: OURS });
    const intent = { token: 'd-token', requestedAt, params: { snapshotId, zone: 'b', category: 'cloud_essd', performanceLevel: 'PL1', sizeGiB: 40, encrypted: false, name: 'web', description: 'of web', tags: OURS } };
    model.faults.add({ kind: 'lost', how: 'timeout', action: 'CreateDisk' });
    expect(await disks.createDisk(intent)).toMatchObject({ kind: 'pending' });
    const outcome = await disks.createDisk(intent);
    expect(outcome).toMatchObject({ kind: 'created' });
    const found = await disks.tagged(OURS);
    expect(found.disks.map((disk) => disk.id)).toEqual([outcome.kind === 'created' ? outcome.id : '']);
    await disks.applyBackupPolicy(found.disks[0]!.id, 'sp-daily');
    await disks.untag({ kind: 'snapshot', id: snapshotId }, Object.keys(OURS));
    expect(await disks.snapshotsOf(source)).toMatchObject([{ id: snapshotId, tags: {} }]);
    expect(await disks.onSale('b', { category: 'cloud_essd' })).toEqual({ onSale: true, message: '' });
    await disks.deleteDisk(found.disks[0]!.id);
    expect(await disks.disk(found.disks[0]!.id)).toBeUndefined();
  });
});

describe('an answer that is an error', () => {
  it.each<[FaultInput, object]>([
    [{ kind: 'error', code: 'Zone.NotOnSale', status: 403 }, { meaning: 'zoneUnavailable', code: 'Zone.NotOnSale' }],
    [{ kind: 'error', code: 'InvalidParameter', status: 400 }, { meaning: 'refused', code: 'InvalidParameter' }],
    [{ kind: 'error', code: 'InternalError', status: 500 }, { meaning: 'unknown', code: 'InternalError' }],
    [{ kind: 'throttled', retryAfterMs: 700 }, { meaning: 'retry', code: 'Throttling.User', retryAfterMs: 700 }],
    [{ kind: 'throttled' }, { meaning: 'retry', code: 'Throttling.User', retryAfterMs: undefined }],
    [{ kind: 'error', code: 'Throttling', status: 403, retryAfterMs: 5 }, { meaning: 'retry', retryAfterMs: 5 }],
    [{ kind: 'serverError', status: 503, code: 'ServiceUnavailable' }, { meaning: 'unknown', code: 'ServiceUnavailable' }],
    [{ kind: 'broken' }, { meaning: 'unknown', code: 'SyntaxError' }],
    [{ kind: 'broken', body: '' }, { meaning: 'unknown', code: 'SyntaxError' }],
    [{ kind: 'broken', status: 502 }, { meaning: 'unknown', code: 'SyntaxError' }],
    [{ kind: 'broken', status: 500, body: '{}' }, { meaning: 'unknown', code: 'Unknown' }],
    [{ kind: 'broken', status: 403, body: '{"Message":"no code"}' }, { meaning: 'unknown', code: 'Unknown' }],
    [{ kind: 'broken', status: 500, body: 'null' }, { meaning: 'unknown', code: 'Unknown' }],
    [{ kind: 'broken', body: 'null' }, { meaning: 'unknown', code: 'Unknown' }],
    [{ kind: 'broken', body: '{"status":"ok"}' }, { meaning: 'unknown', code: 'Unknown' }],
    [{ kind: 'lost', how: 'reset' }, { meaning: 'unknown', code: 'ECONNRESET' }],
    [{ kind: 'lost', how: 'timeout' }, { meaning: 'unknown', code: 'RequestTimeoutError' }],
    [{ kind: 'delay', ms: 600, when: 'after' }, { meaning: 'unknown', code: 'RequestTimeoutError' }],
  ])('%o is understood as what it is', async (fault, understanding) => {
    model.faults.add(fault);
    const failed = await failure('CreateDisk', { RegionId: 'r', ZoneId: 'a', Size: 40 });
    expect(failed).toMatchObject(understanding);
    expect(failed.message).not.toContain('ZoneId=');
    expect(observed.at(-1)).toEqual(['CreateDisk', failed.code]);
  });

  it('is the same error whether it came over the wire or from the model itself', async () => {
    for (const wish of [{ RegionId: 'q' }, { RegionId: 'r', MaxResults: 20, NextToken: 'x' }]) {
      const wire = await failure('DescribeDisks', wish);
      const direct = await failure('DescribeDisks', wish, model);
      expect(wire.error).toMatchObject({ name: direct.error.name, code: direct.code, statusCode: direct.error.statusCode });
      expect(wire.message.replace(/[0-9A-F-]{36}/, '')).toBe(direct.message.replace(/[0-9A-F-]{36}/, ''));
    }
  });

  it('goes on with the next call', async () => {
    model.faults.add({ kind: 'lost', how: 'reset' });
    await failure('DescribeZones', { RegionId: 'r' });
    expect(await ecs.call('DescribeZones', { RegionId: 'r' })).toHaveProperty('Zones');
  });
});

describe('no cloud at all', () => {
  it('is an unknown outcome', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(await failure('DescribeZones', { RegionId: 'r' }, connected(`127.0.0.1:${port}`))).toMatchObject({ meaning: 'unknown', code: 'ECONNREFUSED' });
  });
});

describe('the credentials', () => {
  it('that the cloud does not know are refused', async () => {
    process.env['ALIBABA_CLOUD_ACCESS_KEY_ID'] = 'stranger';
    try {
      expect(await failure('DescribeZones', { RegionId: 'r' }, connected(server.endpoint))).toMatchObject({ meaning: 'refused', code: 'InvalidAccessKeyId.NotFound' });
    } finally {
      process.env['ALIBABA_CLOUD_ACCESS_KEY_ID'] = DEFAULT_ACCESS_KEY_ID;
    }
  });
});
