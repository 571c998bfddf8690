// The scheduler's filters in their order: each says in the real one's words why a node will not do, or nothing.

import type { LabelSelector, Node, NodeSelectorTerm, PersistentVolume, Pod } from '../../../kubernetes/objects.ts';
import { isTerminating } from '../../../kubernetes/reading.ts';
import { matchesSelector } from '../../../kubernetes/selector.ts';
import { allows } from '../allowed-topologies.ts';
import { freeVolume } from '../binder/match.ts';
import { amountOf, matchesTerms, reaches, requestsOf, type Amounts, type NodeView, type OpenClaim, type Question } from './view.ts';

export interface Filter {
  /** Whether the node would do if pods of lower priority went. */
  preemptionHelps?: true;
  /** Reasons, empty when the node passes. */
  judge(view: NodeView, question: Question): string[];
}

interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

interface PodAffinityTerm {
  labelSelector?: LabelSelector;
  topologyKey: string;
  namespaces?: string[];
}

interface SpreadConstraint {
  maxSkew: number;
  topologyKey: string;
  whenUnsatisfiable: string;
  labelSelector?: LabelSelector;
}

const unschedulable: Filter = {
  judge: ({ node }, { pod }) => (node.spec.unschedulable === true && !tolerates(pod, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }) ? ['node(s) were unschedulable'] : []),
};

const taints: Filter = {
  judge({ node }, { pod }) {
    const repelled = (node.spec.taints ?? []).some((one) => ['NoSchedule', 'NoExecute'].includes(one.effect) && !tolerates(pod, one));
    return repelled ? ['node(s) had untolerated taint(s)'] : [];
  },
};

function tolerates(pod: Pod, taint: { key: string; value?: string; effect: string }): boolean {
  return ((pod.spec.tolerations ?? []) as Toleration[]).some((toleration) => isTolerated(taint, toleration));
}

function isTolerated(taint: { key: string; value?: string; effect: string }, toleration: Toleration): boolean {
  const { key, operator, value, effect } = { key: '', operator: 'Equal', value: '', effect: '', ...toleration };
  if (effect !== '' && effect !== taint.effect) return false;
  if (key === '') return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''));
}

const nodeAffinity: Filter = {
  judge({ node }, { pod }) {
    const selected = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => node.metadata.labels?.[key] === value);
    const required = requiredOf(pod, 'nodeAffinity') as { nodeSelectorTerms: NodeSelectorTerm[] } | undefined;
    return selected && (required === undefined || matchesTerms(required.nodeSelectorTerms, node)) ? [] : ["node(s) didn't match Pod's node affinity/selector"];
  },
};

function requiredOf(pod: Pod, kind: 'nodeAffinity' | 'podAffinity' | 'podAntiAffinity'): unknown {
  const affinity = pod.spec.affinity?.[kind] as { requiredDuringSchedulingIgnoredDuringExecution?: unknown } | undefined;
  return affinity?.requiredDuringSchedulingIgnoredDuringExecution;
}

const resources: Filter = {
  preemptionHelps: true,
  judge({ node, pods }, { pod }) {
    const allocatable = node.status?.allocatable ?? {};
    const reasons = pods.length + 1 > Number(allocatable['pods'] ?? '110') ? ['Too many pods'] : [];
    const used = total(pods.map(requestsOf));
    for (const [resource, wanted] of requestsOf(pod)) {
      const has = amountOf(resource, allocatable[resource] ?? '0');
      if (wanted > 0n && (used.get(resource) ?? 0n) + wanted > has) reasons.push(`Insufficient ${resource}`);
    }
    return reasons;
  },
};

function total(all: readonly Amounts[]): Amounts {
  const sum: Amounts = new Map();
  for (const amounts of all) for (const [resource, amount] of amounts) sum.set(resource, (sum.get(resource) ?? 0n) + amount);
  return sum;
}

const volumeLimits: Filter = {
  preemptionHelps: true,
  judge({ csi, pods }, { pod, bound, open, volumeOf }) {
    const limit = csi?.spec.drivers[0]?.allocatable?.count;
    if (limit === undefined || (bound.length === 0 && open.length === 0)) return [];
    const there = new Set([...pods, pod].flatMap(volumeOf));
    return there.size > limit ? ['node(s) exceed max volume count'] : [];
  },
};

const volumeBinding: Filter = {
  judge({ node }, { bound, open, volumes }) {
    if (!bound.every((volume) => reaches(node, volume))) return ["node(s) didn't match PersistentVolume's node affinity"];
    const elsewhere = open.some(({ selectedNode }) => selectedNode !== undefined && selectedNode !== node.metadata.name);
    const chosen: PersistentVolume[] = [];
    const served = open.every((one) => {
      const found = freeVolume(one.claim, volumes, (volume) => reaches(node, volume) && !chosen.includes(volume));
      if (found !== undefined) chosen.push(found);
      return found !== undefined || canProvision(one, node);
    });
    return elsewhere || !served ? ["node(s) didn't find available persistent volumes to bind"] : [];
  },
};

const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

function canProvision({ storageClass }: OpenClaim, node: Node): boolean {
  return storageClass.provisioner !== NO_PROVISIONER && allows(storageClass, node.metadata.labels);
}

const ZONE_LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'];

const volumeZone: Filter = {
  judge({ node }, { bound }) {
    const conflict = bound.some(({ metadata: { labels = {} } }) => ZONE_LABELS.some((key) => labels[key] !== undefined && !labels[key].split('__').includes(node.metadata.labels?.[key] ?? '')));
    return conflict ? ['node(s) had no available volume zone'] : [];
  },
};

const spread: Filter = {
  judge({ node }, { pod, nodes }) {
    for (const constraint of (pod.spec.topologySpreadConstraints ?? []) as unknown as SpreadConstraint[]) {
      if (constraint.whenUnsatisfiable !== 'DoNotSchedule') continue;
      const domain = node.metadata.labels?.[constraint.topologyKey];
      if (domain === undefined) return ["node(s) didn't match pod topology spread constraints (missing required label)"];
      const counts = countsOf(constraint, pod, nodes);
      const least = Math.min(...counts.values());
      const self = matchesSelector(constraint.labelSelector, pod.metadata.labels) ? 1 : 0;
      if ((counts.get(domain) ?? 0) + self - least > constraint.maxSkew) return ["node(s) didn't match pod topology spread constraints"];
    }
    return [];
  },
};

/** Matching pods by domain, over the nodes that the pod's own node affinity allows. */
function countsOf({ topologyKey, labelSelector }: SpreadConstraint, pod: Pod, nodes: readonly NodeView[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const view of nodes) {
    const domain = view.node.metadata.labels?.[topologyKey];
    if (domain === undefined || nodeAffinity.judge(view, { pod } as Question).length > 0) continue;
    const matching = view.pods.filter((other) => other.metadata.namespace === pod.metadata.namespace && !isTerminating(other) && matchesSelector(labelSelector, other.metadata.labels));
    counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
  }
  return counts;
}

const podAffinity: Filter = {
  preemptionHelps: true,
  judge({ node }, { pod, nodes }) {
    const near = termsOf(pod, 'podAffinity').every((term) => inDomain(term, pod, { node, nodes }) || nobodyAnywhere(term, pod, nodes));
    if (!near) return ["node(s) didn't match pod affinity rules"];
    if (termsOf(pod, 'podAntiAffinity').some((term) => inDomain(term, pod, { node, nodes }))) return ["node(s) didn't match pod anti-affinity rules"];
    const shunned = nodes.some((view) => view.pods.some((other) => termsOf(other, 'podAntiAffinity').some((term) => sameDomain(term, node, view.node) && selects(term, other, pod))));
    return shunned ? ["node(s) didn't satisfy existing pods anti-affinity rules"] : [];
  },
};

function termsOf(pod: Pod, kind: 'podAffinity' | 'podAntiAffinity'): PodAffinityTerm[] {
  return (requiredOf(pod, kind) as PodAffinityTerm[] | undefined) ?? [];
}

function inDomain(term: PodAffinityTerm, pod: Pod, { node, nodes }: { node: Node; nodes: readonly NodeView[] }): boolean {
  return nodes.some((view) => sameDomain(term, node, view.node) && view.pods.some((other) => selects(term, pod, other)));
}

/** The first pod of a group that wants to be together may go anywhere. */
function nobodyAnywhere(term: PodAffinityTerm, pod: Pod, nodes: readonly NodeView[]): boolean {
  return selects(term, pod, pod) && !nodes.some((view) => view.pods.some((other) => selects(term, pod, other)));
}

function sameDomain({ topologyKey }: PodAffinityTerm, left: Node, right: Node): boolean {
  const domain = left.metadata.labels?.[topologyKey];
  return domain !== undefined && domain === right.metadata.labels?.[topologyKey];
}

/** Whether a term of `owner` is about `other`. */
function selects(term: PodAffinityTerm, owner: Pod, other: Pod): boolean {
  const namespaces = term.namespaces ?? [owner.metadata.namespace ?? ''];
  return namespaces.includes(other.metadata.namespace ?? '') && matchesSelector(term.labelSelector, other.metadata.labels);
}

/** In the order of the real one. The first that refuses a node speaks for it. */
export const FILTERS: readonly Filter[] = [unschedulable, taints, nodeAffinity, resources, volumeLimits, volumeBinding, volumeZone, spread, podAffinity];

export interface Verdict {
  view: NodeView;
  reasons: string[];
  preemptionHelps: boolean;
}

export function judgeNode(view: NodeView, question: Question): Verdict {
  for (const filter of FILTERS) {
    const reasons = filter.judge(view, question);
    if (reasons.length > 0) return { view, reasons, preemptionHelps: filter.preemptionHelps === true };
  }
  return { view, reasons: [], preemptionHelps: false };
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match PersistentVolume's node affinity.` and what preemption would do. */
export function unschedulableMessage(verdicts: readonly Verdict[]): string {
  const counts = new Map<string, number>();
  for (const reason of verdicts.flatMap(({ reasons }) => reasons)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const histogram = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${verdicts.length} nodes are available: ${histogram.join(', ')}.${preemptionMessage(verdicts)}`;
}

function preemptionMessage(verdicts: readonly Verdict[]): string {
  const hopeful = verdicts.filter(({ preemptionHelps }) => preemptionHelps).length;
  const parts = [
    ...(hopeful === 0 ? [] : [`${hopeful} No preemption victims found for incoming pod`]),
    ...(hopeful === verdicts.length ? [] : [`${verdicts.length - hopeful} Preemption is not helpful for scheduling`]),
  ];
  return ` preemption: 0/${verdicts.length} nodes are available: ${parts.join(', ')}.`;
}
