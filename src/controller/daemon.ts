// The daemon: waits for the lease, watches, sweeps, and works through its queue until it is told to stop. Everything it knows, it can
// read again: it may be killed at any instant.

import { createApi } from '../kubernetes/client.ts';
import type { Api } from '../kubernetes/api.ts';
import { createEventRecorder, type EventRecorder } from '../kubernetes/event-recorder.ts';
import { createLeaderElection, fence, LeaseLost, type Leadership, type LeaseTiming } from '../kubernetes/leader-election.ts';
import { CONTROLLER_USER_ANNOTATION } from '../kubernetes/names.ts';
import { namespaces, statefulSets } from '../kubernetes/objects.ts';
import { createWorkQueue, type WorkQueue } from '../kubernetes/work-queue.ts';
import type { OrdinalMigration } from '../migration/record.ts';
import type { MigrationNote, MigrationPorts } from '../migration/step.ts';
import { createObservabilityApp, serve, type HttpServer } from '../observability/http.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disks } from '../ports/disks.ts';
import type { Http } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Schedule } from '../ports/schedule.ts';
import type { Budgets } from './budget.ts';
import { createMarkets } from './markets.ts';
import { migrationMetrics } from './migration-metrics.ts';
import { createMoves } from './moves.ts';
import { dropSurplusRecords } from './kept-records.ts';
import { sweepOrphans } from './orphans.ts';
import { createSets } from './sets.ts';
import { hasOurGate, removeStrayGate } from './stray-gates.ts';
import { moveKey, parseKey, refOf, setKey, wakeOnChange } from './wake.ts';
import { allWatches, createWatches, watchedCluster, watchedSets, type Watches } from './watches.ts';
import { refuseEvacuations } from './zone-evacuation.ts';

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
  settings: ControllerSettings;
  /** Aborts on SIGTERM: the step at hand is finished or parked, the lease released. */
  signal: AbortSignal;
}

const LEASE_NAME = 'zonespread';
/** Moves spend their time waiting; sets are quick. */
const WORKERS = 8;
const LEASE_CALL_MS = 5_000;
/** How often the cloud is asked for what no record knows. */
const ORPHANS_EVERY_MS = 3_600_000;

/** Resolves when it was told to stop and has stopped. @throws LeaseLost: exit at once; anything else that keeps it from starting, for people. */
export async function runController(options: ControllerOptions): Promise<void> {
  const { clock, random, log, settings } = options;
  const state: { leading: boolean; watches: Watches | undefined } = { leading: false, watches: undefined };
  const probes = await startProbes(options, () => state.leading && state.watches !== undefined && !allWatches(state.watches).every((watch) => watch.hasSynced));
  try {
    const api = createApi({ http: options.http, timeoutMs: LEASE_CALL_MS });
    const lead = (leadership: Leadership): Promise<void> => {
      state.leading = true;
      options.metrics.setLeader(true);
      return leadUntilStopped(options, leadership, (watches) => (state.watches = watches));
    };
    if (!settings.leaderElect) {
      await lead(alone());
      return;
    }
    const election = createLeaderElection({
      api,
      clock,
      random,
      log,
      lease: { namespace: settings.leaseNamespace, name: LEASE_NAME },
      identity: `zonespread-${random.uuid()}`,
      annotations: { [CONTROLLER_USER_ANNOTATION]: await api.selfUser() },
      timing: settings.leaseTiming,
    });
    await election.run({ signal: options.signal, onLead: lead });
  } finally {
    options.metrics.setLeader(false);
    await probes?.close();
  }
}

/** `--leader-elect=false`: the operator answers for there being only one. */
function alone(): Leadership {
  return { epoch: 0, held: () => true, assertHeld: () => {}, signal: new AbortController().signal };
}

async function startProbes({ settings, metrics, log }: ControllerOptions, syncing: () => boolean): Promise<HttpServer | undefined> {
  if (settings.http === undefined) return undefined;
  const readiness = [{ name: 'watches', problem: () => (syncing() ? 'the watch caches are being filled' : undefined) }];
  const server = await serve(createObservabilityApp({ metrics, readiness, log }), settings.http);
  log.info(`metrics and probes on port ${server.port}`);
  return server;
}

async function leadUntilStopped(options: ControllerOptions, leadership: Leadership, tell: (watches: Watches) => void): Promise<void> {
  const { clock, random, log, settings, signal } = options;
  const api = createApi({ http: fence(options.http, leadership) });
  const kruise = ((await api.discover('apps.kruise.io/v1beta1')) ?? []).includes(statefulSets.plural);
  const watches = createWatches({ http: options.http, clock, random, log, namespaces: settings.namespaces, kruise });
  tell(watches);
  for (const watch of allWatches(watches)) watch.start();
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([Promise.all(allWatches(watches).map((watch) => watch.synced)), stopped]);

  const events = createEventRecorder({ api, clock, log, component: 'zonespread-controller', instance: settings.leaseNamespace });
  const lost = Promise.withResolvers<never>();
  const work = await createWork(options, { api, leadership, watches, events, onLost: lost.reject });
  log.info('leading', { epoch: leadership.epoch });
  try {
    await Promise.race([stopped, lost.promise]);
  } finally {
    await work.stop();
    await events.flush();
    await Promise.all(allWatches(watches).map((watch) => watch.stop()));
  }
}

interface Team {
  api: Api;
  leadership: Leadership;
  watches: Watches;
  events: EventRecorder;
  onLost: (error: LeaseLost) => void;
}

/** Queue, wake-ups and sweeps over synced watches. */
async function createWork(options: ControllerOptions, team: Team): Promise<{ stop(): Promise<void> }> {
  const { clock, random, log, metrics, settings } = options;
  const { api, watches } = team;
  const disks = options.disks(team.leadership);
  const clusterUID = (await api.get(namespaces, { name: 'kube-system' }))?.metadata.uid ?? '';
  const deciding = { api, disks, clock, markets: createMarkets({ disks, clock, log }), budgets: settings.budgets, coolDownMs: settings.coolDownMs };
  const migrating: MigrationPorts = { api, disks, clock, random, clusterUID, epoch: team.leadership.epoch, stepTimeoutMs: settings.stepTimeoutMs, report: reporter(team, watches, log) };
  const moves = createMoves(migrating, deciding);
  const sets = createSets({ ...deciding, random, events: team.events, metrics, watched: watchedCluster(watches), reportOf: ({ namespace, name }) => watches.reports.get(namespace, name), dryRun: settings.dryRun });

  const queue = createWorkQueue({
    concurrency: WORKERS,
    clock,
    random,
    log,
    async work(key) {
      const { kind, ...ref } = parseKey(key);
      try {
        const again = kind === 'set' ? await timed(options, () => sets.work(ref)) : settings.dryRun ? undefined : await moves.work(ref);
        if (again !== undefined) queue.addAfter(key, again.afterMs);
      } catch (error) {
        if (!(error instanceof LeaseLost)) throw error;
        team.onLost(error);
      }
    },
  });
  const endWaking = wakeOnChange(watches, queue);
  const endMetrics = migrationMetrics(watches.migrations, metrics);
  const endGates = watches.pods.onChange(({ type, object }) => {
    if (type === 'deleted' || !hasOurGate(object) || settings.dryRun) return;
    void removeStrayGate(api, log, refOf(object)).catch((error: unknown) => log.warn(`could not look at the gate of pod ${object.metadata.name}`, { error }));
  });
  const sweep = sweeper(options, { team, queue, disks, clusterUID });
  await sweep();
  const cron = options.schedule.every(settings.sweep, sweep);
  return {
    async stop() {
      for (const end of [endWaking, endMetrics, endGates]) end();
      await cron.stop();
      await queue.stop();
    },
  };
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
function reporter({ events }: Team, watches: Watches, log: Log): (record: OrdinalMigration, note: MigrationNote) => void {
  return (record, { type, event, message }) => {
    const namespace = record.metadata.namespace ?? '';
    log[type === 'Warning' ? 'warn' : 'info'](message, { migration: `${namespace}/${record.metadata.name}`, event });
    events.record(record, { type, reason: event, message });
    const set = watches.sets.get(namespace, record.spec.statefulSetRef.name) ?? watches.kruiseSets?.get(namespace, record.spec.statefulSetRef.name);
    // Steps are told on the record alone: a set would drown in them.
    if (set !== undefined && event !== 'MigrationStep') events.record(set, { type, reason: event, message: `${record.metadata.name}: ${message}` });
  };
}

/** What watches miss, and what only time brings: every set and every record is looked at, orphans now and then. */
function sweeper(options: ControllerOptions, { team, queue, disks, clusterUID }: { team: Team; queue: WorkQueue; disks: Disks; clusterUID: string }): () => Promise<void> {
  const { clock, log, metrics, settings } = options;
  const { api, watches } = team;
  let orphansAt = Number.NEGATIVE_INFINITY;

  async function tidyUp(): Promise<void> {
    for (const pod of watches.pods.list()) if (hasOurGate(pod)) await removeStrayGate(api, log, refOf(pod));
    await dropSurplusRecords(api, watches.migrations.list());
    await refuseEvacuations(api, clock);
    if (clock.monotonic() - orphansAt <= ORPHANS_EVERY_MS) return;
    metrics.setOrphanedDisks(await sweepOrphans({ api, disks, clock, log, clusterUID }));
    orphansAt = clock.monotonic();
  }

  return async () => {
    for (const set of watchedSets(watches)) queue.add(setKey(refOf(set)));
    for (const report of watches.reports.list()) queue.add(setKey(refOf(report)));
    for (const record of watches.migrations.list()) queue.add(moveKey(refOf(record)));
    try {
      if (!settings.dryRun) await tidyUp();
      metrics.sweepSucceeded(clock.now() / 1000);
    } catch (error) {
      if (error instanceof LeaseLost) team.onLost(error);
      else log.error('the sweep failed; the next one comes by itself', { error });
    }
  };
}
