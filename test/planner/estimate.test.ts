import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildLayout, ordinalIn, type Layout } from '../../src/layout/layout.ts';
import { costOf, diskKind, estimatesFrom, UNMEASURED, type Estimates, type MoveEstimate, type MoveSample } from '../../src/planner/estimate.ts';
import type { GuardContext } from '../../src/planner/guards/guard.ts';
import { checkGuards } from '../../src/planner/guards/index.ts';
import { plan } from '../../src/planner/plan.ts';
import type { Rules } from '../../src/policy/policy.ts';
import { NOW_MS } from '../builders/kubernetes.ts';
import { policy } from '../builders/policy.ts';
import { spreadSet, type SpreadSetOptions } from '../builders/spread-set.ts';

function samples(count: number, changes: Partial<MoveSample> = {}): MoveSample[] {
  const one = { category: 'cloud_essd', sizeGiB: 20, downtimeMs: 60_000, ...changes };
  return Array.from({ length: count }, () => ({ totalMs: one.downtimeMs + 20_000, ...one }));
}

/** web-0 in zone a, with a disk of so many GiB. */
function layoutOf(sizeGiB: number, { categories = ['cloud_essd'] }: { categories?: string[] } = {}): Layout {
  const templates = categories.map((_, index) => `t${index}`);
  const options: SpreadSetOptions = { zones: ['a'], sizesGiB: [sizeGiB], templates };
  const inputs = spreadSet(options);
  for (const [index, category] of categories.entries()) {
    const found = inputs.disks.get(`d-t${index}-web-0`)!;
    found.category = category;
  }
  return buildLayout(inputs);
}

function estimate(estimates: Estimates, sizeGiB: number, categories?: string[]): MoveEstimate {
  return estimates.of(ordinalIn(layoutOf(sizeGiB, categories === undefined ? {} : { categories }), 0)!, 'b', { healthDurationMs: 0 });
}

function downtime(...asked: Parameters<typeof estimate>) {
  return estimate(...asked).downtime;
}

function total(...asked: Parameters<typeof estimate>) {
  return estimate(...asked).total;
}

describe('as long as nothing was measured', () => {
  it('an instant snapshot is 90 s of downtime, whatever the size', () => {
    expect(downtime(UNMEASURED, 20)).toEqual({ middleMs: 90_000, highMs: 90_000 });
    expect(downtime(UNMEASURED, 2000)).toEqual({ middleMs: 90_000, highMs: 90_000 });
    expect(total(UNMEASURED, 20)).toEqual({ middleMs: 90_000, highMs: 90_000 });
  });

  it('an upload is a minute per GiB besides', () => {
    expect(downtime(UNMEASURED, 20, ['cloud_ssd'])).toEqual({ middleMs: 1_290_000, highMs: 1_290_000 });
  });
});

describe('what was measured', () => {
  it('takes the model’s place', () => {
    const estimates = estimatesFrom(samples(50));
    expect(downtime(estimates, 20)).toEqual({ middleMs: 60_000, highMs: 60_000 });
    expect(total(estimates, 20)).toEqual({ middleMs: 80_000, highMs: 80_000 });
  });

  it('of uploads, too', () => {
    expect(downtime(estimatesFrom(samples(50, { category: 'cloud_ssd', downtimeMs: 300_000 })), 20, ['cloud_ssd'])).toEqual({ middleMs: 300_000, highMs: 300_000 });
  });

  it('says nothing about other categories', () => {
    const estimates = estimatesFrom(samples(50, { downtimeMs: 3_600_000 }));
    for (const category of ['cloud_auto', 'cloud_essd_entry']) expect(downtime(estimates, 20, [category])).toEqual({ middleMs: 90_000, highMs: 90_000 });
    expect(downtime(estimates, 20, ['cloud_essd', 'cloud_auto'])).toEqual({ middleMs: 90_000, highMs: 90_000 });
  });

  it('of pods with two categories is about just such pods', () => {
    const estimates = estimatesFrom(samples(50, { category: diskKind(['cloud_essd', 'cloud_auto']), downtimeMs: 200_000 }));
    expect(downtime(estimates, 20, ['cloud_auto', 'cloud_essd'])).toEqual({ middleMs: 200_000, highMs: 200_000 });
    expect(downtime(estimates, 20)).toEqual({ middleMs: 90_000, highMs: 90_000 });
    expect(diskKind(['b', 'a', 'b'])).toBe('a+b');
  });

  it('counts as far back as the newest hundred of a kind', () => {
    const estimates = estimatesFrom([...samples(100, { category: 'cloud_auto', downtimeMs: 10_000 }), ...samples(100), ...samples(900, { downtimeMs: 1_000_000 })]);
    expect(downtime(estimates, 20)).toEqual({ middleMs: 60_000, highMs: 60_000 });
    expect(estimate(estimates, 20).measuredMoves).toBe(100);
  });

  it('is given in steps of ten seconds, upwards', () => {
    expect(downtime(estimatesFrom(samples(50, { downtimeMs: 60_001 })), 20)).toEqual({ middleMs: 70_000, highMs: 70_000 });
  });
});

describe('the bound on downtime', () => {
  it('is never below the longest of the twenty newest, though the middle does not care', () => {
    const estimates = estimatesFrom([...samples(19), ...samples(1, { downtimeMs: 3_600_000 }), ...samples(50)]);
    expect(downtime(estimates, 20)).toEqual({ middleMs: 60_000, highMs: 3_600_000 });
    expect(total(estimates, 20)).toEqual({ middleMs: 80_000, highMs: 80_000 });
  });

  it('forgets it after twenty more', () => {
    const estimates = estimatesFrom([...samples(20), ...samples(1, { downtimeMs: 3_600_000 }), ...samples(50)]);
    expect(downtime(estimates, 20)).toEqual({ middleMs: 60_000, highMs: 60_000 });
  });

  it('holds from the very first measurement', () => {
    expect(downtime(estimatesFrom(samples(1, { downtimeMs: 600_000 })), 20)).toEqual({ middleMs: 150_000, highMs: 600_000 });
  });

  it('stays near the model after a few quick ones', () => {
    expect(downtime(estimatesFrom(samples(2, { downtimeMs: 10_000 })), 20).highMs).toBe(80_000);
  });

  it('counts a disk of up to twice the size as like, and every smaller one', () => {
    const estimates = estimatesFrom([...samples(1, { sizeGiB: 100, downtimeMs: 3_600_000 }), ...samples(50)]);
    expect(downtime(estimates, 49).highMs).toBeLessThan(3_600_000);
    expect(downtime(estimates, 50).highMs).toBe(3_600_000);
    expect(downtime(estimates, 5000).highMs).toBe(3_600_000);
  });
});

it('whatever was measured, a larger disk is never estimated shorter, and the same comes out again', () => {
  const sizes = [10, 20, 45, 100, 1000];
  const ordinals = sizes.map((sizeGiB) => ordinalIn(layoutOf(sizeGiB), 0)!);
  const one = fc.record({ category: fc.constantFrom('cloud_essd', 'cloud_auto'), sizeGiB: fc.constantFrom(10, 20, 40, 100, 500), downtimeMs: fc.integer({ min: 1, max: 10_000_000 }), totalMs: fc.integer({ min: 1, max: 20_000_000 }) });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 60 }), (measured) => {
      const downtimes = (estimates: Estimates) => ordinals.map((ordinal) => estimates.of(ordinal, 'b', { healthDurationMs: 0 }).downtime);
      const ranges = downtimes(estimatesFrom(measured));
      for (const [index, range] of ranges.entries()) {
        const smaller = ranges[index - 1];
        expect(range.highMs).toBeGreaterThanOrEqual(range.middleMs);
        if (smaller === undefined) continue;
        expect(range.middleMs).toBeGreaterThanOrEqual(smaller.middleMs);
        expect(range.highMs).toBeGreaterThanOrEqual(smaller.highMs);
      }
      expect(downtimes(estimatesFrom(measured))).toEqual(ranges);
    }),
    { numRuns: 300 },
  );
});

describe('who goes by it', () => {
  const calm: GuardContext = { inFlight: [], budget: () => undefined, webhook: { ready: true, message: '' } };
  const mostlyQuick = estimatesFrom([...samples(19), ...samples(1, { downtimeMs: 600_000 }), ...samples(50)]);

  function check(rules: Partial<Rules>, estimates: Estimates, nowMs = NOW_MS) {
    const layout = buildLayout(spreadSet({ zones: ['a', 'b', 'c'] }));
    return checkGuards({ layout, rules: policy(rules), ordinal: 2, targetZone: 'a', nowMs, context: { ...calm, estimates } });
  }

  it('max-downtime by the high end', () => {
    expect(check({ maxDowntimeMs: 60_000 }, estimatesFrom(samples(50)))).toEqual([]);
    expect(check({ maxDowntimeMs: 60_000 }, mostlyQuick)).toMatchObject([{ reason: 'DowntimeTooLong', message: expect.stringContaining('about 10m, and zonespread.io/max-downtime allows 1m') as string }]);
  });

  it('windows by the high end of the whole move and the health duration', () => {
    const closes = NOW_MS + 3 * 3_600_000;
    const rules = { windows: [{ cron: '0 2 * * *', durationMs: 3_600_000, timeZone: 'UTC' }], healthDurationMs: 60_000 };
    const slow = estimatesFrom(samples(50, { downtimeMs: 600_000, totalMs: 900_000 }));
    expect(check(rules, slow, closes - 960_000)).toEqual([]);
    expect(check(rules, slow, closes - 959_000)).toMatchObject([{ reason: 'WindowClosesSoon', message: expect.stringContaining('is estimated at 16m,') as string }]);
  });

  it('the plan: each move, and the sum of them', () => {
    const layout = buildLayout(spreadSet({ zones: ['a', 'a', 'a', 'a', 'a', 'a'] }));
    const planned = plan({ layout, policy: policy(), nowMs: NOW_MS, estimates: mostlyQuick });
    expect(planned.moves[0]?.estimate).toEqual({ downtime: { middleMs: 60_000, highMs: 600_000 }, total: { middleMs: 140_000, highMs: 140_000 }, measuredMoves: 70 });
    expect(planned.cost).toEqual({ moves: 4, sizeGiB: 80, estimatedMinutes: 10, highMinutes: 10, measuredMoves: 70 });
    expect(plan({ layout, policy: policy(), nowMs: NOW_MS }).digest).toBe(planned.digest);
  });

  it('a plan with max-downtime leaves out what would by the high end take longer', () => {
    const layout = buildLayout(spreadSet({ zones: ['a', 'a', 'a'] }));
    const withLimit = { layout, policy: policy({ maxDowntimeMs: 120_000 }), nowMs: NOW_MS };
    expect(plan(withLimit).moves).toHaveLength(2);
    const held = plan({ ...withLimit, estimates: mostlyQuick });
    expect(held.moves).toEqual([]);
    expect(held.staying[0]).toMatchObject({ reason: 'DowntimeTooLong' });
  });

  it('the cost of moves side by side is that of the longest queue', () => {
    const estimates = estimatesFrom([...samples(40, { totalMs: 120_000 }), ...samples(10, { totalMs: 600_000 })]);
    const moves = [estimate(estimates, 20), estimate(estimates, 20)].map((one) => ({ sizeGiB: 20, estimate: one }));
    expect(costOf(moves, { maxUnavailable: 1 })).toEqual({ moves: 2, sizeGiB: 40, estimatedMinutes: 4, highMinutes: 20, measuredMoves: 50 });
    expect(costOf(moves, { maxUnavailable: 2 })).toMatchObject({ estimatedMinutes: 2, highMinutes: 10 });
  });

  it('a plan rests on as little as its least measured move', () => {
    const estimates = estimatesFrom(samples(7));
    const moves = [estimate(estimates, 20), estimate(estimates, 20, ['cloud_auto'])].map((one) => ({ sizeGiB: 20, estimate: one }));
    expect(costOf(moves, { maxUnavailable: 1 }).measuredMoves).toBe(0);
    expect(costOf([], { maxUnavailable: 1 }).measuredMoves).toBe(0);
  });
});
