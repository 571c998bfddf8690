// A simulated cluster with the product in it, behind a port and in time that passes by itself: for the command line as a process.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedWorld } from '../../src/demo/embedded/world.ts';
import { Pacer } from '../../src/demo/pacing.ts';
import { demoClass, demoNamespace, demoSet, NAMESPACE, REPLICAS, SET } from '../../src/demo/workload.ts';
import { FIRST_ZONE, ZONES } from '../../src/demo/zones.ts';
import { namespaces, pods, statefulSets, storageClasses, type StatefulSet } from '../../src/kubernetes/objects.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { kubeconfigOf, startApiServerListener } from '../../src/simulation/apiserver/listen.ts';
import { startEcsServer } from '../../src/simulation/ecs/server.ts';

export interface SimulatedWithCli {
  world: EmbeddedWorld;
  kubeconfig: string;
  /** Of ECS, as `--ecs-endpoint` takes it. */
  ecsEndpoint: string;
  /** Annotations of the set, without the prefix. */
  annotate(annotations: Record<string, string | null>): Promise<StatefulSet>;
  /** Lets the cluster's time run so many times as fast as ours until that has settled; otherwise it runs beside it. */
  atSpeed<T>(speed: number, act: () => Promise<T>): Promise<T>;
  /** Lets it pass at once, until it holds. */
  until(condition: () => boolean): Promise<void>;
  stop(): Promise<void>;
}

/** The set `demo/web` with its six disks in the first zone, nodes in all of them. */
export async function startSimulatedCluster(): Promise<SimulatedWithCli> {
  const start = new Date(systemClock.now()).toISOString();
  const world = await EmbeddedWorld.create({ seed: 7, start, zones: [FIRST_ZONE], fieldOwnership: true, logLine: () => undefined });
  const { simulated } = world.cluster;
  await simulated.settle(createSet(world));
  await simulated.run(() => simulated.server.readAll(pods).filter(isReady).length === REPLICAS);
  await simulated.settle(world.addNodes(ZONES.slice(1)));
  await simulated.settle(world.startProduct());
  const listener = await startApiServerListener({ server: simulated.server });
  const ecs = await startEcsServer({ model: simulated.ecs });
  const folder = mkdtempSync(join(tmpdir(), 'zonespread-cli-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(listener.url, { namespace: NAMESPACE }));
  const run = (speed: number): Pacer => new Pacer({ time: world.clock, speed, clock: systemClock });
  let pacer = run(1);
  return {
    world,
    kubeconfig,
    ecsEndpoint: ecs.endpoint,
    annotate: (annotations) => world.api.mergePatch(statefulSets, { namespace: NAMESPACE, name: SET }, { metadata: { annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`zonespread.io/${key}`, value])) } }),
    async atSpeed(speed, act) {
      await pacer.stop();
      pacer = run(speed);
      try {
        return await act();
      } finally {
        await pacer.stop();
        pacer = run(1);
      }
    },
    async until(condition) {
      await pacer.stop();
      await simulated.run(condition);
      pacer = run(1);
    },
    async stop() {
      await pacer.stop();
      await listener.close();
      await ecs.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function createSet({ api }: EmbeddedWorld): Promise<void> {
  await api.create(namespaces, demoNamespace);
  await api.create(storageClasses, demoClass());
  await api.create(statefulSets, demoSet());
}

function isReady({ status }: { status?: { conditions?: { type: string; status: string }[] } }): boolean {
  return (status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}
