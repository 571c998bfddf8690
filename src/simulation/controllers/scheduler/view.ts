// What the scheduler sees when it looks at one pod: nodes with what runs there, claims, volumes, classes.

import type { CSINode, Node, NodeSelectorTerm, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../../kubernetes/objects.ts';
import { milliUnits, wholeUnits } from '../../../kubernetes/quantity.ts';
import { matchesExpressions } from '../../../kubernetes/selector.ts';

export interface NodeView {
  node: Node;
  csi: CSINode | undefined;
  /** Bound there or about to be, ended ones left out. */
  pods: readonly Pod[];
}

/** A claim of the pod that is not bound yet and waits for a node. */
export interface OpenClaim {
  claim: PersistentVolumeClaim;
  storageClass: StorageClass;
  /** Where it is being provisioned already: only there can the pod go. */
  selectedNode: string | undefined;
}

export interface Question {
  pod: Pod;
  /** Of its bound claims. */
  bound: readonly PersistentVolume[];
  open: readonly OpenClaim[];
  /** All there are: to find one for an open claim. */
  volumes: readonly PersistentVolume[];
  nodes: readonly NodeView[];
  /** Names of a pod's volumes, or of the claims that have none yet: for limits. */
  volumeOf: (pod: Pod) => readonly string[];
}

/** By resource: cpu in thousandths, everything else in whole units. */
export type Amounts = Map<string, bigint>;

export function requestsOf(pod: Pod): Amounts {
  const sum: Amounts = new Map();
  for (const container of pod.spec.containers ?? []) {
    const { requests = {} } = (container.resources ?? {}) as { requests?: Record<string, string> };
    for (const [resource, quantity] of Object.entries(requests)) sum.set(resource, (sum.get(resource) ?? 0n) + amountOf(resource, quantity));
  }
  return sum;
}

export function amountOf(resource: string, quantity: string): bigint {
  return resource === 'cpu' ? milliUnits(quantity) : wholeUnits(quantity);
}

/** One of the terms holds; within one everything. */
export function matchesTerms(terms: readonly NodeSelectorTerm[], node: Node): boolean {
  return terms.some((term) => {
    const empty = (term.matchExpressions ?? []).length === 0 && (term.matchFields ?? []).length === 0;
    return !empty && matchesExpressions(term.matchExpressions, node.metadata.labels) && matchesExpressions(term.matchFields, { 'metadata.name': node.metadata.name });
  });
}

export function reaches(node: Node, volume: PersistentVolume): boolean {
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.length === 0 || matchesTerms(terms, node);
}
