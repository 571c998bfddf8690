// A drawn world on a real control plane: made, looked at, asked, and taken away again, one after the other. Nobody runs pods here: those
// that are there were bound by us, and only the scheduler says anything about the one that wants in.
//
//   nodes, volumes, claims, attachments ─► pods on their nodes ─► a pod that only the last node takes: once it is bound the scheduler has
//   seen everything before it ─► one probe after the other, each with a disk in one zone

import type { Api } from '../../src/kubernetes/api.ts';
import {
  claims,
  csiNodes,
  namespaces,
  nodes,
  pods,
  storageClasses,
  volumeAttachments,
  volumes,
  type KubernetesObject,
  type Pod,
  type Resource,
} from '../../src/kubernetes/objects.ts';
import { isAlreadyExists } from '../../src/kubernetes/refusals.ts';
import type { Surroundings } from '../../src/layout/surroundings.ts';
import { BOUND_CLASS, DRIVER, HOME, NAMESPACES, OPEN_CLASS, RUNTIME_CLASS, ZONE_KEY, claimVolume, diskOf, type DrawnClaim, type DrawnPod, type DrawnWorld } from './draw.ts';

/** Where the scheduler puts the probe, or its `0/3 nodes are available: …`. */
export type Answer = { node: string } | { message: string };

const DEADLINE_MS = 20_000;
const POLL_MS = 10;
/** A first refusal may come of a cache that lags: the scheduler looks again when it has caught up, after a second. */
const SECOND_LOOK_MS = 3_000;

const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

const runtimeClasses: Resource = { group: 'node.k8s.io', version: 'v1', plural: 'runtimeclasses', kind: 'RuntimeClass', namespaced: false };

/** What all worlds share. */
export async function prepareStage(api: Api): Promise<void> {
  const allowedTopologies = [{ matchLabelExpressions: [{ key: ZONE_KEY, values: ['za', 'zb'] }] }];
  for (const [name, labels] of Object.entries(NAMESPACES)) await ifAbsent(api.create(namespaces, { metadata: { name, labels } }));
  await ifAbsent(api.create(storageClasses, { metadata: { name: BOUND_CLASS }, provisioner: DRIVER, volumeBindingMode: 'Immediate' }));
  await ifAbsent(api.create(storageClasses, { metadata: { name: OPEN_CLASS }, provisioner: DRIVER, volumeBindingMode: 'WaitForFirstConsumer', allowedTopologies }));
  await ifAbsent(api.create(runtimeClasses, { metadata: { name: RUNTIME_CLASS }, handler: 'none', overhead: { podFixed: { cpu: '100m', memory: '64Mi' } } }));
}

async function ifAbsent(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

export class Stage {
  readonly #api: Api;
  readonly #world: DrawnWorld;
  readonly #made: { resource: Resource; namespace?: string; name: string }[] = [];

  constructor(api: Api, world: DrawnWorld) {
    this.#api = api;
    this.#world = world;
  }

  /** The node that tells when the scheduler has seen all others; nobody else is let onto it. */
  get #lookout(): string {
    return `w${this.#world.seed}-lookout`;
  }

  /** `disks`: of the probes, beside those of the world. */
  async build(disks: readonly DrawnClaim[]): Promise<void> {
    const { nodes: drawn, csiNodes: drawnCsiNodes, claims: drawnClaims, attachments, pods: drawnPods } = this.#world;
    const volumesReady = Promise.all([...drawnClaims, ...disks].map((one) => this.#addClaim(one)));
    await Promise.all([...drawn.map((node) => this.#create(nodes, node)), ...drawnCsiNodes.map((csiNode) => this.#create(csiNodes, csiNode))]);
    await volumesReady;
    await Promise.all(attachments.map((attachment) => this.#create(volumeAttachments, attachment)));
    await this.#create(nodes, {
      metadata: { name: this.#lookout, labels: { 'kubernetes.io/hostname': this.#lookout } },
      spec: { taints: [{ key: 'lookout', effect: 'NoExecute' }] },
      status: { allocatable: { cpu: '1', memory: '1Gi', pods: '10' }, conditions: [{ type: 'Ready', status: 'True' }] },
    });
    await Promise.all(drawnPods.map((one) => this.#addPod(one)));
    await this.#untilSeen();
  }

  /** Resolves when it is bound. The volume first, until it is Available: a claim that is seen before it waits a quarter of a minute for the controller's resync. */
  async #addClaim({ claim, volume }: DrawnClaim): Promise<void> {
    if (volume !== undefined) {
      const ref = { name: volume.metadata.name };
      await this.#create(volumes, volume);
      await until(async () => ((await this.#api.get(volumes, ref))?.status?.phase === 'Available' ? true : undefined), `volume ${ref.name} to be available`);
    }
    await this.#create(claims, claim);
    if (volume === undefined) return;
    const { namespace = '', name } = claim.metadata;
    await until(async () => ((await this.#api.get(claims, { namespace, name }))?.status?.phase === 'Bound' ? true : undefined), `claim ${name} to be bound`);
  }

  /** Everything that the placement looks at, as the API server has it. */
  async surroundings(): Promise<Surroundings> {
    const api = this.#api;
    const [allNodes, allCsiNodes, allPods, allClaims, allVolumes] = await Promise.all([api.list(nodes), api.list(csiNodes), api.list(pods), api.list(claims), api.list(volumes)]);
    const [allNamespaces, attachments, classes] = await Promise.all([api.list(namespaces), api.list(volumeAttachments), api.list(storageClasses)]);
    return { nodes: allNodes, csiNodes: allCsiNodes, pods: allPods, claims: allClaims, volumes: allVolumes, namespaces: allNamespaces, attachments, storageClasses: classes };
  }

  /** As the API server would store it, admission and defaults included. */
  async admitted(pod: Pod): Promise<Pod> {
    return this.#api.create(pods, pod, { dryRun: true });
  }

  /** The scheduler's last word: `expected` ends the wait for a second look. */
  async ask(probe: Pod, { disk, expected }: { disk: DrawnClaim; expected: (answer: Answer) => boolean }): Promise<Answer> {
    const { name } = disk.claim.metadata;
    const pod: Pod = { ...probe, metadata: { ...probe.metadata, name }, spec: { ...probe.spec, volumes: [claimVolume('data', name), ...(probe.spec.volumes ?? [])] } };
    await this.#api.create(pods, pod);
    const open = this.#world.claims.find(({ claim, volume }) => volume === undefined && claim.metadata.namespace === HOME)?.claim.metadata.name;
    const first = await until(() => this.#answerTo(name, open), `an answer to ${name}`);
    const answer = 'node' in first || expected(first) ? first : await this.#secondLook({ name, open, first, expected });
    await this.#api.delete(pods, { namespace: HOME, name }, undefined, { gracePeriodSeconds: 0 });
    // The next probe may choose for itself.
    if (open !== undefined) await this.#api.mergePatch(claims, { namespace: HOME, name: open }, { metadata: { annotations: { [SELECTED_NODE]: null } } });
    return answer;
  }

  async clear(): Promise<void> {
    const take = async (of: (resource: Resource) => boolean): Promise<void> => {
      const gone = this.#made.filter(({ resource }) => of(resource));
      await Promise.all(gone.map(({ resource, ...ref }) => this.#api.delete(resource, ref, undefined, { gracePeriodSeconds: 0 })));
    };
    await take((resource) => resource === pods);
    await take((resource) => resource !== pods && resource !== claims && resource !== volumes);
    await take((resource) => resource === claims || resource === volumes);
  }

  async #secondLook({ name, open, first, expected }: { name: string; open: string | undefined; first: Answer; expected: (answer: Answer) => boolean }): Promise<Answer> {
    const end = Date.now() + SECOND_LOOK_MS;
    let answer = first;
    while (Date.now() < end && !('node' in answer) && !expected(answer)) {
      await pause();
      answer = (await this.#answerTo(name, open)) ?? answer;
    }
    return answer;
  }

  /** A pod whose claim is still to be provisioned is never bound here: the node that was chosen for the claim says it. */
  async #answerTo(name: string, open: string | undefined): Promise<Answer | undefined> {
    const pod = await this.#api.get(pods, { namespace: HOME, name });
    if (pod === undefined) throw new Error(`pod ${name} is gone`);
    if (pod.spec.nodeName !== undefined) return { node: pod.spec.nodeName };
    if (open !== undefined && pod.spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === open)) {
      const selected = (await this.#api.get(claims, { namespace: HOME, name: open }))?.metadata.annotations?.[SELECTED_NODE];
      if (selected !== undefined) return { node: selected };
    }
    const condition = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    return condition?.reason === 'Unschedulable' ? { message: condition.message ?? '' } : undefined;
  }

  async #addPod({ pod, fate }: DrawnPod): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    await this.#create(pods, pod);
    if (fate === 'ended') await this.#api.mergePatch(pods, { namespace, name }, { status: { phase: 'Succeeded' } }, { subresource: 'status' });
    if (fate === 'resized') await this.#api.mergePatch(pods, { namespace, name }, { status: resizedStatus(pod) }, { subresource: 'status' });
    if (fate === 'terminates') await this.#api.delete(pods, { namespace, name });
  }

  async #untilSeen(): Promise<void> {
    const name = this.#lookout;
    const tolerations = [{ operator: 'Exists' }];
    const required = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }] };
    await this.#create(pods, {
      metadata: { namespace: 'default', name },
      spec: { containers: [{ name: 'lookout', image: 'none' }], tolerations, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } },
    });
    await until(async () => ((await this.#api.get(pods, { namespace: 'default', name }))?.spec.nodeName === undefined ? undefined : true), 'the scheduler to see the world');
  }

  async #create<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<T> {
    const { namespace, name } = object.metadata;
    this.#made.push({ resource, name, ...(namespace === undefined ? {} : { namespace }) });
    return this.#api.create(resource, object);
  }
}

/** In force is less than what is asked for, and set aside more. */
function resizedStatus({ spec }: Pod): object {
  const containerStatuses = (spec.containers ?? []).map(({ name }) => ({
    name,
    image: 'none',
    imageID: '',
    ready: true,
    restartCount: 0,
    state: { running: {} },
    resources: { requests: { cpu: '150m', memory: '150Mi' } },
    allocatedResources: { cpu: '700m', memory: '100Mi' },
  }));
  return { phase: 'Running', containerStatuses };
}

/** The probe's disk in a zone, or on one node of it. */
export function probeDisk(world: DrawnWorld, { zone, node }: { zone: string; node?: string }): DrawnClaim {
  const onNode = node === undefined ? [] : [{ key: 'kubernetes.io/hostname', values: [node] }];
  return diskOf({ name: `w${world.seed}-probe-${node ?? zone}`, namespace: HOME, terms: [{ key: ZONE_KEY, values: [zone] }, ...onNode] });
}

async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${DEADLINE_MS} ms in vain for ${what}`);
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, POLL_MS);
  });
}
