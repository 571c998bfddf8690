// Plays one history: the world is built, trouble comes, everything heals, and what the product is there for must come to pass. The whole
// history is decided by its plan; the same plan gives the same trace.
//
//   built ──► annotated ──► trouble: faults and acts ──► healed ──► at rest: all ended, retired, quiet

import { Cron } from 'croner';
import { createEmbeddedCluster, type EmbeddedCluster } from '../embedded/cluster.ts';
import type { EmbeddedDaemon } from '../embedded/daemon.ts';
import { distantHttp } from '../embedded/network.ts';
import type { EmbeddedWebhook } from '../embedded/webhook.ts';
import { disruptionBudgets, leases, namespaces, pods, statefulSets, storageClasses, volumeAttachments, type Namespace } from '../kubernetes/objects.ts';
import { CLUSTER_TAG, FINALIZER } from '../kubernetes/names.ts';
import { isTerminating, isTrue } from '../kubernetes/reading.ts';
import { coolDowns } from '../controller/back-off.ts';
import { MARKET_REMEMBERED_MS } from '../controller/markets.ts';
import { spreadReports, type SpreadReportStatus } from '../controller/spread-report.ts';
import { ended, inFlight, isAboutToBegin, isGoingOn, ordinalMigrations, type OrdinalMigration } from '../migration/record.ts';
import type { LeaseTiming } from '../kubernetes/leader-election.ts';
import type { EcsCall } from '../ports/ecs-call.ts';
import type { Http } from '../ports/http.ts';
import { ADMIN, Refusal } from '../simulation/apiserver/contract.ts';
import { faultyHttp } from '../simulation/apiserver/faults.ts';
import type { SimulatedCluster } from '../simulation/cluster.ts';
import { CALM } from '../simulation/controllers/pace.ts';
import { Tasks } from '../simulation/controllers/tasks.ts';
import { everythingOnSale } from '../simulation/ecs/categories.ts';
import { EcsModel } from '../simulation/ecs/model.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';
import { ACTS, CloudSaidNo, isSecondHalfToCome, NothingToDo } from './acts.ts';
import { Books } from './books.ts';
import { Coverage } from './coverage.ts';
import { WINDOWS_CLOSED } from './draw.ts';
import { FAULTS } from './faults.ts';
import { INVARIANTS } from './invariants/all.ts';
import { notReady } from './invariants/pods-run.ts';
import { annotationsOf, budgetOf, REGION, statefulSetOf, storageClassOf, zoneName } from './manifests.ts';
import type { FaultPlan, HistoryPlan, ProductPlan, SetPlan } from './plan.ts';
import { Switches } from './switches.ts';
import { Trace } from './trace.ts';
import { Broken, NAMESPACE, type HistoryWorld } from './world.ts';

export interface Outcome {
  seed: number;
  /** Of everything that happened. */
  hash: string;
  events: number;
  /** How much virtual time it took, in ms. */
  virtualMs: number;
  broken?: { invariant: string; message: string };
  coverage: Record<string, number>;
  /** The readable trace, when it was kept. */
  lines: readonly string[];
}

export interface PlayOptions {
  /** Keeps the readable trace. Default false. */
  kept?: boolean;
  /** Between a daemon and its world: planted bugs. */
  plant?: { http?: (http: Http) => Http; cloud?: (cloud: EcsCall) => EcsCall };
  /** In place of those of the design. */
  invariants?: typeof INVARIANTS;
}

const START = '2026-11-20T10:00:00.000Z';
const MINUTE_MS = 60_000;
const BUILD_LIMIT_MS = 120 * MINUTE_MS;
/** Longer than any back-off, window and retention that comes about. */
const REST_LIMIT_MS = 5 * 60 * MINUTE_MS;
const LOOK_EVERY_MS = 15_000;
const SOLD_OUT = new Set(['zone sold out', 'zone sold out midway']);
/** Kubernetes takes a disk from a lost node after six minutes, and a controller that has failed often looks again after a quarter of an hour. */
const PATIENCE_MS = 25 * MINUTE_MS;
/** At rest nothing may be written for a sweep and so long. */
const QUIET_MS = MINUTE_MS / 2;
/** Pods write rarely once everything has healed: hours pass until retentions are over. */
const IDLE_WRITE_MS = 10 * MINUTE_MS;

export async function play(plan: HistoryPlan, { kept = false, plant = {}, invariants = INVARIANTS }: PlayOptions = {}): Promise<Outcome> {
  const clock = new Tasks({ random: new SeededRandom(plan.seed + 1_000_003), start: START });
  const trace = new Trace(clock, { kept });
  const coverage = new Coverage();
  const books = new Books({ trace, coverage, onBroken: (broken) => clock.fail(broken) });
  const began = clock.monotonic();
  let broken: Outcome['broken'];
  let history: History | undefined;
  try {
    history = await History.begin({ plan, clock, trace, coverage, books, plant });
    const world = history;
    books.hold(invariants.map((invariantOf) => invariantOf(world)));
    await history.run(books);
  } catch (error) {
    broken = whatBroke(error);
  } finally {
    history?.end();
  }
  const virtualMs = clock.monotonic() - began;
  return { seed: plan.seed, events: trace.events, virtualMs, hash: trace.digest(), ...(broken === undefined ? {} : { broken }), coverage: coverage.counts(), lines: trace.lines };
}

/** A slow cloud is looked at less often: a wait is to take some looks, not thousands. */
function driverPollMs({ cluster: { cloud } }: HistoryPlan): number {
  return Math.max(50, Math.max(cloud.createDiskMs, cloud.attachMs, cloud.detachMs) / 100);
}

function whatBroke(error: unknown): NonNullable<Outcome['broken']> {
  if (error instanceof Broken) return { invariant: error.invariant, message: error.message };
  return { invariant: 'simulation', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

interface Beginning {
  plan: HistoryPlan;
  clock: Tasks;
  trace: Trace;
  coverage: Coverage;
  books: Books;
  plant: NonNullable<PlayOptions['plant']>;
}

class History implements HistoryWorld {
  readonly plan: HistoryPlan;
  readonly embedded: EmbeddedCluster;
  readonly switches: Switches;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly coverage: Coverage;
  readonly clusterUID: string;
  readonly excuses = new Set<string>();
  readonly #books: Books;
  readonly #plant: Beginning['plant'];
  readonly #daemons: EmbeddedDaemon[] = [];
  readonly #faults: FaultPlan[] = [];
  #started = 0;
  #troubled = false;
  #over = false;

  private constructor({ plan, trace, coverage, books, plant }: Beginning, { embedded, switches }: { embedded: EmbeddedCluster; switches: Switches }) {
    this.plan = plan;
    this.embedded = embedded;
    this.switches = switches;
    this.random = new SeededRandom(plan.seed + 2_000_003);
    this.trace = trace;
    this.coverage = coverage;
    this.clusterUID = embedded.simulated.server.read<Namespace>(namespaces, { name: 'kube-system' })?.metadata.uid ?? '';
    this.#books = books;
    this.#plant = plant;
  }

  /** Every pod Ready in the first zone, the other zones there, the webhook registered, the daemons up. */
  static async begin(beginning: Beginning): Promise<History> {
    const { plan, clock, books } = beginning;
    const random = new SeededRandom(plan.seed);
    const ecs = cloudOf(plan, { clock, random });
    ecs.follow((entry) => books.happenedInCloud(entry));
    const switches = new Switches();
    const embedded = await createEmbeddedCluster({
      clock,
      random,
      ecs,
      nodes: nodesOf(plan, 0),
      pace: CALM,
      kubernetes: plan.cluster.kubernetes,
      timings: plan.cluster.kubelet,
      csi: { pollMs: driverPollMs(plan) },
      nodeLeases: false,
      log: books.log('webhook'),
      onRequest: (request) => books.requested(request),
      informerLagMs: () => switches.informerLagMs(),
      webhookPath: switches.webhookPath(clock),
    });
    embedded.simulated.server.follow(undefined, (event) => books.stored(event));
    const history = new History(beginning, { embedded, switches });
    await history.#build();
    return history;
  }

  get simulated(): SimulatedCluster {
    return this.embedded.simulated;
  }

  get daemons(): readonly EmbeddedDaemon[] {
    return this.#daemons;
  }

  get troubled(): boolean {
    return this.#troubled;
  }

  setPlan(name: string): SetPlan | undefined {
    return this.plan.sets.find((set) => set.name === name);
  }

  async run(books: Books): Promise<void> {
    await this.#annotate();
    await this.#beInTrouble();
    await this.#heal();
    await this.#comeToRest();
    books.atRest();
    await this.simulated.pass(1);
    await this.#beQuiet();
  }

  /** Nobody listens any more: Node keeps a signal that somebody listens to, and with it the whole history. */
  end(): void {
    this.#over = true;
    for (const daemon of this.#daemons) daemon.kill();
    this.embedded.webhook?.kill();
  }

  startDaemon(): EmbeddedDaemon {
    const number = this.#started;
    this.#started += 1;
    const { clockRates, sweep, stepTimeoutMs, coolDownMs, atOnce, lease } = this.plan.product;
    const caller = { daemon: number, epochNow: (): number | undefined => daemon.epoch };
    const daemon = this.embedded.startDaemon({
      clockRate: clockRates[number % clockRates.length] ?? 1,
      settings: { sweep, stepTimeoutMs, coolDownMs, budgets: { atOnce, perHour: undefined, perZonePair: undefined }, leaseTiming: timingOf(lease) },
      http: (http) => this.#plant.http?.(this.#faulty(http)) ?? this.#faulty(http),
      cloud: (cloud) => this.#plant.cloud?.(this.#told(cloud, caller)) ?? this.#told(cloud, caller),
      log: this.#books.log(`daemon ${number}`),
    });
    this.#daemons.push(daemon);
    void daemon.ended.then(({ code, error }) => {
      if (this.#over) return;
      this.#daemons.splice(this.#daemons.indexOf(daemon), 1);
      this.trace.note(`daemon ${number} ended: ${code === undefined ? 'killed' : `exit ${code}`}${error instanceof Error ? ` ${error.message}` : ''}`);
      for (const step of this.#stepsInFlight()) if (code !== 0) this.coverage.met(`killed at: ${step}`);
      // The kubelet starts it again, sooner or later.
      if (this.#daemons.length < this.plan.product.daemons) this.simulated.clock.after(1_000 + Math.floor(this.random.next() * 9_000), () => void this.startDaemon());
    });
    return daemon;
  }

  startWebhook(): EmbeddedWebhook {
    return this.embedded.startWebhook({ http: (http) => this.#faulty(http) });
  }

  async #build(): Promise<void> {
    const { simulated, plan } = this;
    const admin = simulated.client(ADMIN);
    const create = async (): Promise<void> => {
      await admin.create(namespaces, { metadata: { name: NAMESPACE } });
      const classes = new Map(plan.sets.map((set) => storageClassOf(set)).map((one) => [one.metadata.name, one]));
      for (const one of classes.values()) await admin.create(storageClasses, one);
      for (const set of plan.sets) {
        await admin.create(statefulSets, statefulSetOf(set));
        const budget = budgetOf(set);
        if (budget !== undefined) await admin.create(disruptionBudgets, budget as never);
      }
    };
    await simulated.settle(create());
    await simulated.run(() => this.#everyPodReady(), BUILD_LIMIT_MS);
    const others = Array.from({ length: plan.cluster.zones - 1 }, (_, index) => nodesOf(plan, index + 1)).flat();
    await simulated.settle(Promise.all(others.map((node) => simulated.addNode(node))));
    await simulated.settle(this.startWebhook().ready);
    simulated.pace.settings = plan.cluster.pace;
    for (let count = 0; count < plan.product.daemons; count += 1) this.startDaemon();
  }

  async #annotate(): Promise<void> {
    const admin = this.simulated.client(ADMIN);
    for (const { name, policy } of this.plan.sets) {
      const annotations = annotationsOf({ zones: policy['zones'] ?? '*' });
      await this.simulated.settle(admin.mergePatch(statefulSets, { namespace: NAMESPACE, name }, { metadata: { annotations } }));
    }
  }

  async #beInTrouble(): Promise<void> {
    const { clock } = this.simulated;
    this.#troubled = true;
    const heals = new Set<() => void | Promise<void>>();
    for (const fault of this.plan.faults) clock.after(fault.from, () => this.#suffer(fault, heals));
    for (const act of this.plan.acts) clock.after(act.at, () => this.#perform(act.name, act.lot));
    await this.simulated.pass(this.plan.troubleMs);
    this.#troubled = false;
    for (const heal of heals) await this.simulated.settle(Promise.resolve(heal()));
  }

  #suffer(fault: FaultPlan, heals: Set<() => void | Promise<void>>): void {
    if (!this.#troubled) return;
    const kind = FAULTS[fault.name];
    if (kind === undefined) throw new Error(`there is no fault ${fault.name}`);
    this.trace.note(`fault    ${fault.name} begins`);
    const end = kind.begin?.(this, fault);
    this.#faults.push(fault);
    const heal = (): void | Promise<void> => {
      if (!heals.delete(heal)) return;
      this.#faults.splice(this.#faults.indexOf(fault), 1);
      this.trace.note(`fault    ${fault.name} ends`);
      return end?.();
    };
    heals.add(heal);
    this.simulated.clock.after(fault.to - fault.from, heal);
  }

  async #perform(name: string, lot: number): Promise<void> {
    if (!this.#troubled) return;
    const act = ACTS[name];
    if (act === undefined) throw new Error(`there is no act ${name}`);
    this.trace.note(`act      ${name}`);
    try {
      await act.perform(this, lot);
      this.coverage.met(`act: ${name}`);
    } catch (error) {
      if (!isAnswer(error)) throw error;
      this.coverage.met(`${error instanceof NothingToDo ? 'act in vain' : 'act refused'}: ${name}`);
      this.trace.note(`act      ${name} refused: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #heal(): Promise<void> {
    const { simulated, embedded } = this;
    simulated.ecs.faults.clear();
    simulated.ecs.unstick();
    simulated.behaviour.slow({}, { writeMs: IDLE_WRITE_MS });
    if (embedded.webhook?.alive !== true) await simulated.settle(this.startWebhook().ready);
    if (this.#daemons.length === 0) this.startDaemon();
    this.trace.note('healed');
  }

  /** Until every record has ended or waits for a person, and nothing is held back for later. */
  async #comeToRest(): Promise<void> {
    const { clock } = this.simulated;
    const healed = clock.monotonic();
    const limit = healed + REST_LIMIT_MS;
    let busyAt = healed;
    const writes = new LastChange(clock, () => this.#writes());
    const lease = new LastChange(clock, () => this.#leaseVersion());
    // One pod after the other, where the cloud is slow.
    const starts = new LastChange(clock, () => this.simulated.records.starts.length);
    const quietMs = this.#quietMs();
    while (clock.monotonic() - Math.max(busyAt, writes.at()) < quietMs) {
      if (clock.monotonic() > limit) throw new Broken('I7 comes to rest', `after ${REST_LIMIT_MS / MINUTE_MS} minutes without trouble the daemon still writes`);
      await this.simulated.pass(LOOK_EVERY_MS);
      // A daemon that is paused sees nothing of what there is to do.
      const isLed = clock.monotonic() - lease.at() <= 2 * LOOK_EVERY_MS;
      if (!isLed || this.#waitsForTime() || this.#zonesComeBack(healed) || this.#waitsForTheWorld(starts.at())) busyAt = clock.monotonic();
    }
    this.trace.note('at rest');
  }

  async #beQuiet(): Promise<void> {
    const before = this.#writes();
    await this.simulated.pass(this.#quietMs());
    const after = this.#writes();
    this.#over = true;
    if (after !== before) throw new Broken('quiet', `at rest the daemon has written ${after - before} times more`);
  }

  #quietMs(): number {
    const [first, second] = new Cron(this.plan.product.sweep, { timezone: 'UTC', paused: true }).nextRuns(2, START);
    return QUIET_MS + (second?.getTime() ?? 0) - (first?.getTime() ?? 0);
  }

  /** Another one whenever somebody takes or renews it. */
  #leaseVersion(): string {
    return this.simulated.server.readAll(leases).map(({ metadata }) => metadata.resourceVersion).join();
  }

  #writes(): number {
    return this.#books.daemonWrites;
  }

  /** Something is under way, or will be done when its time has come. */
  #waitsForTime(): boolean {
    const { server } = this.simulated;
    // A window that closes is news for the report.
    if (this.plan.sets.some(({ policy }) => policy['window'] !== undefined) && this.#timeOfDaemons() < Date.parse(WINDOWS_CLOSED)) return true;
    if (isSecondHalfToCome(this)) return true;
    const underWay = server.readAll(ordinalMigrations).some((record) => isUnderWay(record) || (ended(record) && isRetaining(record)));
    return underWay || server.readAll(spreadReports).some(({ status }) => status !== undefined && (passesWithTime(status) || this.#coolsDown(status)));
  }

  /** What keeps ordinals where they are may be hidden behind another reason, and that one be another when they have cooled down. */
  #coolsDown({ satisfied }: SpreadReportStatus): boolean {
    return satisfied !== true && coolDowns(this.simulated.server.readAll(ordinalMigrations), this.plan.product.coolDownMs, this.#timeOfDaemons()).length > 0;
  }

  /** Zones that had sold out are planned with again only after a while; until then no report tells of them where others will do. */
  #zonesComeBack(healed: number): boolean {
    if (!this.plan.faults.some(({ name }) => SOLD_OUT.has(name))) return false;
    const passed = (this.simulated.clock.monotonic() - healed) * this.#slowestRate();
    // An answer of before may have been a minute on its way.
    return passed < MARKET_REMEMBERED_MS + MINUTE_MS;
  }

  /** By the slowest of their clocks. */
  #timeOfDaemons(): number {
    return Date.parse(START) + (this.simulated.clock.now() - Date.parse(START)) * this.#slowestRate();
  }

  #slowestRate(): number {
    return Math.min(1, ...this.plan.product.clockRates);
  }

  /** @param sinceMs When something of it happened last. */
  #waitsForTheWorld(sinceMs: number): boolean {
    const { server, clock } = this.simulated;
    if (clock.monotonic() - sinceMs > PATIENCE_MS) return false;
    // An attach that has failed is tried again only after a while, and with it a Frozen move may go on.
    if (server.readAll(volumeAttachments).some((attachment) => attachment.status?.attached !== true && !isTerminating(attachment))) return true;
    // What the market sold a while ago is asked for again only after a while.
    if (server.readAll(spreadReports).some(({ status }) => status !== undefined && reasonsIn(status).includes('ZoneUnavailable'))) return true;
    const standing = server.readAll(ordinalMigrations).filter(inFlight);
    // It goes on by itself once its pod is Ready after all.
    if (standing.length > 0) return standing.some(({ status }) => status?.reason === 'NotReady');
    return server.readAll(statefulSets, { namespace: NAMESPACE }).some((set) => notReady(this, set).length > 0);
  }

  #everyPodReady(): boolean {
    return this.#ready() === this.plan.sets.reduce((sum, { replicas }) => sum + replicas, 0);
  }

  #ready(): number {
    return this.simulated.server.readAll(pods, { namespace: NAMESPACE }).filter((pod) => pod.metadata.deletionTimestamp === undefined && isTrue(pod, 'Ready')).length;
  }

  #stepsInFlight(): string[] {
    return this.simulated.server.readAll(ordinalMigrations).filter(inFlight).map(({ status }) => `${status?.course ?? 'Forward'} ${status?.step ?? ''}`);
  }

  /** The network between one of our processes and the API server. */
  #faulty(http: Http): Http {
    const { clock, pace } = this.simulated;
    return faultyHttp(distantHttp(http, { clock, pace }), {
      clock,
      faultOf: (request) => {
        for (const { name, chance } of this.#faults) {
          const kind = FAULTS[name];
          if (kind?.api === undefined || this.random.next() >= chance) continue;
          const fault = kind.api(request, this.random, this);
          if (fault === undefined) continue;
          this.coverage.met(`fault: ${name}`);
          return fault;
        }
        return undefined;
      },
      onFault: (fault, { method, path }) => this.trace.note(`fault    ${fault.kind} to ${method} ${path.slice(0, 120)}`),
    });
  }

  #told(cloud: EcsCall, { daemon, epochNow }: { daemon: number; epochNow: () => number | undefined }): EcsCall {
    return {
      call: (action, parameters) => {
        this.#books.called({ daemon, epoch: epochNow(), action, parameters });
        return cloud.call(action, parameters);
      },
    };
  }
}

/** When something was seen to be another for the last time, ms on the monotonic clock; at first, when it was looked at first. */
class LastChange {
  readonly #clock: Pick<Tasks, 'monotonic'>;
  readonly #read: () => unknown;
  #seen: unknown;
  #at: number;

  constructor(clock: Pick<Tasks, 'monotonic'>, read: () => unknown) {
    this.#clock = clock;
    this.#read = read;
    this.#seen = read();
    this.#at = clock.monotonic();
  }

  at(): number {
    const now = this.#read();
    if (now !== this.#seen) [this.#seen, this.#at] = [now, this.#clock.monotonic()];
    return this.#at;
  }
}

/** What holds a set back now and will not for ever: a zone that has to prove itself, a cool-down, a back-off. */
function passesWithTime(said: SpreadReportStatus): boolean {
  const { zonesSeen = [], blocked = [], conditions = [] } = said;
  const reasons = reasonsIn(said);
  const isHeld = blocked.length > 0 || conditions.some(({ type, status }) => type === 'Blocked' && status === 'True');
  const aboutToBegin = !isHeld && reasons.includes('MovesPlanned');
  return aboutToBegin || zonesSeen.some(({ enteredAt }) => enteredAt === undefined) || reasons.some((reason) => PASSING.has(reason));
}

const PASSING = new Set(['BackOff', 'CoolDown', 'BudgetUsedUp']);

function reasonsIn({ blocked = [], conditions = [] }: SpreadReportStatus): string[] {
  return [...blocked, ...conditions].map(({ reason }) => reason ?? '');
}

/** What was planned is begun, or given up after a while; what a person made may wait for ever. */
function isUnderWay(record: OrdinalMigration): boolean {
  return isGoingOn(record) || isAboutToBegin(record);
}

/** Until its finalizer is off, which comes off from what is kept for ever, too; what is kept until a person has decided does not count. */
function isRetaining({ metadata, status = {} }: OrdinalMigration): boolean {
  return (metadata.finalizers ?? []).includes(FINALIZER) && !KEPT.has(status.conditions?.find(({ type }) => type === 'SourceRetired')?.reason ?? '');
}

const KEPT = new Set(['SnapshotMissing', 'SnapshotFailed', 'SourceInUse', 'SuccessorMissing']);

function timingOf({ durationMs, retryMs }: ProductPlan['lease']): LeaseTiming {
  return { leaseDurationMs: durationMs, renewDeadlineMs: Math.round((durationMs * 2) / 3), retryPeriodMs: retryMs };
}

/** Somebody said no, or there was nothing to be done: all else is a mistake of ours. */
function isAnswer(error: unknown): boolean {
  return error instanceof Refusal || error instanceof CloudSaidNo || error instanceof NothingToDo;
}

function nodesOf({ cluster }: HistoryPlan, zone: number): { name: string; zone: string }[] {
  const letter = zoneName(zone).at(-1) ?? '';
  return Array.from({ length: cluster.nodesPerZone }, (_, index) => ({ name: `node-${letter}${index + 1}`, zone: zoneName(zone) }));
}

/** With disks and snapshots of another cluster in it that nobody may ever touch. */
function cloudOf({ cluster }: HistoryPlan, { clock, random }: { clock: Tasks; random: SeededRandom }): EcsModel {
  const zones = Array.from({ length: cluster.zones }, (_, index) => zoneName(index));
  const ecs = new EcsModel({
    clock,
    random,
    region: REGION,
    zones: zones.map((id) => ({ id, onSale: everythingOnSale() })),
    timings: cluster.cloud,
    detachingSnapshots: cluster.detachingSnapshots,
  });
  for (const zone of zones) ecs.addDisk({ zone, tags: { [CLUSTER_TAG]: 'another-cluster', 'zonespread.io/migration': 'another-migration', 'zonespread.io/role': 'target' } });
  return ecs;
}
