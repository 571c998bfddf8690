import { describe, expect, it } from 'vitest';
import { createHealthGate } from '../../src/controller/health.ts';
import { PrometheusError, type Prometheus, type RangeQuery } from '../../src/ports/prometheus.ts';
import { FakeClock } from '../fakes/clock.ts';
import { Scene } from './scene.ts';

const MINUTE_MS = 60_000;

/** Answers each moment with the values that its series have then. */
function prometheus(valuesAt: (agoMs: number) => number[]): Prometheus & { asked: RangeQuery[] } {
  const asked: RangeQuery[] = [];
  return {
    asked,
    range(query) {
      asked.push(query);
      const moments = Array.from({ length: Math.round((query.endMs - query.startMs) / query.stepMs) + 1 }, (_, index) => query.startMs + index * query.stepMs);
      const series = Math.max(...moments.map((at) => valuesAt(query.endMs - at).length));
      return Promise.resolve(Array.from({ length: series }, (_, which) => new Map(moments.flatMap((at): [number, number][] => { const value = valuesAt(query.endMs - at)[which]; return value === undefined ? [] : [[at, value]]; }))));
    },
  };
}

function problem(valuesAt: (agoMs: number) => number[], healthDurationMs = MINUTE_MS): Promise<string | undefined> {
  return createHealthGate({ prometheus: prometheus(valuesAt), clock: new FakeClock('2026-11-20T10:00:00.000Z') }).problem({ healthQuery: 'up == 1', healthDurationMs });
}

describe('the health gate', () => {
  it('asks nobody when the set has no query', async () => {
    const asked = prometheus(() => []);
    expect(await createHealthGate({ prometheus: asked, clock: new FakeClock() }).problem({ healthDurationMs: MINUTE_MS })).toBeUndefined();
    expect(asked.asked).toEqual([]);
  });

  it('looks at the whole health duration up to now', async () => {
    const asked = prometheus(() => [1]);
    await createHealthGate({ prometheus: asked, clock: new FakeClock('2026-11-20T10:00:00.000Z') }).problem({ healthQuery: 'up == 1', healthDurationMs: MINUTE_MS });
    expect(asked.asked).toEqual([{ query: 'up == 1', startMs: Date.parse('2026-11-20T09:59:00.000Z'), endMs: Date.parse('2026-11-20T10:00:00.000Z'), stepMs: 5_000 }]);
  });

  it('is open while one series at least has values and none of them is 0', async () => {
    expect(await problem(() => [1])).toBeUndefined();
    expect(await problem(() => [3, 0.5])).toBeUndefined();
  });

  it.each<[what: string, valuesAt: (agoMs: number) => number[], says: RegExp]>([
    ['a comparison that does not hold, which gives nothing', () => [], /does not give anything now; it must/],
    ['a moment within the duration at which it did not hold', (agoMs) => (agoMs === 30_000 ? [] : [1]), /does not give anything for the whole zonespread.io.health-duration yet/],
    ['0', () => [0], /is not true now/],
    ['one series of several that is 0', () => [1, 0], /is not true/],
    ['no number', () => [Number.NaN], /is not true/],
  ])('is closed for %s', async (_what, valuesAt, says) => {
    expect(await problem(valuesAt)).toMatch(says);
  });

  it('looks at now alone when the health duration is nothing', async () => {
    expect(await problem((agoMs) => (agoMs === 0 ? [1] : []), 0)).toBeUndefined();
  });

  it('is closed without a Prometheus, and says what to do', async () => {
    const gate = createHealthGate({ prometheus: undefined, clock: new FakeClock() });
    expect(await gate.problem({ healthQuery: 'up == 1', healthDurationMs: 0 })).toBe('zonespread.io/health-query asks for up == 1, and the daemon does not know where Prometheus is; start it with --prometheus, or remove the annotation');
  });

  it('is closed when Prometheus does not answer or refuses the query, and says so', async () => {
    const gate = createHealthGate({ prometheus: { range: () => Promise.reject(new PrometheusError('no answer from Prometheus at http://p: refused')) }, clock: new FakeClock() });
    expect(await gate.problem({ healthQuery: 'up == 1', healthDurationMs: 0 })).toBe('zonespread.io/health-query cannot be asked: no answer from Prometheus at http://p: refused');
  });

  it('holds the moves of a set, planned and by hand, until it is open', async () => {
    let healthy = false;
    const scene = new Scene({ prometheus: prometheus(() => (healthy ? [1] : [])) });
    scene.addSet({ zones: ['a', 'a', 'a'] }, { annotations: { zones: 'a,b,c', 'health-query': 'up == 1' } });
    expect(await scene.work()).toEqual({ afterMs: 15_000 });
    scene.addRecord('by-hand', { spec: { ordinal: 1 } });
    await scene.look('by-hand');
    expect(scene.status().blocked?.map(({ reason }) => reason)).toContain('HealthQueryUnmet');
    expect(scene.record('by-hand').status?.reason).toBe('HealthQueryUnmet');
    expect(scene.records()).toHaveLength(1);
    healthy = true;
    await scene.work();
    expect(scene.records().length).toBeGreaterThan(1);
  });
});
