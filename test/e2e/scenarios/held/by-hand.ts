// A move that a person asks for waits, too, and its record says for what: some reasons show nowhere else, since the planner plans no such
// move.

import { expect } from 'vitest';
import { zoneEvacuations } from '../../../../src/controller/zone-evacuation.ts';
import { nodes, statefulSets } from '../../../../src/kubernetes/objects.ts';
import { ordinalMigrations, phaseOf, type Phase } from '../../../../src/migration/record.ts';
import type { BlockReason } from '../../../../src/planner/reasons.ts';
import { NODE_DISK_TYPE_PREFIX } from '../../../../src/simulation/csi/names.ts';
import type { Exceptions } from '../../expect.ts';
import { inScene, type Scene } from '../../scene.ts';
import type { SimulatedWorld } from '../../simulated-world.ts';
import type { SetOptions } from '../../workload.ts';
import { touchable } from './holding.ts';

export interface HeldByHandCase {
  reason: BlockReason;
  /** Completes "a move by hand is held while …". */
  name: string;
  says: RegExp;
  set?: Partial<SetOptions>;
  prepare?: (world: SimulatedWorld) => Promise<void>;
  /** @returns what takes the cause away. */
  arrange: (scene: Scene, world: SimulatedWorld) => Promise<() => Promise<unknown>>;
  ordinal: number;
  targetZone: 'a' | 'b' | 'c';
  /** The webhook, which refuses such a record at once, is down when it is made. */
  whileTheWebhookIsDown?: true;
  /** How all the records that there are end; default one that Succeeded. */
  ends?: Phase[];
  exceptions?: Exceptions;
}

const NO_SWEEP = { sweep: '0 0 1 6 *' };
/** A record that waits is looked at every ten seconds. */
const HELD_FOR_MS = 11 * 60_000;

export function heldByHand(one: HeldByHandCase): (world: SimulatedWorld) => Promise<void> {
  return (world) =>
    inScene(world, 'by-hand', async (scene) => {
      const { reason, says, ordinal, ends = ['Succeeded'] } = one;
      await one.prepare?.(world);
      await scene.createSet({ replicas: 2, ...one.set });
      await scene.startDaemon(NO_SWEEP);
      const release = await one.arrange(scene, world);
      const others = new Set(scene.migrations.all().map(({ metadata }) => metadata.uid));
      const before = touchable(scene);

      const make = (): Promise<void> => scene.recordByHand({ ordinal, targetZone: world.zones[one.targetZone] });
      await (one.whileTheWebhookIsDown === true ? withoutTheWebhook(world, make) : make());
      const itsRecord = (): object | undefined => scene.migrations.all().find(({ metadata }) => !others.has(metadata.uid))?.status;
      const expectHeld = (): true => {
        expect(itsRecord()).toMatchObject({ phase: 'Pending', reason, message: expect.stringMatching(says) });
        return true;
      };
      await scene.until(`its record says ${reason}`, expectHeld);
      await world.clock.sleep(HELD_FOR_MS);
      await scene.catchUp();
      expectHeld();
      expect(touchable(scene)).toEqual(before);

      await release();
      await scene.until(`its moves end as ${ends.join(', ') || 'nothing'}`, () => {
        expect(scene.migrations.all().map(phaseOf)).toEqual(ends);
        return true;
      });
      return one.exceptions ?? {};
    });
}

async function withoutTheWebhook(world: SimulatedWorld, act: () => Promise<void>): Promise<void> {
  await world.webhook.kill();
  await act();
  await world.webhook.start();
}

export const HELD_BY_HAND: HeldByHandCase[] = [
  {
    reason: 'StatefulSetTerminating',
    name: 'the set is being deleted, and then it ends with it',
    says: /StatefulSet web is being deleted; nothing of it moves any more/,
    ordinal: 1,
    targetZone: 'b',
    ends: ['Failed'],
    exceptions: { takenDown: [0, 1] },
    async arrange(scene, { api }) {
      const web = { namespace: scene.namespace, name: 'web' };
      await api.mergePatch(statefulSets, web, { metadata: { finalizers: ['example.com/last-words'] } });
      await api.delete(statefulSets, web);
      return () => api.mergePatch(statefulSets, web, { metadata: { finalizers: null } });
    },
  },
  {
    reason: 'OrdinalNotFound',
    name: 'the set has no such ordinal',
    says: /StatefulSet web has no ordinal 2: it has web-0 to web-1; scale it up first/,
    ordinal: 2,
    whileTheWebhookIsDown: true,
    targetZone: 'b',
    exceptions: { takenDown: [2] },
    arrange: async (scene) => () => scene.changeSet({ replicas: 3 }),
  },
  {
    reason: 'AlreadyInFlight',
    name: 'another one of the same ordinal came first',
    says: /web-1-\w+ is for the same ordinal and came first/,
    ordinal: 1,
    whileTheWebhookIsDown: true,
    targetZone: 'c',
    ends: ['Succeeded', 'Succeeded'],
    async arrange(scene, { zones }) {
      await scene.annotate({ paused: 'true' });
      await scene.recordByHand({ ordinal: 1, targetZone: zones.b });
      await scene.untilMigration('the first one waits', ({ status }) => status?.reason === 'Paused');
      // Who came first is told by creation, in whole seconds.
      await scene.world.clock.sleep(1_000);
      return () => scene.annotate({ paused: null });
    },
  },
  {
    reason: 'AwaitsTurn',
    name: 'another ordinal of the set is being moved',
    says: /1 of at most 1 ordinals of the set are being moved \(zonespread\.io\/max-unavailable\)/,
    ordinal: 1,
    targetZone: 'b',
    ends: ['Succeeded', 'Succeeded'],
    async arrange(scene, { zones, kubelets }) {
      const heal = kubelets.behaviour.neverReady({ namespace: scene.namespace, zone: zones.b });
      await scene.recordByHand({ ordinal: 0, targetZone: zones.b });
      await scene.untilPhase('Frozen');
      return async () => heal();
    },
  },
  {
    reason: 'AlreadyInZone',
    name: 'its disks are in the zone already, until somebody deletes the record',
    says: /the disks of web-1 are in zone \S+-a already; there is nothing to move/,
    ordinal: 1,
    targetZone: 'a',
    ends: [],
    arrange: async (scene) => () => deleteRecord(scene),
  },
  {
    reason: 'DiskNotZonal',
    name: 'its disk belongs to the region, until somebody deletes the record',
    says: /no disk of web-1 belongs to one zone \(data-web-1: regional\); it needs no move/,
    ordinal: 1,
    targetZone: 'b',
    ends: [],
    set: { claims: [{ type: 'cloud_regional_disk_auto' }] },
    async prepare({ api, kubelets }) {
      for (const name of kubelets.nodeNames()) await api.mergePatch(nodes, { name }, { metadata: { labels: { [`${NODE_DISK_TYPE_PREFIX}cloud_regional_disk_auto`]: 'available' } } });
    },
    arrange: async (scene) => () => deleteRecord(scene),
  },
  {
    reason: 'ZoneUnavailable',
    name: 'the zone is being evacuated',
    says: /zone \S+-b takes no disks now: .*ZoneEvacuation leave-b/,
    ordinal: 1,
    targetZone: 'b',
    async arrange(_scene, { api, zones }) {
      await api.create(zoneEvacuations, { metadata: { name: 'leave-b' }, spec: { zone: zones.b, reason: 'works' } });
      return () => api.delete(zoneEvacuations, { name: 'leave-b' });
    },
  },
];

function deleteRecord(scene: Scene): Promise<unknown> {
  return scene.world.api.delete(ordinalMigrations, { namespace: scene.namespace, name: scene.migration().metadata.name });
}
