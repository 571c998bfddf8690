// A history before it is played: the world, the policies, the faults and what people do in it, drawn from a seed, as plain data. What is
// plain data can be printed, cut smaller and played again.

import type { Span } from '../simulation/controllers/pace.ts';

/** Times are virtual ms; `at` counts from the moment when the set is annotated. */
export interface HistoryPlan {
  seed: number;
  cluster: ClusterPlan;
  sets: SetPlan[];
  product: ProductPlan;
  /** In force from `from` to `to`; all of them end with the safety phase. */
  faults: FaultPlan[];
  /** What people, and Kubernetes in a bad mood, do; in order of time. */
  acts: ActPlan[];
  /** How long the trouble lasts; then everything heals and has to come to rest. */
  troubleMs: number;
}

export interface ClusterPlan {
  kubernetes: '1.30' | '1.36';
  /** How many; named cn-test-a, -b … */
  zones: number;
  nodesPerZone: number;
  pace: { watch: Span; reconcile: Span; request: Span };
  cloud: { createDiskMs: number; attachMs: number; detachMs: number; snapshotAvailableMs: number; snapshotUploadMs: number; callMs: number; tagVisibilityLagMs: number; listVisibilityLagMs: number };
  kubelet: { bootMs: number; readyMs: number; stopMs: number; unmountMs: number; writeMs: number };
  detachingSnapshots: 'refused' | 'inconsistent';
}

export interface SetPlan {
  name: string;
  replicas: number;
  start: number;
  /** Volume claim templates. */
  templates: string[];
  binding: 'WaitForFirstConsumer' | 'Immediate';
  reclaim: 'Delete' | 'Retain';
  podManagement: 'OrderedReady' | 'Parallel';
  update: 'RollingUpdate' | 'OnDelete';
  claimRetention: { whenDeleted: 'Retain' | 'Delete'; whenScaled: 'Retain' | 'Delete' };
  /** minAvailable = replicas − this; undefined: no budget. */
  mayBeDown: number | undefined;
  /** Annotations, keys without prefix. All but `zones` are there before. */
  policy: Record<string, string>;
}

export interface ProductPlan {
  /** How many daemons run at once: more than one contend for the lease. */
  daemons: number;
  /** Of each daemon's clock beside the cluster's. */
  clockRates: number[];
  sweep: string;
  stepTimeoutMs: number;
  coolDownMs: number;
  atOnce: number;
  lease: { durationMs: number; retryMs: number };
}

/** One kind of trouble; `name` is a key of FAULTS (faults.ts), `chance` per request or per tick. */
export interface FaultPlan {
  name: string;
  from: number;
  to: number;
  chance: number;
}

/** One act; `name` is a key of ACTS (acts.ts). `lot` in [0, 1) decides whatever is left to be chosen: set, ordinal, moment within the step. */
export interface ActPlan {
  name: string;
  at: number;
  lot: number;
}
