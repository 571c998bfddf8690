// What happens to pods and their nodes in everyday operation: deleted, evicted, drained, unready.

import { nodes, pods } from '../../kubernetes/objects.ts';
import { isTrue } from '../../kubernetes/reading.ts';
import type { Act } from '../acts.ts';
import { Dice } from '../dice.ts';
import { NAMESPACE, type HistoryWorld } from '../world.ts';
import { Refusal } from '../../simulation/apiserver/contract.ts';
import { aMove, aPod, chosen, later, person, podsOf } from './scene.ts';

export const POD_ACTS: Record<string, Act> = {
  'delete a pod': { perform: (world, lot) => deletePod(world, Dice.ofLot(lot), {}) },
  'force-delete a pod': { perform: (world, lot) => deletePod(world, Dice.ofLot(lot), { gracePeriodSeconds: 0 }) },
  'evict a pod': {
    async perform(world, lot) {
      const { metadata } = aPod(world, Dice.ofLot(lot));
      await person(world).evict({ namespace: NAMESPACE, name: metadata.name });
    },
  },
  'cordon a node': { perform: (world, lot) => cordon(world, Dice.ofLot(lot)).then(() => undefined) },
  'drain a node': { perform: (world, lot) => drain(world, Dice.ofLot(lot)) },
  /** Of the set whose ordinal is under way. */
  'a sibling turns unready': {
    async perform(world, lot) {
      const dice = Dice.ofLot(lot);
      const { spec } = await aMove(world, dice);
      const { name } = spec.statefulSetRef;
      const siblings = podsOf(world).filter((pod) => pod.metadata.labels?.['app'] === name && pod.metadata.name !== `${name}-${spec.ordinal}` && isTrue(pod, 'Ready'));
      const { metadata } = chosen(siblings, dice, 'no Ready sibling');
      const heal = world.simulated.behaviour.neverReady({ namespace: NAMESPACE, pod: metadata.name });
      world.simulated.clock.after(dice.scale(2_000, 90_000), heal);
    },
  },
};

async function deletePod(world: HistoryWorld, dice: Dice, options: { gracePeriodSeconds?: number }): Promise<void> {
  const { metadata } = aPod(world, dice);
  await person(world).delete(pods, { namespace: NAMESPACE, name: metadata.name }, options);
}

/** @returns its name; it is uncordoned after a while. */
async function cordon(world: HistoryWorld, dice: Dice): Promise<string> {
  const busy = new Set(podsOf(world).map(({ spec }) => spec.nodeName));
  const candidates = world.simulated.server.readAll(nodes).map(({ metadata }) => metadata.name);
  const name = chosen(dice.chance(0.8) ? candidates.filter((candidate) => busy.has(candidate)) : candidates, dice, 'no such node');
  const client = person(world);
  await client.mergePatch(nodes, { name }, { spec: { unschedulable: true } });
  later(world, dice.scale(2_000, 120_000), () => client.mergePatch(nodes, { name }, { spec: { unschedulable: null } }));
  return name;
}

const ASK_AGAIN_MS = 5_000;

/** `kubectl drain`: asks again while a budget says no, until the node is empty or somebody loses patience. */
async function drain(world: HistoryWorld, dice: Dice): Promise<void> {
  const node = await cordon(world, dice);
  const { clock } = world.simulated;
  for (let round = 0; round < 12 && world.troubled; round += 1) {
    const there = podsOf(world).filter(({ spec }) => spec.nodeName === node);
    if (there.length === 0) return;
    for (const { metadata } of there) await evictUnlessForbidden(world, metadata.name);
    await clock.sleep(ASK_AGAIN_MS);
  }
}

async function evictUnlessForbidden(world: HistoryWorld, name: string): Promise<void> {
  try {
    await person(world).evict({ namespace: NAMESPACE, name });
  } catch (error) {
    if (!(error instanceof Refusal) || ![404, 429, 500].includes(error.code)) throw error;
  }
}
