// Every case of a move that is held, in the order of the planner's reasons.

import type { SimulatedWorld } from '../../simulated-world.ts';
import * as disks from './by-disks.ts';
import * as moment from './by-the-moment.ts';
import * as set from './by-the-set.ts';
import * as volumes from './by-volumes.ts';
import * as zones from './by-zones.ts';
import type { HeldCase } from './holding.ts';

/** Those in which Kubernetes itself has a say: budgets, taints, room on nodes; and what people do every day. */
export const HELD_ON_BOTH: HeldCase[] = [
  set.DISRUPTION_BUDGET_EXHAUSTED,
  set.REVISION_WOULD_CHANGE,
  zones.NODE_TAINTED,
  zones.NODE_FULL,
  moment.APPROVAL_NEEDED,
  moment.PAUSED,
  moment.OUTSIDE_WINDOW,
];

export const HELD_IN_SIMULATION: HeldCase<SimulatedWorld>[] = [
  set.GENERATION_NOT_OBSERVED,
  set.OWNED_BY_OPERATOR,
  set.SCALE_UNDER_WAY,
  set.POD_NOT_READY,
  set.TOO_MANY_UNAVAILABLE,
  set.REVISION_WOULD_CHANGE,
  set.DISRUPTION_BUDGET_EXHAUSTED,
  set.SEVERAL_DISRUPTION_BUDGETS,
  volumes.CLAIM_NOT_BOUND,
  volumes.MANAGED_BY_GITOPS,
  volumes.CLAIM_HAS_FINALIZERS,
  volumes.CLAIM_USED_BY_OTHER_POD,
  volumes.RESIZE_PENDING,
  volumes.UNKNOWN_AFFINITY,
  volumes.VOLUME_PINS_ZONE,
  volumes.SEVERAL_VOLUMES_PER_HANDLE,
  disks.DISK_NOT_MOVABLE,
  disks.DISK_LOCKED,
  disks.DISK_PREPAID,
  disks.DISK_SUPERSEDED,
  disks.DISK_NEVER_ATTACHED,
  disks.TAG_SLOTS_EXHAUSTED,
  disks.SLOW_SNAPSHOTS,
  disks.DOWNTIME_TOO_LONG,
  disks.SNAPSHOT_IN_PROGRESS,
  disks.SNAPSHOT_QUOTA_FULL,
  zones.TEMPLATE_PINS_ZONE,
  zones.NODE_CORDONED,
  zones.NODE_TAINTED,
  zones.NODE_FULL,
  zones.ZONE_SOLD_OUT,
  moment.DISABLED,
  moment.APPROVAL_NEEDED,
  moment.PAUSED,
  moment.OUTSIDE_WINDOW,
  moment.HEALTH_QUERY_UNMET,
  moment.PROMETHEUS_UNREACHABLE,
  moment.WEBHOOK_NOT_READY,
];
