// A client whose requests take a while to arrive and whose answers take a while to come back, so that others can act in between.

import type { Client } from '../apiserver/contract.ts';
import type { Pace } from './pace.ts';
import type { Tasks } from './tasks.ts';

export function slowClient(client: Client, { tasks, pace }: { tasks: Tasks; pace: Pace }): Client {
  /** Whether it was done or refused: the answer is on its way for as long. */
  async function travelling<T>(request: () => Promise<T>): Promise<T> {
    await tasks.sleep(pace.requestMs());
    try {
      return await request();
    } finally {
      await tasks.sleep(pace.requestMs());
    }
  }
  return {
    get: (...args) => travelling(() => client.get(...args)),
    list: (...args) => travelling(() => client.list(...args)),
    create: (...args) => travelling(() => client.create(...args)),
    update: (...args) => travelling(() => client.update(...args)),
    updateStatus: (...args) => travelling(() => client.updateStatus(...args)),
    mergePatch: (...args) => travelling(() => client.mergePatch(...args)),
    jsonPatch: (...args) => travelling(() => client.jsonPatch(...args)),
    delete: (...args) => travelling(() => client.delete(...args)),
    evict: (...args) => travelling(() => client.evict(...args)),
    bind: (...args) => travelling(() => client.bind(...args)),
    finalizeNamespace: (...args) => travelling(() => client.finalizeNamespace(...args)),
  };
}
