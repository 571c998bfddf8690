// Small landscapes and a pod that wants to land in them, for the tests of single filters.

import type { Node, Pod, PodSpec } from '../../../src/kubernetes/objects.ts';
import type { Surroundings } from '../../../src/layout/surroundings.ts';
import type { Arrival } from '../../../src/planner/placement/arrival.ts';
import type { Filter } from '../../../src/planner/placement/filter.ts';
import { landscapeOf, type Landscape } from '../../../src/planner/placement/landscape.ts';
import { node } from '../../builders/kubernetes.ts';

export function landscape(around: Partial<Surroundings>): Landscape {
  return landscapeOf({ nodes: [], csiNodes: [], pods: [], claims: [], volumes: [], namespaces: [], attachments: [], storageClasses: [], ...around });
}

/** Nodes n1, n2 … each with the labels given beside the usual ones. */
export function nodesWith(...labels: Record<string, string>[]): Node[] {
  return labels.map((own, index) => node({ name: `n${index + 1}`, labels: own }));
}

export interface NeighbourOptions {
  on: string;
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
  spec?: PodSpec;
  status?: Pod['status'];
  terminating?: boolean;
}

let neighbours = 0;

/** A pod that is there already. */
export function neighbour({ on, name, namespace = 'db', labels = {}, spec = {}, status = { phase: 'Running' }, terminating = false }: NeighbourOptions): Pod {
  neighbours += 1;
  const own = name ?? `neighbour-${neighbours}`;
  return {
    metadata: { name: own, namespace, uid: `uid-${own}`, labels, ...(terminating ? { deletionTimestamp: '2026-11-20T00:00:00Z' } : {}) },
    spec: { ...spec, nodeName: on },
    status,
  };
}

/** `leaving`: the pod that goes away for it. */
export function arriving(spec: PodSpec = {}, more: Partial<Omit<Arrival, 'pod' | 'leaving'>> & { labels?: Record<string, string>; leaving?: Pod } = {}): Arrival {
  const { labels = {}, leaving, ...rest } = more;
  return {
    pod: { namespace: 'db', labels, spec },
    leaving,
    volumes: [],
    newDisks: [],
    openClaims: [],
    released: new Set(),
    siblingsMayMove: false,
    ...rest,
  };
}

/** Reasons by node; an empty list is a node that will do. */
export function answers(filter: Filter, arrival: Arrival, land: Landscape): Record<string, readonly string[]> {
  const reasonsOf = filter(arrival, land);
  return Object.fromEntries(land.sites.map((site) => [site.name, reasonsOf(site)]));
}

/** Nodes that will do. */
export function fitting(filter: Filter, arrival: Arrival, land: Landscape): string[] {
  return Object.entries(answers(filter, arrival, land)).flatMap(([name, reasons]) => (reasons.length === 0 ? [name] : []));
}
