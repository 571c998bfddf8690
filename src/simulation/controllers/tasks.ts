// Virtual time: nothing passes but what somebody sleeps for, and of those who are due at one moment chance decides who goes first. One
// seed gives one order of everything, so that a history can be run again.
//
//   sleep, at ──► due ──► (the clock jumps to the earliest) ──► it goes on until everybody sleeps or waits again ──► the next one

import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

interface Due {
  at: number;
  /** Drawn: the order of those who are due together. */
  lot: number;
  /** Of equal lots the earlier one. */
  number: number;
  go: () => void;
  cancelled: boolean;
}

export interface TasksOptions {
  random: Pick<Random, 'next'>;
  /** Wall-clock time at the beginning, RFC 3339. */
  start?: string;
}

const HOUR_MS = 3_600_000;
const REAL_TURN_EVERY = 100;

export class Tasks implements Clock {
  readonly #random: Pick<Random, 'next'>;
  readonly #heap: Due[] = [];
  #wallMs: number;
  #monotonicMs = 1_000;
  #number = 0;
  #turns = 0;
  #failure: { error: unknown } | undefined;

  constructor({ random, start = '2026-01-01T00:00:00.000Z' }: TasksOptions) {
    this.#random = random;
    this.#wallMs = Date.parse(start);
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const onAbort = (): void => {
        due.cancelled = true;
        resolve();
      };
      const due = this.#add(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Runs the task after `ms`. What it throws ends `until`. @returns what calls it off. */
  after(ms: number, task: () => void | Promise<void>): () => void {
    const due = this.#add(ms, () => this.run(task));
    return () => {
      due.cancelled = true;
    };
  }

  /** Runs it now. What it throws, sooner or later, ends `until`. */
  run(task: () => void | Promise<void>): void {
    try {
      const running = task();
      if (running !== undefined) running.catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  /** A fault of the simulation itself: `until` throws it. The first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Lets time pass, from one who is due to the next, until the condition holds. @throws what a task threw; Error when it does not hold
   * after `limitMs` (default an hour), or when nobody is due any more.
   */
  async until(condition: () => boolean, limitMs = HOUR_MS): Promise<void> {
    const limit = this.#monotonicMs + limitMs;
    await everybodyWaits(0);
    for (;;) {
      this.#throwFailure();
      if (condition()) return;
      const next = this.#earliest();
      if (next === undefined) throw new Error('what is awaited has not happened, and nobody sleeps: time cannot bring it');
      if (next.at > limit) throw new Error(`what is awaited has not happened within ${limitMs} ms`);
      await this.#wake(next);
    }
  }

  /** Lets so much time pass. @throws what a task threw. */
  async pass(ms: number): Promise<void> {
    const end = this.#monotonicMs + ms;
    await everybodyWaits(0);
    for (let next = this.#earliest(); next !== undefined && next.at <= end; next = this.#earliest()) {
      this.#throwFailure();
      await this.#wake(next);
    }
    this.#moveTo(end);
    this.#throwFailure();
  }

  /** Lets time pass until the promise settles, and gives what it gives. @throws what it throws, and as `until`. */
  async settle<T>(promise: Promise<T>, limitMs = HOUR_MS): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.until(() => settled, limitMs);
    return promise;
  }

  async #wake(next: Due): Promise<void> {
    this.#remove();
    this.#moveTo(Math.max(next.at, this.#monotonicMs));
    next.go();
    this.#turns += 1;
    await everybodyWaits(this.#turns);
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return;
    const { error } = this.#failure;
    this.#failure = undefined;
    throw error;
  }

  // ── a binary heap, the earliest at the top ──

  #add(ms: number, go: () => void): Due {
    this.#number += 1;
    const due: Due = { at: this.#monotonicMs + Math.max(0, ms), lot: this.#random.next(), number: this.#number, go, cancelled: false };
    this.#heap.push(due);
    this.#rise(this.#heap.length - 1);
    return due;
  }

  #earliest(): Due | undefined {
    while (this.#heap[0]?.cancelled === true) this.#remove();
    return this.#heap[0];
  }

  #remove(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < this.#heap.length && this.#isBefore(child, first)) first = child;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [a, b] = [this.#heap[left], this.#heap[right]];
    if (a === undefined || b === undefined) return false;
    if (a.at !== b.at) return a.at < b.at;
    return a.lot === b.lot ? a.number < b.number : a.lot < b.lot;
  }

  #swap(left: number, right: number): void {
    const [a, b] = [this.#heap[left], this.#heap[right]];
    if (a === undefined || b === undefined) return;
    this.#heap[left] = b;
    this.#heap[right] = a;
  }
}

/** By then every chain of promises has come to where it sleeps or waits: what is put off to the next tick comes after all of them. */
function everybodyWaits(turn: number): Promise<void> {
  return new Promise((resolve) => {
    // Now and then the real world gets its turn too (a signal, a client of the demo); each time would be a tenth slower.
    if (turn % REAL_TURN_EVERY === 0) setImmediate(resolve);
    else process.nextTick(resolve);
  });
}
