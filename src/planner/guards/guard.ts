// What a guard is: a tiny question, named for the violation, that answers with the message for people, or with nothing.

import type { Layout, OrdinalFacts } from '../../layout/layout.ts';
import type { VolumeFacts } from '../../layout/volumes.ts';
import type { Rules } from '../../policy/policy.ts';
import type { Estimates } from '../estimate.ts';
import type { BlockReason } from '../reasons.ts';

export interface Guard {
  reason: BlockReason;
  /** `set`: it says the same of every ordinal. */
  scope: 'set' | 'ordinal';
  /** It lies in the ordinal's own volumes, and waiting does not help: the plan then looks for another ordinal. */
  lasting?: true;
  check: (proposal: Proposal) => string | undefined;
}

/** One ordinal, into one zone, now. */
export interface Proposal {
  layout: Layout;
  rules: Rules;
  ordinal: OrdinalFacts;
  zone: string;
  /** Those that would be copied. */
  volumes: readonly VolumeFacts[];
  nowMs: number;
  context: GuardContext;
  /** It is asked for a plan, which moves the set's other pods, too: where they are now is not where they will be. */
  siblingsMayMove: boolean;
}

export interface Relocation {
  from: string;
  to: string;
}

/** What is not in layout or policy. */
export interface GuardContext {
  /** Migrations of this set under way; of a Frozen one nobody will mend by itself what its pod waits for. */
  inFlight: readonly { ordinal: number; frozen?: boolean }[];
  /** Why the cluster's budgets have no room for one more of this kind after those that start in the same turn; undefined when they have. */
  budget: (move: Relocation, startedNow: readonly Relocation[]) => string | undefined;
  /** Moves of the set that start in the same turn, before this one. */
  startedNow?: readonly Relocation[];
  webhook: { ready: boolean; message: string };
  /** How long moves take; absent: as nothing was measured yet. */
  estimates?: Estimates;
  /** Until when an ordinal that has moved stays where it is, milliseconds since the epoch. */
  recentMoves?: ReadonlyMap<number, number>;
  /** Ordinals whose last moves failed and that wait before the next try, with the message for people. */
  backOffs?: ReadonlyMap<number, string>;
  /** Zones that take nothing at the moment, each with its reason: sold out, being evacuated. */
  unusableZones?: ReadonlyMap<string, string>;
  /** Where only room is wanting a node will be made for a pod that waits for one. */
  nodesMayCome?: boolean;
  /** Why the set's health query does not let a move start. */
  unhealthy?: string;
  /** What the cloud said when the account had no room for another snapshot. */
  snapshotQuotaFull?: string;
  /** Pairs of ordinal and zone that somebody else excludes, with the reason. */
  forbidden?: (ordinal: number, zone: string) => string | undefined;
}

/** The same of every ordinal of a layout, which never changes: looked for once, however many moves are proposed on it. */
export function onceFor<T extends object>(find: (layout: Layout) => T): (layout: Layout) => T {
  const found = new WeakMap<Layout, T>();
  return (layout) => {
    const known = found.get(layout) ?? find(layout);
    found.set(layout, known);
    return known;
  };
}

/** The first message that a list of things gives rise to. */
export function firstProblem<T>(items: readonly T[], problem: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const message = problem(item);
    if (message !== undefined) return message;
  }
  return undefined;
}
