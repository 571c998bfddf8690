// A stage for the saga's unit tests: one StatefulSet in an API server in memory, its disks in the ECS model behind the real adapter, and
// the controllers that a move lives among, each in a few lines, run to rest between two visits (or after every write, when hostile).

import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { createAlicloudDisks } from '../../src/alicloud/disks.ts';
import { GATE, PROBE_LABEL, REQUEST_ANNOTATION } from '../../src/kubernetes/names.ts';
import { claims, namespaces, nodes, pods, statefulSets, volumeAttachments, volumes, type NodeSelectorTerm, type PersistentVolume, type PersistentVolumeClaim, type Pod, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { begin } from '../../src/migration/begin.ts';
import { ended, ordinalMigrations, phaseOf, type MigrationTerms, type OrdinalMigration, type OrdinalMigrationSpec, type Phase } from '../../src/migration/record.ts';
import { retire } from '../../src/migration/retirement.ts';
import { visit, type Visit } from '../../src/migration/runner.ts';
import { steeringOf, steeringRecord } from '../../src/migration/steering.ts';
import type { MigrationNote, MigrationPorts } from '../../src/migration/step.ts';
import { DiskError } from '../../src/ports/disks.ts';
import type { EcsAction, EcsAnswer, EcsCall, EcsParameters } from '../../src/ports/ecs-call.ts';
import { claim, NAMESPACE, node, statefulSet, volume } from '../builders/kubernetes.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock } from '../fakes/clock.ts';
import { SeededRandom } from '../fakes/random.ts';

export const ZONES = ['a', 'b', 'c'];
export const SET = 'web';

export const TERMS: MigrationTerms = { readyTimeoutMs: 60_000, healthDurationMs: 5_000, onUnready: 'hold', snapshotRetentionMs: 3_600_000, sourceRetentionMs: 3_600_000 };

/** What a killed daemon's calls end in. */
export class Crash extends Error {}

export interface StageOptions {
  templates?: string[];
  replicas?: number;
  reclaimPolicy?: 'Delete' | 'Retain';
  /** Controllers act after every single write of the daemon, before it can go on. */
  hostile?: boolean;
  terms?: Partial<MigrationTerms>;
}

export class Stage {
  readonly clock = new FakeClock('2026-11-20T10:00:00.000Z');
  readonly api: FakeApi;
  readonly ecs: EcsModel;
  readonly ports: MigrationPorts;
  readonly notes: MigrationNote[] = [];
  readonly terms: MigrationTerms;
  /** Pods of these ordinals never get Ready in these zones. */
  readonly neverReadyIn = new Set<string>();
  /** No node of these zones takes a pod with disks, which is what a placeholder cannot find out. */
  readonly cordoned = new Set<string>();
  /** No node of these zones takes any pod. */
  readonly full = new Set<string>();
  webhookUp = true;
  /** What the webhook's cache shows of the records: a test makes it lag here. */
  seenByWebhook: (records: OrdinalMigration[]) => OrdinalMigration[] = (records) => records;
  /** The daemon was killed: nothing that it still tries has any effect, until the next one takes over. */
  dead = false;
  /** Called before every cloud call of the daemon; may throw. */
  afterCloud: (action: EcsAction) => void = () => {};
  /** What the workload wrote and was told is safe: claim → writers in order. */
  readonly acknowledged = new Map<string, string[]>();
  readonly #hostile: boolean;
  #settling = false;

  constructor(options: StageOptions = {}) {
    const random = new SeededRandom(11);
    this.api = new FakeApi({ clock: this.clock, random });
    this.ecs = new EcsModel({
      clock: this.clock,
      random,
      region: 'cn-test',
      zones: ZONES.map((id) => ({ id, onSale: [{ category: 'cloud_essd' }, { category: 'cloud_auto' }] })),
      instances: ZONES.map((zone) => ({ id: `i-node-${zone}`, zone })),
      backupPolicies: ['sp-daily'],
      timings: { createDiskMs: 500, attachMs: 100, detachMs: 200, snapshotAvailableMs: 300, snapshotUploadMs: 2_000, callMs: 0, tagVisibilityLagMs: 0, listVisibilityLagMs: 0 },
    });
    this.#hostile = options.hostile ?? false;
    this.terms = { ...TERMS, ...options.terms };
    const call: EcsCall = { call: (action, parameters) => this.#cloudCall(action, parameters) };
    this.ports = {
      api: this.api,
      disks: createAlicloudDisks({ call, clock: this.clock, region: 'cn-test' }),
      clock: this.clock,
      random,
      clusterUID: 'uid-kube-system',
      epoch: 1,
      stepTimeoutMs: 60_000,
      reserving: { on: true, image: 'pause', prepull: false },
      report: (_record, note) => {
        this.notes.push(note);
      },
    };
    this.#webhook();
    this.#setTheScene(options);
  }

  async #cloudCall(action: EcsAction, parameters: EcsParameters): Promise<EcsAnswer> {
    if (this.dead) throw new Crash('dead');
    const answer = await this.ecs.call(action, parameters);
    this.afterCloud(action);
    return answer;
  }

  /** The set at rest: every disk in zone a, attached there, written to. */
  #setTheScene({ templates = ['data'], replicas = 1, reclaimPolicy = 'Delete' }: StageOptions): void {
    const set = statefulSet({ name: SET, replicas, templates, podManagementPolicy: 'Parallel' });
    this.api.put(namespaces, { metadata: { name: NAMESPACE } });
    this.api.put(statefulSets, set);
    for (const zone of ZONES) this.api.put(nodes, node({ zone }));
    for (let ordinal = 0; ordinal < replicas; ordinal += 1) {
      for (const template of templates) {
        const name = `${template}-${SET}-${ordinal}`;
        const diskId = this.ecs.addDisk({ zone: 'a', category: 'cloud_essd', performanceLevel: 'PL1', sizeGiB: 20, backupPolicyIds: ['sp-daily'], tags: { team: 'db' } });
        const pvc = this.api.put(claims, claim({ name, labels: { app: SET, team: 'db' }, annotations: { note: 'by hand' } }));
        const pv = volume({ claim: name, diskId, zone: 'a', reclaimPolicy });
        if (pv.spec.claimRef !== undefined && pvc.metadata.uid !== undefined) pv.spec.claimRef.uid = pvc.metadata.uid;
        this.api.put(volumes, pv);
      }
    }
    this.#onChange();
  }

  /** First disk of an ordinal as it is named by its claim now. */
  diskOf(claimName: string): string {
    const live = this.api.read(claims, { namespace: NAMESPACE, name: claimName });
    const pv = this.api.read(volumes, { name: live?.spec.volumeName ?? '' });
    return pv?.spec.csi?.volumeHandle ?? '';
  }

  set(): StatefulSet | undefined {
    return this.api.read(statefulSets, { namespace: NAMESPACE, name: SET });
  }

  pod(ordinal = 0): Pod | undefined {
    return this.api.read(pods, { namespace: NAMESPACE, name: `${SET}-${ordinal}` });
  }

  ready(ordinal = 0): boolean {
    return this.pod(ordinal)?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  }

  record(name = 'web-0-first'): OrdinalMigration {
    const record = this.api.read(ordinalMigrations, { namespace: NAMESPACE, name });
    if (record === undefined) throw new Error(`there is no record ${name}`);
    return record;
  }

  /** A record in Pending, as a person or the daemon writes it. */
  async plan(spec: Partial<OrdinalMigrationSpec> = {}, name = 'web-0-first'): Promise<OrdinalMigration> {
    return this.api.create(ordinalMigrations, {
      metadata: { namespace: NAMESPACE, name },
      spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: SET }, ordinal: 0, targetZone: 'b', reason: 'Manual', ...spec },
    });
  }

  /** As the daemon does: begins the record, then visits it until it has ended or `enough`; every crash starts the next daemon. */
  async run(name = 'web-0-first', enough: (record: OrdinalMigration) => boolean = () => false): Promise<OrdinalMigration> {
    let faults = new Map<string, number>();
    for (let visits = 0; visits < 3_000; visits += 1) {
      await this.settle();
      const record = this.record(name);
      if (ended(record) || enough(record)) return record;
      let pauseMs = 0;
      try {
        if (phaseOf(record) === 'Pending') await begin(this.ports, record, this.terms);
        else {
          await this.#runReverses(name);
          const next = await visit(this.ports, { namespace: NAMESPACE, name }, faults);
          pauseMs = next.kind === 'again' ? next.afterMs : 0;
        }
      } catch (error) {
        // The daemon's queue tries again, later and later.
        if (!this.dead && !(error instanceof DiskError)) throw error;
        pauseMs = 1_000;
      }
      if (this.dead) {
        this.dead = false;
        faults = new Map();
        this.ports.epoch += 1;
      }
      await this.clock.advance(Math.min(Math.max(pauseMs, 10), 1_000));
    }
    throw new Error(`the migration does not come to an end: ${JSON.stringify(this.record(name).status, undefined, 1)}`);
  }

  /** Calls `act` once, as soon as the record has entered a step in that phase and before the daemon can go on. */
  onEntering(step: string, act: () => void | Promise<void>, phase: Phase = 'Running'): void {
    const remove = this.api.on('mergePatch', ordinalMigrations, async (call, proceed) => {
      const result = await proceed();
      const { status } = call.body as OrdinalMigration;
      const stored = (result as OrdinalMigration).status;
      if (status?.step !== step || stored?.phase !== phase) return result;
      remove();
      await act();
      return result;
    });
  }

  /** A person annotates the record. */
  async request(what: string, name = 'web-0-first'): Promise<void> {
    await this.api.mergePatch(ordinalMigrations, { namespace: NAMESPACE, name }, { metadata: { annotations: { [REQUEST_ANNOTATION]: what } } });
  }

  /** One visit by another daemon, which holds the lease of that epoch. */
  async visitAs(epoch: number, name = 'web-0-first'): Promise<Visit> {
    return visit({ ...this.ports, epoch }, { namespace: NAMESPACE, name }, new Map());
  }

  /** As the daemon does for what has ended, for as long as it takes all retentions to pass; a crash starts the next daemon. */
  async retireAll(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      for (const record of this.api.readAll(ordinalMigrations)) {
        try {
          await retire(this.ports, { namespace: NAMESPACE, name: record.metadata.name });
        } catch (error) {
          if (!this.dead && !(error instanceof DiskError)) throw error;
          this.dead = false;
        }
      }
      await this.settle();
      await this.clock.advance(600_000);
    }
  }

  /** A move that another one asked for runs beside it. */
  async #runReverses(name: string): Promise<void> {
    const reverse = this.api.readAll(ordinalMigrations).find((other) => other.spec.reverses === name && !ended(other));
    if (reverse !== undefined) await this.run(reverse.metadata.name);
  }

  // ── The cluster's controllers ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs every controller until nothing changes any more without time passing. */
  async settle(): Promise<void> {
    if (this.#settling) return;
    this.#settling = true;
    try {
      for (let round = 0; round < 50; round += 1) {
        const before = this.#version();
        this.#statefulSetController();
        this.#volumeController();
        this.#scheduler();
        await this.#kubelets();
        if (this.#version() === before) return;
      }
    } finally {
      this.#settling = false;
    }
    throw new Error('the controllers of the stage never come to rest');
  }

  #version(): string {
    return [pods, claims, volumes, volumeAttachments, nodes].flatMap((kind) => this.api.readAll(kind as typeof pods)).map(({ metadata }) => metadata.resourceVersion).join(',');
  }

  #onChange(): void {
    for (const verb of ['get', 'list', 'create', 'mergePatch', 'jsonPatch', 'delete', 'evict'] as const) {
      for (const kind of [pods, claims, volumes, nodes, volumeAttachments, statefulSets, ordinalMigrations, namespaces]) {
        this.api.on(verb, kind, (_call, proceed) => {
          if (this.dead) throw new Crash('dead');
          return proceed();
        });
      }
    }
    if (!this.#hostile) return;
    for (const verb of ['create', 'mergePatch', 'jsonPatch', 'delete', 'evict'] as const) {
      for (const kind of [pods, claims, volumes, ordinalMigrations, namespaces]) {
        this.api.on(verb, kind, async (_call, proceed) => {
          const result = await proceed();
          await this.settle();
          return result;
        });
      }
    }
  }

  #steering() {
    const record = steeringRecord(this.seenByWebhook(this.api.readAll(ordinalMigrations)));
    return record === undefined ? undefined : steeringOf(record);
  }

  /** The daemon's dry-run probes come by the API, so the webhook stands there; what the stage's controllers create goes through `#admit…`. */
  #webhook(): void {
    this.api.on('create', pods, (call, proceed) => {
      call.body = this.#admitPod(call.body as Pod);
      return proceed();
    });
    this.api.on('create', claims, (call, proceed) => {
      call.body = this.#admitClaim(call.body as PersistentVolumeClaim);
      return proceed();
    });
  }

  #admitPod(pod: Pod): Pod {
    const steering = this.#steering();
    const probe = pod.metadata.labels?.[PROBE_LABEL] !== undefined;
    const own = steering !== undefined && steering.podName === pod.metadata.name && steering.gate;
    return this.webhookUp && (probe || own) ? { ...pod, spec: { ...pod.spec, schedulingGates: [{ name: GATE }] } } : pod;
  }

  #admitClaim(pvc: PersistentVolumeClaim): PersistentVolumeClaim {
    if (!this.webhookUp) return pvc;
    const probeOf = pvc.metadata.labels?.[PROBE_LABEL];
    const record = probeOf === undefined ? undefined : this.api.readAll(ordinalMigrations).find(({ metadata }) => metadata.uid === probeOf);
    const probed = record?.status?.claims?.find(({ claimName }) => pvc.metadata.name.startsWith(`${claimName}-probe-`));
    const steered = probed === undefined ? this.#steering()?.claims.get(pvc.metadata.name)?.spec : { ...probed.manifest.spec, volumeName: probed.source.pv };
    return steered === undefined ? pvc : { ...pvc, spec: { ...pvc.spec, ...steered } };
  }

  /** Re-creates missing pods, and the claims that a Pending pod misses. */
  #statefulSetController(): void {
    const set = this.set();
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
    for (let ordinal = 0; ordinal < (set.spec.replicas ?? 0); ordinal += 1) {
      const name = `${SET}-${ordinal}`;
      const existing = this.pod(ordinal);
      if (existing !== undefined && (existing.spec.nodeName !== undefined || existing.metadata.deletionTimestamp !== undefined)) continue;
      const own = (set.spec.volumeClaimTemplates ?? []).map((template) => ({ template, claimName: `${template.metadata.name}-${name}` }));
      const terminating = own.some(({ claimName }) => this.api.read(claims, { namespace: NAMESPACE, name: claimName })?.metadata.deletionTimestamp !== undefined);
      if (terminating) continue;
      for (const { template, claimName } of own) {
        if (this.api.read(claims, { namespace: NAMESPACE, name: claimName }) !== undefined) continue;
        this.api.put(claims, this.#admitClaim({ metadata: { namespace: NAMESPACE, name: claimName, labels: { app: SET }, finalizers: ['kubernetes.io/pvc-protection'], uid: `claim-${this.clock.now()}-${Math.floor(this.ports.random.next() * 1e9)}` }, spec: structuredClone(template.spec), status: { phase: 'Pending' } }));
      }
      if (existing !== undefined) continue;
      this.api.put(
        pods,
        this.#admitPod({
          metadata: { namespace: NAMESPACE, name, labels: { app: SET }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: SET, uid: set.metadata.uid ?? '', controller: true }] },
          spec: { ...set.spec.template.spec, volumes: own.map(({ template, claimName }) => ({ name: template.metadata.name, persistentVolumeClaim: { claimName } })) },
          status: { phase: 'Pending', conditions: [] },
        }),
      );
    }
  }

  /** Binder and both protections. */
  #volumeController(): void {
    for (const pvc of this.api.readAll(claims)) {
      const ref = { namespace: NAMESPACE, name: pvc.metadata.name };
      const used = this.api.readAll(pods).some((pod) => pod.spec.nodeName !== undefined && pod.spec.volumes?.some((source) => source.persistentVolumeClaim?.claimName === pvc.metadata.name));
      if (pvc.metadata.deletionTimestamp !== undefined) {
        if (!used) this.api.remove(claims, ref);
      } else if (pvc.status?.phase !== 'Bound') this.#bind(pvc);
    }
    for (const pv of this.api.readAll(volumes)) this.#volumePhase(pv);
  }

  #bind(pvc: PersistentVolumeClaim): void {
    const fits = (pv: PersistentVolume): boolean =>
      pv.metadata.deletionTimestamp === undefined && pv.status?.phase === 'Available' && pv.spec.claimRef?.name === pvc.metadata.name && (pv.spec.claimRef.uid === undefined || pv.spec.claimRef.uid === pvc.metadata.uid);
    const wanted = pvc.spec.volumeName;
    const pv = this.api.readAll(volumes).find((one) => fits(one) && (wanted === undefined || one.metadata.name === wanted));
    if (pv === undefined) return;
    this.api.change(volumes, { name: pv.metadata.name }, (object) => {
      object.spec.claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: NAMESPACE, name: pvc.metadata.name, uid: pvc.metadata.uid ?? '' };
      object.status = { phase: 'Bound' };
    });
    this.api.change(claims, { namespace: NAMESPACE, name: pvc.metadata.name }, (object) => {
      object.spec.volumeName = pv.metadata.name;
      object.status = { phase: 'Bound', capacity: pv.spec.capacity ?? {} };
    });
  }

  #volumePhase(pv: PersistentVolume): void {
    const holder = pv.spec.claimRef;
    const live = this.api.read(claims, { namespace: NAMESPACE, name: holder?.name ?? '' });
    const held = live !== undefined && holder?.uid === live.metadata.uid;
    const phase = holder?.uid === undefined ? 'Available' : held ? 'Bound' : 'Released';
    if (pv.metadata.deletionTimestamp !== undefined && phase !== 'Bound') {
      this.api.remove(volumes, { name: pv.metadata.name });
      return;
    }
    if (pv.status?.phase !== phase) this.api.change(volumes, { name: pv.metadata.name }, (object) => (object.status = { phase }));
    if (phase === 'Released' && pv.spec.persistentVolumeReclaimPolicy === 'Delete') throw new Error(`the provisioner would delete the disk of PV ${pv.metadata.name}`);
  }

  #volumesOf(pod: Pod): PersistentVolume[] | undefined {
    const found = (pod.spec.volumes ?? []).map((source) => {
      const pvc = this.api.read(claims, { namespace: NAMESPACE, name: source.persistentVolumeClaim?.claimName ?? '' });
      return pvc?.status?.phase === 'Bound' ? this.api.read(volumes, { name: pvc.spec.volumeName ?? '' }) : undefined;
    });
    return found.every((pv) => pv !== undefined) ? found : undefined;
  }

  #scheduler(): void {
    for (const pod of this.api.readAll(pods)) {
      if (pod.spec.nodeName !== undefined || pod.metadata.deletionTimestamp !== undefined || (pod.spec.schedulingGates ?? []).length > 0) continue;
      const zone = this.#zoneOf(pod);
      if (zone === undefined) continue;
      if (this.full.has(zone) || (this.cordoned.has(zone) && (pod.spec.volumes ?? []).length > 0)) this.#refuse(pod);
      else this.api.change(pods, { namespace: NAMESPACE, name: pod.metadata.name }, (object) => (object.spec.nodeName = `node-${zone}`));
    }
  }

  /** Where its volumes are; of a pod without any what its node affinity says. */
  #zoneOf(pod: Pod): string | undefined {
    const asked = pod.spec.affinity?.['nodeAffinity'] as { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeSelectorTerm[] } } | undefined;
    const own = this.#volumesOf(pod)?.map((pv) => pv.spec.nodeAffinity?.required?.nodeSelectorTerms) ?? [];
    const zones = new Set((own.length === 0 ? [asked?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms] : own).map((terms) => terms?.[0]?.matchExpressions?.[0]?.values?.[0]));
    return zones.size === 1 ? [...zones][0] : undefined;
  }

  #refuse(pod: Pod): void {
    if (pod.status?.conditions?.some(({ reason }) => reason === 'Unschedulable') === true) return;
    const refused = { type: 'PodScheduled', status: 'False' as const, reason: 'Unschedulable', message: '0/3 nodes are available: 1 node(s) were unschedulable.' };
    this.api.change(pods, { namespace: NAMESPACE, name: pod.metadata.name }, (object) => (object.status = { ...object.status, conditions: [...(object.status?.conditions ?? []), refused] }));
  }

  async #kubelets(): Promise<void> {
    for (const pod of this.api.readAll(pods)) {
      if (pod.spec.nodeName === undefined) {
        if (pod.metadata.deletionTimestamp !== undefined) this.api.remove(pods, { namespace: NAMESPACE, name: pod.metadata.name });
      } else if (pod.metadata.deletionTimestamp === undefined) await this.#startPod(pod);
      else this.#stopPod(pod);
    }
    await this.#detachLeftovers();
  }

  async #startPod(pod: Pod): Promise<void> {
    // A placeholder: it runs nothing.
    if ((pod.spec.volumes ?? []).length === 0) return;
    const nodeName = pod.spec.nodeName ?? '';
    const own = this.#volumesOf(pod) ?? [];
    for (const pv of own) await this.#attach(pv, nodeName);
    if (own.some((pv) => this.ecs.disk(pv.spec.csi?.volumeHandle ?? '')?.status !== 'In_use') || this.#isReady(pod)) return;
    if (this.neverReadyIn.has(nodeName.replace('node-', ''))) return;
    for (const pv of own) this.#write(pv, nodeName, `${pod.metadata.name} started`);
    this.api.change(pods, { namespace: NAMESPACE, name: pod.metadata.name }, (object) => (object.status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: new Date(this.clock.now()).toISOString() }] }));
  }

  #isReady(pod: Pod): boolean {
    return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  }

  /** The guest writes, and the workload is told that it is safe: from then on the write must never be missing. */
  #write(pv: PersistentVolume, nodeName: string, text: string): void {
    const claimName = pv.spec.claimRef?.name ?? '';
    const diskId = pv.spec.csi?.volumeHandle ?? '';
    const before = this.ecs.contents(diskId).map(({ writer }) => writer);
    const expected = this.acknowledged.get(claimName) ?? [];
    if (JSON.stringify(before) !== JSON.stringify(expected)) throw new Error(`lost write: claim ${claimName} starts on ${diskId} with ${JSON.stringify(before)}, acknowledged were ${JSON.stringify(expected)}`);
    const writer = `${text} #${expected.length}`;
    this.ecs.guestWrite(`i-${nodeName}`, diskId, writer);
    this.acknowledged.set(claimName, [...expected, writer]);
  }

  /** Somebody attaches a disk that is free, perhaps writes to it, and detaches it again. */
  async useForAMoment(diskId: string, nodeName: string, writer?: string): Promise<void> {
    const at = { DiskId: diskId, InstanceId: `i-${nodeName}` };
    await this.ecs.call('AttachDisk', at);
    await this.clock.advance(2_000);
    if (writer !== undefined) this.ecs.guestWrite(at.InstanceId, diskId, writer);
    await this.ecs.call('DetachDisk', at);
    await this.clock.advance(2_000);
  }

  async #attach(pv: PersistentVolume, nodeName: string): Promise<void> {
    const name = `csi-${pv.metadata.name}`;
    const diskId = pv.spec.csi?.volumeHandle ?? '';
    if (this.api.read(volumeAttachments, { name }) === undefined) {
      this.api.put(volumeAttachments, { metadata: { name }, spec: { attacher: 'x', nodeName, source: { persistentVolumeName: pv.metadata.name } }, status: { attached: false } });
      this.#useVolume(nodeName, diskId, true);
    }
    if (this.ecs.disk(diskId)?.status === 'Available') await this.ecs.call('AttachDisk', { DiskId: diskId, InstanceId: `i-${nodeName}` });
  }

  #useVolume(nodeName: string, diskId: string, used: boolean): void {
    this.api.change(nodes, { name: nodeName }, (object) => {
      const others = (object.status?.volumesInUse ?? []).filter((name) => !name.endsWith(`^${diskId}`));
      object.status = { ...object.status, volumesInUse: used ? [...others, `kubernetes.io/csi/x^${diskId}`] : others };
    });
  }

  /** The last write before the end, then unmounted, then gone. */
  #stopPod(pod: Pod): void {
    const nodeName = pod.spec.nodeName ?? '';
    for (const pv of this.#volumesOf(pod) ?? []) {
      const diskId = pv.spec.csi?.volumeHandle ?? '';
      if (this.#isReady(pod) && this.ecs.disk(diskId)?.status === 'In_use') this.#write(pv, nodeName, `${pod.metadata.name} stopped`);
      this.#useVolume(nodeName, diskId, false);
    }
    this.api.remove(pods, { namespace: NAMESPACE, name: pod.metadata.name });
  }

  async #detachLeftovers(): Promise<void> {
    for (const attachment of this.api.readAll(volumeAttachments)) {
      const pv = this.api.read(volumes, { name: attachment.spec.source.persistentVolumeName ?? '' });
      const diskId = pv?.spec.csi?.volumeHandle ?? '';
      const used = this.api.readAll(pods).some((pod) => pod.spec.nodeName === attachment.spec.nodeName && (this.#volumesOf(pod) ?? []).some((own) => own.metadata.name === pv?.metadata.name));
      const driverIsAtWork = attachment.metadata.finalizers !== undefined;
      if (used || pv === undefined || driverIsAtWork) continue;
      const status = this.ecs.disk(diskId)?.status;
      if (status === 'In_use') await this.ecs.call('DetachDisk', { DiskId: diskId, InstanceId: `i-${attachment.spec.nodeName}` });
      else if (status === 'Available') this.api.remove(volumeAttachments, { name: attachment.metadata.name });
    }
  }
}

/** A stage whose pods are Ready on disks in zone a. */
export async function readyStage(options: StageOptions = {}): Promise<Stage> {
  const stage = new Stage(options);
  const ordinals = Array.from({ length: options.replicas ?? 1 }, (_, ordinal) => ordinal);
  for (let round = 0; round < 20 && !ordinals.every((ordinal) => stage.ready(ordinal)); round += 1) {
    await stage.settle();
    await stage.clock.advance(100);
  }
  if (!ordinals.every((ordinal) => stage.ready(ordinal))) throw new Error('the stage is not ready');
  return stage;
}
