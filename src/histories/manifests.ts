// The objects of a history's sets, from their plans.

import { storageClass } from '../simulation/nodes/storage-class.ts';
import type { KubernetesObject, StatefulSet, StorageClass } from '../kubernetes/objects.ts';
import type { SetPlan } from './plan.ts';
import { NAMESPACE } from './world.ts';

export const REGION = 'cn-test';

export function zoneName(index: number): string {
  return `${REGION}-${'abcdefgh'.charAt(index)}`;
}

/** One class for each way to bind and to reclaim; the immediate ones make disks where the sets are born. */
export function storageClassOf({ binding, reclaim }: Pick<SetPlan, 'binding' | 'reclaim'>): StorageClass {
  const zoneIds = binding === 'Immediate' ? { zoneIds: [zoneName(0)] } : {};
  return storageClass({ name: classNameOf({ binding, reclaim }), volumeBindingMode: binding, reclaimPolicy: reclaim, ...zoneIds });
}

/** Not switched on yet: `zones` comes when everything runs. */
export function statefulSetOf(plan: SetPlan): StatefulSet {
  const { name, replicas, start, templates } = plan;
  const { zones: _later, ...policy } = plan.policy;
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace: NAMESPACE, annotations: annotationsOf(policy) },
    spec: {
      replicas,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      podManagementPolicy: plan.podManagement,
      updateStrategy: { type: plan.update },
      persistentVolumeClaimRetentionPolicy: plan.claimRetention,
      ...(start === 0 ? {} : { ordinals: { start } }),
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 5, containers: [{ name: 'app', image: 'app:1', volumeMounts: templates.map((template) => ({ name: template, mountPath: `/${template}` })) }] },
      },
      volumeClaimTemplates: templates.map((template) => ({
        metadata: { name: template },
        spec: { accessModes: ['ReadWriteOnce'], storageClassName: classNameOf(plan), resources: { requests: { storage: '20Gi' } } },
      })),
    },
  };
}

/** Undefined when the set has none. */
export function budgetOf({ name, replicas, mayBeDown }: SetPlan): KubernetesObject | undefined {
  if (mayBeDown === undefined) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: NAMESPACE },
    spec: { minAvailable: replicas - mayBeDown, selector: { matchLabels: { app: name } } },
  };
}

export function annotationsOf(policy: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(policy).map(([key, value]) => [`zonespread.io/${key}`, value]));
}

function classNameOf({ binding, reclaim }: Pick<SetPlan, 'binding' | 'reclaim'>): string {
  return `disk-${binding}-${reclaim}`.toLowerCase();
}
