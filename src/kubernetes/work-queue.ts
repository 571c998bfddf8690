// Keys that wait to be worked on, by client-go's rules: a key is in the queue once, however often it is added; it is never worked on
// twice at the same time (added meanwhile, it comes again afterwards); one that failed comes again later and later.

import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { BackOff, type BackOffTiming } from './back-off.ts';

export interface WorkQueueOptions {
  /** Works on one key. When it throws, the key comes again after its back-off; when it ends, the key's failures are forgotten. */
  work: (key: string) => Promise<void>;
  /** How many keys at once. */
  concurrency: number;
  clock: Clock;
  random: Random;
  log: Log;
  backOff?: BackOffTiming;
}

export interface WorkQueue {
  /** Now, or once it is not worked on any more. Does nothing when the key waits already, or after `stop`. */
  add(key: string): void;
  /** In `ms`, or sooner when it is added otherwise meanwhile. Of several times the soonest counts. */
  addAfter(key: string, ms: number): void;
  /** The failures of a key that will not come again. */
  forget(key: string): void;
  /** Keys that wait to be worked on now. */
  readonly depth: number;
  /** Resolves when nothing is worked on and nothing waits to be worked on now (later ones may). */
  idle(): Promise<void>;
  /** Starts nothing more; resolves when what is being worked on has ended. */
  stop(): Promise<void>;
}

const DEFAULT_BACK_OFF: BackOffTiming = { firstMs: 500, longestMs: 5 * 60_000 };

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new KeyedQueue(options);
}

class KeyedQueue implements WorkQueue {
  readonly #options: WorkQueueOptions;
  /** In order of their adding. */
  readonly #waiting = new Set<string>();
  readonly #working = new Map<string, Promise<void>>();
  /** Added while it was worked on. */
  readonly #again = new Set<string>();
  readonly #later = new Map<string, { dueAt: number; cancel: AbortController }>();
  readonly #backOffs = new Map<string, BackOff>();
  readonly #stopped = new AbortController();
  #starting = false;
  #idlers: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped.signal.aborted) return;
    this.#cancelLater(key);
    if (this.#working.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    // Never in the turn of whoever adds: what is added several times in it is one.
    if (!this.#starting) queueMicrotask(() => this.#startMore());
    this.#starting = true;
  }

  addAfter(key: string, ms: number): void {
    if (this.#stopped.signal.aborted) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const { clock } = this.#options;
    const dueAt = clock.monotonic() + ms;
    const planned = this.#later.get(key);
    if (planned !== undefined && planned.dueAt <= dueAt) return;
    this.#cancelLater(key);
    const entry = { dueAt, cancel: new AbortController() };
    this.#later.set(key, entry);
    void clock.sleep(ms, entry.cancel.signal).then(() => {
      if (this.#later.get(key) === entry) this.add(key);
    });
  }

  forget(key: string): void {
    this.#backOffs.delete(key);
  }

  get depth(): number {
    return this.#waiting.size;
  }

  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idlers.push(resolve);
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#waiting.clear();
    this.#again.clear();
    for (const key of this.#later.keys()) this.#cancelLater(key);
    await Promise.all(this.#working.values());
    this.#wakeIdlers();
  }

  #startMore(): void {
    this.#starting = false;
    for (const key of this.#waiting) {
      if (this.#working.size >= this.#options.concurrency) return;
      this.#waiting.delete(key);
      this.#working.set(key, this.#workOn(key));
    }
  }

  async #workOn(key: string): Promise<void> {
    try {
      await this.#options.work(key);
      this.forget(key);
    } catch (error) {
      this.#failed(key, error);
    } finally {
      this.#working.delete(key);
      if (this.#again.delete(key)) this.#waiting.add(key);
      this.#startMore();
      this.#wakeIdlers();
    }
  }

  #failed(key: string, error: unknown): void {
    const { random, log, backOff = DEFAULT_BACK_OFF } = this.#options;
    const own = this.#backOffs.get(key) ?? new BackOff(backOff, random);
    this.#backOffs.set(key, own);
    const waitMs = own.next();
    log.warn('work failed; it is tried again', { key, error, failures: own.failures, retryInMs: Math.round(waitMs) });
    this.addAfter(key, waitMs);
  }

  #cancelLater(key: string): void {
    this.#later.get(key)?.cancel.abort('called off');
    this.#later.delete(key);
  }

  #isIdle(): boolean {
    return this.#waiting.size === 0 && this.#working.size === 0;
  }

  #wakeIdlers(): void {
    if (!this.#isIdle()) return;
    const idlers = this.#idlers;
    this.#idlers = [];
    for (const wake of idlers) wake();
  }
}
