// Which pod and which claims an ordinal of a StatefulSet has, and what state a pod is in: pure readings.

import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet, Volume } from '../../../kubernetes/objects.ts';
import { conditionOf, isTerminating, isTrue, uidOf } from '../../../kubernetes/reading.ts';

export const REVISION_LABEL = 'controller-revision-hash';
export const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
export const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';

export function startOf(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0;
}

export function replicasOf(set: StatefulSet): number {
  return set.spec.replicas ?? 1;
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  return ordinal >= startOf(set) && ordinal < startOf(set) + replicasOf(set);
}

/** -1 when the name is none of the set's. */
export function ordinalOf(set: StatefulSet, podName: string): number {
  const prefix = `${set.metadata.name}-`;
  const rest = podName.startsWith(prefix) ? podName.slice(prefix.length) : '';
  return /^\d+$/.test(rest) ? Number(rest) : -1;
}

export function controllerOf(object: { metadata: { ownerReferences?: OwnerReference[] } }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

export function ownerReferenceTo(set: StatefulSet): OwnerReference {
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', name: set.metadata.name, uid: uidOf(set), controller: true, blockOwnerDeletion: true };
}

/** The pod of an ordinal as the template of that revision has it. */
export function podOf(set: StatefulSet, ordinal: number, { template, revision }: { template: StatefulSet['spec']['template']; revision: string }): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const { labels, annotations } = template.metadata ?? {};
  return {
    metadata: {
      name,
      namespace: set.metadata.namespace ?? '',
      labels: { ...labels, [POD_NAME_LABEL]: name, [POD_INDEX_LABEL]: String(ordinal), [REVISION_LABEL]: revision },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [ownerReferenceTo(set)],
    },
    spec: { ...template.spec, hostname: name, ...(set.spec.serviceName === undefined ? {} : { subdomain: set.spec.serviceName }), volumes: volumesOf(set, ordinal, template.spec.volumes ?? []) },
  };
}

/** Claims first, then what the template has beside them. */
function volumesOf(set: StatefulSet, ordinal: number, own: readonly Volume[]): Volume[] {
  const templates = set.spec.volumeClaimTemplates ?? [];
  const claimed = templates.map(({ metadata: { name } }) => ({ name, persistentVolumeClaim: { claimName: claimName(set, name, ordinal), readOnly: false } }));
  return [...claimed, ...own.filter((volume) => !templates.some(({ metadata }) => metadata.name === volume.name))];
}

export function claimName(set: StatefulSet, template: string, ordinal: number): string {
  return `${template}-${set.metadata.name}-${ordinal}`;
}

export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    metadata: {
      ...structuredClone(metadata),
      name: claimName(set, metadata.name, ordinal),
      namespace: set.metadata.namespace ?? '',
      labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
    },
    spec: structuredClone(spec),
  }));
}

/** The API server has it. */
export function isCreated(pod: Pod): boolean {
  return (pod.status?.phase ?? '') !== '';
}

export function isPending(pod: Pod): boolean {
  return pod.status?.phase === 'Pending';
}

export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
}

export function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && isTrue(pod, 'Ready');
}

/** Ms until it has been Ready for minReadySeconds: 0 when it has, Infinity when it is not Ready. `now` in ms since the epoch. */
export function availableInMs(set: StatefulSet, pod: Pod, now: number): number {
  if (!isRunningAndReady(pod)) return Infinity;
  const needed = typeof set.spec.minReadySeconds === 'number' ? set.spec.minReadySeconds * 1_000 : 0;
  const since = Date.parse(conditionOf(pod, 'Ready')?.lastTransitionTime ?? '');
  return needed === 0 || Number.isNaN(since) ? 0 : Math.max(0, since + needed - now);
}

export function isHealthy(pod: Pod): boolean {
  return isRunningAndReady(pod) && !isTerminating(pod);
}

export function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[REVISION_LABEL] ?? '';
}

/** Name and labels are the ordinal's, and every claim of it is mounted: if not, the controller writes the pod. */
export function matchesIdentity(set: StatefulSet, pod: Pod): boolean {
  const ordinal = ordinalOf(set, pod.metadata.name);
  const mounted = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume.persistentVolumeClaim?.claimName]));
  const claims = (set.spec.volumeClaimTemplates ?? []).every(({ metadata: { name } }) => mounted.get(name) === claimName(set, name, ordinal));
  return claims && pod.metadata.labels?.[POD_NAME_LABEL] === pod.metadata.name;
}
