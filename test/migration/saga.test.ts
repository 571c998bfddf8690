// One ordinal moved, and taken back, on a stage in memory: what must hold at the end of each story.

import { describe, expect, it } from 'vitest';
import { IN_FLIGHT_LABEL, MIGRATION_LABEL, SUPERSEDED_TAG } from '../../src/kubernetes/names.ts';
import { claims, namespaces, volumes } from '../../src/kubernetes/objects.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { readyStage } from './stage.ts';

describe('a move that goes well', () => {
  it('ends with the pod Ready on a disk in the target zone, made like the old one, and every write on it', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    const record = await stage.run();
    expect(record.status).toMatchObject({ phase: 'Succeeded', step: 'settle', progress: 100 });
    const disk = stage.diskOf('data-web-0');
    expect(disk).not.toBe(old);
    expect(stage.ecs.disk(disk)).toMatchObject({ zone: 'b', category: 'cloud_essd', performanceLevel: 'PL1', sizeGiB: 20 });
    expect(stage.ready()).toBe(true);
    expect(stage.ecs.contents(disk).map(({ writer }) => writer)).toEqual(stage.acknowledged.get('data-web-0'));
  });

  it('gives the new volume the policy that the old one had, takes its marks off, and keeps the source', async () => {
    const stage = await readyStage({ reclaimPolicy: 'Delete' });
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    const record = await stage.run();
    const pv = stage.api.read(volumes, { name: stage.diskOf('data-web-0') });
    expect(pv?.spec.persistentVolumeReclaimPolicy).toBe('Delete');
    expect(pv?.metadata.labels?.[MIGRATION_LABEL]).toBeUndefined();
    expect(stage.api.read(claims, { namespace: NAMESPACE, name: 'data-web-0' })?.metadata.labels?.[MIGRATION_LABEL]).toBeUndefined();
    expect(stage.api.read(namespaces, { name: NAMESPACE })?.metadata.labels?.[IN_FLIGHT_LABEL]).toBeUndefined();
    expect(stage.ecs.disk(old)?.status).toBe('Available');
    expect(stage.ecs.disk(old)?.tags[SUPERSEDED_TAG]).toBe(record.status?.claims?.[0]?.target?.diskId);
    expect(stage.api.read(volumes, { name: record.status?.claims?.[0]?.source.pv ?? '' })).toMatchObject({ spec: { persistentVolumeReclaimPolicy: 'Retain' }, status: { phase: 'Released' } });
  });

  it('lets the new disk name its own volume in the tag that the driver made', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    const name = 'kubernetes.io/created-for/pv/name';
    await stage.ecs.call('TagResources', { RegionId: 'cn-test', ResourceType: 'disk', ResourceId: [old], Tag: [{ Key: name, Value: 'the-old-volume' }] });
    await stage.plan();
    await stage.run();
    expect(stage.ecs.disk(stage.diskOf('data-web-0'))?.tags).toEqual({ team: 'db', [name]: stage.diskOf('data-web-0') });
    expect(stage.ecs.disk(old)?.tags[name]).toBe('the-old-volume');
  });

  it('takes its tags off the new disk although the cloud does not show them yet', async () => {
    const stage = await readyStage();
    stage.ecs.faults.add({ kind: 'tagLag', action: 'CreateDisk', ms: 600_000 });
    await stage.plan();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(stage.ecs.disk(stage.diskOf('data-web-0'))?.tags).toEqual({ team: 'db' });
  });

  it('moves all claims of the pod together', async () => {
    const stage = await readyStage({ templates: ['data', 'log'] });
    await stage.plan();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(['data-web-0', 'log-web-0'].map((name) => stage.ecs.disk(stage.diskOf(name))?.zone)).toEqual(['b', 'b']);
  });

  it('is the same when the StatefulSet controller acts between any two writes', async () => {
    const stage = await readyStage({ hostile: true, templates: ['data', 'log'] });
    await stage.plan();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(stage.ready()).toBe(true);
  });
});
