// The beginning of every story: a namespace, a storage class, and a StatefulSet with all its pods Ready in the zones that have nodes.

import { namespaces, statefulSets, storageClasses, type StatefulSet } from '../kubernetes/objects.ts';
import type { Onlooker } from './onlooker.ts';
import { demoClass, demoNamespace, demoSet, NAMESPACE, REPLICAS, SET } from './workload.ts';
import type { World } from './world.ts';

export async function createSet({ api }: World, onlooker: Onlooker, zones: readonly string[]): Promise<void> {
  await api.create(namespaces, demoNamespace);
  await api.create(storageClasses, demoClass());
  await onlooker.start();
  await api.create(statefulSets, demoSet());
  await onlooker.until(`all ${REPLICAS} pods of the set are Ready`, () => onlooker.picture().ordinals.every(({ ready, zone = '' }) => ready && zones.includes(zone)));
}

export async function readSet({ api }: World): Promise<StatefulSet> {
  const set = await api.get(statefulSets, { namespace: NAMESPACE, name: SET });
  if (set === undefined) throw new Error(`StatefulSet ${NAMESPACE}/${SET} is gone`);
  return set;
}
