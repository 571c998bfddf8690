// What is checked and written down before a move begins, and what a record is that cannot be trusted.

import { describe, expect, it } from 'vitest';
import { FINALIZER, MIGRATION_LABEL } from '../../src/kubernetes/names.ts';
import { claims, volumes } from '../../src/kubernetes/objects.ts';
import { begin } from '../../src/migration/begin.ts';
import { ordinalMigrations, phaseOf } from '../../src/migration/record.ts';
import { retire } from '../../src/migration/retirement.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { atRest, expectWhole } from './expectations.ts';
import { readyStage } from './stage.ts';

const REF = { namespace: NAMESPACE, name: 'web-0-first' };

describe('a record', () => {
  it('that is deleted before it began never begins, and does not stay', async () => {
    const stage = await readyStage();
    await stage.plan();
    await stage.api.mergePatch(ordinalMigrations, REF, { metadata: { finalizers: [FINALIZER] } });
    await stage.api.delete(ordinalMigrations, REF);
    expect(await begin(stage.ports, stage.record(), stage.terms)).toBe('ended');
    expect(stage.record().status).toMatchObject({ phase: 'Failed', reason: 'Aborted' });
    await retire(stage.ports, REF);
    expect(stage.api.read(ordinalMigrations, REF)).toBeUndefined();
    expect(stage.pod()?.spec.nodeName).toBe('node-a');
  });

  it.each(['a volume', 'a disk', 'a snapshot'])('without a status, whose mark is on %s, came back from a backup: it freezes, and is neither resumed nor aborted', async (what) => {
    const stage = await readyStage();
    const record = await stage.plan();
    const uid = record.metadata.uid ?? '';
    const tags = { [MIGRATION_LABEL]: uid, 'zonespread.io/cluster': 'uid-kube-system' };
    const mark: Record<string, () => unknown> = {
      'a volume': () => stage.api.change(volumes, { name: 'disk-data-web-0' }, (pv) => (pv.metadata.labels = { [MIGRATION_LABEL]: uid })),
      'a disk': () => stage.ecs.addDisk({ zone: 'b', category: 'cloud_essd', performanceLevel: 'PL1', sizeGiB: 20, tags }),
      'a snapshot': () => stage.ecs.call('CreateSnapshot', { DiskId: stage.diskOf('data-web-0'), SnapshotName: 'found', Tag: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }),
    };
    await mark[what]?.();
    await stage.run('web-0-first', atRest);
    for (const request of ['resume', 'abort']) {
      await stage.request(request);
      await stage.visitAs(1);
      expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'RecordRestored' });
    }
    expect(stage.pod()?.spec.nodeName).toBe('node-a');
  });

  it.each([
    ['that was planned is given up when it cannot begin within the step-timeout', { planDigest: 'sha256:1' }, 'Failed'],
    ['made by hand waits for as long as it takes', {}, 'Pending'],
  ])('%s', async (_what, spec, phase) => {
    const stage = await readyStage();
    await stage.plan(spec);
    stage.api.remove(claims, { namespace: NAMESPACE, name: 'data-web-0' });
    expect(await begin(stage.ports, stage.record(), stage.terms)).toBe('waiting');
    await stage.clock.advance(stage.ports.stepTimeoutMs + 2_000);
    await begin(stage.ports, stage.record(), stage.terms);
    expect(stage.record().status).toMatchObject({ phase, reason: 'ClaimMissing' });
  });

  it('of a newer format is frozen, not guessed at', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('detach', () => {
      stage.api.change(ordinalMigrations, REF, (record) => (record.status = { ...record.status, formatVersion: 99 }));
    });
    await stage.run('web-0-first', atRest);
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'UnknownFormat', step: 'detach' });
  });

  it('with a step that this version does not know is frozen', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('detach', () => {
      stage.api.change(ordinalMigrations, REF, (record) => (record.status = { ...record.status, step: 'teleport' }));
    });
    await stage.run('web-0-first', atRest);
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'UnknownStep' });
    await stage.request('abort');
    await stage.visitAs(1);
    expect(phaseOf(stage.record())).toBe('Frozen');
  });
});

describe('the reclaim policy that a volume gets in the end', () => {
  it('is the one that it had before an earlier move that was let go of held it back', async () => {
    const stage = await readyStage({ terms: { readyTimeoutMs: 5_000 } });
    stage.neverReadyIn.add('b');
    await stage.plan();
    await stage.run('web-0-first', atRest);
    await stage.request('release');
    await stage.run();
    stage.neverReadyIn.clear();
    await stage.plan({ targetZone: 'c' }, 'web-0-second');
    expect((await stage.run('web-0-second')).status?.phase).toBe('Succeeded');
    expect(stage.api.readAll(volumes).find((pv) => pv.spec.csi?.volumeHandle === stage.diskOf('data-web-0'))?.spec.persistentVolumeReclaimPolicy).toBe('Delete');
  });
});

describe('a volume that grew', () => {
  it('after the new disk was made: no smaller disk is taken for it, and the move is undone', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('createVolume', () => {
      stage.api.change(volumes, { name: 'disk-data-web-0' }, (pv) => (pv.spec.capacity = { storage: '40Gi' }));
    });
    await stage.run('web-0-first', atRest);
    expect(stage.record().status).toMatchObject({ phase: 'RolledBack', reason: 'VolumeTooSmall' });
    await expectWhole(stage);
  });
});
