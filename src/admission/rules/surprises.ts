// What a policy says that is legal and will not do what its writer may expect, seen in the cluster as it is: a zone without nodes, more
// pods at once than a disruption budget lets go.

import type { PodDisruptionBudget, StatefulSet } from '../../kubernetes/objects.ts';
import { matchesSelector } from '../../kubernetes/selector.ts';
import { parsePolicy, parseRules } from '../../policy/policy.ts';
import { replicasOf } from './ordinals.ts';
import type { World } from './rule.ts';

export type Cluster = Pick<World, 'zones' | 'budgets'>;

export function surprisesOfSet(set: StatefulSet, namespace: string, cluster: Cluster): string[] {
  const source = { setAnnotations: set.metadata.annotations, podManagementPolicy: set.spec.podManagementPolicy };
  return [...emptyZones('StatefulSet', parsePolicy(source), cluster), ...tightBudgets(set, namespace, cluster)];
}

export function surprisesOfNamespace(annotations: Record<string, string> | undefined, cluster: Cluster): string[] {
  return emptyZones('Namespace', parsePolicy({ setAnnotations: {}, namespaceAnnotations: annotations, podManagementPolicy: 'Parallel' }), cluster);
}

function emptyZones(on: string, result: ReturnType<typeof parsePolicy>, { zones }: Cluster): string[] {
  if (result.kind !== 'policy' || result.policy.zones.kind !== 'list') return [];
  const known = zones.known();
  if (known.size === 0) return [];
  const empty = result.policy.zones.zones.filter((zone) => !known.has(zone));
  if (empty.length === 0) return [];
  return [`${on} annotation zonespread.io/zones: no node is in ${empty.join(', ')} (zones with nodes: ${[...known].toSorted().join(', ')}); nothing can move there before one is.`];
}

const DECLARES = ['zonespread.io/zones', 'zonespread.io/max-unavailable'];

function tightBudgets(set: StatefulSet, namespace: string, { budgets }: Cluster): string[] {
  if (!DECLARES.some((key) => set.metadata.annotations?.[key] !== undefined)) return [];
  const parsed = parseRules({ setAnnotations: set.metadata.annotations, podManagementPolicy: set.spec.podManagementPolicy });
  if (parsed.kind !== 'rules') return [];
  const wanted = parsed.rules.maxUnavailable;
  const concerned = budgets.of(namespace).filter(({ spec }) => matchesSelector(spec.selector, set.spec.template.metadata?.labels));
  return concerned.flatMap((budget) => remark(budget, wanted, allowanceOf(budget, replicasOf(set))));
}

function remark({ metadata }: PodDisruptionBudget, wanted: number, allowed: number): string[] {
  if (wanted <= allowed) return [];
  if (allowed <= 0) return [`PodDisruptionBudget ${metadata.name} lets no pod of this set be evicted, so none of its ordinals can move.`];
  return [`zonespread.io/max-unavailable is "${wanted}", but PodDisruptionBudget ${metadata.name} lets only ${allowed} of its pods go at once; no more will be in flight.`];
}

/** How many pods may be away when all are healthy; percentages round up, as the disruption controller has it. */
function allowanceOf({ spec: { maxUnavailable, minAvailable } }: PodDisruptionBudget, replicas: number): number {
  if (maxUnavailable !== undefined) return portionOf(maxUnavailable, replicas);
  // A budget that says neither holds nobody.
  return minAvailable === undefined ? replicas : replicas - portionOf(minAvailable, replicas);
}

function portionOf(value: number | string, whole: number): number {
  if (typeof value === 'number') return value;
  return Math.ceil((Number(value.replace(/%$/, '')) * whole) / 100);
}
