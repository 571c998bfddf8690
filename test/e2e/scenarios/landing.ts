// The landing node is held by a placeholder before anything is touched. Where there is no room for it, nothing is; and until the pod is let go
// nobody else gets the room, not even in the moment when it changes hands.

import { expect } from 'vitest';
import { nodes, pods, priorityClasses, type Pod } from '../../../src/kubernetes/objects.ts';
import { parseQuantity } from '../../../src/kubernetes/quantity.ts';
import { isTrue } from '../../../src/kubernetes/reading.ts';
import { isPlaceholder } from '../../../src/migration/reservation/placeholder.ts';
import { expectBackOff, expectMoves, expectSettled } from '../expect.ts';
import { inScene, type Scene } from '../scene.ts';
import type { World } from '../world.ts';

const BILLIONTHS = 1_000_000n;
/** What each pod of a scenario's set asks for. */
const POD_MILLICPU = 10n;

/** The daemon may look into its own namespace alone: to the planner a node is free that is full. The scheduler knows better. */
export function noRoomInTheTargetZone(world: World): Promise<void> {
  return inScene(world, 'no-room', async (scene) => {
    const { zone, node } = await world.addZone();
    await takeRoom(scene, { node, leavingMillicpu: 0n });
    await scene.createSet({ replicas: 2 });
    const before = touchable(scene);
    await scene.startDaemon({ 'step-timeout': '4s' });

    await scene.annotate({ zones: `${world.zones.a},${zone}` });
    const record = await scene.untilPhase('Failed');
    expect(record.status).toMatchObject({ reason: 'NotReserved', step: 'reserve' });
    expect(record.status?.message, 'the words of the scheduler').toMatch(/no node of zone \S+ takes a pod like web-1: 0\/\d+ nodes are available: .*Insufficient cpu/);
    expect(touchable(scene), 'what a move would touch').toEqual(before);
    expect(world.cloud.snapshots().filter(({ sourceDiskId }) => sourceDiskId === scene.disk(1).id), 'snapshots').toEqual([]);
    const tried = placeholders(scene);
    expect(tried.length, 'placeholders that were seen').toBeGreaterThan(0);
    expect(tried.map(({ spec }) => spec.nodeName), 'where they were').toEqual(tried.map(() => undefined));
    await expectBackOff(scene, 1);
  });
}

/** `--await-autoscaler`: everybody sees that the zone is full, and the move waits in it for a node with room. */
export function aNodeIsAwaited(world: World): Promise<void> {
  return inScene(world, 'awaited', async (scene) => {
    const { zone, node } = await world.addZone();
    const makeRoom = await takeRoom(scene, { node, namespace: scene.namespace, leavingMillicpu: 0n });
    await scene.createSet({ replicas: 2 });
    // The PV controller may look at a claim again only after 15 s.
    await scene.startDaemon({ 'await-autoscaler': '5m', 'step-timeout': '20s' });

    await scene.annotate({ zones: `${world.zones.a},${zone}` });
    const waiting = await scene.untilMigration('a move waits for a node', ({ status }) => status?.step === 'reserve' && status.message?.includes('Insufficient cpu') === true);
    await scene.throughout(21_000, () => expect(scene.migration().status).toMatchObject({ phase: 'Running', step: 'reserve' }));
    await makeRoom();
    await scene.untilSpread({ [world.zones.a]: 1, [zone]: 1 });
    expect(scene.migration().metadata.uid).toBe(waiting.metadata.uid);
    expectMoves(scene, [1]);
  });
}

/** There is room for one pod of the set, and somebody of less importance waits for it from when it is held. */
export function theRoomIsHeldAndHandedOver(world: World): Promise<void> {
  return inScene(world, 'held', async (scene) => {
    const { zone, node } = await world.addZone();
    await takeRoom(scene, { node, leavingMillicpu: POD_MILLICPU });
    await scene.createSet({ replicas: 2 });
    world.cloud.faults.add({ kind: 'delay', action: 'DescribeDisks', match: { DiskIds: scene.disk(1).id }, ms: 300, times: 0 });
    await scene.startDaemon();

    await scene.annotate({ zones: `${world.zones.a},${zone}` });
    const held = await scene.until('a placeholder is on the node', () => placeholders(scene).find(({ spec }) => spec.nodeName === node));
    const lurker = await lurk(scene, node);
    await scene.until('somebody waits for its room', async () => (await saidAbout(scene, lurker))?.includes('Insufficient cpu'));
    await scene.untilSpread({ [world.zones.a]: 1, [zone]: 1 });

    expectMoves(scene, [1]);
    expectSettled(scene, scene.migration());
    expect(scene.pod(1)?.spec.nodeName).toBe(node);
    expect(priorityOf(held), 'the priority of the placeholder').toBeLessThan(priorityOf(scene.pod(1)));
    expect(placeholders(scene).some((pod) => isTrue(pod, 'Ready')), 'a placeholder that was Ready').toBe(false);
    const still = await world.api.get(pods, lurker);
    expect(still, 'the one who waited, and was neither let in nor put out again').toBeDefined();
    expect(still?.spec.nodeName, 'where it is').toBeUndefined();
    await world.api.delete(priorityClasses, { name: scene.namespace });
  });
}

/** `--prepull`: the landing node has the images before the pod leaves its old one. */
export function imagesArePulledFirst(world: World): Promise<void> {
  return inScene(world, 'prepull', async (scene) => {
    const { a, b } = world.zones;
    await scene.createSet({ replicas: 2, podManagementPolicy: 'Parallel' });
    await scene.startDaemon({ prepull: 'true' });

    await scene.annotate({ zones: `${a},${b}` });
    await scene.untilSpread({ [a]: 1, [b]: 1 });
    expectMoves(scene, [1]);
    const image = scene.pod(1)?.spec.containers?.[0]?.['image'];
    const pulled = placeholders(scene).flatMap(({ status }) => status?.containerStatuses ?? []).filter((status) => status['image'] === image && status['imageID'] !== '');
    expect(pulled.length, 'placeholders seen with the image').toBeGreaterThan(0);
  });
}

/** A pod of nobody's, out of the daemon's sight unless told, has all of the node's CPUs but so much. @returns what takes it away again. */
export async function takeRoom(scene: Scene, { node, leavingMillicpu, namespace = scene.leaseNamespace }: { node: string; leavingMillicpu: bigint; namespace?: string }): Promise<() => Promise<void>> {
  const { api } = scene.world;
  const allocatable = (await api.get(nodes, { name: node }))?.status?.allocatable?.['cpu'] ?? '0';
  const millicpu = parseQuantity(allocatable) / BILLIONTHS - leavingMillicpu;
  const ref = { namespace, name: 'filler' };
  await api.create(pods, podOn(scene, { ...ref, node, millicpu }));
  await scene.until('the node is full', async () => (await api.get(pods, ref))?.spec.nodeName === node);
  return async () => {
    await api.delete(pods, ref);
    await scene.until('the node has room again', async () => (await api.get(pods, ref)) === undefined);
  };
}

async function lurk(scene: Scene, node: string): Promise<{ namespace: string; name: string }> {
  const { api } = scene.world;
  await api.create(priorityClasses, { metadata: { name: scene.namespace }, value: -5 });
  const ref = { namespace: scene.leaseNamespace, name: 'lurker' };
  const lurker = podOn(scene, { ...ref, node, millicpu: POD_MILLICPU });
  await scene.until('the API server knows the new class', () => api.create(pods, { ...lurker, spec: { ...lurker.spec, priorityClassName: scene.namespace } }));
  return ref;
}

function podOn({ world }: Scene, { namespace, name, node, millicpu }: { namespace: string; name: string; node: string; millicpu: bigint }): Pod {
  return {
    metadata: { namespace, name },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node },
      tolerations: world.tolerations,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'none', resources: { requests: { cpu: `${millicpu}m` } } }],
    },
  };
}

async function saidAbout({ world }: Scene, ref: { namespace: string; name: string }): Promise<string | undefined> {
  return (await world.api.get(pods, ref))?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message;
}

/** Every version of every one that there ever was. */
function placeholders(scene: Scene): Pod[] {
  return scene.pods.versions.map(({ object }) => object).filter(isPlaceholder);
}

function priorityOf(pod: Pod | undefined): number {
  return Number(pod?.spec['priority']);
}

function touchable(scene: Scene): unknown {
  return scene.ordinals().map((ordinal) => [scene.pod(ordinal)?.metadata.uid, scene.claim(ordinal).metadata.uid, scene.volume(ordinal).metadata.name, scene.volume(ordinal).spec.persistentVolumeReclaimPolicy, scene.volume(ordinal).metadata.labels]);
}
