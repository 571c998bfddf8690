// Kinds that only the simulation's controllers deal with.

import type { KubernetesObject, Resource } from '../../kubernetes/objects.ts';

export interface ControllerRevision extends KubernetesObject {
  /** Of a StatefulSet: `{ spec: { template } }`. */
  data?: { spec: { template: Record<string, unknown> } };
  revision: number;
}

export const controllerRevisions: Resource<ControllerRevision> = { group: 'apps', version: 'v1', plural: 'controllerrevisions', kind: 'ControllerRevision', namespaced: true };
