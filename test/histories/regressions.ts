// Plans of histories that broke once, made small, each with what it was. They are plans and not seeds: what a seed draws changes.

import type { ActPlan, FaultPlan, HistoryPlan, SetPlan } from '../../src/histories/plan.ts';
import { CALM } from '../../src/simulation/controllers/pace.ts';

export interface Regression {
  was: string;
  plan: HistoryPlan;
}

const SET: SetPlan = {
  name: 'web',
  replicas: 1,
  start: 0,
  templates: ['data'],
  binding: 'WaitForFirstConsumer',
  reclaim: 'Delete',
  podManagement: 'Parallel',
  update: 'RollingUpdate',
  claimRetention: { whenDeleted: 'Retain', whenScaled: 'Retain' },
  mayBeDown: undefined,
  policy: { zones: 'cn-test-b', 'ready-timeout': '20s', 'health-duration': '2s', 'source-retention': '20s', 'snapshot-retention': '20s' },
};

/** One pod that has to go from the first zone to the second, and nothing that goes wrong. */
export function smallPlan(changes: { set?: Partial<SetPlan>; policy?: Record<string, string>; faults?: FaultPlan[]; acts?: ActPlan[] } & Partial<Pick<HistoryPlan, 'seed' | 'troubleMs' | 'product' | 'cluster'>>): HistoryPlan {
  const { set = {}, policy = {}, ...rest } = changes;
  return {
    seed: 1,
    cluster: {
      kubernetes: '1.36',
      zones: 2,
      nodesPerZone: 1,
      pace: CALM,
      cloud: { createDiskMs: 500, attachMs: 500, detachMs: 500, snapshotAvailableMs: 500, snapshotUploadMs: 5_000, callMs: 10, tagVisibilityLagMs: 0, listVisibilityLagMs: 0 },
      kubelet: { bootMs: 100, readyMs: 100, stopMs: 100, unmountMs: 100, writeMs: 2_000 },
      detachingSnapshots: 'refused',
    },
    sets: [{ ...SET, ...set, policy: { ...SET.policy, ...policy } }],
    product: { daemons: 1, clockRates: [1], sweep: '*/20 * * * * *', stepTimeoutMs: 60_000, coolDownMs: 0, atOnce: 1, lease: { durationMs: 15_000, retryMs: 2_000 } },
    faults: [],
    acts: [],
    troubleMs: 60_000,
    ...rest,
  };
}

export const REGRESSIONS: readonly Regression[] = [
  {
    was: 'a Frozen move that a person released kept its finalizer for ever, although nothing was left to be done for it',
    plan: smallPlan({ faults: [{ name: 'pod never ready', from: 0, to: 120_000, chance: 1 }], acts: [{ name: 'ask to release', at: 1_000, lot: 0.5 }], troubleMs: 120_000 }),
  },
  {
    was: 'a status that a person wrote over the guard, Succeeded without saying when, threw in every report of the set',
    plan: smallPlan({ set: { replicas: 2 }, acts: [{ name: 'delete the webhook configurations', at: 500, lot: 0.01 }, { name: "write a record's status", at: 600, lot: 0.5 }], troubleMs: 30_000 }),
  },
  {
    was: 'a move whose taking back was taken back itself stayed Frozen, while its new disk was retired as the source of that one',
    plan: smallPlan({ policy: { 'health-duration': '15s' }, acts: [{ name: 'ask to reverse', at: 1_000, lot: 0.5 }, { name: 'ask to reverse', at: 9_000, lot: 0.3 }] }),
  },
];
