import { describe, expect, it } from 'vitest';
import { ApiUnreachable } from '../../src/kubernetes/api.ts';
import { createLeaderElection, LeaseLost, type Leadership } from '../../src/kubernetes/leader-election.ts';
import { leases, type Lease } from '../../src/kubernetes/objects.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { FakeApi } from '../fakes/api.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';
import { SeededRandom } from '../fakes/random.ts';

const lease = { namespace: 'zonespread-system', name: 'zonespread' };

/** A process: its clock may run at another rate, and it may be paused (nothing of it goes on; time does). */
class FakeProcess implements Clock {
  readonly stop = new AbortController();
  readonly terms: Leadership[] = [];
  ended: 'running' | 'ended' | Error = 'running';
  #endWork: () => void = () => {};
  #resumed: Promise<void> | undefined;
  #resume: () => void = () => {};
  readonly #base: FakeClock;
  readonly #rate: number;

  constructor(base: FakeClock, rate = 1) {
    this.#base = base;
    this.#rate = rate;
  }

  now(): number {
    return this.#base.now();
  }

  monotonic(): number {
    return this.#base.monotonic() * this.#rate;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#base.sleep(ms / this.#rate, signal);
    await this.#resumed;
  }

  pause(): void {
    this.#resumed ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resume();
    this.#resumed = undefined;
  }

  /** The API as this process sees it: an answer is not seen before it runs again. */
  seen(api: FakeApi): FakeApi {
    const waitUntilRunning = (): Promise<void> | undefined => this.#resumed;
    return new Proxy(api, {
      get(target, property) {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]) => {
          await waitUntilRunning();
          try {
            return await (member as (...all: unknown[]) => Promise<unknown>).apply(target, given);
          } finally {
            await waitUntilRunning();
          }
        };
      },
    });
  }

  start(api: FakeApi, identity: string, random: SeededRandom, log = new FakeLog()): this {
    const election = createLeaderElection({ api: this.seen(api), clock: this, random, log, lease, identity, annotations: { 'zonespread.io/controller-user': 'system:admin' } });
    election
      .run({
        signal: this.stop.signal,
        onLead: async (leadership) => {
          this.terms.push(leadership);
          await new Promise<void>((resolve) => {
            this.#endWork = resolve;
          });
        },
      })
      .then(
        () => (this.ended = 'ended'),
        (error: unknown) => (this.ended = error as Error),
      );
    return this;
  }

  endWork(): void {
    this.#endWork();
  }

  get leads(): boolean {
    return this.terms.at(-1)?.held() ?? false;
  }
}

function world(): { api: FakeApi; clock: FakeClock; random: SeededRandom } {
  const clock = new FakeClock();
  const random = new SeededRandom(3);
  return { api: new FakeApi({ clock, random }), clock, random };
}

function readLease(api: FakeApi): Lease {
  return api.read(leases, lease)!;
}

describe('leader election', () => {
  it('makes the Lease with micro times, its user and a first epoch, and renews nothing but the Lease', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(60_000);
    expect(a.leads).toBe(true);
    expect(readLease(api)).toMatchObject({
      metadata: { annotations: { 'zonespread.io/controller-user': 'system:admin' } },
      spec: { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: '2026-01-01T00:00:00.000000Z', renewTime: '2026-01-01T00:01:00.000000Z' },
    });
    expect(a.terms[0]?.epoch).toBe(readLease(api).spec.leaseTransitions);
    expect(a.terms[0]?.epoch).toBeGreaterThan(0);
    expect(api.writes.map((call) => `${call.verb} ${call.resource.kind}`)).toEqual(['create Lease', ...Array.from({ length: 30 }, () => 'mergePatch Lease')]);
    expect(api.calls).toHaveLength(32);
  });

  it('lets the next one lead at once after the work has stopped, not before, with the next epoch', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(5000);
    const b = new FakeProcess(clock).start(api, 'b', random);
    await clock.advance(5000);
    a.stop.abort();
    await clock.advance(60_000);
    expect(a.leads).toBe(true); // Its work has not stopped yet, so it goes on renewing.
    expect(b.terms).toEqual([]);
    a.endWork();
    await clock.advance(5000);
    expect(a.ended).toBe('ended');
    expect(a.leads).toBe(false);
    expect(b.leads).toBe(true);
    expect(b.terms[0]!.epoch).toBe(a.terms[0]!.epoch + 1);
  });

  it('waits for the whole duration on its own clock when a leader dies, whatever the stamps say', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(10_000);
    a.pause(); // For ever: a killed process.
    const died = clock.monotonic();
    clock.jumpWallClock(86_400_000);
    const b = new FakeProcess(clock).start(api, 'b', random);
    await clock.until(() => b.leads);
    expect(clock.monotonic() - died).toBeGreaterThanOrEqual(15_000);
    expect(clock.monotonic() - died).toBeLessThan(15_000 + 2 * 2000 * 2.2);
  });

  it('gives a restarted process another epoch, and makes it wait like any other', async () => {
    const { api, clock, random } = world();
    const first = new FakeProcess(clock).start(api, 'a-1', random);
    await clock.advance(4000);
    first.pause();
    const second = new FakeProcess(clock).start(api, 'a-2', random);
    await clock.advance(10_000);
    expect(second.leads).toBe(false);
    await clock.until(() => second.leads);
    expect(second.terms[0]!.epoch).toBe(first.terms[0]!.epoch + 1);
  });

  it.each([1000, 5000, 7900, 9000, 11_000, 14_900, 15_100, 30_000, 120_000])('never has two holders when the leader is paused for %i ms', async (pausedMs) => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(2500);
    const b = new FakeProcess(clock).start(api, 'b', random);
    await clock.advance(10_000);
    a.pause();
    const until = clock.monotonic() + pausedMs;
    const holders: number[] = [];
    while (clock.monotonic() < until + 20_000) {
      if (clock.monotonic() >= until) a.resume();
      await clock.advance(100);
      holders.push([a, b].filter((process) => process.leads).length);
    }
    expect(Math.max(...holders)).toBe(1);
    expect(holders.at(-1)).toBe(1);
  });

  it('tells a leader that was paused too long, and its process comes back as a candidate', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(2500);
    const b = new FakeProcess(clock).start(api, 'b', random);
    a.pause();
    await clock.advance(30_000);
    expect(b.leads).toBe(true);
    expect(a.leads).toBe(false); // Before it even knows.
    expect(() => a.terms[0]!.assertHeld()).toThrow(LeaseLost);
    a.resume();
    await clock.advance(0);
    expect(a.ended).toBeInstanceOf(LeaseLost);
    expect(a.terms[0]!.signal.aborted).toBe(true);
    const again = new FakeProcess(clock).start(api, 'a-again', random);
    b.endWork();
    await clock.until(() => again.leads);
    expect(b.ended).toBe('ended');
  });

  it('counts its deadline from before the renewal was sent, however late the answer comes', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(5000);
    let sentAt = 0;
    api.once('mergePatch', leases, async (_call, proceed) => {
      sentAt = clock.monotonic();
      api.on('mergePatch', leases, () => Promise.reject(new ApiUnreachable('down', undefined)));
      const result = await proceed();
      await clock.sleep(4000);
      return result;
    });
    await clock.until(() => sentAt > 0 && !a.leads);
    expect(clock.monotonic() - sentAt).toBeLessThanOrEqual(10_000);
    expect(clock.monotonic() - sentAt).toBeGreaterThan(9000);
  });

  it('loses the lease at the deadline when the API server cannot be reached, before another could take it', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(6000);
    api.on('mergePatch', leases, () => Promise.reject(new ApiUnreachable('reset', undefined)));
    const lastRenewal = clock.monotonic();
    await clock.until(() => a.ended !== 'running');
    expect(a.ended).toBeInstanceOf(LeaseLost);
    expect(clock.monotonic() - lastRenewal).toBeLessThanOrEqual(10_000);
  });

  it('survives a request that never gets an answer, and one whose answer gets lost', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(5000);
    api.once('mergePatch', leases, () => new Promise(() => {}));
    await clock.advance(9000);
    api.once('mergePatch', leases, async (_call, proceed) => {
      await proceed();
      throw new ApiUnreachable('reset after the effect', undefined);
    });
    await clock.advance(30_000);
    expect(a.leads).toBe(true);
    expect(a.ended).toBe('running');
  });

  it('stops at once when another one is on the Lease', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(5000);
    api.change(leases, lease, (held) => {
      held.spec.holderIdentity = 'thief';
    });
    await clock.advance(2000);
    expect(a.ended).toBeInstanceOf(LeaseLost);
    expect((a.ended as Error).message).toContain('taken by thief');
    expect(readLease(api).spec.holderIdentity).toBe('thief');
  });

  it('keeps its epoch when somebody deletes the Lease, and a Lease made anew counts on above it', async () => {
    const { api, clock, random } = world();
    const a = new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(5000);
    api.remove(leases, lease);
    await clock.advance(5000);
    expect(a.leads).toBe(true);
    expect(readLease(api).spec.leaseTransitions).toBe(a.terms[0]!.epoch);
    a.pause();
    api.remove(leases, lease);
    const b = new FakeProcess(clock).start(api, 'b', random);
    await clock.until(() => b.leads);
    expect(b.terms[0]!.epoch).toBeGreaterThan(a.terms[0]!.epoch);
  });

  it('hands on what the work throws, released', async () => {
    const { api, clock, random } = world();
    const election = createLeaderElection({ api, clock, random, log: new FakeLog(), lease, identity: 'a' });
    const running = election.run({ signal: new AbortController().signal, onLead: () => Promise.reject(new Error('bug')) });
    await expect(clock.settle(running)).rejects.toThrow('bug');
    expect(readLease(api).spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(election.holder()).toBe('');
  });

  it('ends quietly when told to stop before it led', async () => {
    const { api, clock, random } = world();
    new FakeProcess(clock).start(api, 'a', random);
    await clock.advance(1000);
    const b = new FakeProcess(clock).start(api, 'b', random);
    await clock.advance(1000);
    b.stop.abort();
    await clock.advance(0);
    expect(b.ended).toBe('ended');
    expect(readLease(api).spec.holderIdentity).toBe('a');
  });

  it.each([
    [{ leaseDurationMs: 10_000 }, 'must be longer than the renew deadline of 10000 ms'],
    [{ retryPeriodMs: 9000 }, 'must be longer than 1.2 times the retry period'],
    [{ leaseDurationMs: 15_500 }, 'must be whole seconds'],
    [{ retryPeriodMs: 0 }, 'must be more than nothing'],
  ])('refuses %j: %s', (timing, message) => {
    const { api, clock, random } = world();
    expect(() => createLeaderElection({ api, clock, random, log: new FakeLog(), lease, identity: 'a', timing })).toThrow(message);
  });

  // Three processes with clocks of different rates, pauses, lost requests and answers: in every run at most one holds at any moment,
  // epochs only grow, and each term has its own.
  it.each(Array.from({ length: 12 }, (_, seed) => seed + 1))('has at most one holder under faults (seed %i)', async (seed) => {
    const clock = new FakeClock();
    const random = new SeededRandom(seed);
    const api = new FakeApi({ clock, random });
    let faulty = true;
    for (const verb of ['get', 'mergePatch', 'create'] as const) {
      api.on(verb, leases, async (_call, proceed) => {
        const draw = faulty ? random.next() : 1;
        if (draw < 0.1) throw new ApiUnreachable('before the effect', undefined);
        if (draw < 0.2) await clock.sleep(random.next() * 20_000); // Arrives late, takes effect late.
        const result = await proceed();
        if (draw >= 0.2 && draw < 0.3) throw new ApiUnreachable('after the effect', undefined);
        if (draw >= 0.3 && draw < 0.35) await clock.sleep(random.next() * 20_000); // The answer is late.
        return result;
      });
    }
    // 1.4 apart at most.
    const rates = [1, 1.18, 0.85];
    const processes = rates.map((rate, at) => new FakeProcess(clock, rate).start(api, `p${at}-0`, random));
    const epochs: number[] = [];
    let restarts = 0;
    for (let step = 0; step < 3000; step += 1) {
      await clock.advance(200);
      const holding = processes.filter((process) => process.leads);
      expect(holding.length, `seed ${seed}, step ${step}`).toBeLessThanOrEqual(1);
      const epoch = holding[0]?.terms.at(-1)?.epoch;
      if (epoch !== undefined && epoch !== epochs.at(-1)) epochs.push(epoch);
      for (const [at, process] of processes.entries()) {
        if (process.ended !== 'running') processes[at] = new FakeProcess(clock, rates[at]).start(api, `p${at}-${(restarts += 1)}`, random);
        else if (random.next() < 0.004) process.pause();
        else if (random.next() < 0.05) process.resume();
      }
    }
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    expect(epochs.length).toBeGreaterThan(1);
    faulty = false;
    for (const process of processes) process.resume();
    await clock.advance(120_000);
    for (const [at, process] of processes.entries()) if (process.ended !== 'running') processes[at] = new FakeProcess(clock).start(api, `p${at}-${(restarts += 1)}`, random);
    await clock.until(() => processes.some((process) => process.leads), 60_000);
  }, 60_000);
});
