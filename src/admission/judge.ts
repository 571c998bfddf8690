// All the rules that a review concerns, together: the first refusal wins, patches and warnings add up. A rule that throws is no reason to
// stop a create; it is one to leave alone what is in flight.

import { deny, type Allow, type Decision } from './decision.ts';
import type { Review } from './review.ts';
import { claim } from './rules/claim.ts';
import { evacuation } from './rules/evacuation.ts';
import { gate } from './rules/gate.ts';
import { handMade } from './rules/hand-made.ts';
import { migration } from './rules/migration.ts';
import { namespace } from './rules/namespace.ts';
import { policy } from './rules/policy.ts';
import type { Rule, World } from './rules/rule.ts';
import { scale } from './rules/scale.ts';
import { set } from './rules/set.ts';
import { status } from './rules/status.ts';
import { steer } from './rules/steer.ts';
import { volume } from './rules/volume.ts';

export const MUTATING: readonly Rule[] = [gate, steer];
export const VALIDATING: readonly Rule[] = [set, scale, claim, volume, migration, status, namespace, handMade, evacuation, policy];

export interface Judgement {
  decision: Decision;
  /** Rules that threw, with what they threw. */
  failures: { rule: string; error: unknown }[];
}

export function judge(rules: readonly Rule[], review: Review, world: World): Judgement {
  const failures: Judgement['failures'] = [];
  const decisions: Decision[] = [];
  for (const rule of rules) {
    try {
      const decision = rule.applies(review) ? rule.judge(review, world) : undefined;
      if (decision !== undefined) decisions.push(decision);
    } catch (error) {
      failures.push({ rule: rule.name, error });
      if (rule.onError === 'deny' && review.operation !== 'CREATE') decisions.push(deny(rule.name, unjudged(review, rule), 500));
    }
  }
  return { decision: together(decisions), failures };
}

function together(decisions: Decision[]): Decision {
  const refusal = decisions.find((decision) => decision.kind === 'deny');
  if (refusal !== undefined) return refusal;
  return decisions.filter((decision) => decision.kind === 'allow').reduce(add, { kind: 'allow', rule: '', patch: [], warnings: [] });
}

function add(sum: Allow, next: Allow): Allow {
  const overrides = next.overrides ?? sum.overrides;
  return {
    kind: 'allow',
    rule: sum.rule === '' ? next.rule : sum.rule,
    patch: [...sum.patch, ...next.patch],
    warnings: [...sum.warnings, ...next.warnings],
    ...(overrides === undefined ? {} : { overrides }),
  };
}

function unjudged(review: Review, rule: Rule): string {
  return `zonespread could not judge this ${review.operation} of ${review.kind.kind} ${review.name} (rule ${rule.name} failed; the webhook's log says why), and in a namespace with a move in flight what cannot be judged is refused. Try again, or wait until the move has ended`;
}
