// How fast everything is in a simulated world, and which Kubernetes it is: drawn from the seed. Scenarios have to hold in all of them.

import type { PaceSettings } from '../../src/simulation/controllers/pace.ts';
import type { EcsTimings } from '../../src/simulation/ecs/settings.ts';
import type { Timings } from '../../src/simulation/kubelet/behaviour.ts';
import { SeededRandom } from '../../src/simulation/seeded-random.ts';

export interface Conditions {
  kubernetes: '1.30' | '1.36';
  cloud: Partial<EcsTimings>;
  kubelet: Partial<Timings>;
  pace: PaceSettings;
  /** Of the API server's own caches, at each admission. */
  informerLagMs: () => number;
}

/** The bounds let every scenario's time-outs be: a pod is Ready within a second of being bound, a disk moves within two. */
export function conditionsOf(seed: number): Conditions {
  // A sequence of its own, and not the one that the next seed's world begins with.
  const random = new SeededRandom(seed * 7_919 + 17);
  const between = (least: number, most: number): number => least + Math.floor(random.next() * (most - least + 1));
  return {
    kubernetes: random.next() < 0.5 ? '1.30' : '1.36',
    cloud: {
      createDiskMs: between(50, 500),
      attachMs: between(20, 300),
      detachMs: between(20, 300),
      snapshotAvailableMs: between(50, 500),
      snapshotUploadMs: between(400, 2_000),
      callMs: between(2, 40),
      tagVisibilityLagMs: between(0, 200),
      listVisibilityLagMs: between(0, 200),
    },
    kubelet: { bootMs: between(20, 200), readyMs: between(10, 100), stopMs: between(10, 200), unmountMs: between(10, 200), writeMs: 200 },
    pace: { watch: [0, between(3, 30)], reconcile: [0, between(2, 20)], request: [0, between(3, 15)] },
    informerLagMs: () => between(0, 30),
  };
}
