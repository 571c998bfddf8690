// Which moves of a plan may start now, and why the others may not. A move that is held does not hold the next one: moving a lower ordinal
// first is safe, under OrderedReady too.

import type { Layout } from '../layout/layout.ts';
import type { Policy } from '../policy/policy.ts';
import { approvalOf, approvedOf, type Approval } from './approval.ts';
import { fewOf } from './few.ts';
import type { GuardContext } from './guards/guard.ts';
import { checkGuards, isHeldBy } from './guards/index.ts';
import type { Plan, PlannedMove } from './plan.ts';
import { isBlockReason, type Blocked } from './reasons.ts';

export interface TurnInputs {
  plan: Plan;
  layout: Layout;
  policy: Policy;
  nowMs: number;
  context: GuardContext;
  /** What was approved before and frozen then (mode `plan`). */
  approved?: Approval;
}

export interface Turn {
  /** May start now, all of them together. */
  start: PlannedMove[];
  /** Nothing is wrong with them; others of the set are being moved. */
  waiting: PlannedMove[];
  /** Those without an ordinal are about the whole set. */
  blocked: Blocked[];
  /** Mode `plan`: the list in force, to be frozen. */
  approval?: Approval;
}

export function nextMoves(inputs: TurnInputs): Turn {
  const { plan, policy } = inputs;
  if (policy.mode === 'disabled') return { start: [], waiting: [], blocked: plan.moves.length === 0 ? [] : [disabled(plan)] };
  if (policy.mode === 'auto') return turnOf(plan.moves, inputs);
  const approval = approvalOf(policy, plan, inputs.approved);
  const approved = approvedOf(plan.moves, approval);
  const turn = turnOf(approved, inputs);
  const onList = new Set(approved);
  const missing = plan.moves.filter((move) => !onList.has(move));
  const blocked = missing.length === 0 ? turn.blocked : [approvalNeeded(plan, policy, missing), ...turn.blocked];
  return { ...turn, blocked, ...(approval === undefined ? {} : { approval }) };
}

function turnOf(moves: readonly PlannedMove[], inputs: TurnInputs): Turn {
  const turn: Turn = { start: [], waiting: [], blocked: [] };
  for (const move of moves) takeTurn(move, turn, inputs);
  turn.blocked = distinct([...turn.blocked, ...heldOrdinals(inputs.plan)]);
  return turn;
}

function takeTurn(move: PlannedMove, turn: Turn, inputs: TurnInputs): void {
  const { layout, policy, nowMs, context } = inputs;
  const inFlight = [...context.inFlight, ...turn.start];
  const proposed = { layout, rules: policy, ordinal: move.ordinal, targetZone: move.to, nowMs, context: { ...context, inFlight, startedNow: turn.start } };
  if (isHeldBy('AwaitsTurn', proposed)) {
    turn.waiting.push(move); // Whatever else holds it, its turn comes first: of thousands of moves only those whose turn it is are looked at closely.
    return;
  }
  const blocked = checkGuards(proposed);
  // The move-last pod waits for those that could go before it, not for those that are stuck.
  const outOfTurn = move.moveLast && inFlight.length + turn.waiting.length > 0;
  if (outOfTurn) turn.waiting.push(move);
  else if (blocked.length > 0) turn.blocked.push(...blocked);
  else turn.start.push(move);
}

/** Ordinals that ought to move and for which the plan found no way; while moves are left, the plan says enough. */
function heldOrdinals(plan: Plan): Blocked[] {
  if (plan.satisfied || plan.unsatisfied?.reason === 'MovesPlanned' || plan.unsatisfied?.reason === 'InFlight') return [];
  return plan.staying.flatMap(({ ordinal, reason, message }) => (isBlockReason(reason) ? [{ ordinal, reason, message }] : []));
}

/** What is about the whole set is said once. */
function distinct(blocked: readonly Blocked[]): Blocked[] {
  return [...new Map(blocked.map((one) => [`${one.reason} ${one.ordinal ?? ''} ${one.message}`, one])).values()];
}

function disabled(plan: Plan): Blocked {
  return { reason: 'Disabled', message: `${plan.moves.length} moves are planned and zonespread.io/mode is "disabled"; set it to "auto" or "plan" to go on` };
}

function approvalNeeded(plan: Plan, policy: Policy, missing: readonly PlannedMove[]): Blocked {
  const stale = policy.approve === undefined || policy.approve === plan.digest ? '' : `; ${policy.approve} approves ${missing.length === plan.moves.length ? 'none of them' : 'the others'}`;
  return { reason: 'ApprovalNeeded', message: `zonespread.io/mode is "plan" and ${missing.length} of ${plan.moves.length} moves are not approved (${fewOf(missing.map(({ podName, from, to }) => `${podName} from ${from} to ${to}`))})${stale}; look at the plan, then set zonespread.io/approve: "${plan.digest}"` };
}

