// When a set wants to be looked at again for a reason that no watch tells: a time that comes, or a hold that may have passed unseen.

import { ended } from '../migration/record.ts';
import type { BlockReason } from '../planner/reasons.ts';
import { inWindow } from '../policy/window.ts';
import { coolDowns } from './back-off.ts';
import type { Decided } from './decision.ts';

/** What holds a move and changes without any watch telling: asked again well before the next sweep. */
const UNWATCHED: ReadonlySet<string> = new Set<BlockReason>(['WebhookNotReady', 'SnapshotInProgress', 'BudgetUsedUp', 'HealthQueryUnmet']);
const UNWATCHED_EVERY_MS = 15_000;
/** Timers end after 24.8 days, and the next window may open in a year: what is due later is looked at once a day. */
const LONGEST_MS = 86_400_000;
/** At the very moment a hold that ends then may still be one. */
const JUST_AFTER_MS = 10;

type Look = Pick<Decided, 'policy' | 'holdings' | 'records' | 'turn' | 'plan'>;

/** Undefined: a watch or the sweep is soon enough; while something is under way, its end wakes the set. */
export function nextLook(look: Look, { nowMs, coolDownMs }: { nowMs: number; coolDownMs: number }): { afterMs: number } | undefined {
  if (look.records.some((record) => !ended(record))) return undefined;
  const times = [...look.holdings.map(({ untilMs }) => untilMs), ...windowTimes(look, nowMs), ...coolDownTimes(look, { nowMs, coolDownMs })];
  const waits = times.map((atMs) => Math.max(0, atMs - nowMs) + JUST_AFTER_MS);
  if (holds(look, UNWATCHED)) waits.push(UNWATCHED_EVERY_MS);
  return waits.length === 0 ? undefined : { afterMs: Math.min(LONGEST_MS, ...waits) };
}

function holds({ turn }: Look, reasons: ReadonlySet<string>): boolean {
  return turn.blocked.some(({ reason }) => reasons.has(reason));
}

const BY_WINDOWS: ReadonlySet<string> = new Set<BlockReason>(['OutsideWindow', 'WindowClosesSoon']);

/** When the next window opens, or this one closes, which is when the next one shows. */
function windowTimes(look: Look, nowMs: number): number[] {
  if (!holds(look, BY_WINDOWS)) return [];
  const state = inWindow(look.policy.windows, nowMs);
  const atMs = state.open ? state.until : state.next;
  return atMs === undefined ? [] : [atMs];
}

const BY_COOL_DOWN: ReadonlySet<string> = new Set<BlockReason>(['CoolDown']);

function coolDownTimes(look: Look, { nowMs, coolDownMs }: { nowMs: number; coolDownMs: number }): number[] {
  const waits = look.plan.unsatisfied?.reason === 'CoolDown' || holds(look, BY_COOL_DOWN);
  return waits ? coolDowns(look.records, coolDownMs, nowMs).map(({ untilMs }) => untilMs) : [];
}
