// A controller's queue and the one worker that empties it: each key once however often it was added, never two at a time, and what failed
// again later.

import { Refusal } from '../apiserver/contract.ts';
import type { Tasks } from './tasks.ts';

export interface WorkerOptions {
  tasks: Tasks;
  /** How long after it became free, or after a key came, the worker takes the next one, in ms. */
  paceMs: () => number;
  /** Ms after which the key is looked at again; nothing: only when somebody adds it. @throws Refusal: as `retry` says. */
  reconcile: (key: string) => Promise<number | void>;
  /** `drop`: nobody looks at the key until it is added again. */
  retry?: BackOff | 'drop' | ((refusal: Refusal) => BackOff | 'drop');
}

/** Doubled with every failure in a row. */
export interface BackOff {
  firstMs: number;
  longestMs: number;
}

/** The rate limiter of most controllers. */
export const CONTROLLER_BACK_OFF: BackOff = { firstMs: 5, longestMs: 1_000_000 };

export class Worker {
  readonly #options: WorkerOptions;
  readonly #waiting = new Set<string>();
  readonly #failures = new Map<string, number>();
  #busy: string | undefined;
  #called = false;
  #paused = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  add(key: string): void {
    this.#waiting.add(key);
    this.#call();
  }

  addAfter(key: string, ms: number): void {
    this.#options.tasks.after(ms, () => this.add(key));
  }

  /** Takes nothing more until `resume`; what it is at goes on. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#call();
  }

  /** Nothing waits and nothing is being done. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#busy === undefined;
  }

  #call(): void {
    if (this.#called || this.#busy !== undefined || this.#waiting.size === 0) return;
    this.#called = true;
    this.#options.tasks.after(this.#options.paceMs(), () => this.#next());
  }

  async #next(): Promise<void> {
    this.#called = false;
    const [key] = this.#waiting;
    if (this.#paused || key === undefined) return;
    this.#waiting.delete(key);
    this.#busy = key;
    try {
      await this.#work(key);
    } finally {
      this.#busy = undefined;
      this.#call();
    }
  }

  async #work(key: string): Promise<void> {
    try {
      const again = await this.#options.reconcile(key);
      this.#failures.delete(key);
      if (again !== undefined) this.addAfter(key, again);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#failed(key, error);
    }
  }

  #failed(key: string, refusal: Refusal): void {
    const { retry = CONTROLLER_BACK_OFF } = this.#options;
    const backOff = typeof retry === 'function' ? retry(refusal) : retry;
    if (backOff === 'drop') return;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(backOff.longestMs, backOff.firstMs * 2 ** failures));
  }
}
