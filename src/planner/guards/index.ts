// All guards in their order, and the two questions that are asked of them.

import { ordinalIn, volumesToMove, type Layout } from '../../layout/layout.ts';
import { podNameOf } from '../../layout/names.ts';
import type { Rules } from '../../policy/policy.ts';
import type { Blocked, BlockReason } from '../reasons.ts';
import { CLAIM_GUARDS } from './claim-guards.ts';
import { DISK_GUARDS } from './disk-guards.ts';
import type { Guard, GuardContext, Proposal } from './guard.ts';
import { LANDING_GUARDS } from './landing-guards.ts';
import { POD_GUARDS } from './pod-guards.ts';
import { SET_GUARDS } from './set-guards.ts';
import { TURN_GUARDS } from './turn-guards.ts';
import { VOLUME_GUARDS } from './volume-guards.ts';

export const GUARDS: readonly Guard[] = [...SET_GUARDS, ...POD_GUARDS, ...CLAIM_GUARDS, ...VOLUME_GUARDS, ...DISK_GUARDS, ...LANDING_GUARDS, ...TURN_GUARDS];

const LASTING = GUARDS.filter(({ lasting }) => lasting === true);

export interface ProposedMove {
  layout: Layout;
  rules: Rules;
  ordinal: number;
  targetZone: string;
  nowMs: number;
  context: GuardContext;
}

/** Everything that holds the move, in a fixed order; empty when it may start. */
export function checkGuards(move: ProposedMove): Blocked[] {
  const proposal = proposalOf(move, { siblingsMayMove: false });
  if (proposal !== undefined) return violations(GUARDS, proposal);
  const { name, start, replicas } = move.layout.set;
  return [
    {
      reason: 'OrdinalNotFound',
      ordinal: move.ordinal,
      message: `StatefulSet ${name} has no ordinal ${move.ordinal}: it has ${replicas === 0 ? 'none' : `${podNameOf(name, start)} to ${podNameOf(name, start + replicas - 1)}`}; scale it up first, or name another`,
    },
  ];
}

/** Whether this one guard holds the move, the others unasked. */
export function isHeldBy(reason: BlockReason, move: ProposedMove): boolean {
  const proposal = proposalOf(move, { siblingsMayMove: false });
  return proposal !== undefined && GUARDS.some((guard) => guard.reason === reason && guard.check(proposal) !== undefined);
}

/** What holds the ordinal for as long as nobody changes its volumes or the zone: the plan does without such a move. */
export function lastingHold(move: ProposedMove): Blocked | undefined {
  const proposal = proposalOf(move, { siblingsMayMove: true });
  return proposal === undefined ? undefined : violations(LASTING, proposal)[0];
}

function proposalOf({ layout, rules, ordinal, targetZone, nowMs, context }: ProposedMove, outlook: Pick<Proposal, 'siblingsMayMove'>): Proposal | undefined {
  const facts = ordinalIn(layout, ordinal);
  return facts === undefined ? undefined : { layout, rules, ordinal: facts, zone: targetZone, volumes: volumesToMove(facts, targetZone), nowMs, context, ...outlook };
}

function violations(guards: readonly Guard[], proposal: Proposal): Blocked[] {
  return guards.flatMap(({ reason, scope, check }) => {
    const message = check(proposal);
    if (message === undefined) return [];
    return [scope === 'set' ? { reason, message } : { reason, message, ordinal: proposal.ordinal.ordinal }];
  });
}
