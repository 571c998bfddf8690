// Mode `plan`: a person approves a plan by its digest. From then on that list is frozen: a move runs while it is on the list and the plan
// of the day still wants it; anything new needs a new approval.

import type { Policy } from '../policy/policy.ts';
import type { Plan, PlannedMove } from './plan.ts';

export interface Approval {
  digest: string;
  moves: readonly Pick<PlannedMove, 'ordinal' | 'from' | 'to'>[];
}

/** The list that the annotation approves: the one that was frozen under this digest, or the plan of the day. Undefined when it is neither. */
export function approvalOf(policy: Policy, plan: Plan, frozen?: Approval): Approval | undefined {
  if (policy.approve === undefined) return undefined;
  if (frozen?.digest === policy.approve) return frozen;
  if (plan.digest !== policy.approve) return undefined;
  return { digest: plan.digest, moves: plan.moves.map(({ ordinal, from, to }) => ({ ordinal, from, to })) };
}

/** Those of the plan of the day that are on the approved list. */
export function approvedOf(moves: readonly PlannedMove[], approval: Approval | undefined): PlannedMove[] {
  const approved = new Set(approval?.moves.map(keyOf));
  return moves.filter((move) => approved.has(keyOf(move)));
}

function keyOf({ ordinal, from, to }: Approval['moves'][number]): string {
  return `${ordinal} ${from} ${to}`;
}
