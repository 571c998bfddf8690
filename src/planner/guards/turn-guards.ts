// Guards about the moment: nothing is wrong with the ordinal, but it is not its turn.

import { formatDuration } from '../../policy/duration.ts';
import { inWindow } from '../../policy/window.ts';
import { UNMEASURED } from '../estimate.ts';
import type { Guard, Proposal } from './guard.ts';

export const TURN_GUARDS: readonly Guard[] = [
  {
    reason: 'Paused',
    scope: 'set',
    check: ({ rules, layout }) => (rules.paused ? `StatefulSet ${layout.set.name} is paused; set zonespread.io/paused: "false" or remove the annotation to go on` : undefined),
  },
  { reason: 'OutsideWindow', scope: 'set', check: outsideWindow },
  { reason: 'WindowClosesSoon', scope: 'ordinal', check: windowClosesSoon },
  { reason: 'HealthQueryUnmet', scope: 'set', check: ({ context }) => context.unhealthy },
  { reason: 'CoolDown', scope: 'ordinal', check: coolDown },
  { reason: 'BackOff', scope: 'ordinal', check: ({ ordinal, context }) => context.backOffs?.get(ordinal.ordinal) },
  { reason: 'BudgetUsedUp', scope: 'ordinal', check: ({ ordinal, zone, context }) => context.budget({ from: ordinal.zones.join('+'), to: zone }, context.startedNow ?? []) },
  { reason: 'WebhookNotReady', scope: 'set', check: ({ context: { webhook } }) => (webhook.ready ? undefined : webhook.message) },
];

function outsideWindow({ rules, nowMs }: Proposal): string | undefined {
  const state = inWindow(rules.windows, nowMs);
  if (state.open) return undefined;
  return state.next === undefined
    ? 'no window of zonespread.io/window will ever open again; correct the annotation'
    : `outside every window of zonespread.io/window; the next one opens at ${new Date(state.next).toISOString()}`;
}

/** A move that has begun ends, window or not: one that would by estimate not be over in time does not begin. */
function windowClosesSoon({ rules, ordinal, zone, nowMs, context }: Proposal): string | undefined {
  const state = inWindow(rules.windows, nowMs);
  if (!state.open || state.until === undefined) return undefined;
  const needsMs = (context.estimates ?? UNMEASURED).of(ordinal, zone, rules).total.highMs;
  if (nowMs + needsMs <= state.until) return undefined;
  return `the move of ${ordinal.podName} is estimated at ${formatDuration(needsMs)}, and the window of zonespread.io/window closes at ${new Date(state.until).toISOString()}; it waits for the next one (a longer window helps)`;
}

function coolDown({ ordinal, nowMs, context }: Proposal): string | undefined {
  const until = context.recentMoves?.get(ordinal.ordinal);
  if (until === undefined || until <= nowMs) return undefined;
  return `${ordinal.podName} has moved only just and stays where it is until ${new Date(until).toISOString()} (flag --cool-down)`;
}
