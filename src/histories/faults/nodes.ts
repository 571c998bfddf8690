// Nodes and their kubelets: lost, silent, slow, holding on to volumes; pods that do not get Ready or do not want to end.

import { nodes, pods } from '../../kubernetes/objects.ts';
import { isTrue } from '../../kubernetes/reading.ts';
import type { Heal } from '../../simulation/kubelet/behaviour.ts';
import type { Dice } from '../dice.ts';
import type { FaultKind } from '../faults.ts';
import { NAMESPACE, type HistoryWorld } from '../world.ts';
import { lasting, striking, type Strike } from './striking.ts';

const ALWAYS = [1, 1] as const;
const NOW_AND_THEN = [0.1, 0.6] as const;
const TICK_MS = 5_000;
/** Longer than many a ready-timeout. */
const LONGEST_MS = 240_000;

export const NODE_FAULTS: Record<string, FaultKind> = {
  /** The machine is gone with its Node; another one comes in its zone. */
  'node lost': { chance: [0.05, 0.3], begin: striking({ everyMs: TICK_MS * 2 }, loseNode) },
  /** NotReady; its containers run on. */
  'kubelet silent': { chance: [0.05, 0.4], begin: striking({ everyMs: TICK_MS }, silenceKubelet) },
  'volumes kept in use': forAWhile((world, dice) => world.simulated.behaviour.keepsVolumesInUse({ node: nodeOf(world, dice) })),
  'pod never ready': forAWhile((world, dice) => world.simulated.behaviour.neverReady(podOf(world, dice))),
  'pod does not end': forAWhile((world, dice) => world.simulated.behaviour.neverTerminates(podOf(world, dice))),
  'pods slow to stop': slow((dice) => ({ stopMs: dice.scale(500, 30_000), unmountMs: dice.scale(100, 10_000) })),
  'pods slow to start': slow((dice) => ({ bootMs: dice.scale(500, 20_000), readyMs: dice.scale(500, 20_000) })),
};

function slow(timings: (dice: Dice) => Parameters<HistoryWorld['simulated']['behaviour']['slow']>[1]): FaultKind {
  return { chance: ALWAYS, begin: lasting(({ simulated }, dice) => simulated.behaviour.slow({}, timings(dice))) };
}

function forAWhile(begin: (world: HistoryWorld, dice: Dice) => Heal): FaultKind {
  return {
    chance: NOW_AND_THEN,
    begin: striking({ everyMs: TICK_MS }, async (world, _fault, dice) => {
      const heal = begin(world, dice);
      await world.simulated.clock.sleep(dice.scale(1_000, LONGEST_MS));
      heal();
      return true;
    }),
  };
}

function podOf({ plan }: HistoryWorld, dice: Dice): { namespace: string; pod: string } {
  const { name, start, replicas } = dice.one(plan.sets);
  return { namespace: NAMESPACE, pod: `${name}-${start + dice.between(0, replicas - 1)}` };
}

function nodeOf({ simulated }: HistoryWorld, dice: Dice): string {
  return dice.one(simulated.nodeNames());
}

/** Never the last one of the cluster: somebody has to run. */
async function loseNode(...[world, , dice]: Parameters<Strike>): Promise<boolean> {
  const { simulated } = world;
  const name = dice.one(simulated.nodeNames());
  const zone = simulated.server.read(nodes, { name })?.metadata.labels?.['topology.kubernetes.io/zone'];
  if (zone === undefined || simulated.nodeNames().length === 1) return false;
  world.trace.note(`node ${name} is lost`);
  await simulated.deleteNode(name);
  await simulated.clock.sleep(dice.scale(1_000, 60_000));
  await simulated.addNode({ name: `${name}x`, zone });
  return true;
}

async function silenceKubelet(...[world, , dice]: Parameters<Strike>): Promise<boolean> {
  const { simulated } = world;
  const busy = simulated.server.readAll(pods, { namespace: NAMESPACE }).filter((pod) => isTrue(pod, 'Ready')).map(({ spec }) => spec.nodeName ?? '');
  const name = dice.chance(0.7) ? (dice.maybeOne(busy) ?? nodeOf(world, dice)) : nodeOf(world, dice);
  if (!simulated.nodeNames().includes(name)) return false;
  world.trace.note(`the kubelet of ${name} is silent`);
  const isThere = (): boolean => simulated.nodeNames().includes(name);
  const speak = await unlessLost(isThere, simulated.silenceNode(name));
  await simulated.clock.sleep(dice.scale(1_000, 120_000));
  if (speak !== undefined && isThere()) await unlessLost(isThere, speak());
  return true;
}

/** A node that is lost meanwhile cannot be written to. */
async function unlessLost<T>(isThere: () => boolean, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isThere()) throw error;
    return undefined;
  }
}
