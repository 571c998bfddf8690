// Queues and caches of controllers.

import { describe, expect, it } from 'vitest';
import { namespaces, type Namespace } from '../../../src/kubernetes/objects.ts';
import { Refusal, type ApiServer, type StoreEvent } from '../../../src/simulation/apiserver/contract.ts';
import { Informer } from '../../../src/simulation/controllers/informer.ts';
import { Tasks } from '../../../src/simulation/controllers/tasks.ts';
import { Worker } from '../../../src/simulation/controllers/worker.ts';
import { SeededRandom } from '../../fakes/random.ts';

const clock = (): Tasks => new Tasks({ random: new SeededRandom(1) });
const refusal = (reason: string): Refusal => new Refusal({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: reason, reason, code: 409 });

describe('a worker', () => {
  it('takes a key once however often it was added, and again when it was added meanwhile', async () => {
    const tasks = clock();
    const done: string[] = [];
    const worker = new Worker({
      tasks,
      paceMs: () => 1,
      reconcile: async (key) => {
        done.push(key);
        await tasks.sleep(10);
      },
    });
    for (const key of ['a', 'a', 'b', 'a']) worker.add(key);
    tasks.after(5, () => worker.add('a'));
    await tasks.pass(100);
    expect(done).toEqual(['a', 'b', 'a']);
  });

  it('is never at two keys at a time', async () => {
    const tasks = clock();
    let [busy, most] = [0, 0];
    const worker = new Worker({
      tasks,
      paceMs: () => 0,
      reconcile: async () => {
        most = Math.max(most, (busy += 1));
        await tasks.sleep(3);
        busy -= 1;
      },
    });
    for (const key of ['a', 'b', 'c']) worker.add(key);
    await tasks.pass(50);
    expect(most).toBe(1);
  });

  it('doubles its back-off with every refusal in a row: 5, 10, 20 ms', async () => {
    const tasks = clock();
    const at: number[] = [];
    const worker = new Worker({
      tasks,
      paceMs: () => 0,
      reconcile: async () => {
        at.push(tasks.monotonic() - 1_000);
        if (at.length < 5) throw refusal('Conflict');
        await Promise.resolve();
      },
    });
    worker.add('a');
    await tasks.pass(1_000);
    expect(at).toEqual([0, 5, 15, 35, 75]);
  });

  it('forgets what failed when it is told to drop it', async () => {
    const tasks = clock();
    let tries = 0;
    const worker = new Worker({ tasks, paceMs: () => 0, retry: 'drop', reconcile: () => Promise.reject(refusal(`try ${(tries += 1)}`)) });
    worker.add('a');
    await tasks.pass(60_000);
    expect(tries).toBe(1);
  });

  it('does nothing while it is paused, and everything afterwards', async () => {
    const tasks = clock();
    const done: string[] = [];
    const worker = new Worker({ tasks, paceMs: () => 0, reconcile: (key) => Promise.resolve(void done.push(key)) });
    worker.pause();
    worker.add('a');
    await tasks.pass(50);
    expect(done).toEqual([]);
    worker.resume();
    await tasks.pass(50);
    expect(done).toEqual(['a']);
    expect(worker.idle).toBe(true);
  });

  it('lets a fault that is no refusal end the run', async () => {
    const tasks = clock();
    const worker = new Worker({ tasks, paceMs: () => 0, reconcile: () => Promise.reject(new TypeError('broken')) });
    worker.add('a');
    await expect(tasks.pass(10)).rejects.toThrow('broken');
  });
});

describe('an informer', () => {
  it('shows every change in order, however late each one is', async () => {
    const tasks = clock();
    const lags = [50, 1, 1];
    let tell: (event: StoreEvent<Namespace>) => void = () => {};
    const follow: ApiServer['follow'] = (_resource, listener) => {
      tell = listener as typeof tell;
      return () => {};
    };
    const server = { readAll: () => [], follow } as unknown as ApiServer;
    const informer = new Informer({ server, tasks, resource: namespaces, lagMs: () => lags.shift() ?? 0 });
    const seen: string[] = [];
    informer.onChange(({ type, object }) => seen.push(`${type} ${object.metadata.resourceVersion} @${tasks.monotonic() - 1_000}`));
    const event = (type: StoreEvent['type'], version: number): void => tell({ type, resource: namespaces, object: { metadata: { name: 'shop', resourceVersion: String(version) } }, previous: undefined, version });
    event('ADDED', 1);
    event('MODIFIED', 2);
    event('DELETED', 3);
    expect(informer.get({ name: 'shop' })).toBeUndefined();
    await tasks.pass(60);
    expect(seen).toEqual(['ADDED 1 @50', 'MODIFIED 2 @50', 'DELETED 3 @50']);
    expect(informer.list()).toEqual([]);
  });
});
