// What the demo's user has in the cluster: a namespace, a storage class as Alibaba Cloud ships it, and an ordinary StatefulSet in which
// nothing speaks of zones.

import type { Namespace, StatefulSet, StorageClass } from '../kubernetes/objects.ts';
import { storageClass } from '../simulation/nodes/storage-class.ts';

export const NAMESPACE = 'demo';
export const SET = 'web';
export const TEMPLATE = 'data';
export const REPLICAS = 6;

/** The field manager that `kubectl annotate` gives its fields, and the demo's own. */
export const ANNOTATOR = 'kubectl-annotate';
export const DEMO_MANAGER = 'zonespread-demo';

const CLASS = 'alicloud-disk-essd';
const GRACE_SECONDS = 10;

export const demoNamespace: Namespace = { metadata: { name: NAMESPACE } };

export function demoClass(): StorageClass {
  return storageClass({ name: CLASS, performanceLevel: 'PL1' });
}

export function demoSet(): StatefulSet {
  const labels = { app: SET };
  return {
    metadata: { namespace: NAMESPACE, name: SET, labels },
    spec: {
      serviceName: SET,
      replicas: REPLICAS,
      // So that the beginning is quick; it makes no difference to the moves.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: GRACE_SECONDS,
          containers: [
            {
              name: 'web',
              image: 'simulated',
              resources: { requests: { cpu: '100m', memory: '64Mi' } },
              volumeMounts: [{ name: TEMPLATE, mountPath: '/data' }],
            },
          ],
        },
      },
      volumeClaimTemplates: [
        { metadata: { name: TEMPLATE }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: CLASS, resources: { requests: { storage: '20Gi' } } } },
      ],
    },
  };
}
