// The moment at which the claim changes over to the new volume: with somebody else in a hurry, and with what people have put on it.

import { expect } from 'vitest';
import { claims, pods } from '../../../src/kubernetes/objects.ts';
import { expectMoves, expectSettled } from '../expect.ts';
import { claimRecord } from '../reading.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

/**
 * The StatefulSet controller, nudged in a loop, makes the claim again before the daemon does (whose look at the cloud in between is
 * slow): the pod still starts on the prepared disk.
 */
export function theControllerMakesTheClaimFirst(volumeBindingMode: 'WaitForFirstConsumer' | 'Immediate'): (world: World) => Promise<void> {
  return (world) =>
    inScene(world, 'nudge', async (scene) => {
      const { a, b } = world.zones;
      await scene.createSet({ replicas: 2, claims: [{ volumeBindingMode }] });
      const oldClaim = scene.claim(1).metadata.uid;
      await scene.startDaemon();

      await scene.annotate({ zones: `${a},${b}` });
      const record = await scene.untilStep('createVolume');
      const slow = world.cloud.faults.add({ kind: 'delay', action: 'DescribeDisks', match: { DiskIds: claimRecord(record).source.diskId }, ms: 300, times: 0 });
      const stopNudging = nudge(scene, scene.podName(0));
      await scene.until('there is another claim', () => scene.claim(1).metadata.uid !== oldClaim);
      await stopNudging();
      world.cloud.faults.remove(slow);
      await scene.untilSpread({ [a]: 1, [b]: 1 });

      expectMoves(scene, [1]);
      expectSettled(scene, scene.migration());
      const makers = ((await world.writes()) ?? []).filter(({ verb, resource, namespace, name, code }) => verb === 'create' && resource === 'persistentvolumeclaims' && namespace === scene.namespace && name === 'data-web-1' && code === 201);
      if (makers.length > 0) expect(makers.at(-1)?.user, 'who made the claim again').toBe('system:serviceaccount:kube-system:statefulset-controller');
    });
}

/** Somebody labels the claim while its disk is being copied: the claim that takes its place has the label. */
export function whatPeoplePutOnTheClaimStays(world: World): Promise<void> {
  return inScene(world, 'labelled', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2 });
    const old = scene.claim(1).metadata;
    await scene.startDaemon();

    await scene.annotate({ zones: `${a},${b}` });
    await scene.untilStep('snapshot');
    const byHand = { labels: { team: 'db' }, annotations: { 'example.com/note': 'by hand' } };
    await world.api.mergePatch(claims, { namespace: scene.namespace, name: old.name }, { metadata: byHand });
    await scene.untilSpread({ [a]: 1, [b]: 1 });

    expectSettled(scene, scene.migration());
    const { uid, labels, annotations } = scene.claim(1).metadata;
    expect(uid).not.toBe(old.uid);
    expect(labels).toEqual({ ...old.labels, ...byHand.labels });
    expect(annotations).toMatchObject(byHand.annotations);
  });
}

/** Changes an owned pod's annotation as fast as it goes: each change makes the controller look at the set. */
function nudge(scene: Scene, podName: string): () => Promise<void> {
  const { api } = scene.world;
  const end = new AbortController();
  const done = (async () => {
    for (let count = 0; !end.signal.aborted; count += 1) {
      await api.mergePatch(pods, { namespace: scene.namespace, name: podName }, { metadata: { annotations: { 'example.com/nudge': String(count) } } });
    }
  })();
  return async () => {
    end.abort();
    await done;
  };
}
