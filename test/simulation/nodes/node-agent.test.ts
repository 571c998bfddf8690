import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/kubernetes/api.ts';
import { claims, csiNodes, leases, nodes, pods, volumeAttachments, volumes, type Node, type Pod, type Resource } from '../../../src/kubernetes/objects.ts';
import { EcsModel } from '../../../src/simulation/ecs/model.ts';
import { Behaviour } from '../../../src/simulation/kubelet/behaviour.ts';
import { KubeletRecords, kubeletShares } from '../../../src/simulation/kubelet/records.ts';
import { NodeAgent } from '../../../src/simulation/nodes/node-agent.ts';
import { WatchedCluster, type Watched } from '../../../src/simulation/nodes/watched-cluster.ts';
import { FakeApi } from '../../fakes/api.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeLog } from '../../fakes/log.ts';
import { SeededRandom } from '../../fakes/random.ts';

const ZONE_KEY = 'topology.diskplugin.csi.alibabacloud.com/zone';
const DRIVER = 'diskplugin.csi.alibabacloud.com';

let clock: FakeClock;
let api: FakeApi;
let ecs: EcsModel;
let records: KubeletRecords;
let behaviour: Behaviour;
let agent: NodeAgent;
let log: FakeLog;

beforeEach(async () => {
  clock = new FakeClock();
  api = new FakeApi({ clock });
  ecs = new EcsModel({ clock, random: new SeededRandom(1), region: 'cn-beijing', zones: [{ id: 'a', onSale: [{ category: 'cloud_essd' }] }], timings: { attachMs: 0, detachMs: 0 } });
  records = new KubeletRecords(clock);
  behaviour = new Behaviour({ bootMs: 1_000, readyMs: 500, stopMs: 2_000, unmountMs: 100, writeMs: 400 });
  log = new FakeLog();
  const cluster = new WatchedCluster();
  follow(cluster, 'Pod', pods);
  follow(cluster, 'PersistentVolumeClaim', claims);
  follow(cluster, 'PersistentVolume', volumes);
  follow(cluster, 'VolumeAttachment', volumeAttachments);
  follow(cluster, 'Node', nodes);
  agent = new NodeAgent({ spec: { name: 'n-1', zone: 'a' }, api, cluster, cloud: ecs, clock, behaviour, records, log, hostIP: '192.168.0.2', nextPodIP: () => '10.64.0.2' });
  await agent.start();
});

afterEach(async () => {
  await clock.settle(agent.stop());
});

function follow(cluster: WatchedCluster, kind: Watched['kind'], resource: Resource): void {
  api.onChange(resource, ({ type, object }) => {
    const watched = { kind, object } as unknown as Watched;
    if (type === 'deleted') cluster.delete(watched);
    else cluster.set(watched);
  });
}

/** What controllers and cloud do for a pod with one disk, up to the attachment. */
async function podWithDisk(): Promise<{ pod: Pod; diskId: string }> {
  const diskId = ecs.addDisk({ zone: 'a', category: 'cloud_essd', sizeGiB: 20 });
  const claim = await api.create(claims, { metadata: { namespace: 'shop', name: 'data' }, spec: { volumeName: 'pv-1' } });
  await api.mergePatch(claims, { namespace: 'shop', name: 'data' }, { status: { phase: 'Bound' } }, { subresource: 'status' });
  await api.create(volumes, {
    metadata: { name: 'pv-1' },
    spec: {
      claimRef: { uid: claim.metadata.uid ?? '' },
      csi: { driver: DRIVER, volumeHandle: diskId },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE_KEY, operator: 'In', values: ['a'] }] }] } },
    },
  });
  const pod = await api.create(pods, {
    metadata: { namespace: 'shop', name: 'web-0' },
    spec: { nodeName: 'n-1', containers: [{ name: 'web', image: 'web:1' }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
  });
  return { pod, diskId };
}

async function attach(diskId: string): Promise<void> {
  await ecs.call('AttachDisk', { DiskId: diskId, InstanceId: 'i-n-1' });
  await api.create(volumeAttachments, { metadata: { name: 'va-1' }, spec: { attacher: DRIVER, nodeName: 'n-1', source: { persistentVolumeName: 'pv-1' } } });
  await api.mergePatch(volumeAttachments, { name: 'va-1' }, { status: { attached: true } }, { subresource: 'status' });
  await api.mergePatch(nodes, { name: 'n-1' }, { status: { volumesAttached: [{ name: `kubernetes.io/csi/${DRIVER}^${diskId}`, devicePath: '' }] } }, { subresource: 'status' });
}

async function node(): Promise<Node | undefined> {
  return api.get(nodes, { name: 'n-1' });
}

async function livePod(): Promise<Pod | undefined> {
  return api.get(pods, { namespace: 'shop', name: 'web-0' });
}

async function isReady(): Promise<boolean> {
  return (await livePod())?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

describe('a node that starts', () => {
  it('registers itself as the nodes of the cloud do', async () => {
    expect(await node()).toMatchObject({
      metadata: {
        labels: { 'topology.kubernetes.io/zone': 'a', [ZONE_KEY]: 'a', 'node.csi.alibabacloud.com/disktype.cloud_essd': 'available' },
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      spec: { providerID: 'cn-beijing.i-n-1' },
    });
    expect((await api.get(csiNodes, { name: 'n-1' }))?.spec.drivers).toEqual([{ name: DRIVER, nodeID: 'i-n-1', topologyKeys: [ZONE_KEY], allocatable: { count: 15 } }]);
    expect(ecs.instances()).toEqual([{ id: 'i-n-1', zone: 'a' }]);
  });

  it('renews its lease every ten seconds, in the words that Kubernetes reads', async () => {
    const renewed = async (): Promise<string | undefined> => (await api.get(leases, { namespace: 'kube-node-lease', name: 'n-1' }))?.spec.renewTime;
    expect(await renewed()).toBe('2026-01-01T00:00:00.000000Z');
    await clock.advance(10_000);
    expect(await renewed()).toBe('2026-01-01T00:00:10.000000Z');
  });
});

describe('a pod with a disk', () => {
  it('goes its way, and every part of it is accounted for', async () => {
    const { pod: made, diskId } = await podWithDisk();
    await clock.advance(0);
    expect((await node())?.status?.volumesInUse).toEqual([`kubernetes.io/csi/${DRIVER}^${diskId}`]);
    expect(agent.waiting()).toEqual([{ pod: 'shop/web-0', reason: `volume pv-1 (${diskId}) is not attached` }]);

    await attach(diskId);
    await clock.advance(1_499);
    expect(await isReady()).toBe(false);
    await clock.advance(1);
    expect(await isReady()).toBe(true);

    await api.delete(pods, { namespace: 'shop', name: 'web-0' });
    await clock.advance(1_999);
    expect(await livePod()).toBeDefined();
    await clock.advance(1);
    expect(await livePod()).toBeUndefined();
    expect((await node())?.status?.volumesInUse).toHaveLength(1);
    await clock.advance(100);
    expect((await node())?.status?.volumesInUse ?? []).toEqual([]);

    const uid = made.metadata.uid ?? '';
    const timeline = records.timeline(uid);
    if (timeline === undefined) throw new Error('the pod was never seen');
    expect(kubeletShares(timeline)).toEqual({ stopMs: 2_000, unmountMs: 100, bootMs: 1_000, readyMs: 500 });
    const words = ecs.contents(diskId).map(({ text }) => text);
    expect([words[0], words.at(-1)]).toEqual([`started ${uid}`, `stopped ${uid}`]);
    expect(records.acknowledged.map(({ sequence }) => sequence)).toEqual(ecs.contents(diskId).map(({ sequence }) => sequence));
    expect(records.failures).toEqual([]);
  });

  it('does not mount what the live node no longer has attached, whatever the cache says', async () => {
    const { diskId } = await podWithDisk();
    api.on('get', nodes, async (_call, proceed) => {
      const live = (await proceed()) as Node;
      return { ...live, status: { ...live.status, volumesAttached: [] } };
    });
    await attach(diskId);
    await clock.advance(5_000);
    expect(records.starts).toEqual([]);
  });

  it('records a write that the cloud did not take', async () => {
    const { diskId } = await podWithDisk();
    await attach(diskId);
    await clock.advance(2_000);
    ecs.removeInstance('i-n-1');
    await clock.advance(400);
    expect(records.failures[0]).toMatchObject({ pod: 'shop/web-0', claim: 'data', diskId, during: 'run' });
  });
});

describe('a kubelet in trouble', () => {
  it('tries again when the API server does not answer, and complains once', async () => {
    let failing = true;
    api.on('mergePatch', pods, async (_call, proceed) => {
      if (failing) throw new ApiError('overloaded', { status: 500, reason: 'InternalError' });
      return proceed();
    });
    const { diskId } = await podWithDisk();
    await attach(diskId);
    await clock.advance(3_000);
    failing = false;
    await clock.advance(3_000);
    expect(await isReady()).toBe(true);
    expect(log.messages('warn')).toHaveLength(1);
  });

  it('does not touch another pod of the same name', async () => {
    const { pod: first } = await podWithDisk();
    await clock.advance(0);
    const second = { ...first, metadata: { namespace: 'shop', name: 'web-0' } };
    api.on('delete', pods, async (call, proceed) => {
      if (call.options.gracePeriodSeconds !== 0) return proceed();
      // The object is gone, and a successor is there, before the kubelet's delete arrives.
      api.remove(pods, { namespace: 'shop', name: 'web-0' });
      await api.create(pods, { ...second, spec: { ...second.spec, nodeName: 'n-2' } });
      return proceed();
    });
    await api.delete(pods, { namespace: 'shop', name: 'web-0' });
    await clock.advance(1_000);
    expect((await livePod())?.spec.nodeName).toBe('n-2');
  });

  it('falls silent: node Unknown, lease stale, pods left alone, containers writing on', async () => {
    const { diskId } = await podWithDisk();
    await attach(diskId);
    await clock.advance(2_000);
    await agent.silence();
    await api.delete(pods, { namespace: 'shop', name: 'web-0' });
    const written = ecs.contents(diskId).length;
    await clock.advance(30_000);
    expect(ecs.contents(diskId).length).toBeGreaterThan(written + 50);
    expect(await livePod()).toBeDefined();
    expect((await node())?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('Unknown');
    await agent.speak();
    await clock.advance(2_000);
    expect(await livePod()).toBeUndefined();
  });
});
