// One leader at a time, by client-go's rules: a Lease that the leader renews, and that others take when they have seen no change of it
// for its whole duration, on their own monotonic clocks (stamps in the Lease are for people).
//
//   waiting ──took it──► leading ──work ended──► released (holder "")
//                           └──no renewal within the deadline, or taken by another──► lost: the process exits
//
// The leader counts its deadline (10 s) from before it sent the renewal, the others wait for the duration (15 s) from after they saw
// it: clocks may differ in rate by 1.4 before two could believe that they lead.

import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { Api, ObjectRef } from './api.ts';
import { LeaseLost, type Leadership } from './fence.ts';
import { leases, type Lease } from './objects.ts';
import { isAlreadyExists, isConflict, isNotFound } from './refusals.ts';

export { fence, LeaseLost, type Leadership } from './fence.ts';

export interface LeaderElectionOptions {
  /** Unfenced, and with a time-out of its own that is well below the renew deadline. */
  api: Api;
  clock: Clock;
  random: Random;
  log: Log;
  lease: { namespace: string; name: string };
  /** Another one for every process, restarts included. */
  identity: string;
  /** Written on the Lease when it is taken, e.g. `zonespread.io/controller-user`. */
  annotations?: Record<string, string>;
  timing?: Partial<LeaseTiming>;
}

export interface LeaseTiming {
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
}

export interface LeaderElection {
  /**
   * Waits for the lease, then does the work, renewing until it has ended; then releases. Ends when `signal` aborts before the lease is
   * had, and with the work otherwise: the work must watch `signal` itself. @throws LeaseLost (at once, the work may still be running:
   * exit the process), and what the work throws.
   */
  run(options: { signal: AbortSignal; onLead: (leadership: Leadership) => Promise<void> }): Promise<void>;
  /** Who holds the lease, as far as was seen; empty when nobody does. */
  holder(): string;
}

const DEFAULT_TIMING: LeaseTiming = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000 };
/** client-go's: candidates wait between one and 2.2 retry periods, so that they do not all come at once. */
const JITTER = 1.2;

/** @throws Error for people when the times do not fit together. */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  requireSoundTiming(timing);
  const candidate = new Candidate(options, timing);
  return { run: (work) => candidate.run(work), holder: () => candidate.holder };
}

export function requireSoundTiming({ leaseDurationMs, renewDeadlineMs, retryPeriodMs }: LeaseTiming): void {
  if (leaseDurationMs < 1000 || leaseDurationMs % 1000 !== 0) throw new Error(`lease duration ${leaseDurationMs} ms: must be whole seconds, at least one, e.g. 15s`);
  if (leaseDurationMs <= renewDeadlineMs) throw new Error(`lease duration ${leaseDurationMs} ms must be longer than the renew deadline of ${renewDeadlineMs} ms, e.g. 15s and 10s`);
  if (renewDeadlineMs <= JITTER * retryPeriodMs) throw new Error(`renew deadline ${renewDeadlineMs} ms must be longer than ${JITTER} times the retry period of ${retryPeriodMs} ms, e.g. 10s and 2s`);
  if (retryPeriodMs <= 0) throw new Error(`retry period ${retryPeriodMs} ms must be more than nothing, e.g. 2s`);
}

/** The Lease as it was last seen to change. */
interface Observation {
  content: string;
  /** Monotonic: when the change was seen. */
  at: number;
  lease: Lease;
}

/** What a successful write of the Lease gives. */
interface Renewal {
  lease: Lease;
  /** Monotonic: before the request was sent. */
  sentAt: number;
}

class Candidate {
  readonly #options: LeaderElectionOptions;
  readonly #timing: LeaseTiming;
  readonly #ref: ObjectRef;
  #observed: Observation | undefined;
  #lastComplaint = '';

  constructor(options: LeaderElectionOptions, timing: LeaseTiming) {
    this.#options = options;
    this.#timing = timing;
    this.#ref = { namespace: options.lease.namespace, name: options.lease.name };
  }

  get holder(): string {
    return this.#observed?.lease.spec.holderIdentity ?? '';
  }

  async run({ signal, onLead }: { signal: AbortSignal; onLead: (leadership: Leadership) => Promise<void> }): Promise<void> {
    const term = await this.#acquire(signal);
    if (term === undefined) return;
    this.#options.log.info('leading', { lease: this.#ref, identity: this.#options.identity, epoch: term.epoch });
    const workEnded = new AbortController();
    const renewing = this.#renewUntil(workEnded.signal, term);
    const working = (async () => onLead(term))();
    try {
      await Promise.race([working, renewing]);
    } finally {
      workEnded.abort();
      if (term.held()) await this.#letGo(term, renewing);
      else this.#abandon(term, working);
    }
  }

  /** Undefined when the signal aborts first. */
  async #acquire(signal: AbortSignal): Promise<Term | undefined> {
    const { clock, random } = this.#options;
    const { retryPeriodMs, renewDeadlineMs } = this.#timing;
    while (!signal.aborted) {
      const taken = await this.#attempt(() => this.#tryToTake(), renewDeadlineMs);
      if (taken !== undefined) return new Term(clock, renewDeadlineMs, taken);
      await clock.sleep(retryPeriodMs * (1 + JITTER * random.next()), signal);
    }
    return undefined;
  }

  async #renewUntil(workEnded: AbortSignal, term: Term): Promise<void> {
    const { clock, log } = this.#options;
    for (;;) {
      await clock.sleep(this.#timing.retryPeriodMs, workEnded);
      if (workEnded.aborted) return;
      const left = term.deadline - clock.monotonic();
      const renewed = left <= 0 ? undefined : await this.#attempt(() => this.#tryToRenew(term), left);
      if (renewed === 'taken') throw term.lose(`the lease ${this.#ref.namespace}/${this.#ref.name} was taken by ${this.holder || 'nobody'}`);
      if (renewed !== undefined) term.renew(renewed);
      if (!term.held()) throw term.lose(`the lease ${this.#ref.namespace}/${this.#ref.name} was not renewed within ${this.#timing.renewDeadlineMs} ms`);
      if (renewed === undefined) log.warn('the lease could not be renewed yet', { lease: this.#ref, leftMs: Math.round(term.deadline - clock.monotonic()) });
    }
  }

  /**
   * One attempt, given up after half the deadline as client-go does (so that one lost answer does not cost the lease); undefined when it
   * failed. What a given-up attempt brings later is not looked at: the next one reads the Lease.
   */
  async #attempt<R>(attempt: () => Promise<R>, leftMs: number): Promise<R | undefined> {
    const { clock, log } = this.#options;
    const limitMs = Math.min(leftMs, Math.max(this.#timing.renewDeadlineMs / 2, this.#timing.retryPeriodMs));
    const answered = new AbortController();
    try {
      const late = clock.sleep(limitMs, answered.signal).then((): R => {
        throw new Error(`no answer within ${Math.round(limitMs)} ms`);
      });
      late.catch(() => undefined); // Nobody waits for it when the attempt is there first.
      const result = await Promise.race([attempt(), late]);
      this.#lastComplaint = '';
      return result;
    } catch (error) {
      const complaint = (error as Error).message;
      if (complaint !== this.#lastComplaint) log.warn('the lease could not be read or written', { lease: this.#ref, error });
      this.#lastComplaint = complaint;
      return undefined;
    } finally {
      answered.abort('answered');
    }
  }

  /** Undefined while another one holds it, or was quicker. */
  async #tryToTake(): Promise<Renewal | undefined> {
    const { api, clock, identity } = this.#options;
    const sentAt = clock.monotonic();
    const lease = await api.get(leases, this.#ref);
    if (lease === undefined) return this.#make(initialTransitions(clock));
    this.#observe(lease);
    if (this.#isHeldByAnother()) return undefined;
    const now = microTime(clock);
    const spec = { holderIdentity: identity, leaseDurationSeconds: this.#timing.leaseDurationMs / 1000, acquireTime: now, renewTime: now, leaseTransitions: (lease.spec.leaseTransitions ?? 0) + 1 };
    return this.#write(lease, spec, sentAt);
  }

  /** Writes over the version that we wrote last; anything else on the Lease means reading it first. */
  async #tryToRenew(term: Term): Promise<Renewal | 'taken' | undefined> {
    const { api, clock, identity } = this.#options;
    let sentAt = clock.monotonic();
    const renewed = await this.#write(term.lease, { renewTime: microTime(clock) }, sentAt).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (renewed !== undefined) return renewed;
    sentAt = clock.monotonic();
    const lease = await api.get(leases, this.#ref);
    if (lease === undefined) return this.#make(term.epoch); // Somebody deleted it; the next one to hold it must still count on from us.
    this.#observe(lease);
    if (this.holder !== identity || lease.spec.leaseTransitions !== term.epoch) return 'taken';
    return this.#write(lease, { renewTime: microTime(clock) }, sentAt);
  }

  async #make(leaseTransitions: number): Promise<Renewal | undefined> {
    const { api, clock, identity, annotations = {} } = this.#options;
    const sentAt = clock.monotonic();
    const now = microTime(clock);
    const spec = { holderIdentity: identity, leaseDurationSeconds: this.#timing.leaseDurationMs / 1000, acquireTime: now, renewTime: now, leaseTransitions };
    try {
      const lease = await api.create(leases, { metadata: { ...this.#options.lease, annotations }, spec });
      this.#observe(lease);
      return { lease, sentAt };
    } catch (error) {
      if (isAlreadyExists(error)) return undefined;
      throw error;
    }
  }

  /** Undefined when the Lease has changed since it was read. */
  async #write(from: Lease, spec: Partial<Lease['spec']>, sentAt: number): Promise<Renewal | undefined> {
    const { resourceVersion, uid } = from.metadata;
    const annotations = spec.holderIdentity === undefined ? undefined : this.#options.annotations;
    const metadata = { resourceVersion, uid, ...(annotations === undefined ? {} : { annotations }) };
    try {
      const lease = await this.#options.api.mergePatch(leases, this.#ref, { metadata, spec });
      this.#observe(lease);
      return { lease, sentAt };
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  #observe(lease: Lease): void {
    const content = JSON.stringify([lease.metadata.uid, lease.spec]);
    if (content === this.#observed?.content) return;
    this.#observed = { content, at: this.#options.clock.monotonic(), lease };
  }

  #isHeldByAnother(): boolean {
    const { clock, identity } = this.#options;
    if (this.#observed === undefined || this.holder === '' || this.holder === identity) return false;
    const seconds = this.#observed.lease.spec.leaseDurationSeconds ?? this.#timing.leaseDurationMs / 1000;
    return clock.monotonic() < this.#observed.at + seconds * 1000;
  }

  /** The work has ended: the next one need not wait for the lease to run out. */
  async #letGo(term: Term, renewing: Promise<void>): Promise<void> {
    const { log } = this.#options;
    // A renewal under way first: it would write its own version over the release, or make it fail.
    await renewing.catch((error: unknown) => log.warn('the last renewal of the lease failed', { lease: this.#ref, error }));
    if (!term.held()) return;
    const left = term.deadline - this.#options.clock.monotonic();
    term.end();
    const released = await this.#attempt(() => this.#release(), left);
    if (released === undefined) log.warn('the lease could not be released; the next leader waits until it runs out', { lease: this.#ref });
    else log.info('released the lease', { lease: this.#ref });
  }

  async #release(): Promise<Renewal | undefined> {
    const { api, clock, identity } = this.#options;
    const lease = await api.get(leases, this.#ref);
    if (lease?.spec.holderIdentity !== identity) return undefined;
    const { resourceVersion, uid } = lease.metadata;
    // One second, as client-go: whoever cannot read an empty holder waits no longer than that.
    const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock) };
    const released = await api.mergePatch(leases, this.#ref, { metadata: { resourceVersion, uid }, spec });
    this.#observe(released);
    return { lease: released, sentAt: clock.monotonic() };
  }

  #abandon(term: Term, working: Promise<void>): void {
    term.end();
    // The process is about to exit; until then what the work still says must not go unheard.
    working.catch((error: unknown) => this.#options.log.warn('the work of the lost leadership ended with an error', { error }));
  }
}

/** From taking the lease to letting it go or losing it. */
class Term implements Leadership {
  readonly epoch: number;
  readonly #clock: Clock;
  readonly #renewDeadlineMs: number;
  readonly #lost = new AbortController();
  #renewal: Renewal;
  #ended = false;

  constructor(clock: Clock, renewDeadlineMs: number, renewal: Renewal) {
    this.#clock = clock;
    this.#renewDeadlineMs = renewDeadlineMs;
    this.#renewal = renewal;
    this.epoch = renewal.lease.spec.leaseTransitions ?? 0;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get lease(): Lease {
    return this.#renewal.lease;
  }

  /** Monotonic. */
  get deadline(): number {
    return this.#renewal.sentAt + this.#renewDeadlineMs;
  }

  held(): boolean {
    return !this.#ended && this.#clock.monotonic() < this.deadline;
  }

  assertHeld(): void {
    if (!this.held()) throw new LeaseLost('the lease is not held any more: nothing may be written');
  }

  renew(renewal: Renewal): void {
    this.#renewal = renewal;
  }

  lose(why: string): LeaseLost {
    const error = new LeaseLost(why);
    this.#ended = true;
    this.#lost.abort(error);
    return error;
  }

  /** Nothing may be written after this. */
  end(): void {
    if (!this.#ended) this.lose('the leadership has ended');
  }
}

/**
 * The first number of a Lease that did not exist: seconds since 2020, not 0. Records keep the number of their leader, so when somebody
 * deletes the Lease the new one must count on above the old; this does, unless leaders changed every second for years.
 */
function initialTransitions(clock: Clock): number {
  return Math.floor((clock.now() - Date.UTC(2020, 0, 1)) / 1000);
}

/** V1MicroTime: RFC 3339 with six digits, which the API server insists on. */
function microTime(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace('Z', '000Z');
}
