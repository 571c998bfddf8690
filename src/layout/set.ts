// The facts of the StatefulSet itself, with Kubernetes' defaults filled in.

import type { LabelSelector, OwnerReference, StatefulSet } from '../kubernetes/objects.ts';

export interface SetFacts {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  labels: Readonly<Record<string, string>>;
  generation: number;
  observedGeneration: number;
  /** Being deleted. */
  terminating: boolean;
  replicas: number;
  /** First ordinal. */
  start: number;
  /** Pods that the controller counts, those of a scale-down under way included; undefined before it has looked. */
  statusReplicas: number | undefined;
  podManagementPolicy: 'OrderedReady' | 'Parallel';
  updateStrategy: string;
  /** Offset from `start`: lower ordinals stay at the current revision. */
  partition: number;
  currentRevision: string | undefined;
  updateRevision: string | undefined;
  /** The owner that controls it: an operator. */
  controller: OwnerReference | undefined;
  claimRetention: { whenDeleted: string; whenScaled: string };
  minReadySeconds: number;
  selector: LabelSelector;
  /** Names of the claim templates. */
  templates: readonly string[];
}

export function setFacts(set: StatefulSet): SetFacts {
  return { ...identityOf(set), ...scaleOf(set), ...rolloutOf(set), ...claimsOf(set) };
}

/**
 * The revision that the pod of an ordinal would be created at now, as the StatefulSet controller decides it; undefined before the
 * controller has looked at the set.
 */
export function revisionWhenRecreated(set: SetFacts, ordinal: number): string | undefined {
  if (set.updateStrategy === 'OnDelete') return set.updateRevision;
  return ordinal < set.start + set.partition ? set.currentRevision : set.updateRevision;
}

function identityOf(set: StatefulSet) {
  const { metadata } = set;
  return {
    apiVersion: set.apiVersion ?? 'apps/v1',
    kind: set.kind ?? 'StatefulSet',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    labels: metadata.labels ?? {},
    terminating: metadata.deletionTimestamp !== undefined,
    controller: metadata.ownerReferences?.find(({ controller }) => controller === true),
    selector: set.spec.selector,
  };
}

function scaleOf({ metadata, spec, status }: StatefulSet) {
  return {
    generation: metadata.generation ?? 0,
    observedGeneration: status?.observedGeneration ?? 0,
    replicas: spec.replicas ?? 1,
    start: spec.ordinals?.start ?? 0,
    statusReplicas: status?.replicas,
    minReadySeconds: typeof spec['minReadySeconds'] === 'number' ? spec['minReadySeconds'] : 0,
  };
}

function rolloutOf({ spec, status }: StatefulSet) {
  return {
    podManagementPolicy: spec.podManagementPolicy === 'Parallel' ? ('Parallel' as const) : ('OrderedReady' as const),
    updateStrategy: spec.updateStrategy?.type ?? 'RollingUpdate',
    partition: spec.updateStrategy?.rollingUpdate?.partition ?? 0,
    currentRevision: status?.currentRevision,
    updateRevision: status?.updateRevision,
  };
}

function claimsOf({ spec }: StatefulSet) {
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  return {
    claimRetention: { whenDeleted: retention?.whenDeleted ?? 'Retain', whenScaled: retention?.whenScaled ?? 'Retain' },
    templates: (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
  };
}
