// Makes a failing history smaller: takes away one thing after the other for as long as the same invariant still breaks.

import { CALM } from '../simulation/controllers/pace.ts';
import type { HistoryPlan, SetPlan } from './plan.ts';

export interface Shrunk {
  plan: HistoryPlan;
  /** How many histories were played for it. */
  played: number;
}

export interface ShrinkOptions {
  /** Whether it still fails in the same way. */
  fails: (plan: HistoryPlan) => Promise<boolean>;
  /** Histories to play at most. Default 300. */
  limit?: number;
}

/** `plan` fails. Gives the smallest one found that fails too. */
export async function shrink(plan: HistoryPlan, { fails, limit = 300 }: ShrinkOptions): Promise<Shrunk> {
  let [smallest, played, smaller] = [plan, 0, true];
  while (smaller && played < limit) {
    smaller = false;
    for (const candidate of candidatesOf(smallest)) {
      if (played >= limit) break;
      played += 1;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      smaller = true;
      break;
    }
  }
  return { plan: smallest, played };
}

/** Each a little less than the plan; what takes away most comes first. */
function* candidatesOf(plan: HistoryPlan): Generator<HistoryPlan> {
  yield* fewer(plan.faults).map((faults) => ({ ...plan, faults }));
  yield* fewer(plan.acts).map((acts) => ({ ...plan, acts }));
  yield* fewer(plan.sets).filter(({ length }) => length > 0).map((sets) => ({ ...plan, sets }));
  for (const [index, set] of plan.sets.entries()) for (const simpler of simplerSets(set)) yield { ...plan, sets: plan.sets.with(index, simpler) };
  if (plan.product.daemons > 1) yield { ...plan, product: { ...plan.product, daemons: 1 } };
  if (plan.product.clockRates.some((rate) => rate !== 1)) yield { ...plan, product: { ...plan.product, clockRates: [1] } };
  if (plan.cluster.pace !== CALM) yield { ...plan, cluster: { ...plan.cluster, pace: CALM } };
  if (plan.cluster.nodesPerZone > 1) yield { ...plan, cluster: { ...plan.cluster, nodesPerZone: 1 } };
  if (plan.cluster.zones > 2) yield { ...plan, cluster: { ...plan.cluster, zones: plan.cluster.zones - 1 } };
}

/** Halves first, then without each. */
function fewer<T>(all: readonly T[]): T[][] {
  if (all.length === 0) return [];
  const middle = Math.ceil(all.length / 2);
  const halves = all.length > 3 ? [all.slice(0, middle), all.slice(middle)] : [];
  return [...(all.length > 1 ? [[]] : []), ...halves, ...all.map((_, index) => all.toSpliced(index, 1))];
}

function* simplerSets(set: SetPlan): Generator<SetPlan> {
  if (set.replicas > 1) yield { ...set, replicas: set.replicas - 1 };
  if (set.templates.length > 1) yield { ...set, templates: set.templates.slice(0, 1) };
  if (set.start > 0) yield { ...set, start: 0 };
  if (set.mayBeDown !== undefined) yield { ...set, mayBeDown: undefined };
  for (const key of Object.keys(set.policy)) {
    if (key === 'zones') continue;
    const { [key]: _gone, ...policy } = set.policy;
    yield { ...set, policy };
  }
}
