// What watches miss, and what only time brings: every set and every record is looked at, and what was left over is tidied up.

import type { Api } from '../kubernetes/api.ts';
import { LeaseLost } from '../kubernetes/fence.ts';
import { FINALIZER, IN_FLIGHT_LABEL } from '../kubernetes/names.ts';
import { nameOf } from '../kubernetes/reading.ts';
import { unlabelNamespace } from '../migration/ending.ts';
import { ended, inFlight, type OrdinalMigration } from '../migration/record.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Clock } from '../ports/clock.ts';
import type { Disks } from '../ports/disks.ts';
import type { Log } from '../ports/log.ts';
import { BACK_OFF_COUNTS_MS } from './back-off.ts';
import { disksOfSet, nameOfSet } from './cluster.ts';
import { policyOf } from './decision.ts';
import type { DiskReadings } from './disk-readings.ts';
import { dropSurplusRecords } from './kept-records.ts';
import { sweepOrphans } from './orphans.ts';
import type { Waker } from './queues.ts';
import { hasOurGate, removeStrayGate } from './stray-gates.ts';
import { isStray, removeStrayPlaceholder } from './stray-placeholders.ts';
import { evacuationKey, moveKey, refOf, setKey, setRefOf } from './wake.ts';
import { watchedSets, type Watches } from './watches.ts';

export interface SweepOptions {
  api: Api;
  disks: Disks;
  readings: DiskReadings;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  watches: Watches;
  queue: Waker;
  clusterUID: string;
  coolDownMs: number;
  /** `--dry-run`: looks at everything, tidies nothing. */
  dryRun: boolean;
  onLost: (error: LeaseLost) => void;
}

export interface Sweep {
  /** One sweep; while one is under way, that one. Never rejects. */
  run(): Promise<void>;
  /** Resolves when none is under way; none begins any more. */
  stop(): Promise<void>;
}

/** How often the cloud is asked for what no record knows. */
const ORPHANS_EVERY_MS = 3_600_000;

export function createSweep(options: SweepOptions): Sweep {
  const state: State = { stopped: false, orphansAt: Number.NEGATIVE_INFINITY };
  let running: Promise<void> | undefined;
  return {
    run() {
      if (state.stopped) return running ?? Promise.resolve();
      running ??= sweepOnce(options, state).finally(() => {
        running = undefined;
      });
      return running;
    },
    async stop() {
      state.stopped = true;
      await running;
    },
  };
}

interface State {
  stopped: boolean;
  orphansAt: number;
}

async function sweepOnce(options: SweepOptions, state: State): Promise<void> {
  try {
    await wakeEverything(options);
    forgetSetsThatAreGone(options);
    const tidy = options.dryRun || (await tidyUp(options, state));
    if (tidy) options.metrics.sweepSucceeded(options.clock.now() / 1000);
  } catch (error) {
    if (error instanceof LeaseLost) options.onLost(error);
    else options.log.error('the sweep failed; the next one comes by itself', { error });
  }
}

async function wakeEverything({ watches, queue, readings }: SweepOptions): Promise<void> {
  for (const record of watches.migrations.list()) if (needsLooks(record)) queue.add(moveKey(refOf(record)));
  const find = (namespace: string | undefined): Parameters<typeof disksOfSet>[1] => ({ claim: (name) => watches.claims.get(namespace, name), volume: (name) => watches.volumes.get(undefined, name) });
  const declared = watchedSets(watches).filter((set) => policyOf(set, watches.namespaces.get(undefined, set.metadata.namespace ?? '')).kind === 'policy');
  await readings.prefetch(declared.flatMap((set) => disksOfSet(set, find(set.metadata.namespace))));
  for (const set of watchedSets(watches)) queue.add(setKey(refOf(set)));
  // Also those whose set is gone.
  for (const report of watches.reports.list()) queue.add(setKey(refOf(report)));
  for (const evacuation of watches.evacuations.list()) queue.add(evacuationKey(evacuation.metadata.name));
}

/** A move may end after its set is gone, and is counted all the same: by the next sweep everybody has seen it. */
function forgetSetsThatAreGone({ metrics, watches }: SweepOptions): void {
  const moving = watches.migrations.list().filter((record) => !ended(record));
  const known = new Set([...watchedSets(watches).map(refOf), ...moving.map(setRefOf)].map(nameOfSet));
  metrics.forgetStatefulSetsBut((namespace, name) => known.has(nameOfSet({ namespace, name })));
}

/** What has ended and let go of is history. */
function needsLooks(record: OrdinalMigration): boolean {
  return !ended(record) || (record.metadata.finalizers ?? []).includes(FINALIZER);
}

/** Whether all of it was done: one part that fails does not keep the others from being done. */
async function tidyUp(options: SweepOptions, state: State): Promise<boolean> {
  const { api, clock, log, watches } = options;
  const countedMs = Math.max(options.coolDownMs, BACK_OFF_COUNTS_MS);
  const parts: [string, () => Promise<void>][] = [
    ...watches.pods.list().filter(hasOurGate).map((pod): [string, () => Promise<void>] => [`look at the gate of pod ${nameOf(pod)}`, () => removeStrayGate(api, log, refOf(pod))]),
    ...idleNamespaces(watches).map((name): [string, () => Promise<void>] => [`take the in-flight label off namespace ${name}`, () => unlabelNamespace(api, name)]),
    ...watches.pods.list().filter((pod) => isStray(pod, () => watches.migrations.list())).map((pod): [string, () => Promise<void>] => [`look at placeholder ${nameOf(pod)}`, () => removeStrayPlaceholder(api, log, pod)]),
    ['drop old records', () => dropSurplusRecords(api, watches.migrations.list(), { nowMs: clock.now(), countedMs })],
    ['look for orphaned disks', () => lookForOrphans(options, state)],
  ];
  let all = true;
  for (const [what, act] of parts) if (!state.stopped) all = (await attempt(log, what, act)) && all;
  return all && !state.stopped;
}

/** Each move takes the label off with it, unless its record was let go of before it could. */
function idleNamespaces({ namespaces, migrations }: Watches): string[] {
  const busy = new Set(migrations.list().filter(inFlight).map(({ metadata }) => metadata.namespace));
  return namespaces.list().filter(({ metadata }) => metadata.labels?.[IN_FLIGHT_LABEL] !== undefined && !busy.has(metadata.name)).map(({ metadata }) => metadata.name);
}

async function attempt(log: Log, what: string, act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    log.error(`the sweep could not ${what}; the next one tries again`, { error });
    return false;
  }
}

async function lookForOrphans({ api, disks, clock, log, metrics, clusterUID }: SweepOptions, state: State): Promise<void> {
  if (clock.monotonic() - state.orphansAt <= ORPHANS_EVERY_MS) return;
  const orphans = await sweepOrphans({ api, disks, clock, log, clusterUID });
  if (orphans !== undefined) metrics.setOrphanedDisks(orphans);
  state.orphansAt = clock.monotonic();
}
