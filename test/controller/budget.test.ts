import { describe, expect, it } from 'vitest';
import { budgetProblem, type Budgets } from '../../src/controller/budget.ts';
import { claimRecord, record } from './records.ts';

const NOW = Date.parse('2026-11-20T10:00:00.000Z');
const move = { from: 'a', to: 'b' };
const ago = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString();
const problem = (budgets: Budgets, records: ReturnType<typeof record>[], startedNow = [] as { from: string; to: string }[]) => budgetProblem(budgets, records, NOW)(move, startedNow);
const planned = { reason: 'Spread', planDigest: 'f' } as const;

describe("the cluster's budgets", () => {
  it('count what runs, what is undone, what is about to begin, and what starts in the same turn', () => {
    expect(problem({ atOnce: 2 }, [record({ phase: 'Running' })])).toBeUndefined();
    expect(problem({ atOnce: 2 }, [record({ phase: 'Running' }), record({ phase: 'RollingBack' })])).toBe('2 of 2 moves of the whole cluster are under way (--max-migrations)');
    expect(problem({ atOnce: 1 }, [record({ spec: planned })])).toContain('--max-migrations');
    expect(problem({ atOnce: 0 }, [])).toMatch(/no move may begin \(--max-migrations 0\)/);
    expect(problem({ atOnce: 2 }, [record({ phase: 'Running' })], [{ from: 'c', to: 'a' }])).toContain('2 of 2');
  });

  it('do not count a Frozen move, an ended one, or one that takes another back', () => {
    const exempt = [record({ phase: 'Frozen' }), record({ phase: 'Succeeded' }), record({ phase: 'Failed' }), record({ phase: 'Running', spec: { reason: 'Reverse' } })];
    expect(problem({ atOnce: 1 }, exempt)).toBeUndefined();
  });

  it('do not count a move by hand that has not begun: it may wait for ever', () => {
    expect(problem({ atOnce: 1, perHour: 1, perZonePair: 1 }, [record({ spec: { reason: 'Manual' } })])).toBeUndefined();
  });

  it('count what began within the hour, whatever became of it', () => {
    const budgets = { atOnce: 9, perHour: 2 };
    expect(problem(budgets, [record({ phase: 'Succeeded', startedAt: ago(59) }), record({ phase: 'Failed', startedAt: ago(61) })])).toBeUndefined();
    expect(problem(budgets, [record({ phase: 'Succeeded', startedAt: ago(59) }), record({ phase: 'Frozen', startedAt: ago(5) })])).toBe('2 moves have begun within the last hour (--max-migrations-per-hour)');
  });

  it('count those about to begin in the hour, too, so that two sets do not both take the last place', () => {
    expect(problem({ atOnce: 9, perHour: 1 }, [record({ spec: planned })])).toContain('--max-migrations-per-hour');
  });

  it('count pairs of zones each by itself, and a move whose origin is not known yet for any', () => {
    const budgets = { atOnce: 9, perZonePair: 1 };
    expect(problem(budgets, [record({ phase: 'Running', claims: [claimRecord()], spec: { targetZone: 'c' } })])).toBeUndefined();
    expect(problem(budgets, [record({ phase: 'Running', claims: [claimRecord()], spec: { targetZone: 'b' } })])).toBe('1 moves from a to b are under way (--max-migrations-per-zone)');
    expect(problem(budgets, [record({ spec: { ...planned, targetZone: 'b' } })])).toContain('--max-migrations-per-zone');
    expect(problem(budgets, [], [{ from: 'a', to: 'b' }])).toContain('--max-migrations-per-zone');
    expect(problem(budgets, [], [{ from: 'b', to: 'a' }])).toBeUndefined();
  });
});
