// A simulated cluster for tests: three zones with two nodes each, a class that waits for its first consumer, namespace `shop`.

import { apiVersionOf, claims, events, mutatingWebhooks, namespaces, pods, statefulSets, storageClasses, volumes, type KubernetesObject, type PersistentVolume, type PersistentVolumeClaim, type Pod, type Resource, type StatefulSet, validatingWebhooks } from '../../../src/kubernetes/objects.ts';
import { isTrue } from '../../../src/kubernetes/reading.ts';
import { ADMIN, type CallWebhook, type Client, type StoreEvent } from '../../../src/simulation/apiserver/contract.ts';
import { createSimulatedCluster, type SimulatedCluster, type SimulatedClusterOptions } from '../../../src/simulation/cluster.ts';
import { Tasks } from '../../../src/simulation/controllers/tasks.ts';
import { DISK_DRIVER } from '../../../src/simulation/csi/names.ts';
import { everythingOnSale } from '../../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../../src/simulation/ecs/model.ts';
import { storageClass, type StorageClassOptions } from '../../../src/simulation/nodes/storage-class.ts';
import { SeededRandom } from '../../fakes/random.ts';

export const SHOP = 'shop';
export const GATE = 'zonespread.io/migrating';
export const ZONES = ['a', 'b', 'c'].map((letter) => `cn-test-${letter}`);
export const CLASS = 'alicloud-disk-essd';
export const RETAINING = 'retaining';
export const IMMEDIATE = 'immediate';

export type StageOptions = Partial<Omit<SimulatedClusterOptions, 'clock' | 'random' | 'ecs'>> & { seed?: number };

export interface SetOptions {
  name?: string;
  replicas?: number;
  templates?: string[];
  storageClassName?: string;
  size?: string;
  spec?: Partial<StatefulSet['spec']>;
  podSpec?: Record<string, unknown>;
}

export class Stage {
  readonly cluster: SimulatedCluster;
  readonly admin: Client;
  /** Every committed change, `ADDED Pod web-0`, in order. */
  readonly trace: string[] = [];
  /** Creates of pods of these names get the gate, as the product's webhook would give it. */
  readonly gated = new Set<string>();
  /** Creates of claims of these names are denied. */
  readonly deniedClaims = new Set<string>();

  constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
    this.admin = cluster.client(ADMIN);
    cluster.server.follow(undefined, ({ type, resource, object }: StoreEvent) => this.trace.push(`${cluster.clock.monotonic()} ${type} ${resource.kind} ${object.metadata.name}`));
  }

  do<T>(work: Promise<T>): Promise<T> {
    return this.cluster.settle(work);
  }

  create<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.do(this.admin.create(resource, { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }));
  }

  async createSet(options: SetOptions = {}): Promise<StatefulSet> {
    return this.create(statefulSets, aSet(options));
  }

  /** Runs until the pods of these ordinals are Ready. */
  async untilReady(ordinals: number[], name = 'web'): Promise<void> {
    await this.cluster.run(() => ordinals.every((ordinal) => this.isReady(ordinal, name)), 120_000);
  }

  async readySet(options: SetOptions = {}): Promise<StatefulSet> {
    const set = await this.createSet(options);
    const start = options.spec?.ordinals?.start ?? 0;
    await this.untilReady(Array.from({ length: options.replicas ?? 3 }, (_, index) => start + index), options.name);
    return set;
  }

  /** From now on creates of pods and claims go by `gated` and `deniedClaims`. */
  async interceptCreates(): Promise<void> {
    const rule = (resource: string) => ({ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: [resource], scope: 'Namespaced' });
    const webhook = (name: string, resource: string) => ({ name, clientConfig: { service: { name: 'test', namespace: 'default', path: `/${resource}` } }, rules: [rule(resource)], failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'] });
    await this.create(mutatingWebhooks, { metadata: { name: 'test' }, webhooks: [webhook('gate.test.io', 'pods')] });
    await this.create(validatingWebhooks, { metadata: { name: 'test' }, webhooks: [webhook('deny.test.io', 'persistentvolumeclaims')] });
  }

  readonly answerReview: CallWebhook = async ({ review }) => {
    const { uid, name, resource } = review.request as { uid: string; name: string; resource: { resource: string } };
    const answer = (response: object) => Promise.resolve({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...response } });
    if (resource.resource === 'pods') {
      const patch = [{ op: 'add', path: '/spec/schedulingGates', value: [{ name: GATE }] }];
      return answer(this.gated.has(name) ? { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') } : { allowed: true });
    }
    return answer(this.deniedClaims.has(name) ? { allowed: false, status: { code: 403, reason: 'Forbidden', message: 'not now' } } : { allowed: true });
  };

  async ungate(ordinal: number, name = 'web'): Promise<void> {
    await this.do(this.admin.jsonPatch(pods, { namespace: SHOP, name: `${name}-${ordinal}` }, [{ op: 'remove', path: '/spec/schedulingGates' }]));
  }

  /** Deletes a pod, gated when it comes back, and waits until it is back. */
  async replaceGated(ordinal: number, name = 'web'): Promise<Pod> {
    const before = this.pod(ordinal, name)?.metadata.uid;
    this.gated.add(`${name}-${ordinal}`);
    await this.do(this.admin.delete(pods, { namespace: SHOP, name: `${name}-${ordinal}` }));
    await this.cluster.run(() => ![undefined, before].includes(this.pod(ordinal, name)?.metadata.uid), 60_000);
    const pod = this.pod(ordinal, name);
    if (pod === undefined) throw new Error(`${name}-${ordinal} is not back`);
    return pod;
  }

  /** Reasons and messages of the events about an object, in order. */
  eventsOf(name: string): string[] {
    return this.cluster.server
      .readAll(events)
      .filter(({ involvedObject }) => (involvedObject as { name: string }).name === name)
      .map(({ reason, message }) => `${String(reason)}: ${String(message)}`);
  }

  /** Runs until the first pod is Ready on another node. */
  async untilReadyElsewhere(node: string): Promise<void> {
    await this.cluster.run(() => this.isReady(0) && this.pod(0)?.spec.nodeName !== node, 1_200_000);
  }

  isReady(ordinal: number, name = 'web'): boolean {
    const pod = this.pod(ordinal, name);
    return pod !== undefined && pod.metadata.deletionTimestamp === undefined && isTrue(pod, 'Ready');
  }

  pod(ordinal: number, name = 'web'): Pod | undefined {
    return this.cluster.server.read(pods, { namespace: SHOP, name: `${name}-${ordinal}` });
  }

  claim(name: string): PersistentVolumeClaim | undefined {
    return this.cluster.server.read(claims, { namespace: SHOP, name });
  }

  volume(name: string): PersistentVolume | undefined {
    return this.cluster.server.read(volumes, { name });
  }

  volumeOf(claimName: string): PersistentVolume | undefined {
    return this.volume(this.claim(claimName)?.spec.volumeName ?? '');
  }

  set(name = 'web'): StatefulSet | undefined {
    return this.cluster.server.read(statefulSets, { namespace: SHOP, name });
  }

  zoneOf(ordinal: number, name = 'web'): string | undefined {
    return this.pod(ordinal, name)?.spec.nodeName?.replace(/^node-(.)\d$/, 'cn-test-$1');
  }
}

export function aSet({ name = 'web', replicas = 3, templates = ['data'], storageClassName = CLASS, size = '20Gi', spec = {}, podSpec = {} }: SetOptions = {}): StatefulSet {
  return {
    metadata: { name, namespace: SHOP },
    spec: {
      replicas,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'app', image: 'app:1', volumeMounts: templates.map((template) => ({ name: template, mountPath: `/${template}` })) }], ...podSpec },
      },
      volumeClaimTemplates: templates.map((template) => ({
        metadata: { name: template },
        spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: size } } },
      })),
      ...spec,
    },
  };
}

export function aPod(name: string, claimNames: string[] = [], spec: Record<string, unknown> = {}): Pod {
  return {
    metadata: { name, namespace: SHOP, labels: { pod: name } },
    spec: {
      containers: [{ name: 'app', image: 'app:1' }],
      volumes: claimNames.map((claimName, index) => ({ name: `v${index}`, persistentVolumeClaim: { claimName } })),
      ...spec,
    },
  };
}

export function aClaim(name: string, spec: Record<string, unknown> = {}): PersistentVolumeClaim {
  return {
    metadata: { name, namespace: SHOP },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: CLASS, resources: { requests: { storage: '20Gi' } }, ...spec },
  };
}

/** A volume prepared for a claim of that name, whoever makes it. */
export function aVolume(name: string, { claim, diskId = `d-${name}`, size = '20Gi', zone = ZONES[1], ...spec }: { claim?: string; diskId?: string; size?: string; zone?: string } & Record<string, unknown> = {}): PersistentVolume {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: size },
      accessModes: ['ReadWriteOnce'],
      storageClassName: CLASS,
      persistentVolumeReclaimPolicy: 'Retain',
      csi: { driver: DISK_DRIVER, volumeHandle: diskId },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: [zone ?? ''] }] }] } },
      ...(claim === undefined ? {} : { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: SHOP, name: claim } }),
      ...spec,
    },
  };
}

export async function stage({ seed = 1, ...options }: StageOptions = {}): Promise<Stage> {
  const random = new SeededRandom(seed);
  const clock = new Tasks({ random: new SeededRandom(seed + 1_000_003), start: '2026-11-20T10:00:00.000Z' });
  const ecs = new EcsModel({
    clock,
    random,
    region: 'cn-test',
    zones: ZONES.map((id) => ({ id, onSale: everythingOnSale() })),
    timings: { createDiskMs: 300, attachMs: 200, detachMs: 200, snapshotAvailableMs: 300, snapshotUploadMs: 5_000 },
  });
  const nodes = ZONES.flatMap((zone) => [1, 2].map((number) => ({ name: `node-${zone.at(-1) ?? ''}${number}`, zone })));
  const first: { answer?: CallWebhook } = {};
  const callWebhook: CallWebhook = (call) => first.answer?.(call) ?? Promise.reject(new Error('the stage is being set'));
  const cluster = await createSimulatedCluster({ clock, random, ecs, nodes, timings: { stopMs: 50, unmountMs: 20, bootMs: 50, readyMs: 30 }, callWebhook, ...options });
  const made: Stage = new Stage(cluster);
  first.answer = made.answerReview;
  const classes: StorageClassOptions[] = [{ name: CLASS }, { name: RETAINING, reclaimPolicy: 'Retain' }, { name: IMMEDIATE, volumeBindingMode: 'Immediate' }];
  await made.create(namespaces, { metadata: { name: SHOP } });
  for (const one of classes) await made.create(storageClasses, storageClass(one));
  // Until every controller sees them: a claim whose class is not seen waits for nobody, and for the resync.
  await cluster.pass(100);
  return made;
}
