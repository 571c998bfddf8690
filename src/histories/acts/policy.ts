// What people declare otherwise while moves are in flight: other zones, other terms, pauses, plans that wait for approval, quotas.

import { claims, resourceQuotas, statefulSets, type StatefulSet } from '../../kubernetes/objects.ts';
import { spreadReports } from '../../controller/spread-report.ts';
import type { Act } from '../acts.ts';
import { Dice } from '../dice.ts';
import { annotationsOf, zoneName } from '../manifests.ts';
import { NAMESPACE, type HistoryWorld } from '../world.ts';
import { aSet, awaited, chosen, later, liveSets, NothingToDo, person, podsOf, untilDone } from './scene.ts';

export const POLICY_ACTS: Record<string, Act> = {
  'pause the set': forAWhile(() => ({ paused: 'true' })),
  'disable the set': forAWhile(() => ({ mode: 'disabled' })),
  'change the terms': {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      const terms = { 'max-skew': String(dice.between(1, 3)), 'on-unready': dice.one(['hold', 'reverse', 'restore-source']), 'health-duration': `${dice.between(1, 20)}s`, 'source-retention': `${dice.between(1, 300)}s` };
      await declare(world, aSet(world, dice), terms);
    },
  },
  /** Nonsense: the webhook refuses it, or the report says so. */
  'declare nonsense': forAWhile((dice) => dice.one<Record<string, string>>([{ 'max-skew': '0' }, { zones: 'cn-test-a,,cn-test-b' }, { 'ready-timeout': 'soon' }, { pin: '0:cn-test-a' }])),
  'take a zone out': { perform: (world, lot) => takeZoneOut(world, Dice.ofLot(lot)) },
  'switch the set off': { perform: (world, lot) => switchOff(world, Dice.ofLot(lot)) },
  'pin an ordinal': { perform: (world, lot) => pin(world, Dice.ofLot(lot)) },
  'plan and approve': { perform: (world, lot) => planAndApprove(world, Dice.ofLot(lot)) },
  'approve the plan': {
    async perform(world, lot) {
      const planning = liveSets(world).filter(({ metadata }) => metadata.annotations?.['zonespread.io/mode'] === 'plan');
      await approve(world, chosen(planning, Dice.ofLot(lot), 'no set that only plans'));
    },
  },
  /** No claim, or no pod, more than there are now. */
  'set a quota': { perform: (world, lot) => setQuota(world, Dice.ofLot(lot)) },
};

function forAWhile(wanted: (dice: Dice) => Record<string, string>): Act {
  return {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      const [set, change] = [aSet(world, dice), wanted(dice)];
      await declare(world, set, change);
      putBack(world, set, { keys: Object.keys(change), afterMs: dice.scale(2_000, 120_000) });
    },
  };
}

async function declare(world: HistoryWorld, { metadata }: StatefulSet, change: Record<string, string | null>): Promise<void> {
  const annotations = annotationsOf(change as Record<string, string>);
  await person(world).mergePatch(statefulSets, { namespace: NAMESPACE, name: metadata.name }, { metadata: { annotations } });
}

function putBack(world: HistoryWorld, set: StatefulSet, { keys, afterMs }: { keys: string[]; afterMs: number }): void {
  const before = Object.fromEntries(keys.map((key) => [key, set.metadata.annotations?.[`zonespread.io/${key}`] ?? null]));
  later(world, afterMs, () => declare(world, set, before));
}

function zonesOf(world: HistoryWorld, { metadata }: StatefulSet): string[] {
  const declared = metadata.annotations?.['zonespread.io/zones'] ?? '*';
  return declared === '*' ? Array.from({ length: world.plan.cluster.zones }, (_, index) => zoneName(index)) : declared.split(',');
}

async function takeZoneOut(world: HistoryWorld, dice: Dice): Promise<void> {
  const set = aSet(world, dice);
  const zones = zonesOf(world, set);
  if (zones.length < 2) throw new NothingToDo('no zone to spare');
  const out = dice.one(zones);
  await declare(world, set, { zones: zones.filter((zone) => zone !== out).join(','), pin: null });
  if (dice.chance(0.7)) putBack(world, set, { keys: ['zones', 'pin'], afterMs: dice.scale(5_000, 120_000) });
}

async function switchOff(world: HistoryWorld, dice: Dice): Promise<void> {
  const set = aSet(world, dice);
  await declare(world, set, { zones: null });
  putBack(world, set, { keys: ['zones'], afterMs: dice.scale(2_000, 120_000) });
}

async function pin(world: HistoryWorld, dice: Dice): Promise<void> {
  const set = aSet(world, dice);
  const ordinal = (set.spec.ordinals?.start ?? 0) + dice.between(0, Math.max(0, (set.spec.replicas ?? 1) - 1));
  await declare(world, set, { pin: `${ordinal}=${dice.one(zonesOf(world, set))}` });
}

async function planAndApprove(world: HistoryWorld, dice: Dice): Promise<void> {
  const set = aSet(world, dice);
  await declare(world, set, { mode: 'plan' });
  putBack(world, set, { keys: ['mode', 'approve'], afterMs: dice.scale(20_000, 180_000) });
  await world.simulated.clock.sleep(dice.scale(500, 10_000));
  await approve(world, set);
}

async function approve(world: HistoryWorld, set: StatefulSet): Promise<void> {
  const digest = await awaited(
    world,
    () => {
      const plan = world.simulated.server.read(spreadReports, { namespace: NAMESPACE, name: set.metadata.name })?.status?.plan;
      return plan !== undefined && plan.total > 0 ? plan.digest : undefined;
    },
    'no plan to approve',
  );
  await declare(world, set, { approve: digest });
}

async function setQuota(world: HistoryWorld, dice: Dice): Promise<void> {
  const client = person(world);
  const name = `quota-${dice.between(1, 1_000_000)}`;
  const count = dice.chance(0.6) ? world.simulated.server.readAll(claims, { namespace: NAMESPACE }).length : podsOf(world).length;
  const hard = dice.chance(0.6) ? { persistentvolumeclaims: String(count) } : { pods: String(count) };
  await client.create(resourceQuotas, { metadata: { name, namespace: NAMESPACE }, spec: { hard } });
  untilDone(world, dice.scale(5_000, 120_000), () => client.delete(resourceQuotas, { namespace: NAMESPACE, name }));
}
