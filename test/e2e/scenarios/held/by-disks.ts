// Disks and their snapshots hold a move: what the cloud or a person has done to the disk, how long its snapshot takes, or where the cloud's
// limits are.

import { nodes } from '../../../../src/kubernetes/objects.ts';
import { NODE_DISK_TYPE_PREFIX } from '../../../../src/simulation/csi/names.ts';
import { SUPERSEDED_BY, ZONE } from '../../names.ts';
import type { Scene } from '../../scene.ts';
import type { SimulatedWorld } from '../../simulated-world.ts';
import { ALONE } from './by-volumes.ts';
import type { HeldCase } from './holding.ts';

export const DISK_NOT_MOVABLE: HeldCase = {
  ...ALONE,
  reason: 'DiskNotMovable',
  name: 'its disk cannot be detached from its instance',
  says: /disk \S+ belongs to its instance and cannot be detached from it/,
  noticed: 'by the sweep',
  arrange: (scene) => terms(scene, { portable: false }, { portable: true }),
};

export const DISK_PREPAID: HeldCase = {
  ...ALONE,
  reason: 'DiskPrepaid',
  name: 'its disk is a subscription',
  says: /disk \S+ is a subscription \(prepaid\)/,
  noticed: 'by the sweep',
  arrange: (scene) => terms(scene, { chargeType: 'PrePaid' }, { chargeType: 'PostPaid' }),
};

async function terms(scene: Scene, ...[now, then]: [now: Parameters<Scene['world']['cloud']['setTerms']>[1], then: Parameters<Scene['world']['cloud']['setTerms']>[1]]): Promise<() => Promise<void>> {
  const { id } = scene.disk(0);
  scene.world.cloud.setTerms(id, now);
  return async () => scene.world.cloud.setTerms(id, then);
}

export const DISK_LOCKED: HeldCase = {
  ...ALONE,
  reason: 'DiskLocked',
  name: 'the cloud has locked its disk',
  says: /disk \S+ is locked by the cloud \(financial\)/,
  noticed: 'by the sweep',
  async arrange(scene) {
    const { id } = scene.disk(0);
    scene.world.cloud.setLocks(id, ['financial']);
    return async () => scene.world.cloud.setLocks(id, []);
  },
};

export const DISK_SUPERSEDED: HeldCase = {
  ...ALONE,
  reason: 'DiskSuperseded',
  name: 'its disk is tagged as superseded by another',
  says: /disk \S+ is tagged zonespread\.io\/superseded-by=d-newer: newer data is on that disk/,
  noticed: 'by the sweep',
  arrange: (scene) => tagged(scene, [{ Key: SUPERSEDED_BY, Value: 'd-newer' }]),
};

const MOST_TAGS = 20;

export const TAG_SLOTS_EXHAUSTED: HeldCase = {
  ...ALONE,
  reason: 'TagSlotsExhausted',
  name: 'its disk has no room for another tag',
  says: /disk \S+ has 20 tags, and a disk holds 20/,
  noticed: 'by the sweep',
  arrange: (scene) => {
    const free = MOST_TAGS - Object.keys(scene.disk(0).tags).length;
    return tagged(scene, Array.from({ length: free }, (_, index) => ({ Key: `team-${index}`, Value: 'yes' })));
  },
};

async function tagged(scene: Scene, Tag: { Key: string; Value: string }[]): Promise<() => Promise<unknown>> {
  const { cloud } = scene.world;
  const about = { RegionId: cloud.region, ResourceType: 'disk', ResourceId: [scene.disk(0).id] };
  await cloud.call('TagResources', { ...about, Tag });
  return () => cloud.call('UntagResources', { ...about, TagKey: Tag.map(({ Key }) => Key) });
}

export const DISK_NEVER_ATTACHED: HeldCase<SimulatedWorld> = {
  reason: 'DiskNeverAttached',
  name: 'its pod has never run, and its disk was never attached',
  says: /disk \S+ was never attached, and such a disk cannot be snapshotted/,
  noticed: 'by a watch',
  set: { podManagementPolicy: 'Parallel', claims: [{ volumeBindingMode: 'Immediate' }] },
  ready: 0,
  exceptions: { takenDown: [0, 1] },
  async prepare(scene, world) {
    for (const node of nodesInA(world)) await scene.cordon(node);
  },
  async arrange(scene, world) {
    await scene.until('its claims are bound', () => scene.claims.all().filter(({ status }) => status?.phase === 'Bound').length === 2);
    return async () => {
      for (const node of nodesInA(world)) await scene.cordon(node, false);
    };
  },
};

function nodesInA({ zones, kubelets }: SimulatedWorld): string[] {
  return kubelets.server.readAll(nodes).flatMap(({ metadata }) => (metadata.labels?.[ZONE] === zones.a ? metadata.name : []));
}

/** Two ordinals on disks that only some instance types take. */
const SLOW: Pick<HeldCase<SimulatedWorld>, 'set' | 'prepare' | 'unsatisfied'> = {
  unsatisfied: 'OrdinalsHeld',
  set: { claims: [{ type: 'cloud_efficiency' }] },
  async prepare(_scene, { api, kubelets }) {
    for (const name of kubelets.nodeNames()) await api.mergePatch(nodes, { name }, { metadata: { labels: { [`${NODE_DISK_TYPE_PREFIX}cloud_efficiency`]: 'available' } } });
  },
};

export const SLOW_SNAPSHOTS: HeldCase<SimulatedWorld> = {
  ...SLOW,
  reason: 'SlowSnapshots',
  name: 'its disk has no instant snapshots and nobody has said how long it may be down',
  says: /disk \S+ \(cloud_efficiency, 20 GiB\) has no instant snapshots: web-\d would be down until its snapshot is uploaded, about/,
  noticed: 'by a watch',
  arrange: async (scene) => () => scene.annotate({ 'max-downtime': '2h' }),
};

export const DOWNTIME_TOO_LONG: HeldCase<SimulatedWorld> = {
  ...SLOW,
  reason: 'DowntimeTooLong',
  name: 'it would be down for longer than max-downtime allows',
  says: /web-\d would be down for about \S+, and zonespread\.io\/max-downtime allows 10m; raise it/,
  noticed: 'by a watch',
  policy: () => ({ 'max-downtime': '10m' }),
  arrange: async (scene) => () => scene.annotate({ 'max-downtime': '2h' }),
};

export const SNAPSHOT_IN_PROGRESS: HeldCase = {
  reason: 'SnapshotInProgress',
  name: 'somebody else takes a snapshot of its disk',
  says: /snapshot \S+ of disk \S+ is in progress \(40 %\), and a disk takes one at a time/,
  noticed: 'by a timer',
  async arrange(scene) {
    const { cloud } = scene.world;
    cloud.faults.add({ kind: 'snapshotStuck', action: 'CreateSnapshot', progress: 40, match: { DiskId: scene.disk(1).id } });
    const { SnapshotId = '' } = (await cloud.call('CreateSnapshot', { DiskId: scene.disk(1).id })) as { SnapshotId?: string };
    return async () => {
      cloud.unstick(SnapshotId);
      await scene.until('it is done', () => cloud.snapshot(SnapshotId)?.status === 'accomplished');
      // It is nobody's of the scene, which would call it leaked.
      await cloud.call('DeleteSnapshot', { SnapshotId });
    };
  },
};

const MOST_SNAPSHOTS = 256;

export const SNAPSHOT_QUOTA_FULL: HeldCase<SimulatedWorld> = {
  reason: 'SnapshotQuotaFull',
  name: 'its disk has as many snapshots as a disk may have',
  says: /disk \S+ has 256 snapshots, and a disk holds 256; delete old ones/,
  noticed: 'by the sweep',
  async arrange(scene, { cloud }) {
    const ids: string[] = [];
    for (let count = 0; count < MOST_SNAPSHOTS; count += 1) {
      const id = cloud.takeAutomaticSnapshot(scene.disk(1).id);
      await scene.until('it is done', () => cloud.snapshot(id)?.status === 'accomplished');
      ids.push(id);
    }
    return async () => {
      for (const SnapshotId of ids) await cloud.call('DeleteSnapshot', { SnapshotId });
    };
  },
};
