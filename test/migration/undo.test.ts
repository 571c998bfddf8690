// What goes wrong before the new disk is attached is taken back: the pod on its old disk with every write, and nothing left behind.

import { describe, expect, it } from 'vitest';
import { IN_FLIGHT_LABEL, MIGRATION_LABEL, REQUEST_ANNOTATION, SUPERSEDED_TAG, TOUCH_ANNOTATION } from '../../src/kubernetes/names.ts';
import { claims, namespaces, pods, statefulSets, volumes } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, type OrdinalMigration } from '../../src/migration/record.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { expectClaimAsItWas } from './expectations.ts';
import { readyStage, type Stage } from './stage.ts';

/** The pod is Ready on `disk` again, nothing of ours is on it, and no disk or snapshot is left at the cloud. */
async function expectUndone(stage: Stage, disk: string): Promise<void> {
  for (let round = 0; round < 50 && !stage.ready(); round += 1) {
    await stage.clock.advance(200);
    await stage.settle();
  }
  expect(stage.ready()).toBe(true);
  expect(stage.diskOf('data-web-0')).toBe(disk);
  const pv = stage.api.readAll(volumes).find((one) => one.spec.csi?.volumeHandle === disk);
  expect(pv).toMatchObject({ spec: { persistentVolumeReclaimPolicy: 'Delete' }, status: { phase: 'Bound' } });
  expect(pv?.metadata.labels?.[MIGRATION_LABEL]).toBeUndefined();
  expectClaimAsItWas(stage);
  expect(stage.api.read(namespaces, { name: NAMESPACE })?.metadata.labels?.[IN_FLIGHT_LABEL]).toBeUndefined();
  expect(stage.ecs.disk(disk)?.tags[SUPERSEDED_TAG]).toBeUndefined();
  expect(stage.ecs.contents(disk).map(({ writer }) => writer)).toEqual(stage.acknowledged.get('data-web-0'));
  await expectNothingLeaked(stage, [disk]);
}

async function expectNothingLeaked(stage: Stage, disks: string[]): Promise<void> {
  await stage.retireAll();
  expect(stage.ecs.disks().map(({ id }) => id).toSorted()).toEqual(disks.toSorted());
  expect(stage.ecs.snapshots().map(({ id }) => id)).toEqual([]);
}

async function failing(arrange: (stage: Stage) => void, options: Parameters<typeof readyStage>[0] = {}): Promise<{ stage: Stage; record: OrdinalMigration; disk: string }> {
  const stage = await readyStage(options);
  const disk = stage.diskOf('data-web-0');
  arrange(stage);
  await stage.plan();
  return { stage, disk, record: await stage.run() };
}

describe('a move that cannot be finished is undone', () => {
  it('when the target zone is sold out', async () => {
    const { stage, record, disk } = await failing(({ ecs }) => ecs.faults.add({ kind: 'soldOut', action: 'CreateDisk' }));
    expect(record.status).toMatchObject({ phase: 'RolledBack', reason: 'ZoneUnavailable' });
    await expectUndone(stage, disk);
  });

  it('with the old disk no longer marked as superseded, although the cloud does not show the mark yet', async () => {
    const { stage, record, disk } = await failing((world) => {
      world.cordoned.add('b');
      world.ecs.faults.add({ kind: 'tagLag', action: 'TagResources', ms: 600_000 });
    });
    expect(record.status?.phase).toBe('RolledBack');
    await expectUndone(stage, disk);
  });

  it('with the labels and annotations that people had put on the claim, though the StatefulSet controller made it again', async () => {
    const { stage, record } = await failing((one) => one.cordoned.add('b'));
    expect(record.status?.phase).toBe('RolledBack');
    expect(stage.api.writes.filter(({ verb, resource }) => verb === 'create' && resource.kind === claims.kind)).toEqual([]);
    expectClaimAsItWas(stage);
  });

  it('with the claim as it was, though it had to be touched to make it bind', async () => {
    const { stage, record, disk } = await failing((world) => {
      world.cordoned.add('b');
      world.api.on('mergePatch', ordinalMigrations, (call, proceed) => {
        const { phase, step } = { ...world.record().status, ...(call.body as OrdinalMigration).status };
        if (phase === 'RollingBack' && step === 'keepSource') {
          world.api.change(claims, { namespace: NAMESPACE, name: 'data-web-0' }, ({ metadata }) => (metadata.annotations = { ...metadata.annotations, [TOUCH_ANNOTATION]: 'a moment ago' }));
        }
        return proceed();
      });
    });
    expect(record.status?.phase).toBe('RolledBack');
    expect(stage.api.read(claims, { namespace: NAMESPACE, name: 'data-web-0' })?.metadata.annotations?.[TOUCH_ANNOTATION]).toBeUndefined();
    await expectUndone(stage, disk);
  });

  it('against a webhook that steers claims to the new volume for a while yet: the claim is made again, and not in every turn', async () => {
    const { stage, record, disk } = await failing((world) => {
      world.cordoned.add('b');
      const now = world.seenByWebhook;
      world.onEntering('swapClaim', () => {
        const [forward, since] = [world.record(), world.clock.monotonic()];
        world.seenByWebhook = (all) => (world.clock.monotonic() - since < 15_000 ? [{ ...forward, status: { ...forward.status, phase: 'Running', course: 'Forward' } }] : now(all));
      }, 'RollingBack');
    });
    expect(record.status?.phase).toBe('RolledBack');
    const deletes = stage.api.writes.filter(({ verb, resource }) => verb === 'delete' && resource.kind === claims.kind).length;
    expect(deletes).toBeGreaterThan(4);
    expect(deletes).toBeLessThan(50);
    await expectUndone(stage, disk);
  });

  it('when the snapshot fails', async () => {
    const { stage, record, disk } = await failing(({ ecs }) => ecs.faults.add({ kind: 'snapshotFails', atProgress: 0 }));
    expect(record.status).toMatchObject({ phase: 'RolledBack', reason: 'SnapshotFailed' });
    await expectUndone(stage, disk);
  });

  it('when the snapshot stands still for longer than the step may take', async () => {
    const { stage, record, disk } = await failing(({ ecs }) => ecs.faults.add({ kind: 'snapshotStuck', progress: 30, available: false }));
    expect(record.status).toMatchObject({ phase: 'RolledBack', reason: 'SnapshotStuck' });
    stage.ecs.unstick();
    await expectUndone(stage, disk);
  });

  it('when the disk never leaves Detaching', async () => {
    const { stage, record, disk } = await failing(({ ecs }) => ecs.faults.add({ kind: 'stuck', action: 'DetachDisk', forMs: 300_000 }));
    expect(record.status).toMatchObject({ phase: 'RolledBack', reason: 'Detaching' });
    await stage.clock.advance(300_000);
    await expectUndone(stage, disk);
  });

  it('when no node of the target zone takes the pod', async () => {
    const { stage, record, disk } = await failing((one) => one.cordoned.add('b'));
    expect(record.status).toMatchObject({ phase: 'RolledBack', reason: 'Unschedulable' });
    await expectUndone(stage, disk);
  });

  it('when the new disk never shows as Available', async () => {
    const { stage, record, disk } = await failing(({ ecs }) => ecs.faults.add({ kind: 'stuck', action: 'CreateDisk', forMs: 200_000 }));
    expect(record.status).toMatchObject({ phase: 'RolledBack' });
    await expectUndone(stage, disk);
  });

  it('when a person aborts it at any step before the new disk is attached', async () => {
    for (const step of ['keepSource', 'detach', 'snapshot', 'createDisk', 'createVolume', 'swapClaim']) {
      const stage = await readyStage();
      const disk = stage.diskOf('data-web-0');
      await stage.plan();
      await stage.run('web-0-first', (record) => (record.status?.history ?? []).some((entry) => entry.step === step));
      const at = stage.record();
      if (at.status?.phase === 'Running') await stage.api.mergePatch(ordinalMigrations, { namespace: NAMESPACE, name: at.metadata.name }, { metadata: { annotations: { [REQUEST_ANNOTATION]: 'abort' } } });
      const record = await stage.run();
      expect([step, record.status?.phase, record.status?.reason]).toEqual([step, 'RolledBack', 'Aborted']);
      await expectUndone(stage, disk);
    }
  });

  it('and ends Failed with nothing touched when the webhook does not gate', async () => {
    const { stage, record, disk } = await failing((one) => (one.webhookUp = false));
    expect(record.status).toMatchObject({ phase: 'Failed', reason: 'WebhookNotReady' });
    expect(stage.pod()?.spec.nodeName).toBe('node-a');
    await expectUndone(stage, disk);
  });
});

describe('a webhook that dies on the way', () => {
  it('before the pod is re-created: the pod that started on the old disk is evicted again once the webhook is back', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    stage.api.once('evict', pods, async (_call, proceed) => {
      stage.webhookUp = false;
      return proceed();
    });
    await stage.run('web-0-first', () => stage.pod()?.spec.nodeName === 'node-a' && stage.ready() && !stage.webhookUp);
    stage.webhookUp = true;
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(stage.diskOf('data-web-0')).not.toBe(old);
  });

  it('before the claim is re-created: it binds to the prepared volume all the same', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.api.once('delete', claims, async (_call, proceed) => {
      stage.webhookUp = false;
      return proceed();
    });
    await stage.run('web-0-first', (record) => record.status?.step === 'ungate' || record.status?.step === 'ready');
    stage.webhookUp = true;
    expect((await stage.run()).status?.phase).toBe('Succeeded');
  });
});

describe('the old disk touched after its snapshot', () => {
  it('makes snapshot and target void: they are thrown away and the move starts over at the eviction', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    await stage.run('web-0-first', (record) => record.status?.step === 'createDisk' && record.status.claims?.[0]?.target?.diskId !== undefined);
    const first = stage.record().status?.claims?.[0]?.target?.diskId ?? '';
    // Somebody attaches the old disk for a moment.
    await stage.useForAMoment(old, 'node-a');
    const record = await stage.run();
    expect(record.status).toMatchObject({ phase: 'Succeeded', attempt: 2 });
    expect(stage.ecs.disk(first)?.status).toBe('Deleted');
    expect(stage.ecs.contents(stage.diskOf('data-web-0')).map(({ writer }) => writer)).toEqual(stage.acknowledged.get('data-web-0'));
  });
});

describe('a pod that never gets Ready on its new disk', () => {
  const stuck = async (onUnready: 'hold' | 'reverse' | 'restore-source') => {
    const stage = await readyStage({ terms: { onUnready } });
    const old = stage.diskOf('data-web-0');
    stage.neverReadyIn.add('b');
    await stage.plan({ onUnready });
    return { stage, old };
  };

  it('is held for a person, and goes on by itself once it is Ready', async () => {
    const { stage } = await stuck('hold');
    const frozen = await stage.run('web-0-first', (record) => record.status?.phase === 'Frozen');
    expect(frozen.status).toMatchObject({ reason: 'NotReady', step: 'ready' });
    stage.neverReadyIn.clear();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
  });

  it('is taken back by a move in the other direction under `reverse`', async () => {
    const { stage, old } = await stuck('reverse');
    const record = await stage.run();
    expect(record.status).toMatchObject({ phase: 'RolledBack', reason: 'Reversed' });
    expect(stage.ecs.disk(stage.diskOf('data-web-0'))?.zone).toBe('a');
    expect(stage.diskOf('data-web-0')).not.toBe(old);
    expect(stage.ready()).toBe(true);
    expect(stage.api.readAll(volumes).find((pv) => pv.spec.csi?.volumeHandle === stage.diskOf('data-web-0'))?.spec.persistentVolumeReclaimPolicy).toBe('Delete');
  });

  it('goes back to the old disk under `restore-source`, the newer one snapshotted and kept', async () => {
    const { stage, old } = await stuck('restore-source');
    const record = await stage.run();
    expect(record.status).toMatchObject({ phase: 'RolledBack', reason: 'SourceRestored' });
    const claim = record.status?.claims?.[0];
    expect(stage.diskOf('data-web-0')).toBe(old);
    expect(stage.ecs.disk(claim?.target?.diskId ?? '')?.status).toBe('Available');
    expect(stage.ecs.snapshot(claim?.rescue?.id ?? '')?.sourceDiskId).toBe(claim?.target?.diskId);
    for (let round = 0; round < 20 && !stage.ready(); round += 1) {
      await stage.clock.advance(200);
      await stage.settle();
    }
    expect(stage.ready()).toBe(true);
  });

  it('goes back under `restore-source` only with a snapshot of what a pod that slipped past the webhook has written since the first one', async () => {
    const { stage, old } = await stuck('restore-source');
    const before = await stage.run('web-0-first', (record) => record.status?.course === 'Restore' && record.status.step === 'swapClaim');
    const { target, rescue } = before.status?.claims?.[0] ?? {};
    const newer = target?.diskId ?? '';
    await stage.useForAMoment(newer, 'node-b', 'slipped');
    const record = await stage.run();
    expect(record.status).toMatchObject({ phase: 'RolledBack', reason: 'SourceRestored', attempt: 2 });
    const claim = record.status?.claims?.[0];
    expect(stage.diskOf('data-web-0')).toBe(old);
    expect(claim?.rescue?.id).not.toBe(rescue?.id);
    expect(claim?.discardedSnapshots).toContain(rescue?.id);
    expect(stage.ecs.snapshot(claim?.rescue?.id ?? '')?.contents).toEqual(stage.ecs.contents(newer));
  });
});

describe('an owner that goes away', () => {
  it('before the swap: the claim stays on the old disk, and it ends Failed', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    await stage.run('web-0-first', (record) => record.status?.step === 'createDisk');
    stage.api.remove(statefulSets, { namespace: NAMESPACE, name: 'web' });
    expect((await stage.run()).status).toMatchObject({ phase: 'Failed', reason: 'OwnerGone' });
    expect(stage.diskOf('data-web-0')).toBe(old);
    await expectNothingLeaked(stage, [old]);
  });

  it('after the claim went: it is bound to the new disk, and everything else is kept', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    stage.api.once('delete', claims, async (_call, proceed) => {
      const result = await proceed();
      stage.api.remove(statefulSets, { namespace: NAMESPACE, name: 'web' });
      return result;
    });
    expect((await stage.run()).status).toMatchObject({ phase: 'Failed', reason: 'OwnerGone' });
    expect(stage.diskOf('data-web-0')).not.toBe(old);
    expect(stage.ecs.disk(old)?.status).toBe('Available');
  });

  it('with its namespace: the record lets go at once', async () => {
    const stage = await readyStage();
    await stage.plan();
    await stage.run('web-0-first', (record) => record.status?.step === 'snapshot');
    stage.api.change(namespaces, { name: NAMESPACE }, (object) => (object.metadata.deletionTimestamp = '2026-11-20T10:00:10Z'));
    expect((await stage.run()).status).toMatchObject({ phase: 'Failed', reason: 'OwnerGone' });
  });
});
