// The webhook dies. Safety never rests on it: a miss costs a retry, never a write. These run alone, for there is one webhook for all.

import { expect } from 'vitest';
import { pods } from '../../../src/kubernetes/objects.ts';
import { expectMoves, expectSettled } from '../expect.ts';
import { isGated } from '../reading.ts';
import { inScene } from '../scene.ts';
import type { World } from '../world.ts';

/** Nobody would gate the pod, so it is not evicted; once the webhook is back, it is. */
export function webhookKilledBeforeTheEviction(world: World): Promise<void> {
  return inScene(world, 'no-webhook', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2 });
    const uid = scene.pod(1)?.metadata.uid;
    await world.webhook.kill();
    await scene.startDaemon();

    await scene.annotate({ zones: `${a},${b}` });
    await scene.until('somebody is told that the webhook is missing', () => [...scene.eventTexts(), ...reasonsOf(scene)].some((text) => /webhook/i.test(text)));
    await scene.throughout(4_000, () => expect(scene.pod(1)?.metadata.uid, 'the pod that is there').toBe(uid));

    await world.webhook.start();
    await scene.untilSpread({ [a]: 1, [b]: 1 });
    expectSettled(scene, scene.migrations.all().at(-1)!);
  });
}

function reasonsOf(scene: { migrations: { all(): { status?: { reason?: string } }[] }; report(): { status?: { blocked?: { reason: string }[] } } | undefined }): string[] {
  return [...scene.migrations.all().map(({ status }) => status?.reason ?? ''), ...(scene.report()?.status?.blocked ?? []).map(({ reason }) => reason)];
}

/** Between the deletion of the old claim and the start of the pod. */
export function webhookKilledDuringTheSwap(volumeBindingMode: 'WaitForFirstConsumer' | 'Immediate'): (world: World) => Promise<void> {
  return (world) =>
    inScene(world, 'swap', async (scene) => {
      const { a, b } = world.zones;
      await scene.createSet({ replicas: 2, claims: [{ volumeBindingMode }] });
      await scene.startDaemon();

      await scene.annotate({ zones: `${a},${b}` });
      await scene.untilStep('swapClaim');
      await world.webhook.kill();
      // Whatever the daemon can do without it, it may do; a while later the webhook is there again.
      await scene.throughout(2_000, () => undefined);
      await world.webhook.start();
      await scene.untilSpread({ [a]: 1, [b]: 1 });
      expectMoves(scene, [1]);
      expectSettled(scene, scene.migration());
    });
}

/**
 * The gated pod is deleted while the webhook is dead: its successor starts on the old disk and writes to it. The snapshot is void then;
 * the move starts over from the eviction, and the new writes come along.
 */
export function aPodSlipsThroughWhileTheWebhookIsDead(world: World): Promise<void> {
  return inScene(world, 'slipped', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2 });
    const old = scene.disk(1).id;
    // The cloud takes its time, so that the move is at this step when the pod slips through.
    world.cloud.faults.add({ kind: 'delay', action: 'CreateDisk', match: { ZoneId: b }, ms: 3_000 });
    await scene.startDaemon();

    await scene.annotate({ zones: `${a},${b}` });
    await scene.untilStep('createDisk');
    await world.webhook.kill();
    const gated = scene.pod(1);
    expect(gated !== undefined && isGated(gated)).toBe(true);
    await world.api.delete(pods, { namespace: scene.namespace, name: 'web-1' }, { uid: gated?.metadata.uid ?? '' });
    const slipped = await scene.until('its successor runs on the old disk', () => world.kubelets.records.starts.find(({ uid, diskId }) => uid === scene.pod(1)?.metadata.uid && diskId === old));
    await scene.until('it has written', () => world.kubelets.records.acknowledged.some(({ uid }) => uid === slipped.uid));

    await world.webhook.start();
    await scene.untilSpread({ [a]: 1, [b]: 1 });
    expect(scene.migration().status?.attempt, 'attempts').toBe(2);
    expectMoves(scene, [1]);
    expectSettled(scene, scene.migration());
    const onNew = world.cloud.contents(scene.disk(1).id);
    expect(onNew.filter(({ text }) => text?.includes(slipped.uid)).length, 'writes of the pod that slipped through').toBeGreaterThan(0);
  });
}
