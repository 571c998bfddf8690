// The scheduler: what it lets a pod land on, and in which words it refuses.

import { describe, expect, it } from 'vitest';
import { claims, nodes, pods, volumes, type Pod, type Resource } from '../../../src/kubernetes/objects.ts';
import { conditionOf, volumePhase } from '../../../src/kubernetes/reading.ts';
import { aClaim, aPod, aVolume, GATE, IMMEDIATE, SHOP, stage, type Stage } from './stage.ts';

const pod = (on: Stage, name = 'web'): Pod | undefined => on.cluster.server.read(pods, { namespace: SHOP, name });
const nodeOf = (on: Stage, name = 'web'): string | undefined => pod(on, name)?.spec.nodeName;
const message = (on: Stage, name = 'web'): string => conditionOf(pod(on, name)!, 'PodScheduled')?.message ?? '';
const priorityClasses: Resource = { group: 'scheduling.k8s.io', version: 'v1', plural: 'priorityclasses', kind: 'PriorityClass', namespaced: false };

async function scheduled(on: Stage, name = 'web'): Promise<string> {
  await on.cluster.run(() => nodeOf(on, name) !== undefined, 60_000);
  return nodeOf(on, name) ?? '';
}

async function refused(spec: Record<string, unknown>, claimNames: string[] = [], on?: Stage): Promise<string> {
  const where = on ?? (await stage());
  await where.create(pods, aPod('web', claimNames, spec));
  await where.cluster.run(() => message(where) !== '', 5_000);
  expect(conditionOf(pod(where)!, 'PodScheduled')).toMatchObject({ status: 'False', reason: 'Unschedulable' });
  await where.cluster.run(() => where.eventsOf('web').includes(`FailedScheduling: ${message(where)}`), 100);
  return message(where);
}

const HELPLESS = ' preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.';
const cpu = (amount: string) => ({ containers: [{ name: 'app', image: 'app:1', resources: { requests: { cpu: amount } } }] });

describe('a gated pod', () => {
  it('is left alone, and scheduled within a moment once the gate is off', async () => {
    const on = await stage();
    await on.create(pods, aPod('web', [], { schedulingGates: [{ name: GATE }] }));
    await on.cluster.pass(60_000);
    expect(conditionOf(pod(on)!, 'PodScheduled')).toMatchObject({ status: 'False', reason: 'SchedulingGated' });
    await on.do(on.admin.jsonPatch(pods, { namespace: SHOP, name: 'web' }, [{ op: 'remove', path: '/spec/schedulingGates' }]));
    const from = on.cluster.clock.monotonic();
    await scheduled(on);
    expect(on.cluster.clock.monotonic() - from).toBeLessThan(50);
  });
});

describe('a pod with a volume', () => {
  async function bound(zone: string, labels: Record<string, string> = {}): Promise<Stage> {
    const on = await stage();
    const volume = aVolume('pv', { claim: 'data', zone });
    volume.metadata.labels = labels;
    await on.create(volumes, volume);
    await on.cluster.run(() => volumePhase(on.volume('pv')!) === 'Available', 5_000);
    await on.create(claims, aClaim('data'));
    await on.cluster.run(() => on.claim('data')?.status?.phase === 'Bound', 5_000);
    return on;
  }

  it('follows the node affinity of the volume', async () => {
    const on = await bound('cn-test-c');
    await on.create(pods, aPod('web', ['data']));
    expect(await scheduled(on)).toMatch(/^node-c/);
  });

  it('cannot follow it to a zone without nodes', async () => {
    const on = await bound('cn-test-x');
    expect(await refused({}, ['data'], on)).toBe(`0/6 nodes are available: 6 node(s) didn't match PersistentVolume's node affinity.${HELPLESS}`);
  });

  it('whose labels name another zone than its affinity lands nowhere', async () => {
    const on = await bound('cn-test-b', { 'topology.kubernetes.io/zone': 'cn-test-a' });
    expect(await refused({}, ['data'], on)).toBe(`0/6 nodes are available: 2 node(s) had no available volume zone, 4 node(s) didn't match PersistentVolume's node affinity.${HELPLESS}`);
  });

  it('and a selector that pins another zone lands nowhere', async () => {
    const on = await bound('cn-test-b');
    const text = await refused({ nodeSelector: { 'topology.kubernetes.io/zone': 'cn-test-a' } }, ['data'], on);
    expect(text).toBe(`0/6 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity, 4 node(s) didn't match Pod's node affinity/selector.${HELPLESS}`);
  });

  it('that is not there, or not bound under an Immediate class, waits', async () => {
    expect(await refused({}, ['none'])).toBe(`0/6 nodes are available: persistentvolumeclaim "none" not found.${HELPLESS}`);
    const on = await stage();
    for (const zone of ['a', 'b', 'c']) on.cluster.ecs.sellOut(`cn-test-${zone}`);
    await on.create(claims, aClaim('data', { storageClassName: IMMEDIATE }));
    expect(await refused({}, ['data'], on)).toBe(`0/6 nodes are available: pod has unbound immediate PersistentVolumeClaims.${HELPLESS}`);
  });

  it('that waits for its first consumer takes a free one that its node reaches, if there is one', async () => {
    const on = await stage();
    await on.create(volumes, aVolume('free', { zone: 'cn-test-b', diskId: on.cluster.ecs.addDisk({ zone: 'cn-test-b', category: 'cloud_essd', sizeGiB: 20 }) }));
    await on.cluster.run(() => volumePhase(on.volume('free')!) === 'Available', 5_000);
    await on.create(claims, aClaim('data'));
    await on.create(pods, aPod('web', ['data'], { nodeSelector: { 'topology.kubernetes.io/zone': 'cn-test-b' } }));
    await scheduled(on);
    expect(on.claim('data')?.spec.volumeName).toBe('free');
  });

  it('finds no room on nodes that have as many volumes as they take', async () => {
    const on = await stage({ nodes: [{ name: 'node-a1', zone: 'cn-test-a', maxDisks: 1 }] });
    for (const name of ['one', 'two']) {
      await on.create(claims, aClaim(name));
      await on.create(pods, aPod(name, [name]));
    }
    await on.cluster.run(() => ['one', 'two'].some((name) => message(on, name) === `0/1 nodes are available: 1 node(s) exceed max volume count. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.`), 20_000);
    await on.cluster.pass(10_000);
    expect(['one', 'two'].filter((name) => nodeOf(on, name) !== undefined)).toHaveLength(1);
  });
});

describe('nodes', () => {
  it('that are cordoned, tainted or full are named with how many they are', async () => {
    const on = await stage();
    await on.do(on.admin.mergePatch(nodes, { name: 'node-a1' }, { spec: { unschedulable: true } }));
    await on.do(on.admin.mergePatch(nodes, { name: 'node-a2' }, { spec: { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] } }));
    await on.cluster.pass(20);
    expect(await refused(cpu('9'), [], on)).toBe(
      '0/6 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 4 Insufficient cpu. preemption: 0/6 nodes are available: 4 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
    );
  });

  it('take a pod that tolerates their taint', async () => {
    const on = await stage({ nodes: [{ name: 'node-a1', zone: 'cn-test-a', taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] }] });
    await on.create(pods, aPod('web', [], { tolerations: [{ key: 'dedicated', operator: 'Exists' }] }));
    expect(await scheduled(on)).toBe('node-a1');
  });

  it('that come later take who waits, after the back-off', async () => {
    const on = await stage({ nodes: [{ name: 'node-a1', zone: 'cn-test-a', capacity: { cpu: '1' } }] });
    await refused(cpu('2'), [], on);
    await on.do(on.cluster.addNode({ name: 'node-b1', zone: 'cn-test-b' }));
    expect(await scheduled(on)).toBe('node-b1');
  });

  it('required node affinity is kept to', async () => {
    const on = await stage();
    const terms = [{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: ['cn-test-c'] }] }];
    await on.create(pods, aPod('web', [], { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } }));
    expect(await scheduled(on)).toMatch(/^node-c/);
  });
});

describe('other pods', () => {
  const labelSelector = { matchLabels: { group: 'g' } };
  const member = (name: string, spec: Record<string, unknown>): Pod => ({ ...aPod(name, [], spec), metadata: { name, namespace: SHOP, labels: { group: 'g' } } });

  it('anti-affinity keeps them apart by zone, until there are no zones left', async () => {
    const on = await stage();
    const spec = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: 'topology.kubernetes.io/zone' }] } } };
    for (const name of ['p1', 'p2', 'p3', 'p4']) await on.create(pods, member(name, spec));
    await on.cluster.run(() => ['p1', 'p2', 'p3', 'p4'].filter((name) => nodeOf(on, name) !== undefined).length === 3, 20_000);
    await on.cluster.pass(15_000);
    const zones = ['p1', 'p2', 'p3', 'p4'].flatMap((name) => nodeOf(on, name)?.slice(5, 6) ?? []);
    expect(zones.sort()).toEqual(['a', 'b', 'c']);
    const left = ['p1', 'p2', 'p3', 'p4'].find((name) => nodeOf(on, name) === undefined) ?? '';
    expect(message(on, left)).toContain("6 node(s) didn't match pod anti-affinity rules");
  });

  it('affinity brings them together', async () => {
    const on = await stage();
    const spec = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey: 'topology.kubernetes.io/zone' }] } } };
    for (const name of ['p1', 'p2', 'p3']) await on.create(pods, member(name, spec));
    await on.cluster.run(() => ['p1', 'p2', 'p3'].every((name) => nodeOf(on, name) !== undefined), 30_000);
    expect(new Set(['p1', 'p2', 'p3'].map((name) => nodeOf(on, name)?.slice(5, 6))).size).toBe(1);
  });

  it('topology spread constraints are kept to', async () => {
    const on = await stage();
    const spec = { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector }] };
    const names = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
    for (const name of names) await on.create(pods, member(name, spec));
    await on.cluster.run(() => names.every((name) => nodeOf(on, name) !== undefined), 60_000);
    expect(names.map((name) => nodeOf(on, name)?.slice(5, 6) ?? '').sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it.each([
    ['1.36', 0, 400],
    ['1.30', 900, 1_500],
  ] as const)('of lower priority go for one that needs their room: a placeholder holds it until then (%s)', async (kubernetes, leastMs, mostMs) => {
    const on = await stage({ kubernetes, nodes: [{ name: 'node-a1', zone: 'cn-test-a', capacity: { cpu: '4' } }] });
    await on.create(priorityClasses, { metadata: { name: 'placeholder' }, value: -10, preemptionPolicy: 'Never' });
    const low = { ...cpu('3'), priorityClassName: 'placeholder', priority: -10, preemptionPolicy: 'Never' };
    await on.create(pods, aPod('placeholder', [], { ...low, terminationGracePeriodSeconds: 0 }));
    await scheduled(on, 'placeholder');
    await on.create(pods, aPod('other', [], low));
    await on.cluster.pass(3_000);
    await on.create(pods, aPod('web', [], cpu('3')));
    const from = on.cluster.clock.monotonic();
    expect(await scheduled(on)).toBe('node-a1');
    const tookMs = on.cluster.clock.monotonic() - from;
    expect([tookMs > leastMs, tookMs < mostMs]).toEqual([true, true]);
    expect(pod(on, 'placeholder')).toBeUndefined();
    // The room that was made for one is not taken by another.
    expect(nodeOf(on, 'other')).toBeUndefined();
  });

  it('of lower priority do not get the room that a gated pod has been nominated for, and it gets it once its gate is off', async () => {
    const on = await stage({ nodes: [{ name: 'node-a1', zone: 'cn-test-a', capacity: { cpu: '4' } }] });
    await on.create(priorityClasses, { metadata: { name: 'lower' }, value: -10 });
    await on.create(pods, aPod('holder', [], cpu('3')));
    await scheduled(on, 'holder');
    await on.create(pods, aPod('lurker', [], { ...cpu('3'), priorityClassName: 'lower' }));
    await on.create(pods, aPod('web', [], { ...cpu('3'), schedulingGates: [{ name: GATE }] }));
    await on.cluster.pass(1_000);
    await on.do(on.admin.mergePatch(pods, { namespace: SHOP, name: 'web' }, { status: { nominatedNodeName: 'node-a1' } }, { subresource: 'status' }));
    await on.cluster.pass(100);
    await on.do(on.admin.delete(pods, { namespace: SHOP, name: 'holder' }, { gracePeriodSeconds: 0 }));
    await on.cluster.pass(20_000);
    expect(nodeOf(on, 'lurker')).toBeUndefined();
    await on.do(on.admin.jsonPatch(pods, { namespace: SHOP, name: 'web' }, [{ op: 'remove', path: '/spec/schedulingGates' }]));
    expect(await scheduled(on)).toBe('node-a1');
    expect(nodeOf(on, 'lurker')).toBeUndefined();
  });

  it('of the same priority stay', async () => {
    const on = await stage({ nodes: [{ name: 'node-a1', zone: 'cn-test-a', capacity: { cpu: '4' } }] });
    await on.create(pods, aPod('first', [], cpu('3')));
    await scheduled(on, 'first');
    expect(await refused(cpu('3'), [], on)).toBe('0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.');
  });
});
