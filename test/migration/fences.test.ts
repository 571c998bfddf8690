// Whoever acts at the wrong moment (a daemon that has lost its lease, a webhook that is down or a step behind, a pod that slips through)
// costs a retry at most, never a write.

import { describe, expect, it } from 'vitest';
import { SUPERSEDED_TAG } from '../../src/kubernetes/names.ts';
import { LeaseLost } from '../../src/kubernetes/fence.ts';
import { isConflict } from '../../src/kubernetes/refusals.ts';
import { claims, nodes, pods, volumeAttachments, volumes, type KubernetesObject, type Resource } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, phaseOf, STEPS, type OrdinalMigration } from '../../src/migration/record.ts';
import { retire } from '../../src/migration/retirement.ts';
import { contextFor } from '../../src/migration/runner.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { atRest, expectEveryWrite, expectWhole, letPodStart } from './expectations.ts';
import { readyStage, type Stage } from './stage.ts';

/** Holds up the first call that fits until `go`; `reached` when it has come. */
function holdUp(stage: Stage, verb: 'jsonPatch' | 'delete', kind: Resource): { reached: Promise<void>; go: () => void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  stage.api.once(verb, kind, async (_call, proceed) => {
    reached.resolve();
    await released.promise;
    return proceed();
  });
  return { reached: reached.promise, go: () => released.resolve() };
}

async function visitsUntil(stage: Stage, epoch: number, enough: (record: OrdinalMigration) => boolean): Promise<void> {
  stage.ports.epoch = epoch;
  await stage.run('web-0-first', enough);
}

describe('a daemon that lost its lease', () => {
  it('writes nothing once another one has written: not in a step, not for a request, not for a frozen or an ended record', async () => {
    const stage = await readyStage();
    await stage.plan();
    await visitsUntil(stage, 7, (record) => record.status?.step === 'snapshot');
    await stage.request('abort');
    await expect(stage.visitAs(3)).rejects.toThrow(LeaseLost);
    expect(stage.record().status?.epoch).toBe(7);
    await stage.run();
    await expect(retire({ ...stage.ports, epoch: 3 }, { namespace: NAMESPACE, name: 'web-0-first' })).rejects.toThrow(LeaseLost);
  });

  it('may take the gate off in the middle of the undo by the next daemon: the pod that it lets go is gone by then', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    const gate = holdUp(stage, 'jsonPatch', pods);
    const first = stage.run('web-0-first').catch(() => undefined);
    await gate.reached;
    await stage.request('abort');
    stage.dead = false;
    // The next daemon undoes; the stale one wakes up when the new claim has just been given up.
    let late = false;
    stage.api.on('delete', claims, async (_call, proceed) => {
      if (!late) {
        late = true;
        gate.go();
        await stage.clock.advance(0);
        await stage.settle();
      }
      return proceed();
    });
    const ports = { ...stage.ports, epoch: 2 };
    for (let visits = 0; visits < 200 && phaseOf(stage.record()) !== 'RolledBack'; visits += 1) {
      await stage.settle();
      await stage.visitAs(ports.epoch);
      await stage.clock.advance(200);
    }
    gate.go();
    stage.ports.epoch = 2;
    await first;
    expect(late).toBe(true);
    expect(stage.record().status).toMatchObject({ phase: 'RolledBack', reason: 'Aborted' });
    expect(stage.diskOf('data-web-0')).toBe(old);
    await expectWhole(stage);
  });

  it('may still be about to delete the old claim when the next daemon has undone the move: the claim is another version by then, before its volume may be deleted', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    const swap = holdUp(stage, 'delete', claims);
    const first = stage.run('web-0-first').catch(() => undefined);
    await swap.reached;
    await stage.request('abort');
    stage.api.on('mergePatch', volumes, async (call, proceed) => {
      const result = await proceed();
      if ((call.body as { spec?: { persistentVolumeReclaimPolicy?: string } }).spec?.persistentVolumeReclaimPolicy === 'Delete') {
        swap.go();
        await stage.clock.advance(0);
      }
      return result;
    });
    for (let visits = 0; visits < 200 && phaseOf(stage.record()) !== 'RolledBack'; visits += 1) {
      await stage.settle();
      await stage.visitAs(2);
      await stage.clock.advance(200);
    }
    stage.ports.epoch = 2;
    await first;
    expect(stage.api.read(claims, { namespace: NAMESPACE, name: 'data-web-0' })?.metadata.deletionTimestamp).toBeUndefined();
    expect(stage.diskOf('data-web-0')).toBe(old);
    await expectWhole(stage);
  });
});

describe('what changed since it was looked at', () => {
  it('the record, written by somebody else: nothing is saved over it', async () => {
    const stage = await readyStage();
    await stage.plan();
    await stage.run('web-0-first', (record) => record.status?.step === 'createDisk');
    const context = contextFor(stage.ports, stage.record());
    await stage.request('abort');
    await expect(context.save({ message: 'late' })).rejects.toSatisfy(isConflict);
    expect(stage.record().status?.message).not.toBe('late');
  });

  it('the old disk, touched between the swap and the gate: the pod does not start on the copy', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    stage.onEntering('ungate', async () => {
      await stage.useForAMoment(old, 'node-a');
    });
    expect((await stage.run()).status).toMatchObject({ phase: 'Succeeded', attempt: 2 });
    await expectWhole(stage);
  });

  it('the old disk, touched in the very last moment before the gate comes off: the pod does not start on the copy', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    let isTouched = false;
    stage.ecs.follow(({ id, event, details }) => {
      if (isTouched || id !== old || event !== 'tagged' || !JSON.stringify(details).includes(SUPERSEDED_TAG)) return;
      isTouched = true;
      void stage.ecs.call('AttachDisk', { DiskId: old, InstanceId: 'i-node-a' });
    });
    await stage.run('web-0-first', (record) => record.status?.attempt === 2);
    expect(stage.pod()?.spec.schedulingGates).toHaveLength(1);
    await stage.clock.advance(2_000);
    await stage.ecs.call('DetachDisk', { DiskId: old, InstanceId: 'i-node-a' });
    expect((await stage.run()).status).toMatchObject({ phase: 'Succeeded', attempt: 2 });
    await expectWhole(stage);
  });

  it('the old volume, with an attachment again: the gate waits until it is gone, for the driver may be about to attach the disk', async () => {
    const stage = await readyStage();
    const pv = stage.api.read(claims, { namespace: NAMESPACE, name: 'data-web-0' })?.spec.volumeName ?? '';
    await stage.plan();
    stage.onEntering('ungate', async () => {
      stage.api.put(volumeAttachments, { metadata: { name: 'csi-late', finalizers: ['external-attacher/x'] }, spec: { attacher: 'x', nodeName: 'node-a', source: { persistentVolumeName: pv } }, status: { attached: false } });
    });
    const waiting = await stage.run('web-0-first', (record) => record.status?.step === 'ungate' && record.status.reason === 'Detaching');
    expect(waiting.status?.message).toContain(`PV ${pv} of claim data-web-0 has an attachment to node node-a again`);
    expect(stage.pod()?.spec.schedulingGates).toHaveLength(1);
    stage.api.remove(volumeAttachments, { name: 'csi-late' });
    expect((await stage.run()).status).toMatchObject({ phase: 'Succeeded', attempt: 1 });
    await expectWhole(stage);
  });

  it.each(['detach', 'snapshot', 'createDisk', 'createVolume', 'swapClaim'])('the pod, slipped through the gate at %s: it is evicted once more, and the move goes on', async (step) => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering(step, async () => {
      stage.webhookUp = false;
      stage.api.remove(pods, { namespace: NAMESPACE, name: 'web-0' });
      await letPodStart(stage);
      stage.webhookUp = true;
    });
    const record = await stage.run();
    expect(record.status?.phase, record.status?.message).toBe('Succeeded');
    await expectWhole(stage);
  });
});

describe('a webhook that is down from one step on', () => {
  it.each(STEPS.filter((step) => step !== 'rehearse'))('%s: no write is lost, and it ends once the webhook is back', async (step) => {
    for (const replaced of [false, true]) {
      const stage = await readyStage();
      await stage.plan();
      stage.onEntering(step, () => {
        stage.webhookUp = false;
        // A rollout, or an eviction, takes the gated pod away meanwhile.
        if (replaced && stage.pod() !== undefined && stage.pod()?.spec.nodeName === undefined) stage.api.remove(pods, { namespace: NAMESPACE, name: 'web-0' });
      });
      await stage.run('web-0-first', (record) => Date.parse(record.status?.startedAt ?? '') + 40_000 < stage.clock.now());
      stage.webhookUp = true;
      const record = await stage.run('web-0-first', atRest);
      expect(['Succeeded', 'RolledBack'], `${step}: ${record.status?.phase} ${record.status?.reason} ${record.status?.message}`).toContain(record.status?.phase);
      await expectWhole(stage, step);
    }
  });

  it('and pods that come ungated in the middle of an undo keep what they wrote to the new disk', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.cordoned.add('b');
    // Just before the undo gives the new claim up, the gated pod is replaced by one that starts at once on the new disk.
    stage.onEntering('swapClaim', () => {
      stage.api.once('delete', claims, async (_call, proceed) => {
        stage.webhookUp = false;
        stage.cordoned.clear();
        stage.api.remove(pods, { namespace: NAMESPACE, name: 'web-0' });
        await stage.settle();
        expect(stage.pod()?.spec.nodeName).toBe('node-b');
        return proceed();
      });
    }, 'RollingBack');
    await stage.run('web-0-first', () => stage.ready() && !stage.webhookUp);
    expect(stage.pod()?.spec.nodeName).toBe('node-b');
    // Somebody restarts it.
    stage.webhookUp = true;
    await stage.api.delete(pods, { namespace: NAMESPACE, name: 'web-0' });
    const record = await stage.run('web-0-first', atRest);
    expect(record.status?.phase, record.status?.message).toBe('Succeeded');
    expect(stage.ecs.disk(stage.diskOf('data-web-0'))?.zone).toBe('b');
    await expectWhole(stage);
  });

  it('and a pod that starts on the old disk just before its claim is deleted keeps what it wrote', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.api.once('delete', claims, async (_call, proceed) => {
      stage.webhookUp = false;
      stage.api.remove(pods, { namespace: NAMESPACE, name: 'web-0' });
      await stage.settle();
      expect(stage.pod()?.spec.nodeName).toBe('node-a');
      return proceed();
    });
    await stage.run('web-0-first', () => stage.ready() && !stage.webhookUp);
    expect(stage.pod()?.spec.nodeName).toBe('node-a');
    const target = stage.record().status?.claims?.[0]?.target?.pv ?? '';
    await stage.run('web-0-first', (record) => record.status?.resumeAt !== undefined || phaseOf(record) !== 'Running');
    await stage.run('web-0-first', () => stage.api.read(volumes, { name: target }) === undefined);
    // Nothing stale is left for the claim to bind to, even now, with nobody to gate and to steer.
    expect(stage.webhookUp).toBe(false);
    stage.webhookUp = true;
    await stage.run();
    expect(['Succeeded', 'RolledBack']).toContain(stage.record().status?.phase);
    await expectWhole(stage);
  });
});

describe('a webhook that is a step behind', () => {
  it('steers the new claim to the old volume: it is made again', async () => {
    const stage = await readyStage();
    await stage.plan();
    let stale: OrdinalMigration[] | undefined;
    stage.onEntering('createVolume', () => {
      stale = structuredClone(stage.api.readAll(ordinalMigrations));
      stage.seenByWebhook = () => stale ?? [];
    });
    stage.onEntering('swapClaim', () => {
      void stage.clock.sleep(3_000).then(() => (stage.seenByWebhook = (records) => records));
    });
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it('for long steers each new claim there again: it is made again and again, but not as fast as it goes', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('createVolume', () => {
      const stale = structuredClone(stage.api.readAll(ordinalMigrations));
      stage.seenByWebhook = () => stale;
    });
    stage.onEntering('swapClaim', () => {
      void stage.clock.sleep(30_000).then(() => (stage.seenByWebhook = (records) => records));
    });
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expect(stage.api.writes.filter(({ verb, resource }) => verb === 'delete' && resource.kind === claims.kind).length).toBeLessThan(60);
    await expectWhole(stage);
  });

  it('lets each new pod start on the old disk: it is evicted again and again, but not as fast as pods come and go', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('keepSource', () => {
      const stale = structuredClone(stage.api.readAll(ordinalMigrations));
      stage.seenByWebhook = () => stale;
    });
    await stage.run('web-0-first', ({ status }) => status?.step === 'evict');
    // Each change of the pod wakes the move.
    for (const end = stage.clock.monotonic() + 15_000; stage.clock.monotonic() < end; await stage.clock.advance(50)) {
      await stage.settle();
      await stage.visitAs(stage.ports.epoch);
    }
    const evictions = stage.api.calls.filter(({ verb }) => verb === 'evict').length;
    expect(evictions).toBeGreaterThan(3);
    expect(evictions).toBeLessThan(15);
    stage.seenByWebhook = (records) => records;
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it('gates a pod that is to start on its new disk: the daemon takes the gate off again', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('ready', () => {
      const stale = stage.api.readAll(ordinalMigrations);
      for (const { status } of stale) if (status !== undefined) status.step = 'ungate';
      stage.seenByWebhook = () => stale;
      stage.api.remove(pods, { namespace: NAMESPACE, name: 'web-0' });
    });
    expect((await stage.run()).status?.phase).toBe('Succeeded');
  });
});

describe('a node', () => {
  it('that is not Ready while the disk is detached: nobody takes a snapshot, and the move is undone', async () => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    stage.onEntering('detach', () => {
      stage.api.change(nodes, { name: 'node-a' }, (node) => (node.status = { ...node.status, conditions: [{ type: 'Ready', status: 'Unknown' }] }));
    });
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'NodeNotReady' });
    expect(stage.ecs.snapshots()).toEqual([]);
    expect(stage.diskOf('data-web-0')).toBe(old);
    await expectWhole(stage);
  });

  it('that is deleted is no reason to wait', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.onEntering('detach', () => stage.api.remove(nodes, { name: 'node-a' }));
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    expectEveryWrite(stage);
  });

  it('that the pod went to after it had slipped through the gate is the one that is asked about its volumes', async () => {
    const stage = await readyStage();
    await stage.plan();
    stage.api.once('evict', pods, async (_call, proceed) => {
      // The record knows a pod without a node: it is bound to one only now.
      return proceed();
    });
    stage.api.change(pods, { namespace: NAMESPACE, name: 'web-0' }, (pod) => delete pod.spec.nodeName);
    stage.api.once('evict', pods, async (_call, proceed) => {
      stage.api.change(pods, { namespace: NAMESPACE, name: 'web-0' }, (pod) => (pod.spec.nodeName = 'node-a'));
      return proceed();
    });
    await stage.run('web-0-first', (record) => record.status?.step === 'snapshot' || record.status?.step === 'createDisk');
    expect(stage.record().status?.nodeName).toBe('node-a');
    await stage.run();
    await letPodStart(stage);
    expectEveryWrite(stage);
  });
});

it('a claim is only ever patched as it was read: a patch that comes late, from a daemon that is gone, changes nothing', async () => {
  for (const arrange of [() => {}, (stage: Stage) => stage.cordoned.add('b')]) {
    const stage = await readyStage({ hostile: true });
    arrange(stage);
    const patches: KubernetesObject[] = [];
    stage.api.on('mergePatch', claims, (call, proceed) => {
      patches.push(call.body as KubernetesObject);
      return proceed();
    });
    await stage.plan();
    await stage.run();
    expect(patches.length).toBeGreaterThan(1);
    expect(patches.filter(({ metadata }) => metadata.uid === undefined || metadata.resourceVersion === undefined)).toEqual([]);
  }
});
