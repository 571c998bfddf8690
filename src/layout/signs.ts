// Signs that another tool manages an object: it may put the old claim or volume back at any moment, in the middle of a move.

import type { ObjectMeta, StatefulSet } from '../kubernetes/objects.ts';

export interface ManagementSign {
  tool: string;
  kind: 'label' | 'annotation';
  key: string;
  value: string;
}

interface Sign {
  tool: string;
  kind: ManagementSign['kind'];
  key: string;
  /** Any, if absent. */
  value?: string;
}

const SIGNS: readonly Sign[] = [
  { tool: 'kubectl apply', kind: 'annotation', key: 'kubectl.kubernetes.io/last-applied-configuration' },
  { tool: 'Argo CD', kind: 'annotation', key: 'argocd.argoproj.io/tracking-id' },
  { tool: 'Argo CD', kind: 'label', key: 'argocd.argoproj.io/instance' },
  { tool: 'Flux', kind: 'label', key: 'kustomize.toolkit.fluxcd.io/name' },
  { tool: 'Flux', kind: 'label', key: 'helm.toolkit.fluxcd.io/name' },
  { tool: 'Helm', kind: 'label', key: 'app.kubernetes.io/managed-by', value: 'Helm' },
  { tool: 'Helm', kind: 'annotation', key: 'meta.helm.sh/release-name' },
  { tool: 'Rancher Fleet', kind: 'annotation', key: 'objectset.rio.cattle.io/id' },
  { tool: 'Config Sync', kind: 'annotation', key: 'configmanagement.gke.io/managed' },
  { tool: 'kpt', kind: 'annotation', key: 'config.k8s.io/owning-inventory' },
  { tool: 'Crossplane', kind: 'label', key: 'crossplane.io/composite' },
];

/** What every claim of a template carries, whoever made the set. */
export interface Inherited {
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

/** The StatefulSet controller gives a claim the metadata of its template and the set's matchLabels: those say nothing about the claim itself. */
export function inheritedBy(set: StatefulSet, template: string): Inherited {
  const metadata = set.spec.volumeClaimTemplates?.find((candidate) => candidate.metadata.name === template)?.metadata;
  return { labels: { ...metadata?.labels, ...set.spec.selector.matchLabels }, annotations: { ...metadata?.annotations } };
}

const NOTHING: Inherited = { labels: {}, annotations: {} };

export function managementSigns(metadata: ObjectMeta, inherited: Inherited = NOTHING): ManagementSign[] {
  return SIGNS.flatMap(({ tool, kind, key, value: wanted }) => {
    const field = kind === 'label' ? 'labels' : 'annotations';
    const value = metadata[field]?.[key];
    const counts = value !== undefined && (wanted === undefined || value === wanted) && inherited[field][key] !== value;
    return counts ? [{ tool, kind, key, value }] : [];
  });
}
