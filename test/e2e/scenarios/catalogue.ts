// Every scenario by name, in groups: the one list from which the end-to-end tests on the real world and those on the simulated one are
// made, so that what is added here runs on both.

import type { World } from '../world.ts';
import { wrongAnnotationValue } from './blocked.ts';
import { leftAndTakenBack } from './evacuation.ts';
import { HELD_ON_BOTH } from './held/all.ts';
import { oneAtOnceInTheCluster } from './held/budgets.ts';
import { held } from './held/holding.ts';
import { BACKWARD_STEPS, FORWARD_STEPS, killedMovingForward, killedWhileUndoing } from './crash.ts';
import { ALL_KINDS, disksOfEveryCategory, nameOfKind, oneMoveOf, PAIRWISE_KINDS, twoClaimsOneOfThemGrown } from './kinds.ts';
import { aNodeIsAwaited, imagesArePulledFirst, noRoomInTheTargetZone, theRoomIsHeldAndHandedOver } from './landing.ts';
import { keptWhenUsedAgain, retiredAfterTheRetention } from './retention.ts';
import { sixReplicasSpreadOverThreeZones } from './spread.ts';
import { theControllerMakesTheClaimFirst, whatPeoplePutOnTheClaimStays } from './swap.ts';
import { aRecordMadeByHand, claimNeverBound, diskStuckInDetaching, podUnschedulableInTargetZone, snapshotFails, targetZoneSoldOut } from './trouble.ts';
import { heldUntilReady, reversedWithAllWrites, sourceRestored } from './unready.ts';
import { aPodSlipsThroughWhileTheWebhookIsDead, webhookKilledBeforeTheEviction, webhookKilledDuringTheSwap } from './webhook.ts';

export interface Scenario {
  name: string;
  run: (world: World) => Promise<void>;
  /** On a real world, which takes its time, only in full runs: others stand for it. */
  onlyInFull?: boolean;
}

export interface Group {
  title: string;
  scenarios: Scenario[];
  /** Whether the webhook is registered and runs when they begin. Default true. */
  webhook?: boolean;
  /** They do to the webhook what others would notice: on a shared world one after the other. */
  alone?: boolean;
  /** On a real world, but for full runs, so many of them, drawn by the day. */
  sampled?: number;
}

/** Not within the time of a scenario: what is watched is not found by sweeping. */
const NO_SWEEP = '0 0 29 2 *';
const EVERY_OTHER_SECOND = '*/2 * * * * *';

const BINDING_MODES = ['WaitForFirstConsumer', 'Immediate'] as const;

export const SPREAD: Group[] = [
  {
    title: 'an annotated set spreads itself',
    scenarios: [
      { name: 'six replicas in one zone of three need four moves, one at a time, highest ordinals first, and then nothing is written but the lease', run: sixReplicasSpreadOverThreeZones },
      ...ALL_KINDS.map((kind) => ({ name: `of ${nameOfKind(kind)}`, run: oneMoveOf(kind), onlyInFull: !PAIRWISE_KINDS.includes(kind) })),
      { name: 'two claims move together, and a disk that has outgrown its template keeps its size', run: twoClaimsOneOfThemGrown },
      { name: 'every category of disk stays what it is, with key, backup policy and tags', run: disksOfEveryCategory },
      { name: 'what people put on a claim while its disk is being copied is on the claim that takes its place', run: whatPeoplePutOnTheClaimStays },
      { name: 'a record made by hand moves one ordinal of a set without annotations', run: aRecordMadeByHand },
    ],
  },
  {
    title: 'the StatefulSet controller makes the claim again first',
    scenarios: BINDING_MODES.map((mode) => ({ name: `the pod still starts on the prepared disk (${mode})`, run: theControllerMakesTheClaimFirst(mode) })),
  },
  {
    title: 'a zone is evacuated',
    // The zone is closed to everybody's sets.
    alone: true,
    scenarios: [{ name: 'every set leaves it, and comes back when the evacuation is over', run: leftAndTakenBack }],
  },
];

export const TROUBLE: Group[] = [
  {
    title: 'trouble before the new disk is attached: undone, back on the old disk with all writes, and the next try waits',
    scenarios: [
      { name: 'the target zone is sold out at CreateDisk', run: targetZoneSoldOut },
      { name: 'the snapshot fails', run: snapshotFails },
      { name: 'the old disk is stuck in Detaching', run: diskStuckInDetaching },
      { name: 'the claim is never Bound', run: claimNeverBound },
      { name: 'the pod cannot be scheduled in the target zone', run: podUnschedulableInTargetZone },
    ],
  },
  {
    title: 'the landing node is held before anything is touched',
    scenarios: [
      { name: 'no room in the target zone: Failed in the words of the scheduler, nothing touched, nothing left', run: noRoomInTheTargetZone },
      { name: 'the room is held, and nobody who waits for it gets it when it changes hands', run: theRoomIsHeldAndHandedOver },
      { name: 'with --prepull the images are there first', run: imagesArePulledFirst },
      { name: 'with --await-autoscaler a full zone is waited for', run: aNodeIsAwaited },
    ],
  },
  {
    title: 'the new disk is attached and the pod does not get Ready',
    scenarios: [
      { name: 'hold: frozen, and goes on once the pod is Ready after all', run: heldUntilReady },
      { name: 'reverse: the same migration backwards, writes and all', run: reversedWithAllWrites },
      { name: 'restore-source: the old disk again, and what the newer one holds is kept', run: sourceRestored },
    ],
  },
  {
    title: 'a move is held, nothing is touched, and it begins by itself when the cause is gone:',
    scenarios: [
      ...HELD_ON_BOTH.map((one) => ({ name: one.name, run: held(one, { sweep: NO_SWEEP, neededSweep: EVERY_OTHER_SECOND, heldForMs: 3_000 }) })),
      { name: 'all the moves that the cluster may have at once are under way', run: oneAtOnceInTheCluster },
    ],
  },
  {
    title: 'after a move',
    scenarios: [
      { name: 'source volume, disk and snapshot are there until their retention has passed, and gone afterwards', run: retiredAfterTheRetention },
      { name: 'a source that somebody uses again is kept, and said', run: keptWhenUsedAgain },
    ],
  },
];

/** Before there ever was a webhook, and when it dies: in this order. */
export const WEBHOOK: Group[] = [
  {
    title: 'there is no webhook yet',
    webhook: false,
    alone: true,
    scenarios: [{ name: 'a wrong annotation value that no webhook refused: event and report say key, value and what is allowed, and nothing moves', run: wrongAnnotationValue }],
  },
  {
    title: 'the webhook is killed',
    alone: true,
    scenarios: [
      { name: 'before the eviction: nothing is evicted, and the move completes when it is back', run: webhookKilledBeforeTheEviction },
      ...BINDING_MODES.map((mode) => ({ name: `during the swap: no write is lost, and the move completes when it is back (${mode})`, run: webhookKilledDuringTheSwap(mode) })),
      { name: 'a pod slips through: what it wrote on the old disk comes along', run: aPodSlipsThroughWhileTheWebhookIsDead },
    ],
  },
];

export const CRASH: Group[] = [
  {
    title: 'the daemon is killed while it moves an ordinal, and the next one ends the move',
    scenarios: FORWARD_STEPS.map((step) => ({ name: `inside ${step}`, run: killedMovingForward(step) })),
  },
  {
    title: 'the daemon is killed while it undoes a move, and the next one ends the undo',
    // Undo takes longest: its pod has to be found unschedulable first.
    sampled: 3,
    scenarios: BACKWARD_STEPS.map((step) => ({ name: `inside ${step}`, run: killedWhileUndoing(step) })),
  },
];
