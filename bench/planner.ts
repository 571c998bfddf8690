// How long layout and plan take: `node bench/planner.ts`. One line per set: replicas, moves, milliseconds (median of five).

import { buildLayout } from '../src/layout/layout.ts';
import { plan } from '../src/planner/plan.ts';
import { NOW_MS } from '../test/builders/kubernetes.ts';
import { policy } from '../test/builders/policy.ts';
import { spreadSet } from '../test/builders/spread-set.ts';

const ROUNDS = 5;

for (const { replicas, sizes } of [
  { replicas: 6, sizes: 'equal' },
  { replicas: 100, sizes: 'equal' },
  { replicas: 1000, sizes: 'equal' },
  { replicas: 100, sizes: 'all different' },
  { replicas: 1000, sizes: 'all different' },
]) {
  const ordinals = Array.from({ length: replicas }, (_, ordinal) => ordinal);
  const inputs = spreadSet({ zones: ordinals.map(() => 'a'), sizesGiB: ordinals.map((ordinal) => (sizes === 'equal' ? 20 : 20 + ((ordinal * 7919) % 1009))) });
  const rounds = Array.from({ length: ROUNDS }, () => measured(() => buildLayout(inputs)));
  const layout = buildLayout(inputs);
  const plans = Array.from({ length: ROUNDS }, () => measured(() => plan({ layout, policy: policy(), nowMs: NOW_MS })));
  const { cost } = plan({ layout, policy: policy(), nowMs: NOW_MS });
  process.stdout.write(`${replicas} replicas, sizes ${sizes}: ${cost.moves} moves, layout ${median(rounds)} ms, plan ${median(plans)} ms\n`);
}

function measured(work: () => unknown): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

function median(times: number[]): string {
  return (times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0).toFixed(1);
}
