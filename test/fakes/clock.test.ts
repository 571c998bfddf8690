import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.ts';

describe('the fake clock', () => {
  it('wakes sleepers in the order of their due times, each at its own moment', async () => {
    const clock = new FakeClock();
    const start = clock.now();
    const woken: string[] = [];
    const sleeper = async (name: string, ...naps: number[]): Promise<void> => {
      for (const nap of naps) {
        await clock.sleep(nap);
        woken.push(`${name}@${clock.now() - start}`);
      }
    };
    void sleeper('a', 300, 300);
    void sleeper('b', 100, 100, 500);
    await clock.advance(650);
    expect(woken).toEqual(['b@100', 'b@200', 'a@300', 'a@600']);
    expect(clock.now() - start).toBe(650);
    expect(clock.sleeping).toBe(1);
  });

  it('ends a sleep early when the signal aborts', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const nap = clock.sleep(1000, stop.signal);
    stop.abort();
    await nap;
    expect(clock.sleeping).toBe(0);
  });

  it('drives a promise to its end, and says when time cannot', async () => {
    const clock = new FakeClock();
    const work = async (): Promise<string> => {
      await clock.sleep(5000);
      return 'done';
    };
    expect(await clock.settle(work())).toBe('done');
    await expect(clock.settle(new Promise(() => {}))).rejects.toThrow('nobody sleeps');
    await expect(clock.settle(clock.sleep(10_000), 1000)).rejects.toThrow('within 1000 ms');
  });

  it('keeps monotonic time when the wall clock is set', () => {
    const clock = new FakeClock();
    const before = clock.monotonic();
    clock.jumpWallClock(-60_000);
    expect(clock.now()).toBe(Date.parse('2025-12-31T23:59:00Z'));
    expect(clock.monotonic()).toBe(before);
  });
});
