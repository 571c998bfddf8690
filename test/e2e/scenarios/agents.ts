// Nodes, kubelets and the disk driver themselves, without the product: what a StatefulSet gets on Alibaba Cloud is what it gets here, from
// its first disk to its last. Each scenario has a namespace and a set of its own, and holds on the real control plane with the real CSI
// sidecars as it does on the simulated one.

import { expect } from 'vitest';
import type { Api } from '../../../src/kubernetes/api.ts';
import { claims, nodes, pods, statefulSets, storageClasses, volumeAttachments, volumes, type Node, type PersistentVolume, type Pod, type StatefulSet } from '../../../src/kubernetes/objects.ts';
import { conditionOf, isTrue } from '../../../src/kubernetes/reading.ts';
import { isAlreadyExists } from '../../../src/kubernetes/refusals.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { randomLetters, type Random } from '../../../src/ports/random.ts';
import type { EcsModel } from '../../../src/simulation/ecs/model.ts';
import type { NodeSpec } from '../../../src/simulation/kubelet/registration.ts';
import { storageClass, type StorageClassOptions } from '../../../src/simulation/nodes/storage-class.ts';
import { ZONE } from '../names.ts';
import type { Kubelets } from '../world.ts';

/** What these scenarios stand on: a cluster with one untainted node in each zone. */
export interface Ground {
  readonly clock: Clock;
  readonly random: Random;
  readonly api: Api;
  readonly cloud: EcsModel;
  readonly kubelets: Kubelets;
  /** Resolves when pods can be made there. */
  makeNamespace(name: string): Promise<void>;
  /** Resolves when it can take pods. */
  addNode(node: NodeSpec): Promise<void>;
  /** With its machine. */
  deleteNode(name: string): Promise<void>;
  /** The kubelet dies and its containers run on; @returns what brings it back. */
  silenceNode(name: string): Promise<() => Promise<void>>;
}

export const REGION = 'cn-beijing';
export const ZONES = ['a', 'b', 'c'].map((letter) => `${REGION}-${letter}`);
export const NODES: NodeSpec[] = ZONES.map((zone) => ({ name: `node-${zone.at(-1) ?? ''}`, zone }));

const DRIVER_ZONE = 'topology.diskplugin.csi.alibabacloud.com/zone';
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 10;

export interface AgentScenario {
  name: string;
  run: (ground: Ground) => Promise<void>;
}

export const AGENTS: AgentScenario[] = [
  { name: 'gets disks in the zones of its nodes, as the disk driver makes them, and writes to them', run: bornInTheZonesOfItsNodes },
  { name: 'comes back on the same disk when a pod is evicted, with everything that was written', run: backOnTheSameDisk },
  { name: 'is detached once nothing holds the disk any more: object gone, volume out of use, disk free', run: detachedWhenNothingHoldsIt },
  { name: 'takes volumes and disks along when it and its claims are deleted', run: volumesAndDisksGoAlong },
  { name: 'of an Immediate class has disks before its pods are placed, in the zones of the class in turn, and pods follow', run: immediate },
  { name: 'of a class with a list of types, encryption and Retain takes the first type that the node has, and its disk is kept', run: firstTypeThatTheNodeHas },
  { name: 'is never Ready in a zone, until that is healed', run: neverReadyUntilHealed },
  { name: 'keeps its disk attached while the volume stays in use, although the pod is gone', run: volumeStaysInUse },
  { name: 'on a node with a dead kubelet is neither stopped nor let go, and writes on', run: deadKubelet },
  { name: 'on a node that is lost with its machine has its disk freed at the cloud, and its pod is nobody’s', run: nodeLostWithItsMachine },
];

/** One set in a namespace of its own. */
class Corner {
  readonly ground: Ground;
  readonly namespace: string;

  constructor(ground: Ground, name: string) {
    this.ground = ground;
    this.namespace = `${name}-${randomLetters(ground.random, 4)}`;
  }

  async open(options: { replicas?: number; sizeGiB?: number; storage?: StorageClassOptions } = {}): Promise<void> {
    const { api } = this.ground;
    const { storage = {} } = options;
    const name = storage.name ?? 'alicloud-disk-essd';
    try {
      await api.create(storageClasses, storageClass({ ...storage, name }));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    await this.ground.makeNamespace(this.namespace);
    await api.create(statefulSets, this.#set({ replicas: 2, sizeGiB: 20, ...options, storageClassName: name }));
  }

  #set({ replicas, sizeGiB, storageClassName }: { replicas: number; sizeGiB: number; storageClassName: string }): StatefulSet {
    return {
      metadata: { name: 'web', namespace: this.namespace },
      spec: {
        replicas,
        serviceName: 'web',
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { terminationGracePeriodSeconds: 10, containers: [{ name: 'web', image: 'web:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
        },
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: `${sizeGiB}Gi` } } } }],
      },
    };
  }

  /** Resolves with what the condition gives, once that is neither undefined nor false. */
  async until<T>(what: string, condition: () => T | Promise<T>): Promise<Exclude<T, undefined | false>> {
    const { clock } = this.ground;
    const deadline = clock.monotonic() + PATIENCE_MS;
    for (;;) {
      const seen = await condition();
      if (seen !== undefined && seen !== false) return seen as Exclude<T, undefined | false>;
      if (clock.monotonic() > deadline) throw new Error(`${this.namespace}: waiting until ${what}: not so after ${PATIENCE_MS / 1000} s; kubelets wait: ${JSON.stringify(this.ground.kubelets.waiting())}`);
      await clock.sleep(LOOK_EVERY_MS);
    }
  }

  async untilReady(count: number): Promise<Pod[]> {
    return this.until(`${count} pods are Ready`, async () => {
      const ready = (await this.ground.api.list(pods, { namespace: this.namespace })).filter((pod) => isTrue(pod, 'Ready'));
      return ready.length === count ? ready : undefined;
    });
  }

  async scale(replicas: number): Promise<void> {
    await this.ground.api.mergePatch(statefulSets, this.ref('web'), { spec: { replicas } });
  }

  /** The set and its claims. */
  async deleteAll(): Promise<void> {
    const { api } = this.ground;
    await api.delete(statefulSets, this.ref('web'));
    for (const { metadata } of await api.list(claims, { namespace: this.namespace })) await api.delete(claims, this.ref(metadata.name));
  }

  async pod(name = 'web-0'): Promise<Pod> {
    const pod = await this.ground.api.get(pods, this.ref(name));
    if (pod === undefined) throw new Error(`${this.namespace}: there is no pod ${name}`);
    return pod;
  }

  async volume(claimName = 'data-web-0'): Promise<PersistentVolume> {
    const { api } = this.ground;
    const claim = await api.get(claims, this.ref(claimName));
    const volume = await api.get(volumes, { name: claim?.spec.volumeName ?? '' });
    if (volume === undefined) throw new Error(`${this.namespace}: claim ${claimName} has no volume`);
    return volume;
  }

  async disk(claimName?: string): Promise<string> {
    return diskOf(await this.volume(claimName));
  }

  async nodeOf(pod: Pod): Promise<Node | undefined> {
    return this.ground.api.get(nodes, { name: pod.spec.nodeName ?? '' });
  }

  async zoneOf(pod: Pod): Promise<string> {
    return (await this.nodeOf(pod))?.metadata.labels?.[ZONE] ?? '';
  }

  ref(name: string): { namespace: string; name: string } {
    return { namespace: this.namespace, name };
  }
}

function diskOf(volume: PersistentVolume): string {
  return volume.spec.csi?.volumeHandle ?? '';
}

export async function bornInTheZonesOfItsNodes(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'born');
  await corner.open();
  for (const pod of await corner.untilReady(2)) {
    const zone = await corner.zoneOf(pod);
    const claimName = `data-${pod.metadata.name}`;
    const volume = await corner.until('the volume is dressed', async () => {
      const found = await corner.volume(claimName);
      return found.metadata.labels?.['csi.alibabacloud.com/disktype'] === undefined ? undefined : found;
    });
    expect(volume.metadata.labels).toMatchObject({ 'csi.alibabacloud.com/disktype': 'cloud_essd.PL1', 'topology.diskplugin.csi.alibabacloud.com/region': REGION, [DRIVER_ZONE]: zone });
    expect(volume.metadata.name).toMatch(/^disk-[0-9a-f-]{36}$/);
    expect(volume.metadata.annotations?.['csi.alibabacloud.com/volume-topology']).toContain('node.csi.alibabacloud.com/disktype.cloud_essd');
    expect(volume.metadata.annotations?.['pv.kubernetes.io/provisioned-by']).toBe('diskplugin.csi.alibabacloud.com');
    expect(volume.spec.nodeAffinity?.required?.nodeSelectorTerms).toEqual([{ matchExpressions: [{ key: DRIVER_ZONE, operator: 'In', values: [zone] }] }]);
    expect(volume.metadata.finalizers?.toSorted()).toEqual(['external-attacher/diskplugin-csi-alibabacloud-com', 'external-provisioner.volume.kubernetes.io/finalizer', 'kubernetes.io/pv-protection']);
    const { 'storage.kubernetes.io/csiProvisionerIdentity': provisioner, ...attributes } = volume.spec.csi?.volumeAttributes ?? {};
    expect(provisioner).toBeDefined();
    expect(attributes).toEqual({ type: 'cloud_essd' });
    const disk = ground.cloud.disk(diskOf(volume));
    expect(disk).toMatchObject({ zone, status: 'In_use', sizeGiB: 20, category: 'cloud_essd', performanceLevel: 'PL1' });
    expect(disk?.tags).toMatchObject({ 'kubernetes.io/created-for/pvc/name': claimName, 'kubernetes.io/created-for/pv/name': volume.metadata.name });
    await expectWrites(corner, pod, diskOf(volume));
  }
}

/** From its start on. */
async function expectWrites(corner: Corner, { metadata: { name, uid = '' } }: Pod, disk: string): Promise<void> {
  const { cloud } = corner.ground;
  const writer = `${corner.namespace}/${name}`;
  await corner.until('it has written', () => cloud.contents(disk).length > 3);
  expect(cloud.contents(disk)[0]).toMatchObject({ writer, text: `started ${uid}` });
  expect(cloud.contents(disk)[2]).toMatchObject({ writer, text: `running ${uid}` });
}

async function backOnTheSameDisk(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'evicted');
  await corner.open({ replicas: 1 });
  await corner.untilReady(1);
  const volume = await corner.volume();
  const { uid = '' } = (await corner.pod()).metadata;
  await corner.until('it has written', () => ground.cloud.contents(diskOf(volume)).length > 3);

  await ground.api.evict({ ...corner.ref('web-0'), uid });
  await corner.until('another pod is there', async () => (await ground.api.get(pods, corner.ref('web-0')))?.metadata.uid !== uid);
  await corner.untilReady(1);
  expect((await corner.volume()).metadata.name).toBe(volume.metadata.name);
  const writes = ground.cloud.contents(diskOf(volume)).filter(({ text }) => text?.startsWith('running') !== true);
  expect(writes.map(({ text }) => text?.split(' ')[0])).toEqual(['started', 'stopped', 'started']);
  const own = `${corner.namespace}/web-0`;
  const start = ground.kubelets.records.starts.findLast(({ pod }) => pod === own);
  expect(start).toMatchObject({ diskId: diskOf(volume), lastWriter: own, lastText: `stopped ${uid}` });
  expect(start?.lastSequence).toBe(start?.contentsLength);
  expect(ground.kubelets.records.lost).toEqual([]);
  expect(ground.kubelets.records.failures).toEqual([]);
}

async function detachedWhenNothingHoldsIt(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'detached');
  await corner.open({ replicas: 1 });
  const [pod] = await corner.untilReady(1);
  const volume = await corner.volume();
  await corner.scale(0);
  await corner.until('the disk is free', () => ground.cloud.disk(diskOf(volume))?.status === 'Available');
  const inUse = (await ground.api.list(nodes)).flatMap((node) => node.status?.volumesInUse ?? []);
  expect(inUse.filter((name) => name.endsWith(`^${diskOf(volume)}`))).toEqual([]);
  await corner.until('its attachment is gone', async () => (await ground.api.list(volumeAttachments)).every(({ spec }) => spec.source.persistentVolumeName !== volume.metadata.name));
  const { killedAt = 0, stoppedAt = 0, goneAt = 0, unmountedAt = 0 } = ground.kubelets.records.timeline(pod?.metadata.uid ?? '') ?? {};
  expect([killedAt <= stoppedAt, stoppedAt <= goneAt, stoppedAt <= unmountedAt, killedAt > 0]).toEqual([true, true, true, true]);
}

async function volumesAndDisksGoAlong(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'deleted');
  await corner.open();
  await corner.untilReady(2);
  const own = await Promise.all(['data-web-0', 'data-web-1'].map((name) => corner.volume(name)));
  await corner.deleteAll();
  await corner.until('the disks are deleted', () => own.every((volume) => ground.cloud.disk(diskOf(volume))?.status === 'Deleted'));
  await corner.until('the volumes are gone', async () => (await Promise.all(own.map(({ metadata: { name } }) => ground.api.get(volumes, { name })))).every((volume) => volume === undefined));
  expect(await ground.api.list(pods, { namespace: corner.namespace })).toEqual([]);
}

async function immediate(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'immediate');
  await corner.open({ storage: { name: 'immediate', volumeBindingMode: 'Immediate', zoneIds: [`${REGION}-c`, `${REGION}-b`] } });
  const zones = await Promise.all((await corner.untilReady(2)).map((pod) => corner.zoneOf(pod)));
  expect(zones.toSorted((left, right) => left.localeCompare(right))).toEqual([`${REGION}-b`, `${REGION}-c`]);
  await corner.deleteAll();
}

async function firstTypeThatTheNodeHas(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'retained');
  await corner.open({ storage: { name: 'auto-encrypted', type: 'cloud_ssd,cloud_auto', encrypted: true, kmsKeyId: 'key-1', reclaimPolicy: 'Retain' }, replicas: 1, sizeGiB: 5 });
  await corner.untilReady(1);
  const volume = await corner.volume();
  expect(ground.cloud.disk(diskOf(volume))).toMatchObject({ category: 'cloud_auto', sizeGiB: 5, encrypted: true, kmsKeyId: 'key-1' });
  expect(volume.spec.csi?.volumeAttributes).toMatchObject({ type: 'cloud_auto', encrypted: 'true', kmsKeyId: 'key-1' });
  await corner.deleteAll();
  await corner.until('the disk is free', () => ground.cloud.disk(diskOf(volume))?.status === 'Available');
  await corner.until('the volume is Released', async () => (await ground.api.get(volumes, { name: volume.metadata.name }))?.status?.phase === 'Released');
}

async function neverReadyUntilHealed(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'unready');
  const { namespace } = corner;
  const heals = ZONES.map((zone) => ground.kubelets.behaviour.neverReady({ namespace, zone }));
  await corner.open({ replicas: 1 });
  await corner.until('its pod runs', async () => (await ground.api.get(pods, corner.ref('web-0')))?.status?.phase === 'Running');
  expect(conditionOf(await corner.pod(), 'Ready')?.status).not.toBe('True');
  for (const heal of heals) heal();
  await corner.untilReady(1);
}

async function volumeStaysInUse(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'in-use');
  await corner.open({ replicas: 1 });
  await corner.untilReady(1);
  const [pod, disk] = [await corner.pod(), await corner.disk()];
  const heal = ground.kubelets.behaviour.keepsVolumesInUse({ node: pod.spec.nodeName ?? '' });
  await corner.scale(0);
  await corner.until('its pod is gone', () => ground.kubelets.records.timeline(pod.metadata.uid ?? '')?.goneAt);
  expect((await corner.nodeOf(pod))?.status?.volumesInUse).toContain(`kubernetes.io/csi/diskplugin.csi.alibabacloud.com^${disk}`);
  expect(ground.cloud.disk(disk)?.status).toBe('In_use');
  heal();
  await corner.until('the disk is free', () => ground.cloud.disk(disk)?.status === 'Available');
}

async function deadKubelet(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'silent');
  await corner.open({ replicas: 1 });
  await corner.untilReady(1);
  const [pod, disk] = [await corner.pod(), await corner.disk()];
  const revive = await ground.silenceNode(pod.spec.nodeName ?? '');
  await corner.until('its node is not known to be Ready', async () => conditionOf((await corner.nodeOf(pod)) ?? {}, 'Ready')?.status === 'Unknown');
  await ground.api.delete(pods, corner.ref('web-0'));
  const written = ground.cloud.contents(disk).length;
  await corner.until('it has written on', () => ground.cloud.contents(disk).length > written + 2);
  expect((await corner.pod()).metadata.uid).toBe(pod.metadata.uid);
  await revive();
  await corner.until('another pod is there', async () => (await ground.api.get(pods, corner.ref('web-0')))?.metadata.uid !== pod.metadata.uid);
  await corner.untilReady(1);
  expect(ground.kubelets.records.lost).toEqual([]);
}

async function nodeLostWithItsMachine(ground: Ground): Promise<void> {
  const corner = new Corner(ground, 'lost');
  await corner.open({ replicas: 1 });
  await corner.untilReady(1);
  const [pod, disk] = [await corner.pod(), await corner.disk()];
  const zone = await corner.zoneOf(pod);
  const lost = pod.spec.nodeName ?? '';
  await ground.deleteNode(lost);
  expect(ground.cloud.disk(disk)).toMatchObject({ status: 'Available', attachments: [] });
  const written = ground.cloud.contents(disk).length;
  await ground.api.delete(pods, corner.ref('web-0'));
  expect((await corner.pod()).metadata.uid).toBe(pod.metadata.uid);
  expect(ground.cloud.contents(disk)).toHaveLength(written);
  const again = `${lost}-again`;
  await ground.addNode({ name: again, zone });
  await ground.api.delete(pods, corner.ref('web-0'), {}, { gracePeriodSeconds: 0 });
  await corner.until('its successor is placed on the new node', async () => (await ground.api.get(pods, corner.ref('web-0')))?.spec.nodeName === again);
}
