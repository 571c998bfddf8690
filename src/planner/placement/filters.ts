// All filters, in the scheduler's order: the first that refuses a node speaks for it, and none after it is asked.

import type { Arrival } from './arrival.ts';
import { diskCategories, diskDrivers, notReady } from './disk-support.ts';
import { PASSES, type Filter, type NodeFilter } from './filter.ts';
import { hostPorts } from './host-ports.ts';
import type { Landscape } from './landscape.ts';
import { nodeAffinity } from './node-affinity.ts';
import { podAffinity } from './pod-affinity.ts';
import { resources } from './resources.ts';
import { taints, unschedulable } from './taints.ts';
import { topologySpread } from './topology-spread.ts';
import { volumeLimits } from './volume-limits.ts';
import { volumeBinding, volumeZone } from './volume-topology.ts';

const SCHEDULER: readonly Filter[] = [unschedulable, taints, nodeAffinity, hostPorts, resources, volumeLimits, volumeBinding, volumeZone, topologySpread, podAffinity];
const OURS: readonly Filter[] = [notReady, diskDrivers, diskCategories];

/** Why a node does not do, one reason or several of one filter; none when it does. */
export function judge(arrival: Arrival, landscape: Landscape): NodeFilter {
  const filters = [...SCHEDULER, ...OURS].map((filter) => onceNeeded(filter, arrival, landscape));
  return (site) => {
    for (const filter of filters) {
      const reasons = filter()(site);
      if (reasons.length > 0) return reasons;
    }
    return PASSES;
  };
}

/** What a filter has to count first is counted when some node has come as far as that. */
function onceNeeded(filter: Filter, arrival: Arrival, landscape: Landscape): () => NodeFilter {
  let prepared: NodeFilter | undefined;
  return () => (prepared ??= filter(arrival, landscape));
}
