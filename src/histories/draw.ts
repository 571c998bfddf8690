// Draws a history from a seed. Swarm testing: each seed first decides which kinds of trouble there are at all, so that many histories are
// calm in most respects and some hostile in many; then how the world is made in which it happens.

import { ACTS } from './acts.ts';
import { EVACUATE } from './acts/evacuation.ts';
import { Dice } from './dice.ts';
import { FAULTS } from './faults.ts';
import { PROCESS_FAULTS } from './faults/processes.ts';
import { zoneName } from './manifests.ts';
import type { ActPlan, ClusterPlan, FaultPlan, HistoryPlan, ProductPlan, SetPlan } from './plan.ts';

export function drawPlan(seed: number): HistoryPlan {
  const dice = new Dice(seed);
  const cluster = drawCluster(dice);
  const names = dice.chance(0.25) ? ['web', 'db'] : ['web'];
  const shape: Shape = { cluster, moveMs: moveMs(cluster), most: names.length > 1 ? 2 : 4 };
  const sets = names.map((name) => drawSet(name, shape, dice));
  const troubleMs = Math.round(Math.min(LONGEST_TROUBLE_MS, 20_000 + shape.moveMs * dice.between(2, 6)));
  return {
    seed,
    cluster,
    sets,
    product: drawProduct(shape, dice),
    faults: drawFaults(troubleMs, dice),
    acts: drawActs(troubleMs, { sets, dice }),
    troubleMs,
  };
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** By then every maintenance window of a drawn policy has closed, until the next week. */
export const WINDOWS_CLOSED = '2026-11-20T10:13:00.000Z';
const LONGEST_TROUBLE_MS = 10 * MINUTE_MS;

interface Shape {
  cluster: ClusterPlan;
  /** Roughly what the move of one ordinal takes when nothing goes wrong. */
  moveMs: number;
  /** Replicas of a set at most: the whole world stays small. */
  most: number;
}

function drawCluster(dice: Dice): ClusterPlan {
  return {
    kubernetes: dice.chance(0.3) ? '1.30' : '1.36',
    zones: dice.between(2, 4),
    nodesPerZone: dice.chance(0.35) ? 2 : 1,
    pace: drawPace(dice),
    cloud: drawCloud(dice),
    kubelet: { bootMs: dice.scale(20, 3_000), readyMs: dice.scale(20, 3_000), stopMs: dice.scale(20, 3_000), unmountMs: dice.scale(20, 2_000), writeMs: dice.between(1_500, 5_000) },
    detachingSnapshots: dice.chance(0.5) ? 'refused' : 'inconsistent',
  };
}

function drawPace(dice: Dice): ClusterPlan['pace'] {
  if (dice.chance(0.5)) return { watch: [0, dice.between(1, 20)], reconcile: [0, dice.between(1, 20)], request: [0, dice.between(1, 10)] };
  return { watch: [0, dice.scale(20, 4_000)], reconcile: [0, dice.scale(20, 1_000)], request: [0, dice.scale(5, 200)] };
}

/** Half of the clouds are quick, so that much happens at once; some are as slow as the real one can be. */
function drawCloud(dice: Dice): ClusterPlan['cloud'] {
  const slowest = dice.chance(0.5) ? 2 * SECOND_MS : dice.chance(0.7) ? 15 * SECOND_MS : 90 * SECOND_MS;
  const time = (): number => dice.scale(20, slowest);
  const snapshotAvailableMs = time();
  return {
    createDiskMs: time(),
    attachMs: time(),
    detachMs: time(),
    snapshotAvailableMs,
    snapshotUploadMs: snapshotAvailableMs + dice.scale(100, 3 * MINUTE_MS),
    callMs: dice.chance(0.5) ? 0 : dice.scale(1, 1_000),
    tagVisibilityLagMs: lag(dice),
    listVisibilityLagMs: lag(dice),
  };
}

function lag(dice: Dice): number {
  if (dice.chance(0.5)) return 0;
  return dice.chance(0.7) ? dice.scale(10, 10 * SECOND_MS) : dice.scale(10 * SECOND_MS, 10 * MINUTE_MS);
}

function moveMs({ cloud, kubelet, pace }: ClusterPlan): number {
  const inTheCloud = cloud.detachMs + cloud.snapshotAvailableMs + cloud.createDiskMs + cloud.attachMs + 20 * cloud.callMs;
  const onNodes = kubelet.stopMs + kubelet.unmountMs + kubelet.bootMs + kubelet.readyMs;
  const inBetween = 12 * (pace.watch[1] + pace.reconcile[1] + 2 * pace.request[1]);
  // A snapshot and a disk that do not show cannot be waited for.
  return 10 * SECOND_MS + inTheCloud + 2 * cloud.listVisibilityLagMs + onNodes + inBetween;
}

function drawSet(name: string, shape: Shape, dice: Dice): SetPlan {
  const replicas = drawReplicas(shape, dice);
  const start = dice.chance(0.2) ? dice.between(1, 5) : 0;
  const podManagement = dice.chance(0.5) ? 'OrderedReady' : 'Parallel';
  return {
    name,
    replicas,
    start,
    templates: dice.chance(0.2) ? ['data', 'log'] : ['data'],
    binding: dice.chance(0.3) ? 'Immediate' : 'WaitForFirstConsumer',
    reclaim: dice.chance(0.3) ? 'Retain' : 'Delete',
    podManagement,
    update: dice.chance(0.2) ? 'OnDelete' : 'RollingUpdate',
    claimRetention: { whenDeleted: dice.chance(0.2) ? 'Delete' : 'Retain', whenScaled: dice.chance(0.2) ? 'Delete' : 'Retain' },
    mayBeDown: dice.chance(0.4) ? dice.between(1, Math.max(1, Math.min(2, replicas))) : undefined,
    policy: drawPolicy({ name, replicas, start, podManagement }, shape, dice),
  };
}

/** Of one alone there is little to see. */
function drawReplicas({ most }: Shape, dice: Dice): number {
  return dice.chance(0.1) ? 1 : dice.between(2, most);
}

function drawPolicy(set: Pick<SetPlan, 'name' | 'replicas' | 'start' | 'podManagement'>, { cluster, moveMs: move }: Shape, dice: Dice): Record<string, string> {
  const zones = Array.from({ length: cluster.zones }, (_, index) => zoneName(index));
  // Every set is born in the first zone: where that is not declared, every ordinal has to move.
  const candidates = dice.chance(0.4) ? zones.slice(1) : zones;
  const declared = dice.shuffled(candidates).slice(0, dice.between(Math.min(2, candidates.length), candidates.length));
  const ordinal = set.start + dice.between(0, set.replicas - 1);
  const now = (probability: number, policy: () => Record<string, string>): Record<string, string> => (dice.chance(probability) ? policy() : {});
  const readyTimeoutMs = dice.between(1, 3) * move + 20 * SECOND_MS;
  // What restore-source keeps of the newer disk must outlast a slow start on the older one.
  const outlasting = duration(2 * readyTimeoutMs + 2 * move + MINUTE_MS);
  return {
    zones: declared.join(','),
    'ready-timeout': duration(readyTimeoutMs),
    'health-duration': duration(dice.scale(SECOND_MS, 20 * SECOND_MS)),
    'source-retention': retention(dice),
    'snapshot-retention': retention(dice),
    ...now(0.15, () => ({ pin: `${ordinal}=${dice.one(declared)}` })),
    // New zones of `*` enter after ten minutes: a long time without anything.
    ...now(0.07, () => ({ zones: '*' })),
    ...now(0.25, () => ({ 'max-skew': String(dice.between(1, 3)) })),
    ...now(0.06, () => ({ mode: 'plan' })),
    ...now(set.podManagement === 'Parallel' ? 0.5 : 0, () => ({ 'max-unavailable': '2' })),
    ...now(0.25, () => ({ 'on-unready': 'reverse' })),
    ...now(0.25, () => ({ 'on-unready': 'restore-source', 'source-retention': outlasting, 'snapshot-retention': outlasting })),
    ...now(0.1, () => ({ 'source-retention': 'forever' })),
    ...now(0.1, () => ({ 'snapshot-retention': 'forever' })),
    ...now(0.2, () => ({ 'move-last': `statefulset.kubernetes.io/pod-name=${set.name}-${ordinal}` })),
    // It begins at ten, Friday 18:00 there; a window that opened again and again would never let the report rest.
    ...now(0.06, () => ({ window: `${dice.between(0, 3)} 18 * * 5 for ${dice.between(2, 10)}m in Asia/Shanghai` })),
    ...now(0.03, () => ({ paused: 'true' })),
  };
}

/** Mostly short: whole histories are spent waiting for it. */
function retention(dice: Dice): string {
  return duration(dice.scale(5 * SECOND_MS, dice.chance(0.9) ? 2 * MINUTE_MS : 10 * MINUTE_MS));
}

function duration(ms: number): string {
  return `${Math.max(1, Math.round(ms / SECOND_MS))}s`;
}

function drawProduct({ moveMs: move }: Shape, dice: Dice): ProductPlan {
  const rate = (): number => (dice.chance(0.5) ? 1 : Math.round(70 + 70 * dice.next()) / 100);
  return {
    daemons: dice.chance(0.25) ? 2 : 1,
    clockRates: [rate(), rate(), rate()],
    sweep: dice.one(['*/20 * * * * *', '*/30 * * * * *', '* * * * *', '*/2 * * * *', '*/5 * * * *']),
    // Longer than any step takes, or no move would ever come through; the fastest clock runs 1.4 times as fast.
    stepTimeoutMs: Math.round(move * (1.5 + 3 * dice.next()) + 30 * SECOND_MS),
    coolDownMs: dice.chance(0.5) ? 0 : dice.scale(SECOND_MS, 5 * MINUTE_MS),
    atOnce: dice.between(1, 3),
    lease: drawLease(dice),
  };
}

/** In whole seconds, as the API has them; a leader has two tries at least before its deadline. */
function drawLease(dice: Dice): ProductPlan['lease'] {
  const durationMs = dice.one([15, 20, 30]) * SECOND_MS;
  return { durationMs, retryMs: Math.round(durationMs / dice.one([7.5, 3])) };
}

// ── trouble ──

const GUARDED = ['delete a record in flight', 'take our labels off', 'scale to zero', 'delete the set', 'delete a claim', 'change a reclaim policy', 'change the first ordinal', 'expand a claim', 'declare nonsense'];

/** How many kinds of trouble there are: none, a few, or any number of them. */
function howMany(kinds: number, dice: Dice): number {
  const mood = dice.next();
  if (mood < 0.15) return 0;
  if (mood < 0.6) return dice.between(1, 3);
  return mood < 0.9 ? dice.between(3, 8) : dice.between(6, Math.min(kinds, 20));
}

function drawFaults(troubleMs: number, dice: Dice): FaultPlan[] {
  const names = Object.keys(FAULTS);
  // A daemon that dies in the middle is what the product is built for.
  const weighted = [...names, ...Object.keys(PROCESS_FAULTS)];
  const chosen = [...new Set(dice.shuffled(weighted))].slice(0, howMany(names.length, dice));
  const faults = chosen.flatMap((name) => Array.from({ length: dice.chance(0.8) ? 1 : 2 }, () => drawFault(name, troubleMs, dice)));
  return faults.toSorted((left, right) => left.from - right.from);
}

function drawFault(name: string, troubleMs: number, dice: Dice): FaultPlan {
  const [least, most] = FAULTS[name]?.chance ?? [1, 1];
  const chance = Math.round(least * (most / least) ** dice.next() * 10_000) / 10_000;
  // Half of them all the time, the others for a while.
  if (dice.chance(0.5)) return { name, from: 0, to: troubleMs, chance };
  const from = dice.between(0, Math.floor(troubleMs * 0.8));
  return { name, from, to: Math.min(troubleMs, from + dice.scale(5 * SECOND_MS, troubleMs)), chance };
}

function drawActs(troubleMs: number, { sets, dice }: { sets: SetPlan[]; dice: Dice }): ActPlan[] {
  const names = Object.keys(ACTS).filter((name) => name !== EVACUATE);
  const chosen = dice.shuffled(names).slice(0, Math.ceil(howMany(names.length, dice) / 2));
  // A set that only plans moves when somebody approves.
  if (sets.some(({ policy }) => policy['mode'] === 'plan')) chosen.push('approve the plan');
  // Who decides about a frozen move needs one.
  if (chosen.some((name) => ['ask to release', 'ask to resume'].includes(name))) chosen.push('make a volume for the same disk');
  // Undos and ways back are what the product is judged by: by themselves they would be rare.
  if (chosen.length > 0 && dice.chance(0.3)) chosen.push(dice.one(['ask to abort', 'ask to abort', 'ask to reverse', 'ask to restore the source'].filter((name) => name in ACTS)));
  const drawn = (name: string, from: number, to: number): ActPlan => ({ name, at: dice.between(from, to), lot: dice.next() });
  const late = Math.floor(troubleMs * 0.8);
  const acts = chosen.flatMap((name) => Array.from({ length: dice.chance(0.7) ? 1 : dice.between(2, 3) }, () => drawn(name, 0, late)));
  if (dice.chance(0.06)) acts.push(...aHole(drawn, dice.between(0, late - HOLE_MS), dice));
  // It is about all sets, and drawn by itself.
  if (dice.chance(0.12)) acts.push(...Array.from({ length: dice.chance(0.7) ? 1 : 2 }, () => drawn(EVACUATE, 0, late)));
  return acts.toSorted((left, right) => left.at - right.at);
}

/** The webhook needs at most so long to register itself again. */
const HOLE_MS = 8 * SECOND_MS;

/** The guards are gone for a moment, and somebody does just then what they are there for. */
function aHole(drawn: (name: string, from: number, to: number) => ActPlan, at: number, dice: Dice): ActPlan[] {
  return [drawn('delete the webhook configurations', at, at), drawn(dice.one(GUARDED), at, at + HOLE_MS)];
}
