// Nothing that may be needed is deleted after a move, whatever somebody did meanwhile; and what is not needed goes, to the last snapshot.

import { describe, expect, it } from 'vitest';
import { FINALIZER, IN_FLIGHT_LABEL } from '../../src/kubernetes/names.ts';
import { claims, namespaces, volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type ClaimRecord, type MigrationTerms, type OrdinalMigration } from '../../src/migration/record.ts';
import { NAMESPACE, volume } from '../builders/kubernetes.ts';
import { readyStage, type Stage } from './stage.ts';

async function moved(terms: Partial<MigrationTerms> = {}, arrange: (stage: Stage) => void = () => {}): Promise<{ stage: Stage; claim: ClaimRecord }> {
  const stage = await readyStage({ terms });
  arrange(stage);
  await stage.plan();
  const record = await stage.run();
  expect(record.status?.phase).toBe('Succeeded');
  const claim = record.status?.claims?.[0];
  if (claim === undefined) throw new Error('no claim in the record');
  return { stage, claim };
}

const condition = (record: OrdinalMigration) => record.status?.conditions?.find(({ type }) => type === 'SourceRetired');

async function expectKept(stage: Stage, claim: ClaimRecord, reason: string): Promise<void> {
  await stage.retireAll();
  expect(stage.ecs.disk(claim.source.diskId)?.status).not.toBe('Deleted');
  expect(condition(stage.record())).toMatchObject({ status: 'False', reason });
  expect(stage.record().metadata.finalizers).toContain(FINALIZER);
}

it('the namespace loses its label even if the daemon was killed before it could take it off', async () => {
  const { stage } = await moved();
  stage.api.change(namespaces, { name: NAMESPACE }, (object) => (object.metadata.labels = { [IN_FLIGHT_LABEL]: 'true', kept: 'yes' }));
  await stage.retireAll();
  expect(stage.api.read(namespaces, { name: NAMESPACE })?.metadata.labels).toEqual({ kept: 'yes' });
});

describe('a source whose retention has passed', () => {
  it('goes with its volume, then its snapshot, and the record lets go', async () => {
    const { stage, claim } = await moved();
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Deleted');
    expect(stage.api.read(volumes, { name: claim.source.pv })).toBeUndefined();
    expect(stage.ecs.snapshots()).toEqual([]);
    expect(condition(stage.record())).toMatchObject({ status: 'True', reason: 'Retired' });
    expect(stage.record().metadata.finalizers ?? []).not.toContain(FINALIZER);
  });

  it('stays before its time', async () => {
    const { stage, claim } = await moved({ sourceRetentionMs: 100 * 3_600_000 });
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Available');
    expect(stage.record().metadata.finalizers).toContain(FINALIZER);
  });

  it('stays when the claim is being deleted, at the very last look: its new disk goes with it', async () => {
    const { stage, claim } = await moved();
    stage.afterCloud = (action) => {
      if (action !== 'DescribeDisks' || stage.record().status?.claims?.[0]?.source.retiringAt === undefined) return;
      stage.api.change(claims, { namespace: NAMESPACE, name: 'data-web-0' }, ({ metadata }) => (metadata.deletionTimestamp = '2026-11-20T12:00:00Z'));
    };
    await expectKept(stage, claim, 'SuccessorMissing');
  });

  it('stays while it is attached again', async () => {
    const { stage, claim } = await moved();
    await stage.ecs.call('AttachDisk', { DiskId: claim.source.diskId, InstanceId: 'i-node-a' });
    await expectKept(stage, claim, 'SourceInUse');
  });

  it('stays when it was used after the move, though it is free now', async () => {
    const { stage, claim } = await moved();
    await stage.useForAMoment(claim.source.diskId, 'node-a');
    await expectKept(stage, claim, 'SourceInUse');
  });

  it('stays when its volume was made available for a claim again', async () => {
    const { stage, claim } = await moved();
    stage.api.change(volumes, { name: claim.source.pv }, (pv) => delete pv.spec.claimRef?.uid);
    await stage.settle();
    await expectKept(stage, claim, 'SourceInUse');
  });

  it('stays when somebody took its volume in hand by another reclaim policy', async () => {
    const { stage, claim } = await moved();
    stage.api.change(volumes, { name: claim.source.pv }, (pv) => (pv.spec.persistentVolumeReclaimPolicy = 'Recycle'));
    await expectKept(stage, claim, 'SourceInUse');
  });

  it('stays while another volume stands for the same disk', async () => {
    const { stage, claim } = await moved();
    const twin = volume({ name: 'twin', claim: 'other', diskId: claim.source.diskId, reclaimPolicy: 'Retain' });
    delete twin.spec.claimRef;
    stage.api.put(volumes, twin);
    await expectKept(stage, claim, 'SourceInUse');
  });

  it('stays when its claim is gone', async () => {
    const { stage, claim } = await moved();
    stage.api.change(volumes, { name: claim.target?.pv ?? '' }, (pv) => (pv.spec.persistentVolumeReclaimPolicy = 'Retain'));
    const set = stage.set();
    if (set !== undefined) stage.api.remove({ group: 'apps', version: 'v1', plural: 'statefulsets', kind: 'StatefulSet', namespaced: true }, { namespace: NAMESPACE, name: 'web' });
    stage.api.remove(claims, { namespace: NAMESPACE, name: 'data-web-0' });
    await expectKept(stage, claim, 'SuccessorMissing');
  });

  it('stays while its snapshot is not uploaded to the end', async () => {
    const { stage, claim } = await moved({}, ({ ecs }) => ecs.faults.add({ kind: 'snapshotStuck', progress: 40 }));
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Available');
    stage.ecs.unstick();
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Deleted');
  });

  it('stays for a person when its snapshot failed after the new disk was made from it, however long that is ago', async () => {
    const { stage, claim } = await moved({}, ({ ecs }) => ecs.faults.add({ kind: 'snapshotFails', atProgress: 80 }));
    await expectKept(stage, claim, 'SnapshotFailed');
    expect(stage.ecs.snapshot(claim.snapshot?.id ?? '')?.status).toBe('failed');
  });

  it('stays for ever when that was declared, and the record lets go', async () => {
    const { stage, claim } = await moved({ sourceRetentionMs: 'forever', snapshotRetentionMs: 'forever' });
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Available');
    expect(stage.ecs.snapshots()).toHaveLength(1);
    expect(condition(stage.record())).toMatchObject({ status: 'False', reason: 'KeptForEver' });
    expect(stage.record().metadata.finalizers ?? []).not.toContain(FINALIZER);
  });

  it('stays, with all the rest, where somebody declared the move over by writing its status: nobody knows when, or whether it is true', async () => {
    const { stage, claim } = await moved();
    stage.api.change(ordinalMigrations, { namespace: NAMESPACE, name: 'web-0-first' }, ({ status }) => delete status?.finishedAt);
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Available');
    expect(stage.ecs.snapshots()).toHaveLength(1);
    expect(condition(stage.record())).toMatchObject({ status: 'False', reason: 'KeptForEver' });
    expect(stage.record().metadata.finalizers ?? []).not.toContain(FINALIZER);
  });

  it('stays, with all the rest, when the record is deleted: that is a release', async () => {
    const { stage, claim } = await moved();
    await stage.api.delete(ordinalMigrations, { namespace: NAMESPACE, name: 'web-0-first' });
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Available');
    expect(stage.ecs.snapshots()).toHaveLength(1);
    expect(stage.api.read(ordinalMigrations, { namespace: NAMESPACE, name: 'web-0-first' })).toBeUndefined();
  });

  it('goes when the claim has moved on to a disk that came from its successor, oldest first or last', async () => {
    const { stage, claim } = await moved();
    await stage.plan({ targetZone: 'c' }, 'web-0-second');
    expect((await stage.run('web-0-second')).status?.phase).toBe('Succeeded');
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Deleted');
    expect(stage.ecs.disks().map(({ id }) => id)).toEqual([stage.diskOf('data-web-0')]);
    expect(stage.ecs.snapshots()).toEqual([]);
  });

  it('stays when the claim is on a disk that did not come from it', async () => {
    const { stage, claim } = await moved();
    stage.api.change(volumes, { name: claim.target?.pv ?? '' }, (pv) => {
      if (pv.spec.csi !== undefined) pv.spec.csi.volumeHandle = stage.ecs.addDisk({ zone: 'b', category: 'cloud_essd', performanceLevel: 'PL1', sizeGiB: 20 });
    });
    await expectKept(stage, claim, 'SuccessorMissing');
  });

  it('stays when somebody claims its volume between the last look and the delete', async () => {
    const { stage, claim } = await moved();
    stage.api.on('mergePatch', ordinalMigrations, async (call, proceed) => {
      const result = await proceed();
      if ((call.body as OrdinalMigration).status?.claims?.[0]?.source.retiringAt !== undefined && stage.api.read(volumes, { name: claim.source.pv })?.status?.phase === 'Released') {
        stage.api.change(volumes, { name: claim.source.pv }, (pv) => {
          delete pv.spec.claimRef?.uid;
          pv.status = { phase: 'Available' };
        });
      }
      return result;
    });
    await stage.retireAll();
    expect(stage.api.read(volumes, { name: claim.source.pv })?.metadata.deletionTimestamp).toBeUndefined();
    expect(stage.api.read(volumes, { name: claim.source.pv })).toBeDefined();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Available');
  });

  it('is not taken for gone because one answer of the cloud left it out after it had been used', async () => {
    const { stage, claim } = await moved();
    await stage.useForAMoment(claim.source.diskId, 'node-a');
    const cloud = { ...stage.ports.disks };
    let hidden = 0;
    stage.ports.disks.disk = async (id) => (id === claim.source.diskId && hidden++ % 2 === 0 ? undefined : cloud.disk(id));
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Available');
  });

  it('is not deleted because its unfinished snapshot was missing from an answer of the cloud', async () => {
    const { stage, claim } = await moved({}, ({ ecs }) => ecs.faults.add({ kind: 'snapshotStuck', progress: 40 }));
    stage.ports.disks.snapshot = () => Promise.resolve(undefined);
    await stage.retireAll();
    expect(stage.ecs.disk(claim.source.diskId)?.status).toBe('Available');
  });
});

describe('what restore-source leaves', () => {
  it('goes after the retention, even when a person had to resume it on the way', async () => {
    const stage = await readyStage({ terms: { onUnready: 'restore-source', readyTimeoutMs: 5_000 } });
    stage.neverReadyIn.add('b');
    stage.ecs.faults.add({ kind: 'error', action: 'CreateSnapshot', code: 'QuotaExceed.Snapshot', status: 403, skip: 1 });
    await stage.plan({ onUnready: 'restore-source' });
    const frozen = await stage.run('web-0-first', (record) => record.status?.phase === 'Frozen');
    expect(frozen.status?.reason).toBe('RescueFailed');
    await stage.request('resume');
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'SourceRestored' });
    await stage.retireAll();
    expect(stage.ecs.disks().map(({ id }) => id)).toEqual([stage.diskOf('data-web-0')]);
    expect(stage.ecs.snapshots()).toEqual([]);
  });
});
