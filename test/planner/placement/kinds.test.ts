// Ordinals that are alike share a verdict: never one that theirs would not be.

import { describe, expect, it } from 'vitest';
import type { PodSpec } from '../../../src/kubernetes/objects.ts';
import { buildLayout, type Layout } from '../../../src/layout/layout.ts';
import { placementProblem } from '../../../src/planner/placement/verdict.ts';
import { SeededRandom } from '../../../src/simulation/seeded-random.ts';
import { csiNode, node } from '../../builders/kubernetes.ts';
import { spreadSet, type MutableInputs } from '../../builders/spread-set.ts';

const ZONES = ['a', 'b', 'c'];
const WEB = { matchLabels: { app: 'web' } };

const RULES: readonly PodSpec[] = [
  {},
  { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: WEB }] } } },
  { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'rack', labelSelector: WEB }] } } },
  { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'rack', labelSelector: { matchLabels: { 'apps.kubernetes.io/pod-index': '1' } } }] } } },
  { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'rack', labelSelector: WEB }] } } },
  { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule', labelSelector: WEB, nodeTaintsPolicy: 'Honor' }] },
  { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', labelSelector: WEB }] },
];

/** Three nodes a zone, racks across zones, up to six ordinals somewhere on them, some without a pod. */
function drawn(seed: number): MutableInputs {
  const random = new SeededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
  const zones = Array.from({ length: 2 + Math.floor(random.next() * 5) }, () => pick(ZONES));
  const inputs = spreadSet({ zones, podSpec: { containers: [{ name: 'main', resources: { requests: { cpu: pick(['1', '3']) } } }], ...pick(RULES) } });
  inputs.nodes = ZONES.flatMap((zone) =>
    [1, 2, 3].map((index) => {
      const taints = random.next() < 0.1 ? [{ key: 'x', effect: 'NoSchedule' }] : [];
      const made = node({ zone, name: `${zone}${index}`, labels: random.next() < 0.8 ? { rack: pick(['r1', 'r2', 'r3', 'r4']) } : {}, taints });
      made.status!.allocatable = { cpu: pick(['1', '3', '8']), memory: '8Gi', pods: pick(['1', '2', '9']) };
      return made;
    }),
  );
  inputs.csiNodes = inputs.nodes.map(({ metadata }) => csiNode(metadata.name));
  for (const [index, pod] of inputs.pods.entries()) pod.spec.nodeName = `${zones[index]}${pick([1, 2, 3])}`;
  inputs.pods = inputs.pods.filter(() => random.next() < 0.9);
  return inputs;
}

function problems(layoutOf: () => Layout, siblingsMayMove: boolean): (string | undefined)[] {
  return layoutOf().ordinals.flatMap(({ ordinal }) =>
    ZONES.map((zone) => {
      const layout = layoutOf();
      return placementProblem({ layout, ordinal: layout.ordinals.find((one) => one.ordinal === ordinal)!, zone, siblingsMayMove });
    }),
  );
}

describe('a shared verdict', () => {
  it.each([false, true])('is what each would get for itself, in 400 drawn sets (siblings may move: %s)', (siblingsMayMove) => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const inputs = drawn(seed);
      const shared = buildLayout(inputs);
      expect(problems(() => shared, siblingsMayMove), `seed ${seed}`).toEqual(problems(() => buildLayout(inputs), siblingsMayMove));
    }
  });

  it('spares looking at a thousand ordinals one by one', () => {
    const inputs = spreadSet({ zones: Array.from({ length: 1000 }, () => 'a'), podSpec: { containers: [{ name: 'main', resources: { requests: { cpu: '100' } } }] } });
    let looks = 0;
    inputs.nodes = inputs.nodes.map((one) => ({
      ...one,
      get spec() {
        looks += 1;
        return {};
      },
    }));
    const layout = buildLayout(inputs);
    looks = 0;
    for (const ordinal of layout.ordinals) expect(placementProblem({ layout, ordinal, zone: 'b' })).toContain('1 Insufficient cpu (node-b)');
    expect(looks).toBeLessThan(20);
  });
});
