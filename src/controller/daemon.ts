// The daemon: waits for the lease, watches, sweeps, and works through its queue until it is told to stop. Everything it knows, it can
// read again: it may be killed at any instant.

import { createApi } from '../kubernetes/client.ts';
import type { Api } from '../kubernetes/api.ts';
import { createEventRecorder, type EventRecorder } from '../kubernetes/event-recorder.ts';
import { createLeaderElection, fence, LeaseLost, type Leadership, type LeaseTiming } from '../kubernetes/leader-election.ts';
import { CONTROLLER_USER_ANNOTATION } from '../kubernetes/names.ts';
import { apiVersionOf, kruiseStatefulSets, namespaces } from '../kubernetes/objects.ts';
import { nameOf } from '../kubernetes/reading.ts';
import type { OrdinalMigration } from '../migration/record.ts';
import type { MigrationNote, MigrationPorts, ReservingTerms } from '../migration/step.ts';
import { createObservabilityApp, serve } from '../observability/http.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disks } from '../ports/disks.ts';
import type { Http } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Prometheus } from '../ports/prometheus.ts';
import type { Schedule } from '../ports/schedule.ts';
import type { Budgets } from './budget.ts';
import { liveCluster, type Scope } from './cluster.ts';
import { requireCustomResources } from './custom-resources.ts';
import { createDiskReadings } from './disk-readings.ts';
import { untilAnswered } from './first-answers.ts';
import { createEvacuations } from './evacuation-progress.ts';
import { createHealthGate } from './health.ts';
import { createMarkets } from './markets.ts';
import { migrationMetrics } from './migration-metrics.ts';
import { createMoves } from './moves.ts';
import { rememberOwnWrites } from './own-writes.ts';
import { createOutlook, type Outlook, type OutlookKeeper, type ServedPage } from './outlook.ts';
import { createQueues } from './queues.ts';
import { createSets } from './sets.ts';
import { hasOurGate, removeStrayGate } from './stray-gates.ts';
import { isStray, removeStrayPlaceholder } from './stray-placeholders.ts';
import { createSweep } from './sweep.ts';
import { evacuationKey, refOf, wakeOnChange } from './wake.ts';
import { allWatches, annotatedSets, createWatches, watchedCluster, type Watches } from './watches.ts';

export interface ControllerSettings {
  /** Namespace of the Lease, and ours. */
  leaseNamespace: string;
  leaderElect: boolean;
  leaseTiming: LeaseTiming;
  /** node-cron, UTC. */
  sweep: string;
  budgets: Budgets;
  coolDownMs: number;
  stepTimeoutMs: number;
  reserving: ReservingTerms;
  /** Undefined: all. */
  namespaces: readonly string[] | undefined;
  http: { host?: string; port: number } | undefined;
  dryRun: boolean;
}

export interface ControllerOptions {
  http: Http;
  /** The disks, through a fence that lets no call with an effect out without the lease. */
  disks: (leadership: Leadership) => Disks;
  clock: Clock;
  random: Random;
  schedule: Schedule;
  log: Log;
  metrics: Metrics;
  /** For `zonespread.io/health-query`. */
  prometheus?: Prometheus | undefined;
  /** What `--http` serves to people, beside metrics and probes. */
  page?: ((outlook: Outlook) => ServedPage) | undefined;
  settings: ControllerSettings;
  /** Aborts on SIGTERM: the step at hand is finished or parked, the lease released. */
  signal: AbortSignal;
}

const LEASE_NAME = 'zonespread';
const LEASE_CALL_MS = 5_000;
/** A sweep looks at every set: what it shows of an evacuation is said once. */
const EVACUATIONS_SETTLE_MS = 1_000;

/** How far a daemon is, for its probe. */
interface Stage {
  /** What it has to know before it asks for the lease. */
  prepared: boolean;
  leading: boolean;
  watches: Watches | undefined;
}

/** Resolves when it was told to stop and has stopped. @throws LeaseLost: exit at once; anything else that keeps it from starting, for people. */
export async function runController(options: ControllerOptions): Promise<void> {
  const { clock, random, log, settings } = options;
  const identity = `zonespread-${random.uuid()}`;
  const stage: Stage = { prepared: false, leading: false, watches: undefined };
  options.metrics.setLeader(false);
  const serving = await startServing(options, stage);
  const outlook = serving?.outlook;
  try {
    const user = await prepare(options);
    if (user === undefined) return;
    stage.prepared = true;
    if (settings.leaderElect) outlook?.wait();
    const tell = (watches: Watches): void => {
      stage.watches = watches;
      void outlook?.lead(watches);
    };
    const lead = (leadership: Leadership): Promise<void> => {
      stage.leading = true;
      options.metrics.setLeader(true);
      return leadUntilStopped(options, { leadership, identity, tell });
    };
    if (!settings.leaderElect) {
      const leadership = await alone(options);
      if (leadership !== undefined) await lead(leadership);
      return;
    }
    const election = createLeaderElection({
      api: createApi({ http: options.http, timeoutMs: LEASE_CALL_MS }),
      clock,
      random,
      log,
      lease: { namespace: settings.leaseNamespace, name: LEASE_NAME },
      identity,
      annotations: { [CONTROLLER_USER_ANNOTATION]: user },
      timing: settings.leaseTiming,
    });
    await election.run({ signal: options.signal, onLead: lead });
  } finally {
    options.metrics.setLeader(false);
    await serving?.close();
  }
}

/** @returns who we are to the API server; undefined when told to stop. @throws Error for people when the cluster is not made ready for us. */
function prepare({ http, signal, ...ports }: ControllerOptions): Promise<string | undefined> {
  const api = createApi({ http, timeoutMs: LEASE_CALL_MS, signal });
  const ask = async (): Promise<string> => {
    await requireCustomResources(api);
    return api.selfUser();
  };
  return untilAnswered(ask, { ...ports, signal });
}

/** `--leader-elect=false`: the operator answers for there being only one, which goes on from whatever the last one wrote. */
async function alone({ http, signal, settings, ...ports }: ControllerOptions): Promise<Leadership | undefined> {
  const cluster = liveCluster(createApi({ http, signal }), { namespaces: settings.namespaces, kruise: false });
  const records = await untilAnswered(() => cluster.migrations(), { ...ports, signal });
  if (records === undefined) return undefined;
  const epoch = Math.max(0, ...records.map(({ status }) => status?.epoch ?? 0));
  return { epoch, held: () => true, assertHeld: () => {}, signal: new AbortController().signal };
}

interface Serving {
  /** Undefined: nobody looks. */
  outlook: OutlookKeeper | undefined;
  close(): Promise<void>;
}

async function startServing({ settings, metrics, page, ...ports }: ControllerOptions, stage: Stage): Promise<Serving | undefined> {
  if (settings.http === undefined) return undefined;
  const outlook = page === undefined ? undefined : createOutlook({ ...ports, namespaces: settings.namespaces });
  const served = outlook === undefined ? undefined : page?.(outlook);
  const server = await serve(createObservabilityApp({ metrics, readiness: [{ name: 'watches', problem: () => whyNotReady(stage) }], log: ports.log, page: served?.handler }), settings.http);
  ports.log.info(`metrics, probes${served === undefined ? '' : ' and the status page'} on port ${server.port}`);
  return {
    outlook,
    async close() {
      served?.end();
      await Promise.all([outlook?.stop(), server.close()]);
    },
  };
}

/** Whoever waits for the lease is ready. */
function whyNotReady({ prepared, leading, watches }: Stage): string | undefined {
  if (!prepared) return 'the API server has not yet said what has to be known first';
  if (leading && !(watches !== undefined && allWatches(watches).every((watch) => watch.hasSynced))) return 'the watch caches are being filled';
  return undefined;
}

interface Term {
  leadership: Leadership;
  identity: string;
  tell: (watches: Watches) => void;
}

async function leadUntilStopped(options: ControllerOptions, { leadership, identity, tell }: Term): Promise<void> {
  const { clock, random, log, settings, signal } = options;
  const kruise = await askAsLeader(options, leadership, async (reading) => ((await reading.discover(apiVersionOf(kruiseStatefulSets))) ?? []).includes(kruiseStatefulSets.plural));
  if (kruise === undefined) return;
  const api = createApi({ http: fence(options.http, leadership) });
  const watches = createWatches({ http: options.http, clock, random, log, namespaces: settings.namespaces, kruise });
  tell(watches);
  const stopped = untilAborted(signal);
  try {
    for (const watch of allWatches(watches)) watch.start();
    await Promise.race([Promise.all(allWatches(watches).map((watch) => watch.synced)), stopped]);
    if (!signal.aborted) await workUntilStopped(options, { api, leadership, watches, identity, scope: { namespaces: settings.namespaces, kruise } }, stopped);
  } finally {
    await Promise.all(allWatches(watches).map((watch) => watch.stop()));
  }
}

/** Undefined when told to stop. @throws LeaseLost when the lease is lost before there is an answer. */
async function askAsLeader<T extends string | boolean | object>({ http, signal, ...ports }: ControllerOptions, leadership: Leadership, ask: (api: Api) => Promise<T>): Promise<T | undefined> {
  const ending = AbortSignal.any([signal, leadership.signal]);
  const api = createApi({ http, signal: ending });
  const answer = await untilAnswered(() => ask(api), { ...ports, signal: ending });
  if (answer === undefined && !signal.aborted) leadership.assertHeld();
  return answer;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

interface Team {
  api: Api;
  leadership: Leadership;
  watches: Watches;
  identity: string;
  scope: Scope;
}

async function workUntilStopped(options: ControllerOptions, team: Team, stopped: Promise<void>): Promise<void> {
  const { clock, log, settings } = options;
  const clusterUID = await askAsLeader(options, team.leadership, uidOfCluster);
  if (clusterUID === undefined) return;
  // A dry run says in its reports what it would do, and writes nothing else.
  const events = settings.dryRun ? SILENT : createEventRecorder({ api: team.api, clock, log, component: 'zonespread-controller', instance: team.identity });
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined); // It may come before anybody waits for it.
  const work = startWork(options, { ...team, clusterUID, events, onLost: lost.reject });
  log.info('leading', { epoch: team.leadership.epoch });
  try {
    await Promise.race([stopped, lost.promise]);
  } finally {
    await work.stop();
    await events.flush();
  }
}

const SILENT: EventRecorder = { record: () => {}, flush: () => Promise.resolve() };

interface Crew extends Team {
  clusterUID: string;
  events: EventRecorder;
  onLost: (error: LeaseLost) => void;
}

/** Queue, wake-ups and sweeps over synced watches. */
function startWork(options: ControllerOptions, crew: Crew): { stop(): Promise<void> } {
  const { clock, random, log, metrics, settings } = options;
  const { api, watches, clusterUID, onLost } = crew;
  const disks = options.disks(crew.leadership);
  const readings = createDiskReadings({ disks, clock, log });
  const live = { cluster: liveCluster(api, crew.scope), disks, snapshots: true };
  const watched = { cluster: watchedCluster(watches), disks: readings, snapshots: false };
  const deciding = { api, live, watched, clock, markets: createMarkets({ disks, clock, log }), health: createHealthGate({ prometheus: options.prometheus, clock }), budgets: settings.budgets, coolDownMs: settings.coolDownMs, nodesMayCome: settings.reserving.awaitAutoscalerMs !== undefined };
  const own = rememberOwnWrites(api);
  const migrating: MigrationPorts = { api: own.api, disks, clock, random, clusterUID, epoch: crew.leadership.epoch, stepTimeoutMs: settings.stepTimeoutMs, reserving: settings.reserving, report: reporter(crew, log) };
  const moves = createMoves(migrating, deciding);
  const evacuations = createEvacuations({
    api,
    clock,
    evacuation: (name) => watches.evacuations.get(undefined, name),
    annotated: () => annotatedSets(watches).map(refOf),
    migrations: () => watches.migrations.list(),
  });
  const sets = createSets({ ...deciding, random, events: crew.events, metrics, reportOf: ({ namespace, name }) => watches.reports.get(namespace, name), dryRun: settings.dryRun, onDecision: (key, decision) => evacuations.note(key, decision) });

  const queue = createQueues({ clock, random, log, onLost }, {
    async set(key) {
      const again = await timed(options, () => sets.work(key));
      for (const { metadata } of watches.evacuations.list()) queue.addAfter(evacuationKey(metadata.name), EVACUATIONS_SETTLE_MS);
      return again;
    },
    async evacuation({ name }) {
      if (!settings.dryRun) await evacuations.work(name);
      return undefined;
    },
    move: (key) => (settings.dryRun ? Promise.resolve(undefined) : moves.work(key)),
  });
  const endWaking = wakeOnChange(watches, queue, own);
  const endMetrics = migrationMetrics(watches.migrations, metrics);
  const endStrays = settings.dryRun ? undefined : tidyPods(crew, log);
  const sweep = createSweep({ api, disks, readings, clock, log, metrics, watches, queue, clusterUID, coolDownMs: settings.coolDownMs, dryRun: settings.dryRun, onLost });
  const cron = options.schedule.every(settings.sweep, () => sweep.run());
  void sweep.run();
  return {
    async stop() {
      for (const end of [endWaking, endMetrics, endStrays]) end?.();
      await cron.stop();
      await Promise.all([sweep.stop(), queue.stop()]);
    },
  };
}

/** @throws Error for people: without it our disks could not be told from another cluster's. */
async function uidOfCluster(api: Api): Promise<string> {
  const uid = (await api.get(namespaces, { name: 'kube-system' }))?.metadata.uid;
  if (uid === undefined) throw new Error('namespace kube-system is not there, and its UID is what marks the disks of this cluster; is this the right API server?');
  return uid;
}

/** Stray gates come off, stray placeholders go. */
function tidyPods({ api, watches }: Crew, log: Log): () => void {
  const later = (what: string) => (error: unknown) => log.warn(`could not look at ${what}; the next sweep does`, { error });
  return watches.pods.onChange(({ type, object }) => {
    if (type === 'deleted') return;
    const { name } = object.metadata;
    if (hasOurGate(object)) void removeStrayGate(api, log, refOf(object)).catch(later(`the gate of pod ${name}`));
    if (isStray(object, () => watches.migrations.list())) void removeStrayPlaceholder(api, log, object).catch(later(`placeholder ${name}`));
  });
}

async function timed<T>({ clock, metrics }: ControllerOptions, act: () => Promise<T>): Promise<T> {
  const began = clock.monotonic();
  try {
    return await act();
  } finally {
    metrics.reconciled((clock.monotonic() - began) / 1000);
  }
}

/** What a migration has to say becomes an event on its record and on its set, and a line of the log. */
function reporter({ events, watches }: Crew, log: Log): (record: OrdinalMigration, note: MigrationNote) => void {
  return (record, { type, event, message }) => {
    const namespace = record.metadata.namespace ?? '';
    log[type === 'Warning' ? 'warn' : 'info'](message, { migration: nameOf(record), event });
    events.record(record, { type, reason: event, message });
    const set = watches.sets.get(namespace, record.spec.statefulSetRef.name) ?? watches.kruiseSets?.get(namespace, record.spec.statefulSetRef.name);
    // Steps are told on the record alone: a set would drown in them.
    if (set !== undefined && event !== 'MigrationStep') events.record(set, { type, reason: event, message: `${record.metadata.name}: ${message}` });
  };
}
