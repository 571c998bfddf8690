// Topology spread constraints that forbid (`DoNotSchedule`): where the pod may go without making its domain too full beside the emptiest.

import type { LabelSelector, PodSpec } from '../../kubernetes/objects.ts';
import { matchesSelector } from '../../kubernetes/selector.ts';
import type { IncomingPod } from '../../layout/surroundings.ts';
import { staying, type Arrival } from './arrival.ts';
import { PASSES, type Filter } from './filter.ts';
import type { Labels, Landscape, NodeSite } from './landscape.ts';
import { nodeAsked } from './node-affinity.ts';
import { repellingTaint } from './taints.ts';

const UNEVEN = ["node(s) didn't match pod topology spread constraints"];
const OUTSIDE = ["node(s) didn't match pod topology spread constraints (missing required label)"];

interface Constraint {
  maxSkew: number;
  topologyKey: string;
  whenUnsatisfiable: string;
  labelSelector?: LabelSelector;
  minDomains?: number;
  nodeAffinityPolicy?: 'Honor' | 'Ignore';
  nodeTaintsPolicy?: 'Honor' | 'Ignore';
  matchLabelKeys?: string[];
}

export const topologySpread: Filter = (arrival, landscape) => {
  const constraints = constraintsOf(arrival.pod);
  if (constraints.length === 0) return () => PASSES;
  const tallies = constraints.map((constraint) => tallyOf(constraint, { arrival, landscape, keys: constraints.map(({ topologyKey }) => topologyKey) }));
  return (site) => tallies.map((tally) => tally(site)).find((reasons) => reasons.length > 0) ?? PASSES;
};

function constraintsOf({ spec, labels }: IncomingPod): Constraint[] {
  const all = (spec.topologySpreadConstraints ?? []) as unknown as Constraint[];
  return all.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule').map((constraint) => withOwnLabels(constraint, labels));
}

/** The API server writes them into the selector of a pod, but not of a template. */
function withOwnLabels(constraint: Constraint, labels: Labels): Constraint {
  const { labelSelector, matchLabelKeys = [] } = constraint;
  if (labelSelector === undefined || matchLabelKeys.length === 0) return constraint;
  const own = matchLabelKeys.flatMap((key) => (labels[key] === undefined ? [] : [{ key, operator: 'In', values: [labels[key]] }]));
  return { ...constraint, labelSelector: { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...own] } };
}

interface Tally {
  arrival: Arrival;
  landscape: Landscape;
  /** Of all constraints: a node without one of them counts for none. */
  keys: readonly string[];
}

function tallyOf(constraint: Constraint, tally: Tally): (site: NodeSite) => readonly string[] {
  const { maxSkew, topologyKey, labelSelector } = constraint;
  const { arrival } = tally;
  const self = matchesSelector(labelSelector, arrival.pod.labels);
  if (self && arrival.siblingsMayMove) return (site) => (site.labels[topologyKey] === undefined ? OUTSIDE : PASSES);
  const counts = countsOf(constraint, tally);
  const least = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
  return ({ labels }) => {
    const domain = labels[topologyKey];
    if (domain === undefined) return OUTSIDE;
    return (counts.get(domain) ?? 0) + (self ? 1 : 0) - least > maxSkew ? UNEVEN : PASSES;
  };
}

/** Matching pods by domain, of every domain that has a node which counts. */
function countsOf(constraint: Constraint, { arrival, landscape, keys }: Tally): Map<string, number> {
  const includes = inclusion(constraint, arrival.pod.spec);
  const counts = new Map<string, number>();
  for (const site of landscape.sites) {
    if (keys.some((key) => site.labels[key] === undefined) || !includes(site)) continue;
    const domain = site.labels[constraint.topologyKey] ?? '';
    counts.set(domain, (counts.get(domain) ?? 0) + matchingOn(site, constraint, arrival));
  }
  return counts;
}

function inclusion({ nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' }: Constraint, spec: PodSpec): (site: NodeSite) => boolean {
  const asked = nodeAsked(spec);
  const repelling = repellingTaint(spec);
  return ({ node }) => (nodeAffinityPolicy === 'Ignore' || asked(node)) && (nodeTaintsPolicy === 'Ignore' || repelling(node) === undefined);
}

/** Pods of the same namespace that are not being deleted. An empty selector, which matches everything, counts nobody: so does the scheduler's. */
function matchingOn(site: NodeSite, { labelSelector }: Constraint, arrival: Arrival): number {
  if (labelSelector === undefined || isEmpty(labelSelector)) return 0;
  return staying(site, arrival).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined && metadata.namespace === arrival.pod.namespace && matchesSelector(labelSelector, metadata.labels),
  ).length;
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}
