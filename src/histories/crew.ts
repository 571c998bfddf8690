// Many histories at once: threads that take one seed after the other.

import { Worker } from 'node:worker_threads';
import type { Outcome } from './play.ts';

export interface CrewOptions {
  seeds: Iterable<number>;
  threads: number;
  /** In the order in which they end. @returns false: no more seeds are handed out. */
  onOutcome: (outcome: Outcome) => boolean;
}

/** Resolves when every history has ended. @throws what a thread dies of. */
export async function playAll({ seeds, threads, onOutcome }: CrewOptions): Promise<void> {
  const queue = seeds[Symbol.iterator]();
  const state = { stopped: false };
  await Promise.all(Array.from({ length: threads }, () => workThrough(queue, { state, onOutcome })));
}

function workThrough(queue: Iterator<number>, { state, onOutcome }: { state: { stopped: boolean }; onOutcome: CrewOptions['onOutcome'] }): Promise<void> {
  // A history makes much that lives shortly: with more room for it, less is copied.
  const worker = new Worker(new URL('worker.ts', import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 192 } });
  return new Promise<void>((resolve, reject) => {
    let seed: number | undefined;
    const handOut = (): void => {
      const next = state.stopped ? undefined : queue.next();
      if (next === undefined || next.done === true) {
        void worker.terminate().then(() => resolve());
        return;
      }
      seed = next.value;
      worker.postMessage(seed);
    };
    worker.on('message', (outcome: Outcome) => {
      if (!onOutcome(outcome)) state.stopped = true;
      handOut();
    });
    worker.on('error', (error) => {
      state.stopped = true;
      reject(new Error(`the history of seed ${seed ?? '?'} ended its thread`, { cause: error }));
    });
    handOut();
  });
}
