// `zonespread wind-down`: brings everything to rest before the program is taken away. The chart's pre-delete hook runs it. It only asks:
// what is in flight is ended by the daemon, as always.
//
//   the daemon's Deployment gets --max-migrations 0 ──► a daemon that knows it leads (or none does) ──► nothing is in flight ──►
//   ended records are let go of: whatever they still keep stays, and no namespace hangs on their finalizer

import type { Command } from 'commander';
import { LEASE_NAME } from '../admission/webhook.ts';
import { createApi } from '../kubernetes/client.ts';
import { isConflict, isNotFound, isTestFailed } from '../kubernetes/refusals.ts';
import { ApiError, ApiUnreachable, type Api } from '../kubernetes/api.ts';
import { loadCluster } from '../kubernetes/config.ts';
import { FINALIZER, REQUEST_ANNOTATION } from '../kubernetes/names.ts';
import { deployments, leases, type Deployment, type Lease } from '../kubernetes/objects.ts';
import { asRead, nameOf } from '../kubernetes/reading.ts';
import { ended, inFlight, ordinalMigrations, phaseOf, statusOf, type OrdinalMigration } from '../migration/record.ts';
import { requestProblem } from '../migration/requests.ts';
import { systemClock, type Clock } from '../ports/clock.ts';
import { flag, namespaceList, oneOf, positiveDuration } from './flags.ts';
import { ownNamespaceOf } from './process.ts';

export interface WindDownFlags {
  kubeconfig?: string;
  controller: string;
  leaseNamespace?: string;
  namespaces?: string[];
  inFlight: 'finish' | 'abort';
  timeout: number;
}

/** `run`: what is done with the flags. */
export function addWindDownCommand(program: Command, run: (flags: WindDownFlags) => Promise<void> = runWithFlags): void {
  const command = program.command('wind-down').description('before an uninstall: begin nothing more, wait until nothing is in flight, let go of what has ended');
  flag(command, '--kubeconfig <file>', 'kubeconfig; without it $KUBECONFIG, ~/.kube/config, or in-cluster');
  flag(command, '--controller <name>', "the daemon's Deployment, in our namespace", { default: 'zonespread-controller' });
  flag(command, '--lease-namespace <name>', 'namespace of the lease and of the Deployment; without it our own, outside a cluster zonespread-system');
  flag(command, '--namespaces <list>', 'namespaces to look after, separated by commas; without it all', { parse: namespaceList });
  flag(command, '--in-flight <what>', 'what becomes of moves that are under way: finish, or abort (undone where that can be)', { default: 'finish', parse: oneOf('finish', 'abort') });
  flag(command, '--timeout <duration>', 'how long to wait for them', { default: 1_500_000, parse: positiveDuration });
  command.action((flags: WindDownFlags) => run(flags));
}

async function runWithFlags(flags: WindDownFlags): Promise<void> {
  const cluster = loadCluster(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig });
  try {
    await windDown({
      api: createApi({ http: cluster.http, userAgent: 'zonespread-wind-down' }),
      clock: systemClock,
      say: (line) => process.stdout.write(`${line}\n`),
      namespace: flags.leaseNamespace ?? ownNamespaceOf(),
      controller: flags.controller,
      namespaces: flags.namespaces,
      abort: flags.inFlight === 'abort',
      timeoutMs: flags.timeout,
    });
  } finally {
    await cluster.close();
  }
}

export interface WindDownOptions {
  api: Api;
  clock: Clock;
  /** A line for people whenever there is news. */
  say: (line: string) => void;
  /** Ours. */
  namespace: string;
  /** Name of the daemon's Deployment. */
  controller: string;
  /** Undefined: all. */
  namespaces?: readonly string[] | undefined;
  /** Asks for an undo of what is under way. */
  abort: boolean;
  timeoutMs: number;
}

/** The flag as the Deployment's environment has it: the chart always sets it, so that an upgrade after a wind-down sets it back. */
const BUDGET_VARIABLE = 'ZONESPREAD_MAX_MIGRATIONS';
const LOOK_EVERY_MS = 1_000;
/** At least: a leader that let go has written a second. */
const LEASE_MS = 15_000;

/** @throws Error for people that names what is still in flight and what to do about it; nothing has been taken away by then. */
export async function windDown(options: WindDownOptions): Promise<void> {
  const { clock, say, timeoutMs } = options;
  const work = new WindDown(options);
  const deadline = clock.monotonic() + timeoutMs;
  for (;;) {
    const late = clock.monotonic() >= deadline;
    try {
      if (await work.look(late)) break;
    } catch (error) {
      // All of a look can be done again: an API server that restarts must not end an uninstall.
      if (late || !passes(error)) throw error;
      say(`the API server does not answer; asking again (${(error as Error).message})`);
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
  say('at rest: nothing is in flight');
}

function passes(error: unknown): boolean {
  return error instanceof ApiUnreachable || isTestFailed(error) || (error instanceof ApiError && error.retriable);
}

class WindDown {
  readonly #options: WindDownOptions;
  readonly #leadership: LeadershipWatch;
  #news = '';

  constructor(options: WindDownOptions) {
    this.#options = options;
    this.#leadership = new LeadershipWatch(options);
  }

  /** True when all is at rest, and let go of. `late`: there will be no further look. */
  async look(late: boolean): Promise<boolean> {
    const lease = await leaseOf(this.#options);
    await this.#beginNothingMore(lease);
    const ruled = await this.#leadership.isInRightHands(lease);
    const moving = (await recordsOf(this.#options)).filter(inFlight);
    if (ruled && moving.length === 0) {
      await letGo(this.#options);
      return true;
    }
    this.#tell(describe(moving));
    const inTheWay = whatIsInTheWay(moving, { ruled, late });
    if (inTheWay !== undefined) throw stuck(moving, inTheWay);
    if (this.#options.abort) await askForUndo(this.#options, moving);
    return false;
  }

  async #beginNothingMore(lease: Lease | undefined): Promise<void> {
    const { api, namespace, controller: name, say } = this.#options;
    const live = await api.get(deployments, { namespace, name });
    if (live === undefined) return this.#tell(`there is no Deployment ${namespace}/${name}`);
    const place = placeOfBudget(live);
    if (place === undefined) throw new Error(`Deployment ${namespace}/${name} does not set ${BUDGET_VARIABLE}: is it the daemon's? Name it with --controller`);
    if (place.value === '0') return;
    this.#leadership.untold(lease);
    await api.jsonPatch(deployments, { namespace, name }, [
      // Somebody may have put another variable in its place meanwhile.
      { op: 'test', path: `${place.path}/name`, value: BUDGET_VARIABLE },
      { op: 'replace', path: `${place.path}/value`, value: '0' },
    ]);
    say(`Deployment ${namespace}/${name}: ${BUDGET_VARIABLE}=0, no further move begins`);
  }

  #tell(news: string): void {
    if (news !== this.#news) this.#options.say(news);
    this.#news = news;
  }
}

function whatIsInTheWay(moving: readonly OrdinalMigration[], { ruled, late }: { ruled: boolean; late: boolean }): string | undefined {
  if (ruled && moving.every((record) => waitsForAPerson(record))) return 'a person has to decide about what is frozen';
  if (!late) return undefined;
  return ruled ? 'it takes longer than --timeout' : 'no daemon has taken over that begins nothing more; see the log of the controller';
}

/** A move that another one takes back is frozen, too, until that has ended. */
function waitsForAPerson(record: OrdinalMigration): boolean {
  return phaseOf(record) === 'Frozen' && statusOf(record).reason !== 'Reversing';
}

function placeOfBudget({ spec }: Deployment): { path: string; value: string } | undefined {
  for (const [at, { env = [] }] of spec.template.spec.containers.entries()) {
    const index = env.findIndex(({ name }) => name === BUDGET_VARIABLE);
    if (index !== -1) return { path: `/spec/template/spec/containers/${at}/env/${index}`, value: env[index]?.value ?? '' };
  }
  return undefined;
}

/** Whether whoever leads has been told, or nobody leads. */
class LeadershipWatch {
  readonly #options: WindDownOptions;
  /** Those who led when the Deployment was told, and do not know. */
  readonly #untold = new Set<string>();
  #seen = '';
  #since = 0;

  constructor(options: WindDownOptions) {
    this.#options = options;
  }

  /** Noted before the Deployment is told: of that the answer may be lost. */
  untold(lease: Lease | undefined): void {
    this.#untold.add(lease?.spec.holderIdentity ?? '');
  }

  async isInRightHands(lease: Lease | undefined): Promise<boolean> {
    const { api, namespace, controller: name } = this.#options;
    if (this.#isNobodys(lease)) return true;
    const holder = lease?.spec.holderIdentity ?? '';
    return holder !== '' && !this.#untold.has(holder) && isRolledOut(await api.get(deployments, { namespace, name }));
  }

  /** Nobody has renewed it for a whole term. */
  #isNobodys(lease: Lease | undefined): boolean {
    const { clock } = this.#options;
    const seen = JSON.stringify([lease?.metadata.uid, lease?.spec]);
    if (seen !== this.#seen) [this.#seen, this.#since] = [seen, clock.monotonic()];
    return clock.monotonic() - this.#since >= Math.max(LEASE_MS, (lease?.spec.leaseDurationSeconds ?? 0) * 1000);
  }
}

function leaseOf({ api, namespace }: WindDownOptions): Promise<Lease | undefined> {
  return api.get(leases, { namespace, name: LEASE_NAME });
}

/** No pod of an earlier template counts any more. */
function isRolledOut(deployment: Deployment | undefined): boolean {
  if (deployment === undefined) return false;
  const { metadata, spec, status = {} } = deployment;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status;
  return observedGeneration >= (metadata.generation ?? 0) && replicas === updatedReplicas && updatedReplicas === (spec.replicas ?? 1);
}

async function recordsOf({ api, namespaces }: WindDownOptions): Promise<OrdinalMigration[]> {
  if (namespaces === undefined) return api.list(ordinalMigrations);
  return (await Promise.all(namespaces.map((namespace) => api.list(ordinalMigrations, { namespace })))).flat();
}

/** The daemon takes the request off when it has answered it: what it refused (too late for an undo) ends by itself, and is not asked twice. */
async function askForUndo({ api }: WindDownOptions, moving: readonly OrdinalMigration[]): Promise<void> {
  for (const { metadata, ...record } of moving.filter((candidate) => isUndoable(candidate))) {
    const ref = { namespace: metadata.namespace ?? '', name: metadata.name };
    try {
      await api.mergePatch(ordinalMigrations, ref, { metadata: { ...asRead({ metadata, ...record }), annotations: { [REQUEST_ANNOTATION]: 'abort' } } });
    } catch (error) {
      // It has changed since: the next look is a second away.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}

function isUndoable(record: OrdinalMigration): boolean {
  return phaseOf(record) === 'Running' && requestProblem(record, 'abort') === undefined && record.metadata.annotations?.[REQUEST_ANNOTATION] === undefined;
}

/** Nobody will be there to take the finalizer off when a namespace goes; nothing that was kept is deleted. */
async function letGo(options: WindDownOptions): Promise<void> {
  const { api, say } = options;
  for (const record of (await recordsOf(options)).filter((one) => ended(one) && (one.metadata.finalizers ?? []).includes(FINALIZER))) {
    const { metadata } = record;
    const finalizers = (metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
    try {
      await api.mergePatch(ordinalMigrations, { namespace: metadata.namespace ?? '', name: metadata.name }, { metadata: { ...asRead(record), finalizers } });
      say(`${nameOf(record)}: let go of; ${leftBy(record)}`);
    } catch (error) {
      // A conflict: the next look has it as it is by then.
      if (!isNotFound(error)) throw error;
    }
  }
}

function leftBy(record: OrdinalMigration): string {
  const left = (statusOf(record).claims ?? []).flatMap(({ source, target, snapshot, rescue }) => {
    const kept = phaseOf(record) === 'Succeeded' ? source : target;
    return [...(kept?.diskId !== undefined && kept.retiredAt === undefined ? [`disk ${kept.diskId}`] : []), ...[snapshot, rescue].flatMap((one) => (one?.id !== undefined && one.retiredAt === undefined ? [`snapshot ${one.id}`] : []))];
  });
  return left.length === 0 ? 'it keeps nothing' : `it kept ${left.join(', ')}; that stays until you delete it`;
}

function describe(moving: readonly OrdinalMigration[]): string {
  if (moving.length === 0) return 'waiting for a daemon to lead that begins nothing more';
  return `in flight: ${moving.map((record) => `${nameOf(record)} (${phaseOf(record)}, ${statusOf(record).step ?? 'about to begin'})`).join(', ')}`;
}

function stuck(moving: readonly OrdinalMigration[], why: string): Error {
  const what = moving.map((record) => `${nameOf(record)} is ${phaseOf(record)} at ${statusOf(record).step ?? 'its beginning'}: ${statusOf(record).message ?? ''}`).join('; ');
  return new Error(
    `${why}. ${what === '' ? '' : `${what}. `}Nothing has been taken away. Let it end, or decide: kubectl annotate om <migration> -n <namespace> zonespread.io/request=<abort|reverse|restore-source|resume|release>; then uninstall again. helm uninstall --no-hooks leaves it all as it is now, a pod that is gated included`,
  );
}
