// Virtual time led by real time.

import { describe, expect, test } from 'vitest';
import { LONGEST_SLICE_MS, Pacer, SLICE_MS, type PassingTime } from '../../src/demo/pacing.ts';
import { FakeClock, settleEverything } from '../fakes/clock.ts';

class Passed implements PassingTime {
  readonly slices: number[] = [];

  get sum(): number {
    return this.slices.reduce((total, ms) => total + ms, 0);
  }

  pass(ms: number): Promise<void> {
    this.slices.push(ms);
    return Promise.resolve();
  }
}

describe('with a speed', () => {
  test('so much passes as the clock on the wall says, times the speed, in short slices', async () => {
    const [clock, time] = [new FakeClock(), new Passed()];
    const pacer = new Pacer({ time, speed: 60, clock });

    await clock.advance(1_500);

    expect(time.sum).toBe(1_500 * 60);
    expect(new Set(time.slices)).toEqual(new Set([SLICE_MS * 60]));
    await pacer.stop();
  });

  test('it goes slower than the clock on the wall with a speed below one', async () => {
    const [clock, time] = [new FakeClock(), new Passed()];
    const pacer = new Pacer({ time, speed: 0.5, clock });

    await clock.advance(300);

    expect(time.sum).toBe(150);
    await pacer.stop();
  });

  test('what a slow machine has missed is not made up for', async () => {
    const clock = new FakeClock();
    const slices: number[] = [];
    const slow: PassingTime = {
      async pass(ms) {
        slices.push(ms);
        await clock.sleep(1_000);
      },
    };
    const pacer = new Pacer({ time: slow, speed: 10, clock });

    await clock.advance(3_000);

    expect(slices).toEqual([SLICE_MS * 10, LONGEST_SLICE_MS * 10, LONGEST_SLICE_MS * 10]);
    const stopping = pacer.stop();
    await clock.advance(1_000);
    await stopping;
  });

  test('a slice that took longer than its turn is followed by the next one at once', async () => {
    const clock = new FakeClock();
    const began: number[] = [];
    const busy: PassingTime = {
      async pass() {
        began.push(clock.monotonic());
        await clock.sleep(SLICE_MS + 10);
      },
    };
    const pacer = new Pacer({ time: busy, speed: 1, clock });

    await clock.advance(4 * SLICE_MS);

    expect(began.slice(1).map((at, index) => at - (began[index] ?? 0))).toEqual([SLICE_MS + 10, SLICE_MS + 10]);
    const stopping = pacer.stop();
    await clock.advance(SLICE_MS + 10);
    await stopping;
  });

  test('once it is stopped time stands still', async () => {
    const [clock, time] = [new FakeClock(), new Passed()];
    const pacer = new Pacer({ time, speed: 60, clock });
    await clock.advance(100);

    await pacer.stop();
    const passed = time.sum;
    await clock.advance(1_000);

    expect(time.sum).toBe(passed);
    expect(clock.sleeping).toBe(0);
    await expect(pacer.running).resolves.toBeUndefined();
  });
});

describe('as fast as it goes', () => {
  test('nobody waits for the wall', async () => {
    const clock = new FakeClock();
    const stopAfter: PassingTime & { left: number } = {
      left: 100,
      async pass() {
        this.left -= 1;
        await settleEverything();
        if (this.left === 0) void pacer.stop();
      },
    };
    const pacer = new Pacer({ time: stopAfter, speed: 'max', clock });

    await pacer.running;

    expect(stopAfter.left).toBe(0);
    expect(clock.monotonic()).toBe(new FakeClock().monotonic());
  });
});

test.each([1, 'max'] as const)('what goes wrong in virtual time is heard of: speed %s', async (speed) => {
  const clock = new FakeClock();
  const pacer = new Pacer({ time: { pass: () => Promise.reject(new Error('a task threw')) }, speed, clock });

  await clock.advance(100);

  await expect(pacer.running).rejects.toThrow('a task threw');
  await pacer.stop();
});
