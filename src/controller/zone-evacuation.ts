// A zone that no set may use while this exists: the ZoneEvacuation custom resource, cluster-scoped. The schema is
// charts/zonespread/crds/zoneevacuations.yaml. For now a daemon only says that it does not do it yet.

import type { Api } from '../kubernetes/api.ts';
import { isNotFound } from '../kubernetes/refusals.ts';
import { timestamp, type Clock } from '../ports/clock.ts';
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

/** This version moves nothing for an evacuation, and says so on the object instead of leaving its owner waiting. */
export async function refuseEvacuations(api: Api, clock: Clock): Promise<void> {
  for (const evacuation of await evacuations(api)) {
    const { generation = 0 } = evacuation.metadata;
    if (evacuation.status?.observedGeneration === generation) continue;
    const message = `evacuating zone ${evacuation.spec.zone} is not supported by this version of zonespread: nothing is moved for it; take the zone out of zonespread.io/zones of each set instead`;
    const condition = (type: string): Condition => ({ type, status: 'False', reason: 'NotSupported', message, lastTransitionTime: timestamp(clock) });
    await api.mergePatch(zoneEvacuations, { name: evacuation.metadata.name }, { status: { observedGeneration: generation, conditions: [condition('Complete'), condition('Progressing')] } }, { subresource: 'status' });
  }
}

/** None where the custom resource is not installed. */
async function evacuations(api: Api): Promise<ZoneEvacuation[]> {
  try {
    return await api.list(zoneEvacuations);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
