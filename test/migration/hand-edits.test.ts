// Claims and volumes of a move edited by hand midway: whatever somebody did, no write is lost, and it ends or says what is wrong.

import { describe, expect, it } from 'vitest';
import { OVERRIDE_ANNOTATION } from '../../src/kubernetes/names.ts';
import { claims, pods, volumes } from '../../src/kubernetes/objects.ts';
import { STEPS } from '../../src/migration/record.ts';
import { claim, NAMESPACE, volume } from '../builders/kubernetes.ts';
import { atRest, expectWhole, letPodStart } from './expectations.ts';
import { readyStage, type Stage } from './stage.ts';

const CLAIM = { namespace: NAMESPACE, name: 'data-web-0' };

async function edited(step: string, edit: (stage: Stage) => void | Promise<void>, templates = ['data']): Promise<Stage> {
  const stage = await readyStage({ templates });
  await stage.plan();
  stage.onEntering(step, () => edit(stage));
  await stage.run('web-0-first', atRest);
  return stage;
}

const sourcePV = (stage: Stage): { name: string } => ({ name: stage.record().status?.claims?.[0]?.source.pv ?? '' });
const targetPV = (stage: Stage): { name: string } => ({ name: stage.record().status?.claims?.[0]?.target?.pv ?? '' });

/** One label goes, one comes, and the annotation changes. */
function relabel(stage: Stage): void {
  stage.api.change(claims, CLAIM, ({ metadata }) => {
    const { team: _gone, ...labels } = metadata.labels ?? {};
    metadata.labels = { ...labels, tier: 'gold' };
    metadata.annotations = { ...metadata.annotations, note: 'by hand, midway' };
  });
}

function expectRelabelled(stage: Stage): void {
  const { labels, annotations } = stage.api.read(claims, CLAIM)?.metadata ?? {};
  expect(labels).toEqual({ app: 'web', tier: 'gold' });
  expect(annotations).toMatchObject({ note: 'by hand, midway' });
}

describe('the old volume', () => {
  it.each(['evict', 'detach', 'snapshot', 'createDisk', 'createVolume', 'swapClaim'])('flipped to Delete at %s: its claim is not deleted, the move freezes, and can be taken up again', async (step) => {
    const stage = await edited(step, (one) => {
      one.api.change(volumes, sourcePV(one), (pv) => (pv.spec.persistentVolumeReclaimPolicy = 'Delete'));
    });
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'SourceNotRetained' });
    stage.api.change(volumes, sourcePV(stage), (pv) => (pv.spec.persistentVolumeReclaimPolicy = 'Retain'));
    await stage.request('resume');
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it('robbed of its claimRef while an undo needs it: the move freezes with the reason, and says one at its end when a person resumes it', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.cordoned.add('b');
    stage.onEntering('ungate', () => {
      stage.api.change(volumes, sourcePV(stage), (pv) => delete pv.spec.claimRef);
    }, 'RollingBack');
    await stage.run('web-0-first', atRest);
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'SourceTaken' });
    stage.api.change(volumes, sourcePV(stage), (pv) => (pv.spec.claimRef = { kind: 'PersistentVolumeClaim', namespace: NAMESPACE, name: CLAIM.name }));
    await stage.request('resume');
    const { status } = await stage.run();
    expect(status?.phase).toBe('RolledBack');
    expect(status?.message).toContain('taken up again');
  });
});

describe('the new volume', () => {
  it('deleted before the swap: the move is undone', async () => {
    const stage = await edited('swapClaim', (one) => one.api.remove(volumes, targetPV(one)));
    expect(stage.record().status).toMatchObject({ phase: 'RolledBack', reason: 'VolumeGone' });
    await expectWhole(stage);
  });

  it('taken by another claim before the swap: the old claim is not deleted, and the move freezes with the reason', async () => {
    const stage = await edited('swapClaim', (one) => {
      one.api.put(claims, claim({ name: 'stranger', volumeName: targetPV(one).name }));
      one.api.change(volumes, targetPV(one), (pv) => {
        pv.spec.claimRef = { kind: 'PersistentVolumeClaim', namespace: NAMESPACE, name: 'stranger', uid: one.api.read(claims, { namespace: NAMESPACE, name: 'stranger' })?.metadata.uid ?? '' };
        pv.status = { phase: 'Bound' };
      });
    });
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'TargetTaken' });
    expect(stage.api.read(claims, CLAIM)?.spec.volumeName).toBe(sourcePV(stage).name);
  });

  it('given a twin with the same disk: it does not get its policy, and the move freezes until the twin is gone', async () => {
    const stage = await edited('ready', (one) => {
      const twin = volume({ name: 'twin', claim: 'other', diskId: one.diskOf('data-web-0'), reclaimPolicy: 'Retain' });
      one.api.put(volumes, twin);
    });
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'SeveralVolumesPerHandle' });
    expect(stage.api.read(volumes, targetPV(stage))?.spec.persistentVolumeReclaimPolicy).toBe('Retain');
    stage.api.remove(volumes, { name: 'twin' });
    await stage.request('resume');
    expect((await stage.run()).status?.phase).toBe('Succeeded');
  });

  it('given a twin before an undo: neither its disk is deleted nor the old volume flipped back under a twin', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('createVolume', () => {
      const disk = stage.record().status?.claims?.[0]?.target?.diskId ?? '';
      stage.api.put(volumes, volume({ name: 'twin', claim: 'other', diskId: disk, reclaimPolicy: 'Retain' }));
      return stage.request('abort');
    });
    await stage.run('web-0-first', atRest);
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'SeveralVolumesPerHandle' });
    await letPodStart(stage);
    expect(stage.ready()).toBe(true);
    expect(stage.ecs.disk(stage.record().status?.claims?.[0]?.target?.diskId ?? '')?.status).toBe('Available');
  });
});

describe('the claim', () => {
  it.each(STEPS.filter((step) => step !== 'rehearse'))('deleted by hand at %s: no write is lost, and it ends or freezes with a reason', async (step) => {
    const stage = await edited(step, async (one) => {
      await one.api.delete(claims, CLAIM);
      await one.settle();
    });
    const { status } = stage.record();
    expect(status?.reason, `${step}: ${status?.phase}`).toBeTruthy();
    await letPodStart(stage);
    // Where it does not start at all, a person has been told why.
    expect(stage.ready() || status?.phase === 'Frozen' || status?.phase === 'Failed', step).toBe(true);
  });

  it('created again bound to a volume that is no disk of ours: it is not deleted', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.api.once('delete', claims, async (_call, proceed) => {
      const result = await proceed();
      stage.api.remove(claims, CLAIM);
      const strange = volume({ name: 'nfs', claim: 'data-web-0' });
      delete strange.spec.csi;
      const byHand = claim({ name: 'data-web-0', volumeName: 'nfs' });
      const made = stage.api.put(claims, { ...byHand, metadata: { ...byHand.metadata, uid: 'by-hand' } });
      if (strange.spec.claimRef !== undefined) strange.spec.claimRef.uid = made.metadata.uid ?? '';
      stage.api.put(volumes, strange);
      return result;
    });
    await stage.run('web-0-first', atRest);
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'ClaimOnStrangeDisk' });
    expect(stage.api.read(claims, CLAIM)?.spec.volumeName).toBe('nfs');
  });

  it.each(['keepSource', 'evict', 'detach', 'snapshot', 'createDisk', 'createVolume', 'swapClaim', 'ungate', 'ready', 'settle'])('given other labels and annotations at %s: the claim on the new disk has them', async (step) => {
    const stage = await edited(step, relabel);
    expect(stage.record().status?.phase).toBe('Succeeded');
    expectRelabelled(stage);
  });

  it.each(['snapshot', 'createVolume', 'swapClaim', 'ungate', 'ready'])('given other labels and annotations at %s of a move that is undone: the claim on the old disk has them', async (step) => {
    const stage = await readyStage();
    await stage.plan();
    stage.cordoned.add('b');
    stage.onEntering(step, () => relabel(stage));
    expect((await stage.run()).status?.phase).toBe('RolledBack');
    expectRelabelled(stage);
  });

  it('given a label in the very moment before it is deleted: it is not, and the next one has the label', async () => {
    const stage = await readyStage();
    await stage.plan();
    let refused = 0;
    stage.api.once('delete', claims, async (_call, proceed) => {
      relabel(stage);
      return proceed().catch((error: unknown) => {
        refused += 1;
        throw error;
      });
    });
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(refused).toBe(1);
    expectRelabelled(stage);
  });

  it('with the guard overridden for it: the next one of its name does not take the permission over', async () => {
    const stage = await edited('snapshot', (one) => {
      one.api.change(claims, CLAIM, ({ metadata }) => (metadata.annotations = { ...metadata.annotations, [OVERRIDE_ANNOTATION]: one.record().metadata.name }));
    });
    expect(stage.record().status?.phase).toBe('Succeeded');
    expect(stage.api.read(claims, CLAIM)?.metadata.annotations).not.toHaveProperty([OVERRIDE_ANNOTATION]);
    await expectWhole(stage);
  });

  it('asked to grow after the move began: the move is undone, and the wish stands', async () => {
    const stage = await edited('createDisk', (one) => {
      one.api.change(claims, CLAIM, (pvc) => (pvc.spec.resources = { requests: { storage: '40Gi' } }));
    });
    expect(stage.record().status).toMatchObject({ phase: 'RolledBack', reason: 'ClaimResized' });
    expect(stage.api.read(claims, CLAIM)?.spec.resources?.requests?.['storage']).toBe('40Gi');
    await expectWhole(stage);
  });
});

describe('the pod', () => {
  it('deleted for good at settle leaves the record waiting no longer than a step may take, with a way out', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('settle', () => {
      stage.api.remove(pods, { namespace: NAMESPACE, name: 'web-0' });
      stage.api.change(claims, CLAIM, (pvc) => (pvc.status = { phase: 'Lost' }));
      stage.api.change = (() => undefined) as never;
    });
    await stage.run('web-0-first', atRest);
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'ClaimChanged', step: 'settle' });
  });
});

describe('the new disk, attached at the console before any claim is on it', () => {
  const attachTarget = async (stage: Stage): Promise<void> => {
    await stage.ecs.call('AttachDisk', { DiskId: stage.record().status?.claims?.[0]?.target?.diskId ?? '', InstanceId: 'i-node-b' });
  };

  it('and the old one touched since its snapshot: nobody can tell which holds what counts, and no pod starts on either', async () => {
    const stage = await edited('swapClaim', async (one) => {
      const old = one.diskOf('data-web-0');
      await attachTarget(one);
      await one.useForAMoment(old, 'node-a');
    });
    expect(stage.record().status).toMatchObject({ phase: 'Frozen', reason: 'TargetInUse' });
    expect(stage.pod()?.spec.nodeName).toBeUndefined();
  });

  it('and the old one as its snapshot has it: an undo turns round to the swap, and no pod starts on the old disk', async () => {
    const stage = await edited('swapClaim', async (one) => {
      await attachTarget(one);
      await one.request('abort');
    });
    const { source, target } = stage.record().status?.claims?.[0] ?? {};
    const steps = stage.record().status?.history?.map(({ step }) => step) ?? [];
    expect(steps.slice(steps.indexOf('swapClaim'))).toEqual(['swapClaim', 'ungate', 'swapClaim', 'ungate', 'ready', 'settle']);
    expect(stage.record().status?.phase).toBe('Succeeded');
    expect([stage.diskOf('data-web-0'), stage.ecs.disk(source?.diskId ?? '')?.attachments]).toEqual([target?.diskId, []]);
    await expectWhole(stage);
  });
});
