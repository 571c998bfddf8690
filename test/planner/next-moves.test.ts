import { describe, expect, it } from 'vitest';
import { buildLayout } from '../../src/layout/layout.ts';
import type { GuardContext } from '../../src/planner/guards/guard.ts';
import { nextMoves, type Turn, type TurnInputs } from '../../src/planner/next-moves.ts';
import { plan, type Plan, type PlanInputs } from '../../src/planner/plan.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { idleDisk } from '../builders/cloud.ts';
import { NOW_MS } from '../builders/kubernetes.ts';
import { policy, zones } from '../builders/policy.ts';
import { spreadSet, type MutableInputs } from '../builders/spread-set.ts';

const calm: GuardContext = { inFlight: [], budget: () => undefined, webhook: { ready: true, message: '' } };

interface Case {
  policy?: Partial<Policy>;
  context?: Partial<GuardContext>;
  planning?: Partial<PlanInputs>;
  approved?: TurnInputs['approved'];
}

function turn(inputs: MutableInputs, changes: Case = {}): Turn & { plan: Plan } {
  const layout = buildLayout(inputs);
  const rules = policy(changes.policy);
  const planned = plan({ layout, policy: rules, nowMs: NOW_MS, ...changes.planning });
  return { plan: planned, ...nextMoves({ plan: planned, layout, policy: rules, nowMs: NOW_MS, context: { ...calm, ...changes.context }, ...(changes.approved === undefined ? {} : { approved: changes.approved }) }) };
}

function ordinals(moves: { ordinal: number }[]): number[] {
  return moves.map(({ ordinal }) => ordinal);
}

const sixInA = (options: Partial<Parameters<typeof spreadSet>[0]> = {}): MutableInputs => spreadSet({ zones: ['a', 'a', 'a', 'a', 'a', 'a'], ...options });

describe('the next moves', () => {
  it('are one at a time, the highest ordinal first; the others wait and are not blocked', () => {
    const { start, waiting, blocked } = turn(sixInA());
    expect(ordinals(start)).toEqual([5]);
    expect(ordinals(waiting)).toEqual([4, 3, 2]);
    expect(blocked).toEqual([]);
  });

  it('are as many as max-unavailable allows, those under way included', () => {
    const inputs = sixInA({ podManagementPolicy: 'Parallel' });
    expect(ordinals(turn(inputs, { policy: { maxUnavailable: 3 } }).start)).toEqual([5, 4, 3]);
    const underWay = { context: { inFlight: [{ ordinal: 5 }] }, planning: { inFlight: new Map([[5, 'b']]) } };
    expect(ordinals(turn(inputs, { policy: { maxUnavailable: 3 }, ...underWay }).start)).toEqual([4, 3]);
    expect(ordinals(turn(inputs, underWay).waiting)).toEqual([4, 3, 2]);
  });

  it('are none when nothing is planned', () => {
    expect(turn(spreadSet({ zones: ['a', 'b', 'c'] }))).toMatchObject({ start: [], waiting: [], blocked: [] });
  });

  it('pass over an ordinal that is held for the moment, and say by what', () => {
    const inputs = sixInA();
    inputs.claims.find(({ metadata }) => metadata.name === 'data-web-5')!.spec.resources!.requests!['storage'] = '40Gi';
    const { start, blocked } = turn(inputs);
    expect(ordinals(start)).toEqual([4]);
    expect(blocked).toEqual([{ reason: 'ResizePending', ordinal: 5, message: expect.stringContaining('data-web-5') }]);
  });

  it('begin with the pod that is down anyway, when its disk is idle', () => {
    const inputs = sixInA();
    const down = inputs.pods[3]!;
    down.status = { phase: 'Pending' };
    delete down.spec.nodeName;
    inputs.disks.set('d-data-web-3', idleDisk({ id: 'd-data-web-3' }));
    const { start, waiting, blocked } = turn(inputs);
    expect(ordinals(start)).toEqual([3]);
    expect(ordinals(waiting)).toEqual([2]);
    expect(blocked).toEqual([{ reason: 'TooManyUnavailable', message: expect.stringContaining('web-3') }]);
  });

  it('say once what is about the whole set', () => {
    const { start, blocked } = turn(sixInA(), { policy: { paused: true }, context: { webhook: { ready: false, message: 'the webhook does not answer' } } });
    expect(start).toEqual([]);
    expect(blocked).toEqual([
      { reason: 'Paused', message: expect.any(String) },
      { reason: 'WebhookNotReady', message: 'the webhook does not answer' },
    ]);
  });

  it('tell the budget which moves start in the same turn', () => {
    const asked: string[] = [];
    const { start } = turn(sixInA({ podManagementPolicy: 'Parallel' }), {
      policy: { maxUnavailable: 4 },
      context: { budget: ({ from, to }, startedNow) => (asked.push(`${from}→${to} after ${startedNow.length}`), startedNow.length >= 2 ? 'two at a time' : undefined) },
    });
    expect(ordinals(start)).toEqual([5, 4]);
    expect(asked.slice(0, 3)).toEqual(['a→b after 0', 'a→c after 1', 'a→b after 2']);
  });

  it('keep the move-last pod until all others are done, but not for those that are stuck', () => {
    const inputs = spreadSet({ zones: ['z', 'z'], podManagementPolicy: 'Parallel', podLabels: (ordinal) => (ordinal === 1 ? { role: 'primary' } : {}) });
    const moveLast = { moveLast: 'role=primary', maxUnavailable: 2 };
    const first = turn(inputs, { policy: moveLast });
    expect([ordinals(first.start), ordinals(first.waiting)]).toEqual([[0], [1]]);
    const later = turn(inputs, { policy: moveLast, context: { inFlight: [{ ordinal: 0 }] }, planning: { inFlight: new Map([[0, 'a']]) } });
    expect([ordinals(later.start), ordinals(later.waiting)]).toEqual([[], [1]]);
    inputs.claims[0]!.spec.resources!.requests!['storage'] = '40Gi';
    expect(ordinals(turn(inputs, { policy: moveLast }).start)).toEqual([1]);
  });

  it('report the ordinals for which the plan found no way', () => {
    const inputs = spreadSet({ zones: ['z', 'a'] });
    inputs.disks.get('d-data-web-0')!.prepaid = true;
    const { start, blocked } = turn(inputs);
    expect(start).toEqual([]);
    expect(blocked).toEqual([{ reason: 'DiskPrepaid', ordinal: 0, message: expect.stringContaining('d-data-web-0') }]);
  });
});

describe('mode disabled', () => {
  it('starts nothing and says what it would do', () => {
    expect(turn(sixInA(), { policy: { mode: 'disabled' } })).toMatchObject({ start: [], waiting: [], blocked: [{ reason: 'Disabled', message: expect.stringContaining('4 moves are planned') }] });
    expect(turn(spreadSet({ zones: ['a'] }), { policy: { mode: 'disabled' } }).blocked).toEqual([]);
  });
});

describe('mode plan', () => {
  it('starts nothing without approval, and gives the digest to approve', () => {
    const { start, blocked, plan: planned, approval } = turn(sixInA(), { policy: { mode: 'plan' } });
    expect(start).toEqual([]);
    expect(approval).toBeUndefined();
    expect(blocked).toEqual([{ reason: 'ApprovalNeeded', message: `zonespread.io/mode is "plan" and 4 of 4 moves are not approved (web-5 from a to b, web-4 from a to c, web-3 from a to b, web-2 from a to c); look at the plan, then set zonespread.io/approve: "${planned.digest}"` }]);
  });

  it('runs the plan whose digest is approved, and gives the list to freeze', () => {
    const { digest } = turn(sixInA()).plan;
    const { start, waiting, blocked, approval } = turn(sixInA(), { policy: { mode: 'plan', approve: digest } });
    expect([ordinals(start), ordinals(waiting), blocked]).toEqual([[5], [4, 3, 2], []]);
    expect(approval).toEqual({
      digest,
      moves: [
        { ordinal: 5, from: 'a', to: 'b' },
        { ordinal: 4, from: 'a', to: 'c' },
        { ordinal: 3, from: 'a', to: 'b' },
        { ordinal: 2, from: 'a', to: 'c' },
      ],
    });
  });

  it('goes on with the frozen list as long as the plan of the day wants its moves; anything new needs approval', () => {
    const frozen = { digest: 'f'.repeat(64), moves: [{ ordinal: 5, from: 'a', to: 'b' }, { ordinal: 4, from: 'a', to: 'z' }, { ordinal: 0, from: 'a', to: 'c' }] };
    const { start, waiting, blocked, approval } = turn(sixInA(), { policy: { mode: 'plan', approve: frozen.digest }, approved: frozen });
    expect([ordinals(start), ordinals(waiting)]).toEqual([[5], []]);
    expect(approval).toBe(frozen);
    expect(blocked).toEqual([{ reason: 'ApprovalNeeded', message: expect.stringContaining('3 of 4 moves are not approved (web-4 from a to c, web-3 from a to b, web-2 from a to c); ffff') }]);
  });

  it('an approval of another day is none, and the message says so', () => {
    const { start, blocked } = turn(sixInA(), { policy: { mode: 'plan', approve: '0'.repeat(64) } });
    expect(start).toEqual([]);
    expect(blocked).toMatchObject([{ reason: 'ApprovalNeeded', message: expect.stringContaining('approves none of them') }]);
  });

  it('needs no approval for nothing', () => {
    expect(turn(spreadSet({ zones: ['a', 'b'] }), { policy: { mode: 'plan', ...zones('a,b') } }).blocked).toEqual([]);
  });
});
