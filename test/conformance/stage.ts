// Where a scenario is played: a namespace of its own, one StatefulSet `web` with a claim `data` for each ordinal, and the words for what
// people and the product do to them. Everything is awaited by what a watch shows.

import { ApiError } from '../../src/kubernetes/api.ts';
import { isAlreadyExists } from '../../src/kubernetes/refusals.ts';
import { claims, disruptionBudgets, events, namespaces, nodes, pods, statefulSets, volumes, type KubernetesObject, type Node, type PersistentVolume, type PersistentVolumeClaim, type Pod, type Resource, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { areBound, isTerminating, uidOf, volumePhase } from '../../src/kubernetes/reading.ts';
import { DISK_DRIVER, ZONE_KEY } from '../../src/simulation/csi/names.ts';
import type { DiskView } from '../../src/simulation/ecs/model.ts';
import type { NodeSpec } from '../../src/simulation/kubelet/registration.ts';
import { Chronicle, isMadeByProvisioner, podState } from './chronicle.ts';
import { LOOKED_AT, type Rules } from './interception.ts';
import { HOME, TARGET, type ClassName, type World } from './world.ts';

export interface SetOptions {
  replicas?: number;
  /** Default OrderedReady. */
  policy?: 'OrderedReady' | 'Parallel';
  /** Default `waits`; null: the template names none. */
  storageClass?: ClassName | (string & {}) | null;
  size?: string;
  spec?: Partial<StatefulSet['spec']>;
  podSpec?: Record<string, unknown>;
}

export interface VolumeOptions {
  /** That it is prepared for; without one anybody's. */
  claim?: string;
  /** Default the target. */
  zone?: string;
  size?: string;
  storageClass?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Of the driver's disk; default a new one. */
  disk?: string;
  spec?: Record<string, unknown>;
}

export interface ClaimOptions {
  volumeName?: string;
  storageClass?: string | null;
  size?: string;
  annotations?: Record<string, string>;
  ownerReferences?: NonNullable<KubernetesObject['metadata']['ownerReferences']>;
  spec?: Record<string, unknown>;
}

/** The revision to begin with, and the one that a rollout brings. */
export const IMAGES = { first: 'app:1', second: 'app:2' };
const SET = 'web';
/** Between two tries of what is refused for a moment only. */
const SOON_MS = 20;
/** Between two nudges. */
const NUDGE_MS = 500;

export class Stage {
  readonly world: World;
  readonly namespace: string;
  /** What happens to pods and claims of this play at their creation. */
  readonly rules: Rules;
  /** What the play found out, in the order in which it did. */
  readonly notes: Record<string, unknown> = {};
  readonly #chronicle: Chronicle;
  readonly #ends: (() => void | Promise<void>)[] = [];
  #changed = Promise.withResolvers<void>();
  #lastStates = '';

  constructor(world: World, namespace: string) {
    this.world = world;
    this.namespace = namespace;
    this.rules = world.interception.rulesOf(namespace);
    this.#chronicle = new Chronicle(namespace);
  }

  async open(): Promise<void> {
    this.#ends.push(
      this.world.follow((change) => {
        if (!this.#chronicle.take(change)) return;
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
      }),
    );
    await this.world.api.create(namespaces, { metadata: { name: this.namespace, labels: LOOKED_AT } });
  }

  async close(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
  }

  /** Called when the play is over, the last one first. */
  atTheEnd(end: () => void | Promise<void>): void {
    this.#ends.push(end);
  }

  moments() {
    return this.#chronicle.moments();
  }

  // ── waiting ──

  /** @throws Error with what is there when it does not hold in time. */
  async until(what: string, holds: () => boolean, patienceMs = this.world.patienceMs): Promise<void> {
    const { clock } = this.world;
    const deadline = clock.monotonic() + patienceMs;
    while (!holds()) {
      const left = deadline - clock.monotonic();
      if (left <= 0) throw new Error(`${what}: this has not come about within ${patienceMs} ms.\n${this.describe()}`);
      await this.#change(Math.min(left, 200));
    }
  }

  /** Does it again and again until it holds: whoever is nudged may have looked at an old picture. */
  async nudgeUntil(what: string, nudge: () => Promise<void>, holds: () => boolean): Promise<void> {
    const { clock, patienceMs } = this.world;
    const deadline = clock.monotonic() + patienceMs;
    while (!holds()) {
      if (clock.monotonic() > deadline) throw new Error(`${what}: this has not come about within ${patienceMs} ms.\n${this.describe()}`);
      await nudge();
      const next = clock.monotonic() + NUDGE_MS;
      while (!holds() && clock.monotonic() < next) await this.#change(next - clock.monotonic());
    }
  }

  /** Until nothing changes any more. */
  async calm(): Promise<void> {
    const { clock, calmMs } = this.world;
    this.#lastStates = this.#states();
    let since = clock.monotonic();
    while (clock.monotonic() - since < calmMs) {
      await this.#change(calmMs - (clock.monotonic() - since));
      const states = this.#states();
      if (states === this.#lastStates) continue;
      this.#lastStates = states;
      since = clock.monotonic();
    }
  }

  /** A change, or the end of the time. */
  async #change(ms: number): Promise<void> {
    const woken = new AbortController();
    void this.#changed.promise.then(() => woken.abort());
    await this.world.clock.sleep(ms, woken.signal);
  }

  #states(): string {
    const last = this.moments().at(-1);
    return last === undefined ? '' : String(last.revision);
  }

  describe(): string {
    const told = this.moments().map(({ subject, state, revision }) => `  ${revision} ${subject}: ${state}`);
    const said = this.#chronicle.list(events).map((event) => `  ${(event.involvedObject as { name: string }).name}: ${String(event.reason)}: ${String(event.message)}`);
    return [`In ${this.namespace} so far:`, ...told, 'Events:', ...said].join('\n');
  }

  // ── what is there ──

  get set(): StatefulSet | undefined {
    return this.#chronicle.get(statefulSets, SET);
  }

  pod(ordinal: number): Pod | undefined {
    return this.podNamed(podName(ordinal));
  }

  podNamed(name: string): Pod | undefined {
    return this.#chronicle.get(pods, name);
  }

  /** `ready`, `gated`, `waiting` …; `none`. */
  podState(ordinal: number): string {
    const pod = this.pod(ordinal);
    return pod === undefined ? 'none' : isTerminating(pod) ? 'terminating' : podState(pod);
  }

  claim(name: string): PersistentVolumeClaim | undefined {
    return this.#chronicle.get(claims, name);
  }

  claimOf(ordinal: number): PersistentVolumeClaim | undefined {
    return this.claim(claimName(ordinal));
  }

  /** By its name in the play. */
  volume(name: string): PersistentVolume | undefined {
    return this.#chronicle.get(volumes, this.own(name));
  }

  volumeNamed(name: string | undefined): PersistentVolume | undefined {
    return name === undefined ? undefined : this.#chronicle.get(volumes, name);
  }

  /** Every state that the object of that name, and those before it, went through. */
  versions<T extends KubernetesObject>(resource: Resource<T>, name: string): T[] {
    return this.#chronicle.versions(resource, name);
  }

  volumes(): PersistentVolume[] {
    return this.#chronicle.list(volumes);
  }

  node(name: string): Node | undefined {
    return this.#chronicle.get(nodes, name);
  }

  list<T extends KubernetesObject>(resource: Resource<T>): T[] {
    return this.#chronicle.list(resource);
  }

  get<T extends KubernetesObject>(resource: Resource<T>, name: string): T | undefined {
    return this.#chronicle.get(resource, name);
  }

  /** Messages of the events about an object for that reason. */
  events(about: string, reason: string): string[] {
    return this.#chronicle
      .list(events)
      .filter((event) => (event.involvedObject as { name: string }).name === about && event.reason === reason)
      .map(({ message }) => String(message));
  }

  /** What a claim got, in words: `bound to new`, `bound to a blank disk`, `not bound`. */
  bindingOf(claim: PersistentVolumeClaim | undefined): string {
    const volume = this.volumeNamed(claim?.spec.volumeName);
    if (claim === undefined || volume === undefined || !areBound(claim, volume)) return claim?.status?.phase === 'Lost' ? 'lost' : 'not bound';
    return isMadeByProvisioner(volume.metadata.name) ? 'bound to a blank disk' : `bound to ${volume.metadata.name.slice(this.namespace.length + 1)}`;
  }

  /** Where it runs: `home`, `target`, `elsewhere`, `own node`, `nowhere`. */
  placeOf(pod: Pod | undefined): string {
    const { nodeName = '' } = pod?.spec ?? {};
    if (nodeName.startsWith(`${this.namespace}-`)) return 'own node';
    return { a: 'home', b: 'target', c: 'elsewhere' }[ZONE_OF_NODE.exec(nodeName)?.[1] ?? ''] ?? 'nowhere';
  }

  /** The disk behind a volume. */
  disk(volume: PersistentVolume | undefined): DiskView | undefined {
    return this.world.cloud.disk(volume?.spec.csi?.volumeHandle ?? '');
  }

  /** Of a volume of this play, or of one that the provisioner made. */
  volumeName(name: string): string {
    return isMadeByProvisioner(name) ? name : this.own(name);
  }

  /** A cluster-scoped name of this play. */
  own(name: string): string {
    return `${this.namespace}-${name}`;
  }

  note(what: string, found: unknown): void {
    this.notes[what] = found;
  }

  /** What a request comes to: `accepted`, or the refusal in words without names of this run. */
  async answer(request: Promise<unknown>): Promise<string> {
    try {
      await request;
      return 'accepted';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const causes = (error.body.details as { causes?: { reason?: string; field?: string }[] } | undefined)?.causes ?? [];
      const blamed = [...new Set(causes.map(({ field, reason }) => field ?? reason ?? ''))].filter((one) => one !== '');
      return [`${error.status} ${error.reason}`, ...(blamed.length === 0 ? [] : [blamed.join(', ')])].join(': ');
    }
  }

  // ── StatefulSet and pods ──

  /** Resolves when every pod is Ready. */
  async readySet(options: SetOptions = {}): Promise<void> {
    await this.createSet(options);
    await this.untilReady(...Array.from({ length: options.replicas ?? 1 }, (_, ordinal) => ordinal));
  }

  async createSet(options: SetOptions = {}): Promise<void> {
    await this.create(statefulSets, this.#setOf(options));
  }

  #setOf({ replicas = 1, policy = 'OrderedReady', storageClass = 'waits', size = '20Gi', spec = {}, podSpec = {} }: SetOptions): StatefulSet {
    const labels = { app: SET };
    return {
      metadata: { name: SET, namespace: this.namespace },
      spec: {
        replicas,
        serviceName: SET,
        podManagementPolicy: policy,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { ...CONTAINERS(IMAGES.first, true), ...podSpec } },
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], ...(storageClass === null ? {} : { storageClassName: storageClass }), resources: { requests: { storage: size } } } }],
        ...spec,
      },
    };
  }

  async patchSet(spec: object): Promise<void> {
    await this.world.api.mergePatch(statefulSets, this.ref(SET), { spec });
  }

  async scale(replicas: number): Promise<void> {
    await this.patchSet({ replicas });
  }

  /** A new revision of the template. */
  async roll(): Promise<void> {
    await this.patchSet({ template: { spec: { containers: [{ name: 'app', image: IMAGES.second }] } } });
  }

  /** A write to the set that changes nothing of what it wants: its controller looks again. */
  async touchSet(): Promise<void> {
    await this.world.api.mergePatch(statefulSets, this.ref(SET), { metadata: { annotations: { touched: String(this.world.clock.monotonic()) } } });
  }

  async touchPod(ordinal: number): Promise<void> {
    await this.world.api.mergePatch(pods, this.ref(podName(ordinal)), { metadata: { annotations: { touched: String(this.world.clock.monotonic()) } } });
  }

  async untilReady(...ordinals: number[]): Promise<void> {
    await this.until(`the pods ${ordinals.join(', ')} are ready`, () => ordinals.every((ordinal) => this.podState(ordinal) === 'ready'));
  }

  async untilPod(ordinal: number, state: string): Promise<void> {
    await this.until(`pod ${ordinal} is ${state}`, () => this.podState(ordinal) === state);
  }

  async deletePod(ordinal: number): Promise<void> {
    await this.world.api.delete(pods, this.ref(podName(ordinal)));
  }

  async evict(ordinal: number): Promise<void> {
    const pod = this.pod(ordinal);
    await this.world.api.evict({ namespace: this.namespace, name: podName(ordinal), uid: uidOf(pod ?? { metadata: { name: '' } }) });
  }

  /** It is made again, gated. */
  async replaceGated(ordinal: number): Promise<void> {
    this.rules.gated.add(podName(ordinal));
    await this.replace(ordinal);
    await this.untilPod(ordinal, 'gated');
  }

  /** Deletes it and waits for the next one of its name. */
  async replace(ordinal: number): Promise<void> {
    const uid = this.pod(ordinal)?.metadata.uid;
    await this.evict(ordinal);
    await this.until(`pod ${ordinal} is made again`, () => ![uid, undefined].includes(this.pod(ordinal)?.metadata.uid));
  }

  /** As `ungate`, when everybody has seen what its claims are bound to: a scheduler that is behind would place it by the claim of before. */
  async ungateInCalm(ordinal: number): Promise<void> {
    await this.calm();
    await this.ungate(ordinal);
  }

  /** The gate goes, of this pod and of those that come. */
  async ungate(ordinal: number): Promise<void> {
    this.rules.gated.delete(podName(ordinal));
    await this.world.api.jsonPatch(pods, this.ref(podName(ordinal)), [{ op: 'remove', path: '/spec/schedulingGates' }]);
  }

  async createPod(name: string, claimNames: string[], spec: Record<string, unknown> = {}): Promise<void> {
    const volumesOf = claimNames.map((claim, index) => ({ name: `v${index}`, persistentVolumeClaim: { claimName: claim } }));
    await this.create(pods, { metadata: { name, namespace: this.namespace, labels: { pod: name } }, spec: { ...CONTAINERS(IMAGES.first), volumes: volumesOf, ...spec } });
  }

  async untilPodNamed(name: string, state: string): Promise<void> {
    await this.until(`pod ${name} is ${state}`, () => {
      const pod = this.podNamed(name);
      return pod !== undefined && podState(pod) === state;
    });
  }

  async createBudget(name: string, spec: object): Promise<void> {
    await this.create(disruptionBudgets, { metadata: { name, namespace: this.namespace }, spec: { selector: { matchLabels: { app: SET } }, ...spec } });
    await this.until('the budget is counted', () => this.get(disruptionBudgets, name)?.status?.observedGeneration === 1);
  }

  // ── claims and volumes ──

  /** Resolves when it shows; Available unless a claim takes it at once. */
  async createVolume(name: string, options: VolumeOptions = {}): Promise<void> {
    await this.create(volumes, this.volumeOf(name, options));
  }

  /** For the claim of an ordinal at the target, and Available: the first thing that the product does. */
  async prepare(ordinal: number, options: VolumeOptions = {}): Promise<void> {
    await this.createVolume('new', { claim: claimName(ordinal), ...options });
    await this.until('the new volume is Available', () => volumePhase(this.volume('new')!) === 'Available');
  }

  volumeOf(name: string, { claim, zone = TARGET, size = '20Gi', storageClass = 'waits', labels, annotations, disk, spec = {} }: VolumeOptions = {}): PersistentVolume {
    const volumeHandle = disk ?? this.world.cloud.addDisk({ zone, sizeGiB: Number.parseInt(size, 10) });
    return {
      metadata: { name: this.own(name), ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) },
      spec: {
        capacity: { storage: size },
        accessModes: ['ReadWriteOnce'],
        storageClassName: storageClass,
        persistentVolumeReclaimPolicy: 'Retain',
        csi: { driver: DISK_DRIVER, volumeHandle },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE_KEY, operator: 'In', values: [zone] }] }] } },
        ...(claim === undefined ? {} : { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: this.namespace, name: claim } }),
        ...spec,
      },
    };
  }

  async patchVolume(name: string, patch: object): Promise<void> {
    await this.world.api.mergePatch(volumes, { name }, patch);
  }

  /** Its disk outlives its claim. */
  async retain(volume: PersistentVolume | undefined, policy: 'Retain' | 'Delete' = 'Retain'): Promise<void> {
    await this.patchVolume(volume?.metadata.name ?? '', { spec: { persistentVolumeReclaimPolicy: policy } });
  }

  /** It forgets the UID of its claim and keeps the name. */
  async free(volume: PersistentVolume | undefined): Promise<void> {
    const name = volume?.metadata.name ?? '';
    await this.patchVolume(name, { metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': null } }, spec: { claimRef: { uid: null, resourceVersion: null } } });
    await this.until('the volume is Available', () => volumePhase(this.volumeNamed(name)!) === 'Available');
  }

  async untilPhase(volume: PersistentVolume | undefined, phase: string): Promise<void> {
    const name = volume?.metadata.name ?? '';
    await this.until(`volume ${name} is ${phase}`, () => volumePhase(this.volumeNamed(name) ?? ({ metadata: { name } } as PersistentVolume)) === phase);
  }

  /** Resolves when it is gone. */
  async deleteClaim(name: string): Promise<void> {
    const uid = this.claim(name)?.metadata.uid;
    await this.world.api.delete(claims, this.ref(name));
    await this.until(`claim ${name} is gone`, () => this.claim(name)?.metadata.uid !== uid);
  }

  /** Unless its controller was faster. */
  async createClaim(name: string, options: ClaimOptions = {}): Promise<void> {
    try {
      await this.create(claims, this.claimSpec(name, options));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      await this.until(`claim ${name} is there`, () => this.claim(name) !== undefined);
    }
  }

  claimSpec(name: string, { volumeName, storageClass = 'waits', size = '20Gi', annotations, ownerReferences, spec = {} }: ClaimOptions = {}): PersistentVolumeClaim {
    return {
      metadata: { name, namespace: this.namespace, ...(annotations === undefined ? {} : { annotations }), ...(ownerReferences === undefined ? {} : { ownerReferences }) },
      spec: {
        accessModes: ['ReadWriteOnce'],
        ...(storageClass === null ? {} : { storageClassName: storageClass }),
        resources: { requests: { storage: size } },
        ...(volumeName === undefined ? {} : { volumeName: this.volumeName(volumeName) }),
        ...spec,
      },
    };
  }

  async touchClaim(name: string): Promise<void> {
    await this.world.api.mergePatch(claims, this.ref(name), { metadata: { annotations: { touched: String(this.world.clock.monotonic()) } } });
  }

  async untilBound(name: string): Promise<void> {
    await this.until(`claim ${name} is bound`, () => this.bindingOf(this.claim(name)).startsWith('bound'));
  }

  // ── nodes ──

  /** One that only pods which tolerate it go to. */
  async addNode(name: string, spec: Partial<NodeSpec> = {}): Promise<string> {
    const node = this.own(name);
    await this.world.addNode({ name: node, zone: HOME, taints: [{ key: TAINT, value: this.namespace, effect: 'NoSchedule' }], ...spec });
    return node;
  }

  /** Brings a pod onto a node of the play's own. */
  onNode(node: string): Record<string, unknown> {
    return { tolerations: [{ key: TAINT, operator: 'Equal', value: this.namespace, effect: 'NoSchedule' }], nodeSelector: { 'kubernetes.io/hostname': node } };
  }

  async patchNode(name: string, patch: object): Promise<void> {
    await this.world.api.mergePatch(nodes, { name }, patch);
  }

  // ── both ──

  ref(name: string): { namespace: string; name: string } {
    return { namespace: this.namespace, name };
  }

  /** Resolves when the watch has shown it. A namespace that was made a moment ago may not have its service account yet, which pods are refused for. */
  async create<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<void> {
    const { clock, patienceMs } = this.world;
    const deadline = clock.monotonic() + patienceMs;
    let made = await this.#tryToCreate(resource, object);
    for (; made === undefined; made = await this.#tryToCreate(resource, object)) {
      if (clock.monotonic() > deadline) throw new Error(`${resource.kind} ${object.metadata.name} is refused for want of a service account`);
      await clock.sleep(SOON_MS);
    }
    const created = made;
    await this.until(`${resource.kind} ${object.metadata.name} is seen`, () => this.#chronicle.hasSeen(created));
  }

  async #tryToCreate<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<T | undefined> {
    try {
      return await this.world.api.create(resource, object);
    } catch (error) {
      if (error instanceof ApiError && /serviceaccount/.test(error.message)) return undefined;
      throw error;
    }
  }

  /** Tried until it is: what it depends on shows a moment later. @throws Error when it never is. */
  async untilAccepted(ask: () => Promise<string>): Promise<void> {
    const { clock, patienceMs } = this.world;
    const deadline = clock.monotonic() + patienceMs;
    for (let answer = await ask(); answer !== 'accepted'; answer = await ask()) {
      if (clock.monotonic() > deadline) throw new Error(`it is never accepted: ${answer}\n${this.describe()}`);
      await clock.sleep(SOON_MS);
    }
  }
}

const TAINT = 'conformance.zonespread.io/only';
const ZONE_OF_NODE = /^node-(\w)\d+$/;

const CONTAINERS = (image: string, mounts = false) => ({
  terminationGracePeriodSeconds: 5,
  containers: [{ name: 'app', image, ...(mounts ? { volumeMounts: [{ name: 'data', mountPath: '/data' }] } : {}) }],
});

export function podName(ordinal: number): string {
  return `${SET}-${ordinal}`;
}

export function claimName(ordinal: number): string {
  return `data-${SET}-${ordinal}`;
}
