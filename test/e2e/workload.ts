// The StatefulSets of the scenarios and the classes of their disks. Disks are born in one zone although the pods are free to go anywhere:
// the class says where, so that nothing in the pods pins them.

import type { StatefulSet, StorageClass } from '../../src/kubernetes/objects.ts';
import { DRIVER_ZONE_KEY } from '../../src/simulation/csi/names.ts';
import { storageClass, type StorageClassOptions } from '../../src/simulation/nodes/storage-class.ts';

export interface ClaimTemplate extends Omit<StorageClassOptions, 'name' | 'zoneIds'> {
  /** Default `data`. */
  name?: string;
  sizeGiB?: number;
}

export interface SetOptions {
  /** Default `web`. */
  name?: string;
  replicas: number;
  /** Where its disks are born; default zone a. */
  zone?: string;
  podManagementPolicy?: 'OrderedReady' | 'Parallel';
  /** Default one of 20 GiB, PL1, WaitForFirstConsumer, Delete. */
  claims?: ClaimTemplate[];
  /** In addition, or instead: of the set's spec, and of its pods'. */
  spec?: Partial<StatefulSet['spec']>;
  pod?: Record<string, unknown>;
}

export const DEFAULT_SET = 'web';

export function templateName(template: ClaimTemplate): string {
  return template.name ?? 'data';
}

/** A class of its own for each template of a set, named after namespace and template. */
export function classOf(template: ClaimTemplate, about: { namespace: string; zone: string }): StorageClass {
  const { name: _template, sizeGiB: _size, ...options } = template;
  const immediate = options.volumeBindingMode === 'Immediate';
  return {
    ...storageClass({ ...(options.type === undefined ? { performanceLevel: 'PL1' } : {}), ...options, name: className(template, about.namespace), ...(immediate ? { zoneIds: [about.zone] } : {}) }),
    allowedTopologies: [{ matchLabelExpressions: [{ key: DRIVER_ZONE_KEY, values: [about.zone] }] }],
  };
}

export function setOf(options: SetOptions, about: { namespace: string; tolerations: Record<string, unknown>[] }): StatefulSet {
  const { name = DEFAULT_SET, replicas, podManagementPolicy = 'OrderedReady', claims = [{}], spec, pod } = options;
  const labels = { app: name };
  return {
    metadata: { namespace: about.namespace, name, labels },
    spec: {
      serviceName: name,
      replicas,
      podManagementPolicy,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 5,
          tolerations: about.tolerations,
          containers: [
            {
              name: 'main',
              image: 'none',
              resources: { requests: { cpu: '10m', memory: '16Mi' } },
              volumeMounts: claims.map((claim) => ({ name: templateName(claim), mountPath: `/${templateName(claim)}` })),
            },
          ],
          ...pod,
        },
      },
      volumeClaimTemplates: claims.map((claim) => ({
        metadata: { name: templateName(claim) },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: className(claim, about.namespace),
          resources: { requests: { storage: `${claim.sizeGiB ?? 20}Gi` } },
        },
      })),
      ...spec,
    },
  };
}

function className(template: ClaimTemplate, namespace: string): string {
  return `${namespace}-${templateName(template)}`;
}
