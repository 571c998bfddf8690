import { describe, expect, it } from 'vitest';
import { createWorkQueue, type WorkQueue, type WorkQueueOptions } from '../../src/kubernetes/work-queue.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';

interface Scene {
  clock: FakeClock;
  queue: WorkQueue;
  log: FakeLog;
  /** `web@100`: what was started when. */
  started: string[];
  /** Most keys at once, and most of one key at once. */
  most: { all: number; same: number };
}

function scene(work: (key: string, clock: FakeClock) => Promise<void>, options: Partial<WorkQueueOptions> = {}): Scene {
  const clock = new FakeClock();
  const log = new FakeLog();
  const begin = clock.monotonic();
  const started: string[] = [];
  const running: string[] = [];
  const most = { all: 0, same: 0 };
  const queue = createWorkQueue({
    clock,
    log,
    random: new SeededRandom(9),
    concurrency: 2,
    async work(key) {
      started.push(`${key}@${clock.monotonic() - begin}`);
      running.push(key);
      most.all = Math.max(most.all, running.length);
      most.same = Math.max(most.same, running.filter((other) => other === key).length);
      try {
        await work(key, clock);
      } finally {
        running.splice(running.indexOf(key), 1);
      }
    },
    ...options,
  });
  return { clock, queue, log, started, most };
}

describe('a work queue', () => {
  it('works on a key once, however often it was added, and in the order of adding', async () => {
    const { clock, queue, started } = scene((_key, time) => time.sleep(10), { concurrency: 1 });
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(started).toEqual([]); // Never in the turn of whoever adds.
    expect(queue.depth).toBe(3);
    await clock.advance(100);
    expect(started).toEqual(['a@0', 'b@10', 'c@20']);
  });

  it('never works on a key twice at once, and comes back for what was added meanwhile', async () => {
    const { clock, queue, started, most } = scene((_key, time) => time.sleep(100), { concurrency: 4 });
    queue.add('a');
    await clock.advance(50);
    queue.add('a');
    queue.add('a');
    await clock.advance(500);
    expect(started).toEqual(['a@0', 'a@100']);
    expect(most.same).toBe(1);
  });

  it('keeps to its concurrency', async () => {
    const { clock, queue, most, started } = scene((_key, time) => time.sleep(10), { concurrency: 3 });
    for (let key = 0; key < 20; key += 1) queue.add(String(key));
    await clock.settle(queue.idle());
    expect(started).toHaveLength(20);
    expect(most.all).toBe(3);
  });

  it('adds later, at the soonest of several times, and an add now takes its place', async () => {
    const { clock, queue, started } = scene(() => Promise.resolve());
    queue.addAfter('a', 500);
    queue.addAfter('a', 200);
    queue.addAfter('a', 900);
    queue.addAfter('b', 300);
    queue.addAfter('c', 0);
    await clock.advance(100);
    queue.add('b');
    await clock.advance(2000);
    expect(started).toEqual(['c@0', 'b@100', 'a@200']);
    expect(clock.sleeping).toBe(0);
  });

  it('tries what failed again, later and later up to the limit, until it succeeds and is forgotten', async () => {
    let failing = true;
    const { clock, queue, started, log } = scene(() => (failing ? Promise.reject(new Error('conflict')) : Promise.resolve()), { backOff: { firstMs: 100, longestMs: 1000 } });
    queue.add('a');
    await clock.advance(10_000);
    const times = started.map((entry) => Number(entry.split('@')[1]));
    const waits = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    expect(waits[0]).toBeLessThanOrEqual(100);
    expect(waits[0]).toBeGreaterThanOrEqual(50);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(500);
    expect(log.lines[0]).toMatchObject({ level: 'warn', fields: { key: 'a', failures: 1 } });

    failing = false;
    await clock.advance(1000);
    const attempts = started.length;
    failing = true;
    queue.add('a');
    await clock.advance(0);
    await clock.advance(100);
    expect(started).toHaveLength(attempts + 2); // The first wait is short again.
  });

  it('waits less when a failed key is added by somebody', async () => {
    let failures = 0;
    const { clock, queue, started } = scene(() => ((failures += 1) < 2 ? Promise.reject(new Error('x')) : Promise.resolve()), { backOff: { firstMs: 60_000, longestMs: 60_000 } });
    queue.add('a');
    await clock.advance(10);
    queue.add('a');
    await clock.advance(120_000);
    expect(started).toEqual(['a@0', 'a@10']);
  });

  it('does not let one failing key hold the others up', async () => {
    const { clock, queue, started } = scene((key) => (key === 'bad' ? Promise.reject(new Error('x')) : Promise.resolve()), { concurrency: 1 });
    queue.add('bad');
    queue.add('good');
    await clock.advance(0);
    expect(started).toEqual(['bad@0', 'good@0']);
  });

  it('stops: starts nothing more and waits for what is under way', async () => {
    const { clock, queue, started } = scene((_key, time) => time.sleep(100), { concurrency: 1 });
    for (const key of ['a', 'b']) queue.add(key);
    queue.addAfter('c', 50);
    await clock.advance(10);
    let stopped = false;
    const stopping = queue.stop().then(() => (stopped = true));
    queue.add('a');
    queue.addAfter('d', 1);
    await clock.advance(80);
    expect(stopped).toBe(false);
    await clock.settle(stopping);
    await clock.advance(1000);
    expect(started).toEqual(['a@0']);
    expect(clock.sleeping).toBe(0);
  });

  it('runs the same way twice', async () => {
    const run = async (): Promise<string[]> => {
      const random = new SeededRandom(42);
      const { clock, queue, started } = scene(
        async (_key, time) => {
          await time.sleep(random.next() * 50);
          if (random.next() < 0.4) throw new Error('chance');
        },
        { concurrency: 3, backOff: { firstMs: 20, longestMs: 200 } },
      );
      for (let key = 0; key < 30; key += 1) queue.addAfter(`k${key % 10}`, random.next() * 100);
      await clock.advance(5000);
      return started;
    };
    expect(await run()).toEqual(await run());
  });
});
