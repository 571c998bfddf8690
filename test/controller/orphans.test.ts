import { describe, expect, it } from 'vitest';
import { sweepOrphans } from '../../src/controller/orphans.ts';
import { volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { volume } from '../builders/kubernetes.ts';
import { refusal } from '../fakes/api.ts';
import { claimRecord, record } from './records.ts';
import { Scene } from './scene.ts';

const CLUSTER = 'uid-kube-system';
const tags = (changes: Record<string, string> = {}) => ({ 'zonespread.io/cluster': CLUSTER, 'zonespread.io/migration': 'uid-vanished', 'zonespread.io/role': 'target', ...changes });

function sweep(scene: Scene): Promise<number | undefined> {
  return sweepOrphans({ api: scene.api, disks: scene.disks, clock: scene.clock, log: scene.log, clusterUID: CLUSTER });
}

describe('what no record knows', () => {
  it('is deleted when it is a target of this cluster that was never attached and whose record has gone', async () => {
    const scene = new Scene();
    const id = scene.ecs.addDisk({ zone: 'a', tags: tags() });
    expect(await sweep(scene)).toBe(1);
    expect(scene.ecs.disk(id)?.status).toBe('Deleted');
  });

  it.each<[string, Parameters<Scene['ecs']['addDisk']>[0]]>([
    ['was attached once', { zone: 'a', tags: tags(), attachedAt: 1 }],
    ['is a source', { zone: 'a', tags: tags({ 'zonespread.io/role': 'source' }) }],
    ['names no migration', { zone: 'a', tags: { 'zonespread.io/cluster': CLUSTER, 'zonespread.io/role': 'target' } }],
  ])('is reported and left alone when it %s', async (_what, seed) => {
    const scene = new Scene();
    const id = scene.ecs.addDisk(seed);
    expect(await sweep(scene)).toBe(1);
    expect(scene.ecs.disk(id)?.status).toBe('Available');
    expect(scene.log.messages('warn').join()).toContain(id);
  });

  it('is none of ours when it is of another cluster, or of nobody', async () => {
    const scene = new Scene();
    const others = [scene.ecs.addDisk({ zone: 'a', tags: tags({ 'zonespread.io/cluster': 'other' }) }), scene.ecs.addDisk({ zone: 'a', tags: { 'zonespread.io/role': 'target' } })];
    expect(await sweep(scene)).toBe(0);
    expect(others.map((id) => scene.ecs.disk(id)?.status)).toEqual(['Available', 'Available']);
  });

  it.each<[string, OrdinalMigrationStatus]>([
    ['is under way, and may be about to learn its id', { phase: 'Running' }],
    ['is in the hands of a person', { phase: 'Failed', reason: 'Released' }],
  ])('waits while its record %s', async (_what, status) => {
    const scene = new Scene();
    const id = scene.ecs.addDisk({ zone: 'a', tags: tags({ 'zonespread.io/migration': 'uid-here' }) });
    scene.api.put(ordinalMigrations, record({ ...status, metadata: { uid: 'uid-here' } }));
    expect(await sweep(scene)).toBe(1);
    expect(scene.ecs.disk(id)?.status).toBe('Available');
  });

  it.each<[string, OrdinalMigrationStatus]>([
    ['moved', { phase: 'Succeeded' }],
    ['was undone', { phase: 'RolledBack', reason: 'ZoneUnavailable' }],
  ])('goes when its record has ended without it: the move %s, and the cloud made two of one', async (_what, status) => {
    const scene = new Scene();
    const id = scene.ecs.addDisk({ zone: 'a', tags: tags({ 'zonespread.io/migration': 'uid-here' }) });
    scene.api.put(ordinalMigrations, record({ ...status, claims: [claimRecord({ target: { diskId: 'd-another' } })], metadata: { uid: 'uid-here' } }));
    expect(await sweep(scene)).toBe(1);
    expect(scene.ecs.disk(id)?.status).toBe('Deleted');
  });

  it('is no orphan when a record names it, or a volume has it', async () => {
    const scene = new Scene();
    const named = scene.ecs.addDisk({ zone: 'a', tags: tags() });
    const bound = scene.ecs.addDisk({ zone: 'a', tags: tags() });
    scene.api.put(ordinalMigrations, record({ phase: 'Running', claims: [claimRecord({ target: { diskId: named } })] }));
    scene.api.put(volumes, volume({ diskId: bound }));
    expect(await sweep(scene)).toBe(0);
    expect([named, bound].map((id) => scene.ecs.disk(id)?.status)).toEqual(['Available', 'Available']);
  });

  it('shows the volumes that outlived their namespace, and leaves them', async () => {
    const scene = new Scene();
    const kept = volume({ claim: 'data-web-0' });
    kept.metadata.labels = { 'zonespread.io/migration': 'uid-vanished', 'zonespread.io/role': 'source' };
    kept.status = { phase: 'Released' };
    scene.api.put(volumes, kept);
    scene.api.put(volumes, { ...volume({ claim: 'data-web-1' }), status: { phase: 'Bound' } });
    expect(await sweep(scene)).toBe(1);
    expect(scene.api.writes).toEqual([]);
    expect(scene.log.messages('warn')).toEqual(['PV disk-data-web-0 with disk d-data-web-0 is kept for a migration whose record is gone: look at it and delete both if they are not needed']);
  });

  it('is nothing that can be told when records of other namespaces may not be read: another daemon may know them', async () => {
    const scene = new Scene();
    const id = scene.ecs.addDisk({ zone: 'a', tags: tags() });
    scene.api.on('list', ordinalMigrations, (call) => Promise.reject(refusal(call, { status: 403, reason: 'Forbidden', message: 'no' })));
    expect(await sweep(scene)).toBeUndefined();
    expect(scene.ecs.disk(id)?.status).toBe('Available');
  });
});
