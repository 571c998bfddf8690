// What a scenario needs of a cluster, whether a real control plane with simulated nodes or the simulated cluster in virtual time. One
// world takes many plays; each has a namespace and, for what is cluster-scoped, names of its own.

import type { Api } from '../../src/kubernetes/api.ts';
import type { KubernetesObject, StorageClass } from '../../src/kubernetes/objects.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { DRIVER_ZONE_KEY } from '../../src/simulation/csi/names.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import type { EcsModel } from '../../src/simulation/ecs/model.ts';
import type { Behaviour } from '../../src/simulation/kubelet/behaviour.ts';
import type { NodeSpec } from '../../src/simulation/kubelet/registration.ts';
import { storageClass } from '../../src/simulation/nodes/storage-class.ts';
import type { Interception } from './interception.ts';

export interface World {
  readonly clock: Clock;
  /** As an administrator. */
  readonly api: Api;
  readonly cloud: EcsModel;
  /** What pods and nodes do otherwise than usual; a play names its own namespace or nodes. */
  readonly behaviour: Behaviour;
  /** What happens to pods and claims at their creation. */
  readonly interception: Interception;
  /** When nothing has changed for so long, nothing more will by itself. */
  readonly calmMs: number;
  /** What has not come after this does not come. */
  readonly patienceMs: number;
  /** Resolves when the node can take pods. */
  addNode(node: NodeSpec): Promise<void>;
  /** The Node object goes; with `machine: true` (default) its instance and what runs there too. */
  deleteNode(name: string, options?: { machine?: boolean }): Promise<void>;
  /** The kubelet dies and its containers run on; gives back what brings it back. */
  silenceNode(name: string): Promise<() => Promise<void>>;
  /** Told of every change of a followed kind, those of one kind in their order. Gives back what ends it. */
  follow(listener: (change: Change) => void): () => void;
}

export const FOLLOWED = ['Pod', 'PersistentVolumeClaim', 'PersistentVolume', 'VolumeAttachment', 'StatefulSet', 'Event', 'PodDisruptionBudget', 'ResourceQuota', 'Node', 'Namespace'] as const;
export type Kind = (typeof FOLLOWED)[number];

export interface Change {
  type: 'added' | 'modified' | 'deleted';
  kind: Kind;
  object: KubernetesObject;
  /** Of the store: counts up over all kinds. */
  revision: number;
}

export const REGION = 'cn-test';

/** Where the disks of every class are born; the two others are to move to. */
export const HOME = `${REGION}-a`;
export const TARGET = `${REGION}-b`;
export const ZONES: readonly string[] = [HOME, TARGET, `${REGION}-c`];

/** So short that a play takes a second or two, and long enough that every state between shows. */
export const CLOUD = {
  region: REGION,
  zones: ZONES.map((id) => ({ id, onSale: everythingOnSale() })),
  timings: { createDiskMs: 40, attachMs: 20, detachMs: 20, snapshotAvailableMs: 40, snapshotUploadMs: 200 },
  quotas: { disksPerInstance: 200 },
};

export const KUBELETS = { bootMs: 20, readyMs: 20, stopMs: 20, unmountMs: 20, writeMs: 1_000 };

const ROOMY = { maxDisks: 200, capacity: { cpu: '64', memory: '256Gi', pods: '500' } };

/** Two in each zone, with room for many plays at once. */
export const NODES: NodeSpec[] = ZONES.flatMap((zone) => [nodeOf(zone, 1), nodeOf(zone, 2)]);

function nodeOf(zone: string, number: number): NodeSpec {
  return { name: `node-${zone.slice(-1)}${number}`, zone, ...ROOMY };
}

/** As names of classes: when disks are made, and what becomes of them. */
export type Mode = 'waits' | 'at-once';
export type ClassName = Mode | `${Mode}-retaining`;

export const CLASSES: StorageClass[] = (['waits', 'at-once', 'waits-retaining', 'at-once-retaining'] as const).map((name) => classOf(name));

/** Every disk is born at home although pods may go anywhere. */
function classOf(name: ClassName): StorageClass {
  const immediate = name.startsWith('at-once');
  const wishes = { volumeBindingMode: immediate ? 'Immediate' : 'WaitForFirstConsumer', reclaimPolicy: name.endsWith('retaining') ? 'Retain' : 'Delete' } as const;
  return {
    ...storageClass({ name, ...wishes, ...(immediate ? { zoneIds: [HOME] } : {}) }),
    allowedTopologies: [{ matchLabelExpressions: [{ key: DRIVER_ZONE_KEY, values: [HOME] }] }],
  };
}
