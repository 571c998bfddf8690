// A zone that no set may use while this exists: the ZoneEvacuation custom resource, cluster-scoped. The schema is
// charts/zonespread/crds/zoneevacuations.yaml.

import type { Condition, KubernetesObject, ObjectMeta, Resource } from '../kubernetes/objects.ts';

export interface ZoneEvacuation extends KubernetesObject {
  metadata: ObjectMeta;
  spec: ZoneEvacuationSpec;
  status?: ZoneEvacuationStatus;
}

/** Immutable. */
export interface ZoneEvacuationSpec {
  zone: string;
  reason?: string;
}

export interface ZoneEvacuationStatus {
  observedGeneration?: number;
  /** Disks of annotated sets still in the zone. */
  disksLeft?: number;
  disksMoved?: number;
  disksBlocked?: number;
  /** The first 100; the schema takes no more. */
  blocked?: { namespace: string; statefulSet: string; ordinals: string; reason: string; message: string }[];
  /** `Complete`, `Progressing`. */
  conditions?: Condition[];
}

export const zoneEvacuations: Resource<ZoneEvacuation> = {
  group: 'zonespread.io',
  version: 'v1alpha1',
  plural: 'zoneevacuations',
  kind: 'ZoneEvacuation',
  namespaced: false,
};

/** What is said of each zone that is being evacuated, by zone: who asks for it, and why. Of several for one zone the first by name. */
export function evacuatedZones(evacuations: readonly ZoneEvacuation[]): ReadonlyMap<string, string> {
  const byName = evacuations.toSorted((a, b) => (a.metadata.name < b.metadata.name ? 1 : -1));
  return new Map(byName.map(({ metadata, spec }) => [spec.zone, `ZoneEvacuation ${metadata.name}${spec.reason === undefined ? '' : ` (${spec.reason})`}`]));
}

/** The same as the reason why a zone takes no disks, with what to do about it. */
export function closedByEvacuation(evacuations: readonly ZoneEvacuation[]): ReadonlyMap<string, string> {
  return new Map([...evacuatedZones(evacuations)].map(([zone, who]) => [zone, `it is being evacuated by ${who}; delete that when the zone may be used again`]));
}
