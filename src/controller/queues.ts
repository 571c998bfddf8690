// What waits to be looked at: sets, moves and evacuations each have workers of their own, so that a pod which is down for its move never waits behind
// hundreds of sets that a sweep has woken.

import { LeaseLost } from '../kubernetes/fence.ts';
import { createWorkQueue, type WorkQueue, type WorkQueueOptions } from '../kubernetes/work-queue.ts';
import type { SetKey } from './cluster.ts';
import { parseKey, type KeyKind } from './wake.ts';

export type Waker = Pick<WorkQueue, 'add' | 'addAfter'>;

export interface Queues extends Waker {
  stop(): Promise<void>;
}

/** One look. Gives back when the next one is due, if nothing wakes it before. */
type Look = (key: SetKey) => Promise<{ afterMs: number } | undefined>;

/** A set's look is a few lists from the caches, a move's is a step's worth of calls. */
const WORKERS: Record<KeyKind, number> = { set: 4, move: 8, evacuation: 1 };

export function createQueues({ onLost, ...ports }: Pick<WorkQueueOptions, 'clock' | 'random' | 'log'> & { onLost: (error: LeaseLost) => void }, looks: Record<KeyKind, Look>): Queues {
  const queueOf = (kind: KeyKind): WorkQueue => {
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
  const queues: Record<KeyKind, WorkQueue> = { set: queueOf('set'), move: queueOf('move'), evacuation: queueOf('evacuation') };
  return {
    add: (key) => queues[parseKey(key).kind].add(key),
    addAfter: (key, ms) => queues[parseKey(key).kind].addAfter(key, ms),
    async stop() {
      await Promise.all(Object.values(queues).map((queue) => queue.stop()));
    },
  };
}
