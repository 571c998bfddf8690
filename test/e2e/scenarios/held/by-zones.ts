// Where the pod would land holds a move: the template excludes the zone, no node there takes the pod, or the zone sells no such disks.

import { nodes, pods } from '../../../../src/kubernetes/objects.ts';
import { everythingOnSale } from '../../../../src/simulation/ecs/categories.ts';
import { ZONE } from '../../names.ts';
import type { Scene } from '../../scene.ts';
import type { World } from '../../world.ts';
import { changeTemplate } from './by-the-set.ts';
import type { HeldCase } from './holding.ts';

export const TEMPLATE_PINS_ZONE: HeldCase = {
  reason: 'TemplatePinsZone',
  unsatisfied: 'OrdinalsHeld',
  name: 'the pod template keeps its pods out of the zone',
  says: /the node selector or affinity of pod web-\d excludes zone \S+-b; take the zone out of the StatefulSet's pod template/,
  noticed: 'by a watch',
  exceptions: { takenDown: [0, 1] },
  async arrange(scene) {
    await rolledOut(scene, { [ZONE]: scene.world.zones.a });
    return () => rolledOut(scene, { [ZONE]: null });
  },
};

async function rolledOut(scene: Scene, nodeSelector: Record<string, string | null>): Promise<void> {
  const before = [scene.pod(0), scene.pod(1)].map((pod) => pod?.metadata.uid);
  await changeTemplate(scene, { spec: { nodeSelector } });
  await scene.until('the rollout is done', () => scene.readyOrdinals().length === 2 && before.every((uid, ordinal) => scene.pod(ordinal)?.metadata.uid !== uid));
}

/** Zone a and one of the scenario's own, in which the case does what it likes. */
function withOwnZone(one: Omit<HeldCase, 'arrange' | 'policy' | 'ends'> & { arrange: (scene: Scene, own: { zone: string; node: string }) => Promise<() => Promise<unknown>> }): HeldCase {
  const own = new WeakMap<World, string>();
  const zoneOf = (world: World): string => own.get(world) ?? '';
  return {
    ...one,
    policy: (world) => ({ zones: `${world.zones.a},${zoneOf(world)}` }),
    ends: (world) => ({ [world.zones.a]: 1, [zoneOf(world)]: 1 }),
    async arrange(scene, world) {
      const added = await world.addZone();
      own.set(world, added.zone);
      return one.arrange(scene, added);
    },
  };
}

export const NODE_CORDONED = withOwnZone({
  reason: 'ZoneUnavailable',
  unsatisfied: 'ZoneUnavailable',
  name: 'the only node of the zone is cordoned',
  says: /0\/\d+ nodes.*unschedulable/,
  noticed: 'by a watch',
  async arrange(scene, { node }) {
    await scene.cordon(node);
    return () => scene.cordon(node, false);
  },
});

export const NODE_TAINTED = withOwnZone({
  reason: 'ZoneUnavailable',
  unsatisfied: 'ZoneUnavailable',
  name: 'the only node of the zone has a taint that its pod does not tolerate',
  says: /untolerated taint.*example\.com\/closed/,
  noticed: 'by a watch',
  async arrange({ world: { api } }, { node }) {
    const before = (await api.get(nodes, { name: node }))?.spec['taints'] as object[] | undefined;
    const taint = (taints: object[]): Promise<unknown> => api.mergePatch(nodes, { name: node }, { spec: { taints } });
    await taint([...(before ?? []), { key: 'example.com/closed', effect: 'NoSchedule' }]);
    return () => taint(before ?? []);
  },
});

export const NODE_FULL = withOwnZone({
  reason: 'ZoneUnavailable',
  unsatisfied: 'ZoneUnavailable',
  name: 'the only node of the zone is full',
  says: /Insufficient memory/,
  noticed: 'by the sweep',
  async arrange(scene, { node }) {
    const { api, tolerations } = scene.world;
    const filler = { namespace: scene.namespace, name: 'filler' };
    const { allocatable = {} } = ((await api.get(nodes, { name: node }))?.status ?? {}) as { allocatable?: Record<string, string> };
    await api.create(pods, { metadata: filler, spec: { nodeName: node, tolerations, containers: [{ name: 'main', image: 'none', resources: { requests: { memory: allocatable['memory'] ?? '' } } }] } });
    await scene.until('it runs', () => scene.pods.get('filler')?.status?.phase === 'Running');
    return () => api.delete(pods, filler);
  },
});

export const ZONE_SOLD_OUT = withOwnZone({
  reason: 'ZoneUnavailable',
  unsatisfied: 'ZoneUnavailable',
  name: 'the zone sells no such disks',
  says: /zone \S+ takes no disks now: /,
  noticed: 'by the sweep',
  async arrange({ world: { cloud } }, { zone }) {
    cloud.setOnSale(zone, []);
    return async () => cloud.setOnSale(zone, everythingOnSale());
  },
});
