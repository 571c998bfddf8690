// Which nodes of a zone could take a pod with its disks: the filters of the scheduler that zones and disks have to do with, each a line
// that refuses a node for a reason. Resources, pod affinity, topology spread and volume limits belong here too, once they are looked at.

import { matchesExpressions } from '../kubernetes/selector.ts';
import type { NodeSelectorTerm } from '../kubernetes/objects.ts';
import { volumesToMove, type Layout, type OrdinalFacts } from '../layout/layout.ts';
import type { NodeFacts } from '../layout/nodes.ts';
import type { NodeDemands, Toleration } from '../layout/pods.ts';

interface Landing {
  demands: NodeDemands;
  drivers: readonly string[];
  categories: readonly string[];
}

/** What is wrong with the node, to be said after "is" or "does"; undefined when nothing is. */
type Filter = (node: NodeFacts, landing: Landing) => string | undefined;

const FILTERS: readonly Filter[] = [
  (node) => (node.ready ? undefined : 'not Ready'),
  (node) => (node.schedulable ? undefined : 'cordoned'),
  ({ taints }, { demands }) => {
    const hard = taints.find((taint) => taint.effect !== 'PreferNoSchedule' && !demands.tolerations.some((toleration) => tolerates(toleration, taint)));
    return hard === undefined ? undefined : `tainted ${hard.key}:${hard.effect}`;
  },
  (node, { demands }) => (matchesDemands(node, demands) ? undefined : 'not selected by the pod’s node selector or affinity'),
  ({ drivers }, landing) => {
    const missing = landing.drivers.find((driver) => drivers !== undefined && !drivers.includes(driver));
    return missing === undefined ? undefined : `without the CSI driver ${missing}`;
  },
  ({ diskCategories }, landing) => {
    const missing = landing.categories.find((category) => diskCategories !== undefined && !diskCategories.includes(category));
    return missing === undefined ? undefined : `unable to attach ${missing} disks`;
  },
];

/** Undefined when some node of the zone would do; else why none does. */
export function landingProblem(layout: Layout, ordinal: OrdinalFacts, zone: string): string | undefined {
  const nodes = layout.nodes.filter((node) => node.zone === zone);
  if (nodes.length === 0) return `zone ${zone} has no nodes (zones with nodes: ${zonesWithNodes(layout) || 'none'}); correct the zone's name or add a node there`;
  const landing = landingOf(ordinal, zone);
  const refusals = new Map<string, string[]>();
  for (const node of nodes) {
    const refusal = FILTERS.map((filter) => filter(node, landing)).find((found) => found !== undefined);
    if (refusal === undefined) return undefined;
    refusals.set(refusal, [...(refusals.get(refusal) ?? []), node.name]);
  }
  const counts = [...refusals].map(([refusal, names]) => `${names.length} ${refusal} (${someOf(names)})`).join(', ');
  return `zone ${zone} has no node for ${ordinal.podName}: of ${nodes.length}, ${counts}; add a node that fits`;
}

/** Whether the pod may run in the zone as far as its own node selector and affinity speak of zones. */
export function demandsAllowZone({ nodeSelector, affinityTerms }: NodeDemands, zone: string, zoneKeys: readonly string[]): boolean {
  const labels = Object.fromEntries(zoneKeys.map((key) => [key, zone]));
  if (zoneKeys.some((key) => nodeSelector[key] !== undefined && nodeSelector[key] !== zone)) return false;
  const zonal = affinityTerms.map(({ matchExpressions = [] }) => matchExpressions.filter(({ key }) => zoneKeys.includes(key)));
  return zonal.length === 0 || zonal.some((expressions) => matchesExpressions(expressions, labels));
}

function landingOf(ordinal: OrdinalFacts, zone: string): Landing {
  const volumes = volumesToMove(ordinal, zone);
  return {
    demands: ordinal.demands,
    drivers: [...new Set(volumes.flatMap(({ volume }) => volume?.driver ?? []))],
    categories: [...new Set(volumes.flatMap(({ disk }) => disk?.category ?? []))],
  };
}

/** A toleration without an effect is for every effect, `Exists` without a key for every taint. */
function tolerates({ key, operator, value, effect }: Toleration, taint: NodeFacts['taints'][number]): boolean {
  const exists = operator === 'Exists';
  const rightEffect = isUnset(effect) || effect === taint.effect;
  const rightKey = isUnset(key) ? exists : key === taint.key;
  return rightEffect && rightKey && (exists || (value ?? '') === (taint.value ?? ''));
}

function isUnset(text: string | undefined): boolean {
  return text === undefined || text === '';
}

function matchesDemands(node: NodeFacts, { nodeSelector, affinityTerms }: NodeDemands): boolean {
  const selected = Object.entries(nodeSelector).every(([key, value]) => node.labels[key] === value);
  return selected && (affinityTerms.length === 0 || affinityTerms.some((term) => matchesTerm(node, term)));
}

/** A term without any expression matches no node, as in Kubernetes. */
function matchesTerm(node: NodeFacts, { matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return matchesExpressions(matchExpressions, node.labels) && matchesExpressions(matchFields, { 'metadata.name': node.name });
}

function zonesWithNodes({ nodes }: Layout): string {
  return [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].toSorted().join(', ');
}

const MOST_NAMES = 3;

function someOf(names: readonly string[]): string {
  const rest = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
