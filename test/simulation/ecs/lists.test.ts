// What the Describe calls of the simulated cloud find: filters, pages, tags and how late they show, zones on sale.

import { describe, expect, it } from 'vitest';
import type { EcsParameters } from '../../../src/ports/ecs-call.ts';
import { TestCloud } from './cloud.ts';

interface DiskPage {
  Disks: { Disk: { DiskId: string; Tags: { Tag: { TagKey: string; TagValue: string }[] } }[] };
  NextToken: string;
  TotalCount: number;
}

async function list(cloud: TestCloud, filter: EcsParameters = {}): Promise<DiskPage> {
  return (await cloud.call('DescribeDisks', { RegionId: 'r', ...filter })) as unknown as DiskPage;
}

async function ids(cloud: TestCloud, filter: EcsParameters = {}): Promise<string[]> {
  return (await list(cloud, filter)).Disks.Disk.map((disk) => disk.DiskId);
}

function seed(cloud: TestCloud, count: number, tags: Record<string, string> = {}): string[] {
  return Array.from({ length: count }, (_, index) => cloud.model.addDisk({ zone: 'a', id: `d-${index}`, tags }));
}

describe('DescribeDisks', () => {
  it('finds nothing with an empty array of ids, and everything without one', async () => {
    const cloud = new TestCloud();
    seed(cloud, 3);
    expect(await ids(cloud, { DiskIds: '[]' })).toEqual([]);
    expect(await ids(cloud, { DiskIds: '["d-1","d-x"]' })).toEqual(['d-1']);
    expect(await ids(cloud)).toEqual(['d-2', 'd-1', 'd-0']);
  });

  it('tells a dry run by an error that all is well, and what is wrong as ever', async () => {
    const cloud = new TestCloud();
    for (const action of ['DescribeDisks', 'DescribeSnapshots'] as const) {
      expect(await cloud.refusal(action, { RegionId: 'r', DryRun: true })).toBe('DryRunOperation');
      expect(await cloud.refusal(action, { DryRun: true })).toBe('MissingParameter');
      await expect(cloud.call(action, { RegionId: 'r', DryRun: false })).resolves.toMatchObject({ TotalCount: 0 });
    }
    // No other call that is simulated has one.
    expect(await cloud.refusal('DeleteDisk', { DiskId: 'd-0', DryRun: true })).toMatch(/NotSimulated|NotFound/);
  });

  it('refuses more than 100 ids, and what is no JSON array', async () => {
    const cloud = new TestCloud();
    const many = JSON.stringify(Array.from({ length: 101 }, (_, index) => `d-${index}`));
    expect(await cloud.refusal('DescribeDisks', { RegionId: 'r', DiskIds: many })).toBe('InvalidParameter');
    expect(await cloud.refusal('DescribeDisks', { RegionId: 'r', DiskIds: 'd-1' })).toBe('InvalidParameter');
  });

  it('gives 10 at a time unless asked for more, at most 500, and goes on by token', async () => {
    const cloud = new TestCloud();
    seed(cloud, 620);
    expect((await list(cloud)).Disks.Disk).toHaveLength(10);
    expect((await list(cloud, { MaxResults: 3 })).Disks.Disk).toHaveLength(10);
    const first = await list(cloud, { MaxResults: 5000 });
    expect(first.Disks.Disk).toHaveLength(500);
    const rest = await list(cloud, { MaxResults: 5000, NextToken: first.NextToken });
    expect(rest.Disks.Disk).toHaveLength(120);
    expect(rest.NextToken).toBe('');
    expect(new Set([...first.Disks.Disk, ...rest.Disks.Disk].map((disk) => disk.DiskId)).size).toBe(620);
    expect(await cloud.refusal('DescribeDisks', { RegionId: 'r', NextToken: 'made-up' })).toBe('InvalidParameter');
  });

  it('neither repeats nor skips when disks come and go between two pages', async () => {
    const cloud = new TestCloud();
    seed(cloud, 25);
    const first = await list(cloud);
    cloud.model.addDisk({ zone: 'a', id: 'd-new' });
    await cloud.call('DeleteDisk', { DiskId: first.Disks.Disk[0]?.DiskId });
    const second = await list(cloud, { NextToken: first.NextToken });
    expect(second.Disks.Disk.map((disk) => disk.DiskId)).toEqual(Array.from({ length: 10 }, (_, index) => `d-${14 - index}`));
  });

  it('pages by number too', async () => {
    const cloud = new TestCloud();
    seed(cloud, 5);
    expect(await ids(cloud, { PageNumber: 2, PageSize: 2 })).toEqual(['d-2', 'd-1']);
  });

  it('filters by zone, status, category, instance and source snapshot together', async () => {
    const cloud = new TestCloud();
    const used = await cloud.newDisk();
    await cloud.attach(used);
    cloud.model.addDisk({ zone: 'b', id: 'd-b', category: 'cloud_auto', sourceSnapshotId: 's-1' });
    expect(await ids(cloud, { ZoneId: 'b' })).toEqual(['d-b']);
    expect(await ids(cloud, { Status: 'In_use' })).toEqual([used]);
    expect(await ids(cloud, { Status: 'All', Category: 'all' })).toHaveLength(2);
    expect(await ids(cloud, { Category: 'cloud_auto', SnapshotId: 's-1' })).toEqual(['d-b']);
    expect(await ids(cloud, { InstanceId: 'i-a', ZoneId: 'b' })).toEqual([]);
  });

  it('refuses a filter that is not simulated rather than ignoring it', async () => {
    expect(await new TestCloud().refusal('DescribeDisks', { RegionId: 'r', KMSKeyId: 'k' })).toBe('InvalidParameter.NotSimulated');
  });

  it('fails to filter by tag past 1,000 resources', async () => {
    const cloud = new TestCloud();
    seed(cloud, 1001, { k: 'v' });
    expect(await cloud.refusal('DescribeDisks', { RegionId: 'r', Tag: [{ Key: 'k', Value: 'v' }] })).toBe('InvalidTagFilter.TooManyResources');
  });
});

describe('tags', () => {
  it('show late, in answers and in filters, set or taken off', async () => {
    const cloud = new TestCloud({ timings: { tagVisibilityLagMs: 60_000 } });
    const id = await cloud.newDisk({ Tag: [{ Key: 'k', Value: 'v' }] });
    const byTag = { Tag: [{ Key: 'k', Value: 'v' }] };
    expect(await ids(cloud, byTag)).toEqual([]);
    expect((await list(cloud)).Disks.Disk[0]?.Tags.Tag).toEqual([]);
    await cloud.clock.advance(58_000);
    expect(await ids(cloud, byTag)).toEqual([id]);
    await cloud.call('UntagResources', { RegionId: 'r', ResourceType: 'disk', ResourceId: [id], TagKey: ['k'] });
    expect(await ids(cloud, byTag)).toEqual([id]);
    await cloud.clock.advance(60_000);
    expect(await ids(cloud, byTag)).toEqual([]);
    expect(cloud.model.disk(id)?.tags).toEqual({});
  });

  it('are added to those there are, at most 20, all or none', async () => {
    const cloud = new TestCloud();
    const [one, two] = [await cloud.newDisk({ Tag: Array.from({ length: 19 }, (_, index) => ({ Key: `k${index}`, Value: 'v' })) }), await cloud.newDisk()];
    const tag = (...keys: string[]) => ({ RegionId: 'r', ResourceType: 'disk', ResourceId: [two, one], Tag: keys.map((Key) => ({ Key, Value: 'w' })) });
    expect(await cloud.refusal('TagResources', tag('x', 'y'))).toBe('NumberExceed.Tags');
    expect(cloud.model.disk(two)?.tags).toEqual({});
    await cloud.call('TagResources', tag('k0', 'x'));
    expect(cloud.model.disk(one)?.tags).toMatchObject({ k0: 'w', k1: 'v', x: 'w' });
    expect(await cloud.refusal('TagResources', { ...tag('x'), ResourceId: ['d-x'] })).toBe('InvalidResourceId.NotFound');
  });
});

describe('zones', () => {
  it('tell their categories', async () => {
    const cloud = new TestCloud({ zones: [{ id: 'a', onSale: [{ category: 'cloud_essd' }] }, { id: 'b', onSale: [] }], instances: [] });
    expect(await cloud.call('DescribeZones', { RegionId: 'r' })).toMatchObject({
      Zones: { Zone: [{ ZoneId: 'a', AvailableDiskCategories: { DiskCategories: ['cloud_essd'] } }, { ZoneId: 'b', AvailableResourceCreation: { ResourceTypes: [] } }] },
    });
  });

  it('leave the list out where nothing is on sale', async () => {
    const cloud = new TestCloud();
    const wish = { RegionId: 'r', ZoneId: 'a', ResourceType: 'disk', DestinationResource: 'DataDisk', DataDiskCategory: 'cloud_essd' };
    expect(await cloud.call('DescribeAvailableResource', wish)).toMatchObject({
      AvailableZones: {
        AvailableZone: [{ ZoneId: 'a', AvailableResources: { AvailableResource: [{ Type: 'DataDisk', SupportedResources: { SupportedResource: [{ Value: 'cloud_essd', Status: 'Available', StatusCategory: 'WithStock' }] } }] } }],
      },
    });
    cloud.model.sellOut('a', 'cloud_essd');
    expect(Object.keys(await cloud.call('DescribeAvailableResource', wish))).toEqual(['RequestId']);
  });
});
