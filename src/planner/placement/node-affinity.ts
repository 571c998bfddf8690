// Node selector and required node affinity, as pods and volumes ask for nodes.

import { matchesExpressions } from '../../kubernetes/selector.ts';
import type { Node, NodeSelectorTerm, PodSpec } from '../../kubernetes/objects.ts';
import type { NodeDemands } from '../../layout/pods.ts';
import { nodeDemands } from '../../layout/pods.ts';
import { PASSES, type Filter } from './filter.ts';

const MISMATCH = ["node(s) didn't match Pod's node affinity/selector"];

export const nodeAffinity: Filter = ({ pod }) => {
  const asked = nodeAsked(pod.spec);
  return ({ node }) => (asked(node) ? PASSES : MISMATCH);
};

/** Whether the pod's own node selector and affinity allow a node. */
export function nodeAsked(spec: PodSpec): (node: Node) => boolean {
  const { nodeSelector, affinityTerms } = nodeDemands(spec);
  const wanted = Object.entries(nodeSelector);
  return (node) => wanted.every(([key, value]) => node.metadata.labels?.[key] === value) && (affinityTerms.length === 0 || matchesTerms(affinityTerms, node));
}

/** One term is enough; a term without any expression matches no node. */
export function matchesTerms(terms: readonly NodeSelectorTerm[], node: Node): boolean {
  return terms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false;
    return matchesExpressions(matchExpressions, node.metadata.labels) && matchesExpressions(matchFields, { 'metadata.name': node.metadata.name });
  });
}

/** Whether the pod may run in the zone as far as its own node selector and affinity speak of zones. */
export function demandsAllowZone({ nodeSelector, affinityTerms }: NodeDemands, zone: string, zoneKeys: readonly string[]): boolean {
  const labels = Object.fromEntries(zoneKeys.map((key) => [key, zone]));
  if (zoneKeys.some((key) => nodeSelector[key] !== undefined && nodeSelector[key] !== zone)) return false;
  const zonal = affinityTerms.map(({ matchExpressions = [] }) => matchExpressions.filter(({ key }) => zoneKeys.includes(key)));
  return zonal.length === 0 || zonal.some((expressions) => matchesExpressions(expressions, labels));
}
