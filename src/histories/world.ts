// The world of one history: cluster, sets and product as its plan has them, and the books that are kept of everything that happens there.

import type { EmbeddedCluster } from '../embedded/cluster.ts';
import type { EmbeddedDaemon } from '../embedded/daemon.ts';
import type { EmbeddedWebhook } from '../embedded/webhook.ts';
import type { EcsAction, EcsParameters } from '../ports/ecs-call.ts';
import type { Random } from '../ports/random.ts';
import type { RequestRecord, StoreEvent } from '../simulation/apiserver/contract.ts';
import type { SimulatedCluster } from '../simulation/cluster.ts';
import type { HistoryEntry } from '../simulation/ecs/records.ts';
import type { Coverage } from './coverage.ts';
import type { HistoryPlan, SetPlan } from './plan.ts';
import type { Switches } from './switches.ts';
import type { Trace } from './trace.ts';

export const NAMESPACE = 'shop';

export interface HistoryWorld {
  readonly plan: HistoryPlan;
  readonly embedded: EmbeddedCluster;
  readonly simulated: SimulatedCluster;
  readonly switches: Switches;
  /** For whatever is decided while the history runs. */
  readonly random: Random;
  readonly trace: Trace;
  readonly coverage: Coverage;
  /** UID of kube-system. */
  readonly clusterUID: string;
  /** Daemons that run now, in order of their start. */
  readonly daemons: readonly EmbeddedDaemon[];
  /** True while faults and acts go on. */
  readonly troubled: boolean;
  /** What people did on purpose that excuses what would be wrong without it: `set deleted: web`, `record web-1-x: released` … */
  readonly excuses: Set<string>;
  setPlan(name: string): SetPlan | undefined;
  /** Starts one more; it is started again 1–10 s after an end that nobody wished. */
  startDaemon(): EmbeddedDaemon;
  /** In place of the one that may run. */
  startWebhook(): EmbeddedWebhook;
}

/** A call of one of our daemons to the cloud, before it is carried out, and (unless it was killed first) what it was told. */
export interface CloudCall {
  daemon: number;
  /** Of the lease that this daemon holds, or has held. */
  epoch?: number | undefined;
  action: EcsAction;
  parameters: EcsParameters;
}

/**
 * One thing that must always hold. The functions are called in the very turn of what they are told of, and look straight at the truth
 * (`simulated.server.read`, `simulated.ecs.disk`, `simulated.records`); what they give back is what is wrong, in words that name the objects.
 */
export interface Invariant {
  /** `I1` … `I9` of the design, with a word or two: `I3 one disk attached`. */
  readonly name: string;
  onStore?(event: StoreEvent): string | undefined;
  onCloud?(entry: HistoryEntry): string | undefined;
  /** Before the call leaves the daemon. */
  onCall?(call: CloudCall): string | undefined;
  /** Answered requests of anybody. */
  onRequest?(request: RequestRecord): string | undefined;
  /** When everything has healed, come to rest, and retentions have passed. */
  atRest?(): string | undefined;
}

export type InvariantOf = (world: HistoryWorld) => Invariant;

/** Ends the history. */
export class Broken extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'Broken';
    this.invariant = invariant;
  }
}
