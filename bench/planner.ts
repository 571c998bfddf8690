// How long planning takes: `node bench/planner.ts`. The exact spread beside one greedy pass over the same input, in the same run, as both
// grow; then layout and whole plan of sets at rest, guards and placement of every move included, and what it takes to say of every move
// that it is held. Times are processor time.

import { buildLayout } from '../src/layout/layout.ts';
import type { GuardContext } from '../src/planner/guards/guard.ts';
import { nextMoves, type Turn } from '../src/planner/next-moves.ts';
import { plan } from '../src/planner/plan.ts';
import { spread } from '../src/planner/spread.ts';
import { NOW_MS } from '../test/builders/kubernetes.ts';
import { policy } from '../test/builders/policy.ts';
import { spreadSet, type MutableInputs } from '../test/builders/spread-set.ts';
import { billOf, greedy } from './greedy.ts';
import { medianTimes, print } from './measure.ts';
import { KINDS, problemOf, type Kind } from './spread-problems.ts';

const ZONE_COUNT = 10;
const SIZES = [1000, 2000, 5000, 10_000];
const LETTERS = 'abcdefghij'.split('');

const AT_REST: GuardContext = { inFlight: [], budget: () => undefined, webhook: { ready: true, message: '' } };

/** Of the sets that are built part by part. */
const PART = 50;

for (const kind of KINDS) growthOf(kind);
wholePlans();

function growthOf(kind: Kind): void {
  print([`${kind.name}, ${ZONE_COUNT} zones`, 'exact', 'a 1000', 'greedy', 'exact/greedy', 'moves', 'by greedy', 'GiB', 'by greedy', 'skew', 'by greedy']);
  for (const ordinals of SIZES) {
    const problem = problemOf(kind, { ordinals, zoneCount: ZONE_COUNT });
    const [exactMs = 0, greedyMs = 0] = medianTimes([() => spread(problem), () => greedy(problem)]);
    const exact = billOf(problem, spread(problem).zones);
    const other = billOf(problem, greedy(problem));
    print([`  ${ordinals} ordinals`, ms(exactMs), ms((exactMs * 1000) / ordinals), ms(greedyMs), (exactMs / greedyMs).toFixed(1), exact.moves, other.moves, exact.sizeGiB, other.sizeGiB, exact.skew, other.skew]);
  }
}

function wholePlans(): void {
  print([`sets at rest, ${ZONE_COUNT} zones`, 'layout', 'plan', 'plan a 1000', 'held', 'moves']);
  for (const replicas of SIZES) {
    const inputs = setInOneZone(replicas);
    const layout = buildLayout(inputs);
    const declared = policy({ zones: { kind: 'list', zones: LETTERS } });
    const planned = (): ReturnType<typeof plan> => plan({ layout, policy: declared, nowMs: NOW_MS });
    const whole = planned();
    const paused = { ...declared, paused: true };
    // Each time on a layout that nothing is known of yet.
    const held = (): Turn => nextMoves({ plan: whole, layout: { ...layout }, policy: paused, nowMs: NOW_MS, context: AT_REST });
    const [layoutMs = 0, planMs = 0, heldMs = 0] = medianTimes([() => buildLayout(inputs), planned, held], 3);
    print([`  ${replicas} replicas`, ms(layoutMs), ms(planMs), ms((planMs * 1000) / replicas), ms(heldMs), whole.cost.moves]);
  }
}

/** In parts, because the builder looks through all it has for each disk that it adds. */
function setInOneZone(replicas: number): MutableInputs {
  const whole = spreadSet({ zones: [], nodeZones: LETTERS });
  whole.set.spec.replicas = replicas;
  for (let start = 0; start < replicas; start += PART) {
    const part = spreadSet({ zones: Array.from({ length: Math.min(PART, replicas - start) }, () => 'a'), start, nodeZones: LETTERS });
    whole.pods.push(...part.pods);
    whole.claims.push(...part.claims);
    whole.volumes.push(...part.volumes);
    for (const [id, disk] of part.disks) whole.disks.set(id, disk);
    for (const [handle, names] of part.volumesByHandle) whole.volumesByHandle.set(handle, names);
  }
  return whole;
}

function ms(time: number): string {
  return `${time.toFixed(1)} ms`;
}
