// The nodes, kubelets and disks of the simulated cluster: a StatefulSet gets there what it gets on the real control plane with the real CSI
// sidecars (agents.e2e.test.ts).

import { describe, test } from 'vitest';
import { createApi } from '../../src/kubernetes/client.ts';
import { namespaces } from '../../src/kubernetes/objects.ts';
import { ADMIN } from '../../src/simulation/apiserver/contract.ts';
import { createSimulatedCluster } from '../../src/simulation/cluster.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { everythingOnSale } from '../../src/simulation/ecs/categories.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';
import { AGENTS, NODES, REGION, ZONES, type AgentScenario } from './scenarios/agents.ts';
import { PATIENT, seedsOfThisRun } from './on-simulated-worlds.ts';
import { conditionsOf } from './simulated-conditions.ts';

async function onSimulatedGround(seed: number, { run }: AgentScenario): Promise<void> {
  const random = new SeededRandom(seed);
  const clock = new Tasks({ random: new SeededRandom(seed + 1_000_003) });
  const { kubernetes, kubelet, pace, cloud } = conditionsOf(seed);
  const ecs = new EcsModel({ clock, random, region: REGION, zones: ZONES.map((id) => ({ id, onSale: everythingOnSale() })), timings: cloud });
  const cluster = await createSimulatedCluster({ clock, random, ecs, nodes: NODES, pace, kubernetes, timings: { ...kubelet, writeMs: 50 } });
  const api = createApi({ http: cluster.http(ADMIN) });
  await clock.settle(
    run({
      clock,
      random,
      api,
      cloud: ecs,
      kubelets: cluster,
      async makeNamespace(name) {
        await api.create(namespaces, { metadata: { name } });
      },
      addNode: (node) => cluster.addNode(node),
      deleteNode: (name) => cluster.deleteNode(name),
      silenceNode: (name) => cluster.silenceNode(name),
    }),
  );
}

describe('a StatefulSet', () => {
  for (const scenario of AGENTS) test.for(seedsOfThisRun())(`${scenario.name} (seed %i)`, PATIENT, (seed) => onSimulatedGround(seed, scenario));
});
