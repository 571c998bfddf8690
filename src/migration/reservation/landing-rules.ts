// Where a placeholder may go: the workload's own rules about nodes and about other pods, within the zone, as they will be for the ordinal's
// pod when it comes. Where that cannot be said of a pod without the workload's labels, they ask for less. Pure.

import { PROBE_LABEL } from '../../kubernetes/names.ts';
import type { LabelSelector, NodeSelectorTerm, PersistentVolume, Pod } from '../../kubernetes/objects.ts';
import { matchesSelector } from '../../kubernetes/selector.ts';
import { podNameOf, type OrdinalMigration } from '../record.ts';

export interface LandingPlan {
  record: OrdinalMigration;
  /** The ordinal's pod as the API server would make it. */
  like: Pod;
  /** As the new ones will be. */
  volumes: readonly PersistentVolume[];
}

interface PodTerm {
  labelSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
  [field: string]: unknown;
}

interface PodRules {
  requiredDuringSchedulingIgnoredDuringExecution?: PodTerm[];
  preferredDuringSchedulingIgnoredDuringExecution?: { weight: number; podAffinityTerm: PodTerm }[];
}

interface NodeRules {
  requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeSelectorTerm[] };
  [field: string]: unknown;
}

export function affinityOf({ like, volumes, record }: LandingPlan): Record<string, unknown> {
  const { nodeAffinity, podAffinity, podAntiAffinity } = (like.spec.affinity ?? {}) as { nodeAffinity?: NodeRules; podAffinity?: PodRules; podAntiAffinity?: PodRules };
  const own = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return {
    nodeAffinity: { ...nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: within(own, reachOf(volumes, record.spec.targetZone)) } },
    // Near its own like: the first of its kind may go anywhere, but the placeholder is not of that kind.
    ...(podAffinity === undefined ? {} : { podAffinity: rules(podAffinity, (terms) => terms.filter(({ labelSelector }) => !matchesSelector(labelSelector, like.metadata.labels)).map((term) => settled(term, like))) }),
    ...(podAntiAffinity === undefined ? {} : { podAntiAffinity: rules(podAntiAffinity, (terms) => terms.map((term) => withoutMoving(settled(term, like), record))) }),
  };
}

/** Lists of terms: of each list one has to hold. The same list twice says nothing more. */
function reachOf(volumes: readonly PersistentVolume[], zone: string): NodeSelectorTerm[][] {
  const asked = volumes.map(({ spec }) => spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).filter((terms) => terms.length > 0);
  const different = [...new Map(asked.map((terms) => [JSON.stringify(terms), terms])).values()];
  return different.length === 0 ? [[{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: [zone] }] }]] : different;
}

/** The pod's own terms, each within each way in which all volumes can be reached. */
function within(own: readonly NodeSelectorTerm[], reach: readonly NodeSelectorTerm[][]): NodeSelectorTerm[] {
  const start: readonly NodeSelectorTerm[] = own.length === 0 ? [{}] : own;
  return reach.reduce<NodeSelectorTerm[]>((terms, more) => terms.flatMap((term) => more.map((one) => both(term, one))), [...start]);
}

function both(one: NodeSelectorTerm, other: NodeSelectorTerm): NodeSelectorTerm {
  const expressions = [...(one.matchExpressions ?? []), ...(other.matchExpressions ?? [])];
  const fields = [...(one.matchFields ?? []), ...(other.matchFields ?? [])];
  return { ...(expressions.length === 0 ? {} : { matchExpressions: expressions }), ...(fields.length === 0 ? {} : { matchFields: fields }) };
}

function rules({ requiredDuringSchedulingIgnoredDuringExecution: required = [], preferredDuringSchedulingIgnoredDuringExecution: preferred = [] }: PodRules, change: (terms: PodTerm[]) => PodTerm[]): PodRules {
  return {
    ...(required.length === 0 ? {} : { requiredDuringSchedulingIgnoredDuringExecution: change(required) }),
    ...(preferred.length === 0 ? {} : { preferredDuringSchedulingIgnoredDuringExecution: preferred.flatMap(({ weight, podAffinityTerm }) => change([podAffinityTerm]).map((term) => ({ weight, podAffinityTerm: term }))) }),
  };
}

/** Terms that go by labels of their pod, with the labels of the pod that they are about. */
function settled({ matchLabelKeys = [], mismatchLabelKeys = [], ...term }: PodTerm, { metadata: { labels = {} } }: Pod): PodTerm {
  const { labelSelector } = term;
  if (labelSelector === undefined) return term;
  const expressions = [...expressionsFor(matchLabelKeys, 'In', labels), ...expressionsFor(mismatchLabelKeys, 'NotIn', labels)];
  // The API server may have written them already.
  const said = new Set((labelSelector.matchExpressions ?? []).map((one) => JSON.stringify([one.key, one.operator, one.values])));
  const more = expressions.filter((one) => !said.has(JSON.stringify([one.key, one.operator, one.values])));
  return { ...term, labelSelector: more.length === 0 ? labelSelector : { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...more] } };
}

function expressionsFor(keys: readonly string[], operator: 'In' | 'NotIn', labels: Readonly<Record<string, string>>): { key: string; operator: string; values: string[] }[] {
  return keys.flatMap((key) => (labels[key] === undefined || key === PROBE_LABEL ? [] : [{ key, operator, values: [labels[key]] }]));
}

const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';

/** The pod that moves is gone by the time, and when it comes it may sit beside its placeholder. */
function withoutMoving(term: PodTerm, record: OrdinalMigration): PodTerm {
  const { labelSelector } = term;
  if (labelSelector === undefined) return term;
  return { ...term, labelSelector: { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), { key: POD_NAME_LABEL, operator: 'NotIn', values: [podNameOf(record)] }] } };
}

/**
 * The zone is a node affinity of the placeholder, and by default nodes outside of it do not count: they must, as they will for the pod. Where
 * the pod has node rules of its own, both cannot be said, and the constraint asks for less.
 */
export function spreadOf({ like, record }: LandingPlan): Record<string, unknown>[] {
  const { spec } = like;
  const asksOfNodes = Object.keys(spec.nodeSelector ?? {}).length > 0 || (spec.affinity?.['nodeAffinity'] as NodeRules | undefined)?.requiredDuringSchedulingIgnoredDuringExecution !== undefined;
  return ((spec.topologySpreadConstraints ?? []) as PodTerm[]).map((constraint) => {
    const { minDomains: _few, labelSelector, ...rest } = settled(constraint, like);
    const policy = asksOfNodes ? {} : { nodeAffinityPolicy: 'Ignore' };
    // An empty selector counts nobody: it must stay one.
    const selector = labelSelector === undefined || isEmpty(labelSelector) ? labelSelector : withoutMoving({ labelSelector }, record).labelSelector;
    return { ...rest, ...policy, ...(selector === undefined ? {} : { labelSelector: selector }) };
  });
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}
