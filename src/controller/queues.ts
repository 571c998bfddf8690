// What waits to be looked at: sets and moves each have workers of their own, so that a pod which is down for its move never waits behind
// hundreds of sets that a sweep has woken.

import { LeaseLost } from '../kubernetes/fence.ts';
import { createWorkQueue, type WorkQueue, type WorkQueueOptions } from '../kubernetes/work-queue.ts';
import type { SetKey } from './cluster.ts';
import { parseKey } from './wake.ts';

export type Waker = Pick<WorkQueue, 'add' | 'addAfter'>;

export interface Queues extends Waker {
  stop(): Promise<void>;
}

/** One look. Gives back when the next one is due, if nothing wakes it before. */
type Look = (key: SetKey) => Promise<{ afterMs: number } | undefined>;

/** A set's look is a few lists from the caches, a move's is a step's worth of calls. */
const WORKERS = { set: 4, move: 8 };

export function createQueues({ onLost, ...ports }: Pick<WorkQueueOptions, 'clock' | 'random' | 'log'> & { onLost: (error: LeaseLost) => void }, looks: { set: Look; move: Look }): Queues {
  const queueOf = (kind: 'set' | 'move'): WorkQueue => {
    const queue = createWorkQueue({
      ...ports,
      concurrency: WORKERS[kind],
      async work(key) {
        const { namespace, name } = parseKey(key);
        try {
          const again = await looks[kind]({ namespace, name });
          if (again !== undefined) queue.addAfter(key, again.afterMs);
        } catch (error) {
          if (!(error instanceof LeaseLost)) throw error;
          onLost(error);
        }
      },
    });
    return queue;
  };
  const queues = { set: queueOf('set'), move: queueOf('move') };
  return {
    add: (key) => queues[parseKey(key).kind].add(key),
    addAfter: (key, ms) => queues[parseKey(key).kind].addAfter(key, ms),
    async stop() {
      await Promise.all([queues.set.stop(), queues.move.stop()]);
    },
  };
}
