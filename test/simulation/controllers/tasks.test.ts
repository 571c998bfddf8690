// Virtual time passes by itself, and a seed decides who goes first among those who are due together.

import { expect, it } from 'vitest';
import { Tasks } from '../../../src/simulation/controllers/tasks.ts';
import { SeededRandom } from '../../fakes/random.ts';

function tasks(seed = 1): Tasks {
  return new Tasks({ random: new SeededRandom(seed) });
}

/** The order in which eight that are due at once go. */
async function orderOf(seed: number): Promise<string> {
  const clock = tasks(seed);
  const order: number[] = [];
  for (let number = 0; number < 8; number += 1) clock.after(5, () => void order.push(number));
  await clock.pass(5);
  return order.join('');
}

it('gives the same order for the same seed, and others for others', async () => {
  expect(await orderOf(3)).toBe(await orderOf(3));
  const orders = await Promise.all(Array.from({ length: 20 }, (_, seed) => orderOf(seed)));
  expect(new Set(orders).size).toBeGreaterThan(15);
});

it('wakes sleepers at their time, with everything that follows done before the next one', async () => {
  const clock = tasks();
  const seen: string[] = [];
  const walk = async (name: string, stepMs: number): Promise<void> => {
    for (let step = 0; step < 3; step += 1) {
      await clock.sleep(stepMs);
      await Promise.resolve();
      seen.push(`${name}@${clock.monotonic() - 1_000}`);
    }
  };
  await clock.settle(Promise.all([walk('a', 10), walk('b', 4)]));
  expect(seen).toEqual(['b@4', 'b@8', 'a@10', 'b@12', 'a@20', 'a@30']);
});

it('moves the wall clock with it', async () => {
  const clock = new Tasks({ random: new SeededRandom(1), start: '2026-11-20T10:00:00.000Z' });
  await clock.pass(1_500);
  expect(new Date(clock.now()).toISOString()).toBe('2026-11-20T10:00:01.500Z');
});

it('ends a sleep when its signal aborts', async () => {
  const clock = tasks();
  const abort = new AbortController();
  const slept = clock.sleep(1_000, abort.signal).then(() => clock.monotonic());
  clock.after(10, () => abort.abort());
  expect(await clock.settle(slept)).toBe(1_010);
});

it('runs no task that was called off', async () => {
  const clock = tasks();
  const ran: string[] = [];
  const callOff = clock.after(10, () => void ran.push('off'));
  clock.after(5, callOff);
  await clock.pass(20);
  expect(ran).toEqual([]);
});

it('says so when what is awaited does not come in time, or cannot come', async () => {
  const clock = tasks();
  await expect(clock.until(() => false)).rejects.toThrow('nobody sleeps');
  clock.after(10_000, () => {});
  await expect(clock.until(() => false, 100)).rejects.toThrow('within 100 ms');
});

it('throws what a task threw, at once or later', async () => {
  const clock = tasks();
  clock.after(1, () => {
    throw new Error('at once');
  });
  await expect(clock.until(() => clock.monotonic() > 1_000)).rejects.toThrow('at once');
  clock.after(1, async () => {
    await clock.sleep(1);
    throw new Error('later');
  });
  await expect(clock.pass(10)).rejects.toThrow('later');
});
