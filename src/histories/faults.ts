// What goes wrong in a history, by name. A fault is in force for a window of time; when it ends it heals.

import type { HttpRequest } from '../ports/http.ts';
import type { Random } from '../ports/random.ts';
import type { Fault as ApiFault } from '../simulation/apiserver/faults.ts';
import { API_FAULTS } from './faults/api.ts';
import { CLOUD_FAULTS } from './faults/cloud.ts';
import { CONTROL_PLANE_FAULTS } from './faults/control-plane.ts';
import { NODE_FAULTS } from './faults/nodes.ts';
import { PROCESS_FAULTS } from './faults/processes.ts';
import { WATCH_FAULTS } from './faults/watches.ts';
import { WEBHOOK_FAULTS } from './faults/webhook.ts';
import type { FaultPlan } from './plan.ts';
import type { HistoryWorld } from './world.ts';

export interface FaultKind {
  /** What happens to this request of one of our processes; asked only for the share of requests that `chance` says. Whoever asks counts. */
  api?(request: HttpRequest, random: Random, world: HistoryWorld): ApiFault | undefined;
  /** When the window opens; counts in `world.coverage` each time it strikes. @returns what heals it. */
  begin?(world: HistoryWorld, fault: FaultPlan): () => void | Promise<void>;
  /** The range that `chance` of a plan is drawn from, small as often as large. */
  chance: readonly [least: number, most: number];
}

export const FAULTS: Record<string, FaultKind> = {
  ...API_FAULTS,
  ...WATCH_FAULTS,
  ...CONTROL_PLANE_FAULTS,
  ...WEBHOOK_FAULTS,
  ...PROCESS_FAULTS,
  ...CLOUD_FAULTS,
  ...NODE_FAULTS,
};
