// The facts of a pod that decide whether it may be moved, and where it may land.

import type { NodeSelectorTerm, Pod, PodSpec } from '../kubernetes/objects.ts';

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

/** What the pod asks of a node, as far as zones and nodes are concerned. */
export interface NodeDemands {
  nodeSelector: Readonly<Record<string, string>>;
  /** One of them must hold; empty: none is asked for. */
  affinityTerms: readonly NodeSelectorTerm[];
  tolerations: readonly Toleration[];
}

export interface PodFacts {
  name: string;
  uid: string;
  phase: string;
  ready: boolean;
  /** Milliseconds since the epoch; only of a Ready pod. */
  readySinceMs: number | undefined;
  nodeName: string | undefined;
  revision: string | undefined;
  terminating: boolean;
  gates: readonly string[];
  labels: Readonly<Record<string, string>>;
}

export function podFacts(pod: Pod): PodFacts {
  const { metadata, spec, status } = pod;
  const labels = metadata.labels ?? {};
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    phase: status?.phase ?? 'Pending',
    ...readinessOf(pod),
    nodeName: spec.nodeName === '' ? undefined : spec.nodeName,
    revision: labels['controller-revision-hash'],
    gates: (spec.schedulingGates ?? []).map(({ name }) => name),
    labels,
  };
}

/** A pod that is being deleted serves nobody for long, whatever its condition still says. */
function readinessOf({ metadata, status }: Pod): Pick<PodFacts, 'ready' | 'readySinceMs' | 'terminating'> {
  const condition = status?.conditions?.find(({ type }) => type === 'Ready');
  const terminating = metadata.deletionTimestamp !== undefined;
  if (condition?.status !== 'True' || terminating) return { ready: false, readySinceMs: undefined, terminating };
  return { ready: true, readySinceMs: condition.lastTransitionTime === undefined ? undefined : Date.parse(condition.lastTransitionTime), terminating };
}

interface NodeAffinity {
  nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: NodeSelectorTerm[] } };
}

export function nodeDemands(spec: PodSpec): NodeDemands {
  const affinity = spec.affinity as NodeAffinity | undefined;
  return {
    nodeSelector: spec.nodeSelector ?? {},
    affinityTerms: affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [],
    tolerations: spec.tolerations ?? [],
  };
}
