// Claims and volumes hold a move: not bound, in somebody else's hands, used by others, or tied to where they are.

import { claims, nodes, pods, storageClasses, volumes, type PersistentVolume } from '../../../../src/kubernetes/objects.ts';
import { DISK_DRIVER, DRIVER_ZONE_KEY } from '../../../../src/simulation/csi/names.ts';
import { storageClass } from '../../../../src/simulation/nodes/storage-class.ts';
import { MADE_FOR_NAMESPACE } from '../../names.ts';
import type { Scene } from '../../scene.ts';
import type { SimulatedWorld } from '../../simulated-world.ts';
import type { World } from '../../world.ts';
import { changeTemplate } from './by-the-set.ts';
import type { HeldCase } from './holding.ts';

/** Sidecars try again ever more seldom. */
const PATIENT = { timeoutMs: 20 * 60_000 };

/** What lies in an ordinal's own volumes and does not pass by waiting: the plan would take another ordinal, so there is none. */
export const ALONE: Pick<HeldCase, 'set' | 'policy' | 'ends' | 'unsatisfied'> = {
  unsatisfied: 'OrdinalsHeld',
  set: { replicas: 1 },
  policy: ({ zones: { b } }) => ({ zones: b }),
  ends: ({ zones: { b } }) => ({ [b]: 1 }),
};

export const CLAIM_NOT_BOUND: HeldCase = {
  reason: 'ClaimNotBound',
  name: 'one of its claims is not bound',
  says: /claim logs-web-1 is Pending, not Bound to a volume that exists; see its events/,
  noticed: 'by a watch',
  // Its pod has never run either.
  also: ['DiskNeverAttached'],
  set: { replicas: 1, podManagementPolicy: 'Parallel', claims: [{ volumeBindingMode: 'Immediate' }, { name: 'logs', type: 'cloud_auto', volumeBindingMode: 'Immediate' }] },
  exceptions: { takenDown: [1] },
  async arrange(scene) {
    const { faults } = scene.world.cloud;
    const fault = faults.add({ kind: 'quota', action: 'CreateDisk', match: { DiskCategory: 'cloud_auto' }, times: 0 });
    await scene.changeSet({ replicas: 2 });
    await scene.until('the other claim is bound', () => scene.claims.get('data-web-1')?.status?.phase === 'Bound' && scene.claims.get('logs-web-1')?.status?.phase === 'Pending');
    return async () => {
      faults.remove(fault);
      await scene.until('its pod runs', () => scene.readyOrdinals().length === 2, PATIENT);
    };
  },
};

export const MANAGED_BY_GITOPS: HeldCase = {
  ...ALONE,
  reason: 'ManagedByGitOps',
  name: 'a GitOps tool manages its claim',
  says: /claim data-web-0 is managed by Argo CD \(annotation argocd\.argoproj\.io\/tracking-id\)/,
  noticed: 'by the sweep',
  arrange: (scene) => marked(scene, { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/PersistentVolumeClaim:shop/data-web-0' } }, { annotations: { 'argocd.argoproj.io/tracking-id': null } }),
};

export const CLAIM_HAS_FINALIZERS: HeldCase = {
  ...ALONE,
  reason: 'ClaimHasFinalizers',
  name: 'somebody has put a finalizer on its claim',
  says: /claim data-web-0 has the finalizer backup\.example\.com\/last-copy/,
  noticed: 'by the sweep',
  arrange: (scene) => marked(scene, { finalizers: ['kubernetes.io/pvc-protection', 'backup.example.com/last-copy'] }, { finalizers: ['kubernetes.io/pvc-protection'] }),
};

async function marked(scene: Scene, mark: object, unmark: object): Promise<() => Promise<unknown>> {
  const patch = (metadata: object): Promise<unknown> => scene.world.api.mergePatch(claims, { namespace: scene.namespace, name: 'data-web-0' }, { metadata });
  await patch(mark);
  return () => patch(unmark);
}

export const CLAIM_USED_BY_OTHER_POD: HeldCase = {
  reason: 'ClaimUsedByOtherPod',
  name: 'a pod that has completed still names its claim',
  says: /claim data-web-1 is also used by pod backup \(a completed pod counts too\)/,
  noticed: 'by the sweep',
  async arrange(scene) {
    const { api, kubelets, tolerations } = scene.world;
    const backup = { namespace: scene.namespace, name: 'backup' };
    kubelets.behaviour.completes({ namespace: scene.namespace, pod: backup.name });
    await api.create(pods, {
      metadata: backup,
      spec: {
        nodeName: scene.pod(1)?.spec.nodeName ?? '',
        restartPolicy: 'Never',
        tolerations,
        containers: [{ name: 'main', image: 'none', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-1' } }],
      },
    });
    await scene.until('it has completed', () => scene.pods.get('backup')?.status?.phase === 'Succeeded');
    return () => api.delete(pods, backup);
  },
};

export const RESIZE_PENDING: HeldCase<SimulatedWorld> = {
  reason: 'ResizePending',
  name: 'its claim is being resized',
  says: /claim data-web-1 is being resized \(it asks for 35Gi and its volume has 20Gi\)/,
  noticed: 'by the sweep',
  async arrange(scene) {
    const { api, cloud } = scene.world;
    const fault = cloud.faults.add({ kind: 'error', action: 'ResizeDisk', code: 'IncorrectDiskStatus', times: 0 });
    await api.mergePatch(claims, { namespace: scene.namespace, name: 'data-web-1' }, { spec: { resources: { requests: { storage: '35Gi' } } } });
    return async () => {
      cloud.faults.remove(fault);
      await scene.until('it has grown', () => scene.claim(1).status?.capacity?.['storage'] === '35Gi', PATIENT);
    };
  },
};

const RACK = 'example.com/rack';

export const UNKNOWN_AFFINITY: HeldCase<SimulatedWorld> = {
  ...ALONE,
  reason: 'UnknownAffinity',
  name: 'its volume asks for nodes by something that says nothing about zones',
  says: /volume by-hand asks for nodes by example\.com\/rack/,
  noticed: 'by the sweep',
  exceptions: { takenDown: [0] },
  async prepare(scene, world) {
    const { api, zones } = world;
    for (const node of world.kubelets.nodeNames()) await api.mergePatch(nodes, { name: node }, { metadata: { labels: { [RACK]: 'r1' } } });
    const diskId = world.cloud.addDisk({ zone: zones.a, sizeGiB: 20, tags: { [MADE_FOR_NAMESPACE]: scene.namespace } });
    await api.create(volumes, volumeByHand(scene, { name: 'by-hand', diskId, keys: [RACK] }));
  },
  arrange: async (scene) => () => madeAnew(scene, scene.disk(0).id),
};

/** A disk that somebody has brought along. */
function volumeByHand({ namespace, world }: Scene, { name, diskId, keys }: { name: string; diskId: string; keys: readonly string[] }): PersistentVolume {
  const expressions = [{ key: DRIVER_ZONE_KEY, operator: 'In', values: [world.zones.a] }, ...keys.map((key) => ({ key, operator: 'In', values: ['r1'] }))];
  return {
    metadata: { name },
    spec: {
      capacity: { storage: '20Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: `${namespace}-data`,
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name: 'data-web-0' },
      csi: { driver: DISK_DRIVER, volumeHandle: diskId },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: expressions }] } },
    },
  };
}

/** A volume with a plain affinity beside the old one, then claim and pod away: the StatefulSet makes them again, and the old one can go. */
async function madeAnew(scene: Scene, diskId: string): Promise<void> {
  const { api } = scene.world;
  const { namespace } = scene;
  await api.create(volumes, volumeByHand(scene, { name: 'by-hand-anew', diskId, keys: [] }));
  await api.delete(claims, { namespace, name: 'data-web-0' });
  await api.delete(pods, { namespace, name: 'web-0' });
  await scene.until('its pod is Ready on the new volume', () => scene.claims.get('data-web-0')?.spec.volumeName === 'by-hand-anew' && scene.readyOrdinals().length === 1);
  await api.delete(volumes, { name: 'by-hand' });
}

export const VOLUME_PINS_ZONE: HeldCase = {
  ...ALONE,
  reason: 'VolumePinsZone',
  name: 'its pod has an ephemeral volume that could be provisioned in another zone than the pod',
  says: /generic ephemeral volume scratch has a storage class with volumeBindingMode Immediate/,
  noticed: 'by a watch',
  exceptions: { takenDown: [0] },
  async arrange(scene, world) {
    await world.api.create(storageClasses, storageClass({ name: scratchClass(scene, 'Immediate'), volumeBindingMode: 'Immediate', zoneIds: [world.zones.a] }));
    await world.api.create(storageClasses, storageClass({ name: scratchClass(scene, 'WaitForFirstConsumer') }));
    await rolledOut(scene, 'Immediate');
    return () => rolledOut(scene, 'WaitForFirstConsumer');
  },
};

function scratchClass({ namespace }: Scene, mode: string): string {
  return `${namespace}-scratch-${mode}`.toLowerCase();
}

async function rolledOut(scene: Scene, mode: 'Immediate' | 'WaitForFirstConsumer'): Promise<void> {
  const before = scene.pod(0)?.metadata.uid;
  const claim = { spec: { accessModes: ['ReadWriteOnce'], storageClassName: scratchClass(scene, mode), resources: { requests: { storage: '20Gi' } } } };
  await changeTemplate(scene, { spec: { volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: claim } }] } });
  await scene.until('the rollout has reached its pod', () => scene.pod(0)?.metadata.uid !== before && scene.readyOrdinals().length === 1);
}

export const SEVERAL_VOLUMES_PER_HANDLE: HeldCase = {
  ...ALONE,
  reason: 'SeveralVolumesPerHandle',
  name: 'a second volume names its disk',
  says: /disk \S+ has more than one PersistentVolume \(\S+, held-\S+-double\)/,
  noticed: 'by the sweep',
  async arrange(scene) {
    const { api }: World = scene.world;
    const { spec } = scene.volume(0);
    const { claimRef: _bound, ...free } = spec;
    const name = `${scene.namespace}-double`;
    await api.create(volumes, { metadata: { name }, spec: { ...free, storageClassName: name, persistentVolumeReclaimPolicy: 'Retain' } });
    return () => api.delete(volumes, { name });
  },
};
