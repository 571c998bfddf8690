// One scenario's own corner of the world: a namespace with everything in it under watch, one StatefulSet, and one daemon that looks
// after it. Says what a person, or chance, would do, and waits for what comes of it.

import {
  claims,
  events,
  leases,
  namespaces,
  nodes,
  pods,
  statefulSets,
  storageClasses,
  volumes,
  type KubernetesObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type StatefulSet,
} from '../../src/kubernetes/objects.ts';
import { spreadReports, type SpreadReport } from '../../src/controller/spread-report.ts';
import { inFlight, ordinalMigrations, phaseOf, type OrdinalMigration, type Phase } from '../../src/migration/record.ts';
import { randomLetters } from '../../src/ports/random.ts';
import type { DiskView } from '../../src/simulation/ecs/model.ts';
import { describeScene } from './describe.ts';
import { expectAllIsWell, type Exceptions } from './expect.ts';
import { History } from './history.ts';
import { ZONE } from './names.ts';
import { isReady } from './reading.ts';
import { classOf, DEFAULT_SET, setOf, type SetOptions } from './workload.ts';
import { SCENARIO, type Daemon, type World } from './world.ts';

/** Long enough for anything that comes by itself on a busy machine; what never comes is seen sooner by its reason. */
const PATIENCE_MS = 60_000;
/** What the watches do not show (disks, metrics, times that pass) is looked at this often. */
const LOOK_EVERY_MS = 100;
/** Without a reason an abort makes an error with a stack each time. */
const SEEN = 'seen';
const READY_QUICKLY = { 'ready-timeout': '30s', 'health-duration': '1s' };

/**
 * Runs a scenario in a scene of its own. What must hold at the end of every scenario is checked then (`exceptions`: what this one
 * declares to be otherwise), and the daemon has to end by itself when asked to.
 */
export async function inScene(world: World, name: string, act: (scene: Scene) => Promise<Exceptions | void>): Promise<void> {
  const scene = new Scene(world, `${name}-${randomLetters(world.random, 4)}`);
  try {
    await scene.open();
    const exceptions = (await act(scene)) ?? {};
    await expectAllIsWell(scene, exceptions);
    await scene.stopDaemon();
  } catch (error) {
    if (error instanceof Error) error.message = `${error.message}\n\n${describeScene(scene)}`;
    throw error;
  } finally {
    await scene.close();
  }
}

export class Scene {
  readonly world: World;
  readonly namespace: string;
  readonly leaseNamespace: string;
  readonly sets: History<StatefulSet>;
  readonly pods: History<Pod>;
  readonly claims: History<PersistentVolumeClaim>;
  readonly volumes: History<PersistentVolume>;
  readonly migrations: History<OrdinalMigration>;
  readonly reports: History<SpreadReport>;
  readonly events: History<KubernetesObject>;
  /** The set as the scenario wants it: what nobody else may change. */
  wanted: StatefulSet | undefined;
  /** The same, of every generation that the scenario has made. */
  readonly everWanted: StatefulSet[] = [];
  /** Revision at which every pod was Ready for the first time: from then on siblings have to stay so. */
  settledAt = Number.POSITIVE_INFINITY;
  #daemon: Daemon | undefined;
  #daemonMayEnd = true;
  #changed = Promise.withResolvers<void>();

  constructor(world: World, namespace: string) {
    this.world = world;
    this.namespace = namespace;
    this.leaseNamespace = `${namespace}-system`;
    const tell = (): void => this.#tell();
    this.sets = new History(world, { resource: statefulSets, namespace }, tell);
    this.pods = new History(world, { resource: pods, namespace }, tell);
    this.claims = new History(world, { resource: claims, namespace }, tell);
    this.volumes = new History(world, { resource: volumes, matches: (volume) => volume.spec.claimRef?.namespace === namespace }, tell);
    this.migrations = new History(world, { resource: ordinalMigrations, namespace }, tell);
    this.reports = new History(world, { resource: spreadReports, namespace }, tell);
    this.events = new History(world, { resource: events, namespace }, tell);
  }

  async open(): Promise<void> {
    const { api } = this.world;
    await Promise.all([this.namespace, this.leaseNamespace].map((name) => api.create(namespaces, { metadata: { name } })));
    await Promise.all(this.#histories().map((history) => history.start()));
  }

  async close(): Promise<void> {
    if (this.#daemon?.alive === true) await this.#daemon.kill('SIGKILL');
    await this.world.removeNamespaces([this.namespace, this.leaseNamespace]);
    await Promise.all(this.#histories().map((history) => history.stop()));
  }

  // ── what people do ──

  /** Resolves when so many of its pods are Ready; by default all. */
  async createSet(options: SetOptions, { ready = options.replicas }: { ready?: number } = {}): Promise<StatefulSet> {
    const { api, tolerations, zones } = this.world;
    const about = { namespace: this.namespace, zone: options.zone ?? zones.a, tolerations };
    for (const template of options.claims ?? [{}]) await api.create(storageClasses, classOf(template, about));
    this.wanted = await api.create(statefulSets, setOf(options, about));
    this.everWanted.push(this.wanted);
    await this.until(`${ready} pods of the set are Ready`, () => this.readyOrdinals().length === ready);
    this.settledAt = Math.max(...this.pods.versions.map(({ revision }) => revision));
    return this.wanted;
  }

  /** Annotates the set: keys without prefix; null takes one off. Short time-outs unless told otherwise. */
  async annotate(annotations: Record<string, string | null>): Promise<void> {
    const quick = 'zones' in annotations ? READY_QUICKLY : {};
    const full = Object.fromEntries(Object.entries({ ...quick, ...annotations }).map(([key, value]) => [`zonespread.io/${key}`, value]));
    const name = this.#wantedSet().metadata.name;
    this.wanted = await this.world.api.mergePatch(statefulSets, { namespace: this.namespace, name }, { metadata: { annotations: full } }, { fieldManager: SCENARIO });
  }

  /** What a person changes of the set's spec. */
  async changeSet(spec: Partial<StatefulSet['spec']>): Promise<void> {
    const name = this.#wantedSet().metadata.name;
    this.wanted = await this.world.api.mergePatch(statefulSets, { namespace: this.namespace, name }, { spec }, { fieldManager: SCENARIO });
    this.everWanted.push(this.wanted);
  }

  /** What a person writes who wants one ordinal moved. */
  async recordByHand({ ordinal, targetZone }: { ordinal: number; targetZone: string }): Promise<void> {
    await this.world.api.create(ordinalMigrations, {
      metadata: { namespace: this.namespace, name: `${this.podName(ordinal)}-${randomLetters(this.world.random, 5)}` },
      spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: this.setName }, ordinal, targetZone, readyTimeout: '30s', healthDuration: '1s' },
    });
  }

  /** The last one must have ended. */
  async startDaemon(flags: Record<string, string> = {}): Promise<Daemon> {
    if (this.#daemon?.alive === true) throw new Error('the last daemon still runs: end it first');
    this.#daemon = await this.world.startDaemon({ namespace: this.namespace, leaseNamespace: this.leaseNamespace, flags });
    this.#daemonMayEnd = false;
    return this.#daemon;
  }

  /** kill -9. */
  async killDaemon(): Promise<void> {
    this.#daemonMayEnd = true;
    await this.#daemon?.kill('SIGKILL');
  }

  /** As Kubernetes does: SIGTERM. @throws when it does not end with 0. */
  async stopDaemon(): Promise<void> {
    if (this.#daemon?.alive !== true) return;
    this.#daemonMayEnd = true;
    const code = await this.#daemon.stop();
    if (code !== 0) throw new Error(`the daemon was asked to end by SIGTERM and did not do so well: ${this.#daemon.obituary ?? ''}`);
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error('no daemon was started');
    return this.#daemon;
  }

  get daemonLog(): readonly string[] {
    return this.#daemon?.log ?? [];
  }

  /** Keeps pods off a node, or lets them in again. */
  async cordon(node: string, unschedulable = true): Promise<void> {
    await this.world.api.mergePatch(nodes, { name: node }, { spec: { unschedulable } });
  }

  // ── waiting ──

  /** Resolves with what the condition gives, once that is neither undefined nor false. An expectation that throws is not met yet. */
  async until<T>(what: string, condition: () => T | Promise<T>, { timeoutMs = PATIENCE_MS }: { timeoutMs?: number } = {}): Promise<Exclude<T, undefined | false | null>> {
    const { clock } = this.world;
    const deadline = clock.monotonic() + timeoutMs;
    for (;;) {
      const changed = this.#changed.promise;
      const seen = await attempt(condition);
      if (seen.ok && seen.value !== undefined && seen.value !== false && seen.value !== null) return seen.value as Exclude<T, undefined | false | null>;
      if (this.#daemon?.alive === false && !this.#daemonMayEnd) throw new Error(`waiting until ${what}: the daemon ended by itself: ${this.#daemon.obituary ?? ''}`);
      if (clock.monotonic() > deadline) {
        throw new Error(`waiting until ${what}: not so after ${timeoutMs / 1000} s${seen.ok ? '' : `: ${String(seen.error)}`}`, seen.ok ? {} : { cause: seen.error });
      }
      const looked = new AbortController();
      await Promise.race([changed, clock.sleep(LOOK_EVERY_MS, looked.signal)]);
      looked.abort(SEEN);
    }
  }

  /** For as long as given the condition holds all the time. An expectation that throws ends it. */
  async throughout(durationMs: number, condition: () => void | Promise<void>): Promise<void> {
    const { clock } = this.world;
    const end = clock.monotonic() + durationMs;
    while (clock.monotonic() < end) {
      await condition();
      await clock.sleep(LOOK_EVERY_MS);
    }
  }

  async untilMigration(what: string, matches: (record: OrdinalMigration) => boolean, options?: { timeoutMs?: number }): Promise<OrdinalMigration> {
    return this.until(what, () => this.migrations.all().find(matches), options);
  }

  /** A record that is at that step now, going forward unless told. */
  async untilStep(step: string, phase: Phase = 'Running'): Promise<OrdinalMigration> {
    return this.untilMigration(`a migration is ${phase} at step ${step}`, (record) => phaseOf(record) === phase && record.status?.step === step);
  }

  async untilPhase(phase: Phase, options?: { timeoutMs?: number }): Promise<OrdinalMigration> {
    const record = await this.untilMigration(`a migration is ${phase}`, (candidate) => phaseOf(candidate) === phase, options);
    await this.catchUp();
    return record;
  }

  /** Ordinals per zone as given, every pod Ready, nothing in flight. */
  async untilSpread(wanted: Record<string, number>, options?: { timeoutMs?: number }): Promise<void> {
    await this.until(
      `the disks are spread ${JSON.stringify(wanted)}`,
      () => sameCounts(this.spread(), wanted) && this.inFlight().length === 0 && this.readyOrdinals().length === (this.#wantedSet().spec.replicas ?? 1),
      options,
    );
    await this.catchUp();
  }

  async untilReady(ordinal: number): Promise<Pod> {
    const pod = await this.until(`pod ${this.podName(ordinal)} is Ready`, () => (this.readyOrdinals().includes(ordinal) ? this.pod(ordinal) : undefined));
    await this.catchUp();
    return pod;
  }

  /** Each kind has a watch of its own, and one may be ahead of another: resolves when all show what is there by now. */
  async catchUp(): Promise<void> {
    for (const history of this.#histories()) await history.catchUp();
  }

  // ── what there is ──

  get setName(): string {
    return this.wanted?.metadata.name ?? DEFAULT_SET;
  }

  ordinals(): number[] {
    const { spec } = this.#wantedSet();
    return Array.from({ length: spec.replicas ?? 1 }, (_, index) => (spec.ordinals?.start ?? 0) + index);
  }

  podName(ordinal: number): string {
    return `${this.setName}-${ordinal}`;
  }

  pod(ordinal: number): Pod | undefined {
    return this.pods.get(this.podName(ordinal));
  }

  readyOrdinals(): number[] {
    return this.ordinals().filter((ordinal) => isReady(this.pod(ordinal)));
  }

  claim(ordinal: number, template = 'data'): PersistentVolumeClaim {
    const name = `${template}-${this.podName(ordinal)}`;
    const claim = this.claims.get(name);
    if (claim === undefined) throw new Error(`there is no claim ${name}`);
    return claim;
  }

  /** The volume that the claim is bound to. */
  volume(ordinal: number, template = 'data'): PersistentVolume {
    const { spec, metadata } = this.claim(ordinal, template);
    const volume = this.volumes.get(spec.volumeName ?? '');
    if (volume?.spec.claimRef?.uid !== metadata.uid || volume === undefined) throw new Error(`claim ${metadata.name} is not bound`);
    return volume;
  }

  /** The disk behind it, as the cloud has it. */
  disk(ordinal: number, template = 'data'): DiskView {
    return this.diskOf(this.volume(ordinal, template));
  }

  diskOf(volume: PersistentVolume): DiskView {
    const id = volume.spec.csi?.volumeHandle ?? '';
    const disk = this.world.cloud.disk(id);
    if (disk === undefined) throw new Error(`the cloud never had the disk ${id} of PV ${volume.metadata.name}`);
    return disk;
  }

  /** Ordinals per zone by the disks; `mixed` where an ordinal's disks are in several zones. */
  spread(): Record<string, number> {
    const templates = (this.#wantedSet().spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
    const zones = this.ordinals().map((ordinal) => {
      const own = new Set(templates.map((template) => this.disk(ordinal, template).zone));
      return own.size === 1 ? ([...own][0] ?? '') : 'mixed';
    });
    return Object.fromEntries([...Map.groupBy(zones, (zone) => zone)].map(([zone, all]) => [zone, all.length]));
  }

  /** Where the pod runs. */
  async podZone(ordinal: number): Promise<string | undefined> {
    const nodeName = this.pod(ordinal)?.spec.nodeName;
    const node = nodeName === undefined ? undefined : await this.world.api.get(nodes, { name: nodeName });
    return node?.metadata.labels?.[ZONE];
  }

  inFlight(): OrdinalMigration[] {
    return this.migrations.all().filter(inFlight);
  }

  /** The one record that there is. */
  migration(): OrdinalMigration {
    const all = this.migrations.all();
    if (all.length !== 1 || all[0] === undefined) throw new Error(`there are ${all.length} migrations, not one: ${all.map(({ metadata }) => metadata.name).join(', ')}`);
    return all[0];
  }

  report(): SpreadReport | undefined {
    return this.reports.get(this.setName);
  }

  /** `reason: message` of the events on the set and on migrations. */
  eventTexts(): string[] {
    return this.events.all().map((event) => `${String(event['reason'])}: ${String(event['message'])}`);
  }

  /** The lease of the scene's daemon. */
  async leaseVersions(): Promise<string[]> {
    return (await this.world.api.list(leases, { namespace: this.leaseNamespace })).map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion ?? ''}`);
  }

  #wantedSet(): StatefulSet {
    if (this.wanted === undefined) throw new Error('no set was created');
    return this.wanted;
  }

  #histories(): Pick<History<KubernetesObject>, 'start' | 'stop' | 'catchUp'>[] {
    return [this.sets, this.pods, this.claims, this.volumes, this.migrations, this.reports, this.events];
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

function sameCounts(left: Record<string, number>, right: Record<string, number>): boolean {
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => (left[key] ?? 0) === (right[key] ?? 0));
}

type Attempt<T> = { ok: true; value: T } | { ok: false; error: unknown };

async function attempt<T>(condition: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await condition() };
  } catch (error) {
    return { ok: false, error };
  }
}
