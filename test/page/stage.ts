// The page as it is served by the real daemon on the simulated cluster, in time that passes by itself, faster than ours.

import { EmbeddedWorld } from '../../src/demo/embedded/world.ts';
import { Pacer } from '../../src/demo/pacing.ts';
import { demoClass, demoNamespace, demoSet, NAMESPACE, REPLICAS, SET } from '../../src/demo/workload.ts';
import { FIRST_ZONE, ZONES } from '../../src/demo/zones.ts';
import { namespaces, pods, statefulSets, storageClasses } from '../../src/kubernetes/objects.ts';
import { isTrue } from '../../src/kubernetes/reading.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { NOW } from '../cli/command-line-of.ts';

export interface PageStage {
  world: EmbeddedWorld;
  /** Of the daemon that leads, and of one that waits. */
  leader: string;
  standBy: string;
  /** The set's zones are declared: moves begin. */
  declare(): Promise<void>;
  /** Time runs so many times as fast as ours; 0: it stands still. */
  speed(times: number): Promise<void>;
  /** Lets time pass at once, until it holds. */
  until(condition: () => boolean): Promise<void>;
  /** SIGTERM. */
  stopLeader(): Promise<void>;
  stop(): Promise<void>;
}

/** The set `demo/web` with its six disks in the first zone, nodes in all of them, and two daemons. */
export async function startPageStage(): Promise<PageStage> {
  const lines: string[] = [];
  const world = await EmbeddedWorld.create({ seed: 11, start: NOW, zones: [FIRST_ZONE], fieldOwnership: false, logLine: (line) => lines.push(line) });
  const { cluster } = world;
  const { simulated } = cluster;
  await simulated.settle(world.api.create(namespaces, demoNamespace));
  await simulated.settle(world.api.create(storageClasses, demoClass()));
  await simulated.settle(world.api.create(statefulSets, demoSet()));
  await simulated.run(() => simulated.server.readAll(pods).filter((pod) => isTrue(pod, 'Ready')).length === REPLICAS);
  await simulated.settle(world.addNodes(ZONES.slice(1)));
  await simulated.settle(cluster.startWebhook().ready);
  const ports = (): string[] => lines.flatMap((line) => /status page on port (\d+)/.exec(line)?.[1] ?? []);
  const settings = { http: { host: '127.0.0.1', port: 0 } };
  const leader = cluster.startDaemon({ settings });
  await simulated.run(() => lines.some((line) => line.includes('"leading"')), 60_000);
  const standBy = cluster.startDaemon({ settings });
  await simulated.run(() => ports().length === 2, 60_000);
  const [ofLeader = '', ofStandBy = ''] = ports().map((port) => `http://127.0.0.1:${port}`);
  let pacer: Pacer | undefined;
  const speed = async (times: number): Promise<void> => {
    await pacer?.stop();
    pacer = times === 0 ? undefined : new Pacer({ time: world.clock, speed: times, clock: systemClock });
  };
  const until = async (condition: () => boolean): Promise<void> => {
    await speed(0);
    await simulated.run(condition);
  };
  return {
    world,
    leader: ofLeader,
    standBy: ofStandBy,
    async declare() {
      await speed(0);
      await simulated.settle(world.api.mergePatch(statefulSets, { namespace: NAMESPACE, name: SET }, { metadata: { annotations: { 'zonespread.io/zones': ZONES.join(',') } } }));
    },
    speed,
    until,
    async stopLeader() {
      await speed(0);
      await simulated.settle(leader.stop());
    },
    async stop() {
      await speed(0);
      await simulated.settle(Promise.all([leader.stop(), standBy.stop()]));
    },
  };
}
