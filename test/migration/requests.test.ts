// What a person may ask of a record in each of its phases, and that a refusal says why.

import { describe, expect, it } from 'vitest';
import { FINALIZER, REQUEST_ANNOTATION } from '../../src/kubernetes/names.ts';
import { phaseOf, type MigrationTerms } from '../../src/migration/record.ts';
import { retire } from '../../src/migration/retirement.ts';
import { reverseName } from '../../src/migration/reverse.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { expectWhole } from './expectations.ts';
import { readyStage, type Stage } from './stage.ts';

/** In flight on a disk that is in use, and not Ready. */
async function frozen(terms: Partial<MigrationTerms> = {}): Promise<Stage> {
  const stage = await readyStage({ terms: { readyTimeoutMs: 5_000, ...terms } });
  stage.neverReadyIn.add('b');
  await stage.plan();
  await stage.run('web-0-first', (record) => phaseOf(record) === 'Frozen');
  expect(stage.record().status?.reason).toBe('NotReady');
  return stage;
}

const said = (stage: Stage): string => stage.notes.map(({ message }) => message).join('\n');

describe('a frozen move whose pod does not get Ready', () => {
  it('is taken back by another move on `reverse`', async () => {
    const stage = await frozen();
    await stage.request('reverse');
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'Reversed' });
    await expectWhole(stage);
  });

  it('ends, and leaves nothing behind, when the move that takes it back is taken back itself', async () => {
    const stage = await frozen();
    await stage.request('reverse');
    await stage.visitAs(1);
    await stage.visitAs(1);
    const back = reverseName(stage.record());
    await stage.run(back, ({ status }) => status?.step === 'ready');
    await stage.request('reverse', back);
    stage.neverReadyIn.clear();
    expect((await stage.run(back)).status).toMatchObject({ phase: 'RolledBack', reason: 'Reversed' });
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'Reversed' });
    await expectWhole(stage);
    await stage.retireAll();
    expect(stage.ecs.disks().filter(({ status }) => status !== 'Deleted').map(({ id }) => id)).toEqual([stage.diskOf('data-web-0')]);
  });

  it('gets its old disk back on `restore-source`', async () => {
    const stage = await frozen();
    await stage.request('restore-source');
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'SourceRestored' });
    await expectWhole(stage);
  });

  it('stays frozen on `restore-source` when somebody deletes the newer disk meanwhile: what it held cannot be kept, and a person decides', async () => {
    const stage = await frozen();
    const newer = stage.diskOf('data-web-0');
    stage.ecs.follow(({ subject, id, event }) => {
      if (subject === 'disk' && id === newer && event === 'Available') void stage.ecs.call('DeleteDisk', { DiskId: newer });
    });
    await stage.request('restore-source');
    const record = await stage.run('web-0-first', ({ status }) => status?.phase === 'Frozen' && status.reason !== 'NotReady');
    expect(record.status).toMatchObject({ reason: 'RescueFailed', step: 'restoreDetach' });
    expect(record.status?.message).toContain(`the newer disk ${newer} is gone at the cloud`);
  });

  it('is let go of on `release`, and nothing is deleted', async () => {
    const stage = await frozen();
    const before = stage.ecs.disks().length;
    await stage.request('release');
    expect((await stage.run()).status).toMatchObject({ phase: 'Failed', reason: 'Released' });
    await stage.retireAll();
    expect(stage.ecs.disks()).toHaveLength(before);
    expect(stage.ecs.snapshots()).toHaveLength(1);
    expect(stage.record().metadata.finalizers ?? []).not.toContain(FINALIZER);
  });

  it('waits for another ready-timeout on `resume`', async () => {
    const stage = await frozen();
    await stage.request('resume');
    await stage.run('web-0-first', (record) => phaseOf(record) === 'Running');
    stage.neverReadyIn.clear();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it('refuses `abort`: what is attached may have been written', async () => {
    const stage = await frozen();
    await stage.request('abort');
    await stage.run('web-0-first', (record) => record.metadata.annotations?.[REQUEST_ANNOTATION] === undefined);
    expect(phaseOf(stage.record())).toBe('Frozen');
    expect(said(stage)).toMatch(/"abort" is not possible: .*reverse or restore-source/);
  });

  it('refuses `resume` and `restore-source` while the move back is under way: two would pull at one ordinal', async () => {
    const stage = await frozen();
    await stage.request('reverse');
    await stage.visitAs(1);
    await stage.visitAs(1);
    expect(stage.record().status?.reason).toBe('Reversing');
    for (const what of ['resume', 'restore-source']) {
      await stage.request(what);
      await stage.visitAs(1);
      expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'Reversing' });
      expect(said(stage)).toContain(`"${what}" is not possible`);
    }
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'Reversed' });
  });

  it('says what is allowed when it is asked for something unknown', async () => {
    const stage = await frozen();
    await stage.request('explode');
    await stage.visitAs(1);
    expect(said(stage)).toContain('"explode" is not possible: allowed are abort, reverse, restore-source, release, resume');
  });
});

describe('a request at another time', () => {
  it.each(['reverse', 'restore-source', 'release', 'resume'])('`%s` before the new disk is in use is refused with a reason', async (what) => {
    const stage = await readyStage();
    await stage.plan();
    await stage.run('web-0-first', (record) => record.status?.step === 'createDisk');
    await stage.request(what);
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(said(stage)).toContain(`"${what}" is not possible`);
  });

  it('of an ended record is refused with a reason', async () => {
    const stage = await readyStage();
    await stage.plan();
    await stage.run();
    await stage.request('abort');
    await retire(stage.ports, { namespace: NAMESPACE, name: 'web-0-first' });
    expect(said(stage)).toContain('"abort" is not possible: it is Succeeded');
    expect(stage.record().metadata.annotations?.[REQUEST_ANNOTATION]).toBeUndefined();
  });

  it('`abort` undoes a move that froze before its new disk was used', async () => {
    const stage = await readyStage();
    const disk = stage.diskOf('data-web-0');
    await stage.plan();
    stage.onEntering('createDisk', async () => {
      const first = stage.record().status?.claims?.[0];
      // Somebody makes two disks with the tags of this move: nobody can tell which one it is.
      stage.ecs.faults.add({ kind: 'error', action: 'CreateDisk', code: 'IdempotentParameterMismatch', status: 400, times: 1 });
      for (let count = 0; count < 2; count += 1) stage.ecs.addDisk({ zone: 'b', category: 'cloud_essd', performanceLevel: 'PL1', sizeGiB: 20, tags: { ...first?.snapshot?.params?.tags, 'zonespread.io/role': 'target' } });
    });
    await stage.run('web-0-first', (record) => phaseOf(record) === 'Frozen');
    expect(stage.record().status?.reason).toBe('DiskAmbiguous');
    for (const { id, tags } of stage.ecs.disks()) if (tags['zonespread.io/role'] === 'target') await stage.ecs.call('DeleteDisk', { DiskId: id });
    await stage.request('abort');
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'Aborted' });
    expect(stage.diskOf('data-web-0')).toBe(disk);
    await expectWhole(stage);
  });

  it('`abort` while a void snapshot is thrown away ends the move instead of starting over', async () => {
    const stage = await readyStage();
    const disk = stage.diskOf('data-web-0');
    await stage.plan();
    stage.onEntering('createDisk', async () => {
      await stage.ecs.call('AttachDisk', { DiskId: disk, InstanceId: 'i-node-a' });
      await stage.clock.advance(2_000);
      await stage.ecs.call('DetachDisk', { DiskId: disk, InstanceId: 'i-node-a' });
    });
    stage.onEntering('createVolume', () => stage.request('abort'), 'RollingBack');
    stage.onEntering('createDisk', () => {}, 'RollingBack');
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'Aborted', attempt: 1 });
    expect(stage.diskOf('data-web-0')).toBe(disk);
    await expectWhole(stage);
  });
});
