import { describe, expect, it } from 'vitest';
import type { Decided } from '../../src/controller/decision.ts';
import { nextLook } from '../../src/controller/next-look.ts';
import type { BlockReason, UnsatisfiedReason } from '../../src/planner/reasons.ts';
import { parseWindows } from '../../src/policy/window.ts';
import { record } from './records.ts';

const NOW = Date.parse('2026-11-20T10:00:00.000Z');
const HOUR_MS = 3_600_000;

interface Held {
  reasons?: BlockReason[];
  window?: string;
  holdings?: Decided['holdings'];
  records?: Decided['records'];
  unsatisfied?: UnsatisfiedReason;
}

function waitOf({ reasons = [], window, holdings = [], records = [], unsatisfied }: Held, coolDownMs = HOUR_MS): number | undefined {
  const parsed = window === undefined ? undefined : parseWindows(window);
  const windows = parsed?.ok === true ? parsed.windows : [];
  const look = {
    policy: { windows },
    turn: { start: [], waiting: [], blocked: reasons.map((reason) => ({ reason, message: '' })) },
    plan: unsatisfied === undefined ? {} : { unsatisfied: { reason: unsatisfied, message: '' } },
    holdings,
    records,
  } as unknown as Decided;
  return nextLook(look, { nowMs: NOW, coolDownMs })?.afterMs;
}

describe('a set is looked at again by itself', () => {
  it('not at all when nothing holds it, or when a watch tells that the hold has passed', () => {
    expect(waitOf({})).toBeUndefined();
    expect(waitOf({ reasons: ['Paused', 'PodNotReady', 'DisruptionBudgetExhausted'] })).toBeUndefined();
  });

  it.each<BlockReason>(['WebhookNotReady', 'SnapshotInProgress', 'BudgetUsedUp', 'HealthQueryUnmet'])('soon, when nothing tells: %s', (reason) => {
    expect(waitOf({ reasons: [reason] })).toBe(15_000);
  });

  it('right after the next window opens', () => {
    expect(waitOf({ reasons: ['OutsideWindow'], window: '30 10 * * * for 1h in UTC; 0 11 * * * for 1h in UTC' })).toBe(HOUR_MS / 2 + 10);
  });

  it('right after a window closes in which there was not enough time left', () => {
    expect(waitOf({ reasons: ['WindowClosesSoon'], window: '30 9 * * * for 31m in UTC' })).toBe(60_010);
  });

  it('not because of a window that holds nothing', () => {
    expect(waitOf({ window: '30 10 * * * for 1h in UTC' })).toBeUndefined();
  });

  it('once a day at least, however far away the window is: timers do not reach that far', () => {
    expect(waitOf({ reasons: ['OutsideWindow'], window: '0 0 1 6 * for 1h in UTC' })).toBe(24 * HOUR_MS);
  });

  it('right after a back-off, and the first of several times counts', () => {
    const holdings = [120_000, 60_000].map((afterMs, ordinal) => ({ ordinal, untilMs: NOW + afterMs, message: '' }));
    expect(waitOf({ reasons: ['BackOff'], holdings })).toBe(60_010);
    expect(waitOf({ reasons: ['BackOff', 'BudgetUsedUp'], holdings })).toBe(15_000);
  });

  it.each<[string, Held]>([
    ['a move', { reasons: ['CoolDown'] }],
    ['the plan', { unsatisfied: 'CoolDown' }],
  ])('right after a cool-down that holds %s', (_what, held) => {
    const moved = record({ phase: 'Succeeded', finishedAt: '2026-11-20T09:30:00.000Z' });
    expect(waitOf({ ...held, records: [moved] })).toBe(HOUR_MS / 2 + 10);
    expect(waitOf({ ...held, records: [moved] }, 0)).toBeUndefined();
  });

  it('not while something is under way: its end tells', () => {
    expect(waitOf({ reasons: ['BudgetUsedUp'], records: [record({ phase: 'Running' })] })).toBeUndefined();
  });
});
