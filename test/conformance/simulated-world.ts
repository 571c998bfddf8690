// The simulated cluster as a world: one for each play, in virtual time.

import { createApi } from '../../src/kubernetes/client.ts';
import { mutatingWebhooks, storageClasses } from '../../src/kubernetes/objects.ts';
import type { Http } from '../../src/ports/http.ts';
import { ADMIN, type StoreEvent } from '../../src/simulation/apiserver/contract.ts';
import { createSimulatedCluster, type SimulatedCluster } from '../../src/simulation/cluster.ts';
import { CALM, type PaceSettings } from '../../src/simulation/controllers/pace.ts';
import { Tasks } from '../../src/simulation/controllers/tasks.ts';
import { EcsModel } from '../../src/simulation/ecs/model.ts';
import { SeededRandom } from '../fakes/random.ts';
import { configurationOf, Interception } from './interception.ts';
import { play, type Played, type Scenario } from './scenario.ts';
import { CLASSES, CLOUD, FOLLOWED, KUBELETS, NODES, type Change, type Kind, type World } from './world.ts';

/** How fast the controllers of a play are, so that what is racy really varies. */
export const PACES: Record<string, PaceSettings> = {
  calm: CALM,
  prompt: { watch: [0, 0], reconcile: [0, 0], request: [0, 0] },
  tardy: { watch: [0, 60], reconcile: [0, 20], request: [0, 30] },
  // One controller may be far behind another.
  uneven: { watch: [0, 250], reconcile: [0, 5], request: [0, 5] },
};

export interface Luck {
  seed: number;
  pace: keyof typeof PACES;
}

const URL_OF_WEBHOOK = 'https://conformance.test/';
/** Nothing takes so long that comes by itself, but for the resync of the PV controller. */
const CALM_MS = 3_000;
const PATIENCE_MS = 60_000;
const LONGEST_PLAY_MS = 3_600_000;

export async function playSimulated(scenario: Scenario, { seed, pace }: Luck): Promise<Played> {
  const { cluster, world } = await simulatedWorld({ seed, pace });
  return cluster.settle(play(world, scenario, 'play'), LONGEST_PLAY_MS);
}

async function simulatedWorld({ seed, pace }: Luck): Promise<{ cluster: SimulatedCluster; world: World }> {
  const random = new SeededRandom(seed);
  const clock = new Tasks({ random: new SeededRandom(seed + 1_000_003), start: '2026-11-20T10:00:00.000Z' });
  const cloud = new EcsModel({ clock, random, ...CLOUD });
  const interception = new Interception();
  const callWebhook = ({ review }: { review: Record<string, unknown> }) => Promise.resolve(interception.answer(review));
  const cluster = await createSimulatedCluster({ clock, random, ecs: cloud, nodes: NODES, timings: KUBELETS, csi: { pollMs: 10, deleteRetryMs: 100 }, callWebhook, pace: PACES[pace] ?? CALM });
  const api = createApi({ http: travelling(cluster), userAgent: 'conformance', fieldManager: 'conformance' });
  const admin = cluster.client(ADMIN);
  await cluster.settle(Promise.all([admin.create(mutatingWebhooks, configurationOf({ url: URL_OF_WEBHOOK })), ...CLASSES.map((storageClass) => admin.create(storageClasses, storageClass))]));
  // Until the controllers see the classes; in a real world that was long ago.
  await cluster.pass(CALM_MS);
  const world: World = {
    clock,
    api,
    cloud,
    behaviour: cluster.behaviour,
    interception,
    calmMs: CALM_MS,
    patienceMs: PATIENCE_MS,
    addNode: (node) => cluster.addNode(node),
    deleteNode: (name, options) => cluster.deleteNode(name, options),
    silenceNode: (name) => cluster.silenceNode(name),
    follow: (listener) => cluster.server.follow(undefined, (event) => {
      const change = changeOf(event);
      if (change !== undefined) listener(change);
    }),
  };
  return { cluster, world };
}

/** A person's requests take a while as everybody's do. */
function travelling(cluster: SimulatedCluster): Http {
  const http = cluster.http(ADMIN);
  return {
    async send(request) {
      await cluster.clock.sleep(cluster.pace.requestMs());
      return http.send(request);
    },
  };
}

const TYPES = { ADDED: 'added', MODIFIED: 'modified', DELETED: 'deleted' } as const;

function changeOf({ type, resource, object, version }: StoreEvent): Change | undefined {
  if (!(FOLLOWED as readonly string[]).includes(resource.kind) || !['', 'apps', 'policy', 'storage.k8s.io'].includes(resource.group)) return undefined;
  return { type: TYPES[type], kind: resource.kind as Kind, object, revision: version };
}
