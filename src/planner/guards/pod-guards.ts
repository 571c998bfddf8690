// Guards about pods: how many of the set are down, whether this one may be evicted, and whether it would come back the same.

import { matchesSelector } from '../../kubernetes/selector.ts';
import { zonalVolumes, type Layout, type OrdinalFacts } from '../../layout/layout.ts';
import { revisionWhenRecreated } from '../../layout/set.ts';
import { fewOf } from '../few.ts';
import { onceFor, type Guard, type Proposal } from './guard.ts';

export const POD_GUARDS: readonly Guard[] = [
  { reason: 'PodNotReady', scope: 'ordinal', check: podNotReady },
  { reason: 'AwaitsTurn', scope: 'set', check: awaitsTurn },
  { reason: 'TooManyUnavailable', scope: 'set', check: tooManyUnavailable },
  { reason: 'RevisionWouldChange', scope: 'ordinal', check: revisionWouldChange },
  { reason: 'DisruptionBudgetExhausted', scope: 'ordinal', check: disruptionBudgetExhausted },
  { reason: 'SeveralDisruptionBudgets', scope: 'ordinal', check: severalDisruptionBudgets },
];

/** Absent, Pending, unready or going. */
export function isDown({ pod }: OrdinalFacts): boolean {
  return pod?.ready !== true;
}

/** Down, and its disks lie idle: the best candidate of all, for moving it costs no downtime. */
function costsNothing(ordinal: OrdinalFacts): boolean {
  return isDown(ordinal) && zonalVolumes(ordinal).every(({ disk }) => disk?.status === 'Available');
}

function podNotReady(proposal: Proposal): string | undefined {
  const { ordinal, layout } = proposal;
  const behind = behindStuckPod(proposal);
  if (behind !== undefined || !isDown(ordinal)) return behind;
  return costsNothing(ordinal) ? waitsForLower(ordinal, layout) : notReadyOnBusyDisk(ordinal);
}

/**
 * The StatefulSet controller stops at a Pending pod of which a claim is being deleted, whatever the podManagementPolicy: it makes no other
 * pod then. A move that is getting on deletes its claim itself, for a moment.
 */
function behindStuckPod({ ordinal, layout, context }: Proposal): string | undefined {
  const passing = new Set(context.inFlight.flatMap((moving) => (moving.frozen === true ? [] : [moving.ordinal])));
  const stuck = stuckIn(layout).find((other) => other.ordinal !== ordinal.ordinal && !passing.has(other.ordinal));
  if (stuck === undefined) return undefined;
  const { podName, claimName } = stuck;
  return `pod ${ordinal.podName} would not be made again: the StatefulSet controller stops at pod ${podName}, which is Pending while its claim ${claimName} is being deleted, and can never start; delete pod ${podName}, then it is made again with a new claim`;
}

const stuckIn = onceFor(({ ordinals }) =>
  ordinals.flatMap((one) => {
    const claimName = terminatingClaimOf(one);
    return claimName === undefined ? [] : [{ ordinal: one.ordinal, podName: one.podName, claimName }];
  }),
);

function terminatingClaimOf({ pod, volumes }: OrdinalFacts): string | undefined {
  if (pod === undefined || pod.phase !== 'Pending' || pod.terminating) return undefined;
  return volumes.find(({ source, claim }) => source === 'template' && claim?.terminating === true)?.claimName;
}

/** Under OrderedReady such a pod is not made again before those below it are Ready: the move could only time out, and be undone. */
function waitsForLower({ ordinal, podName }: OrdinalFacts, { set, ordinals }: Layout): string | undefined {
  if (set.podManagementPolicy !== 'OrderedReady') return undefined;
  const lower = ordinals.filter((other) => other.ordinal < ordinal && isDown(other));
  if (lower.length === 0) return undefined;
  return `pod ${podName} is down, and StatefulSet ${set.name} makes it again only when the lower ordinals are Ready (podManagementPolicy OrderedReady), which these are not: ${fewOf(lower.map((other) => other.podName))}; see why with "kubectl describe pod" and get them Ready first`;
}

function notReadyOnBusyDisk(ordinal: OrdinalFacts): string {
  const busy = zonalVolumes(ordinal).find(({ disk }) => disk?.status !== 'Available');
  const disk = busy?.disk === undefined ? `disk ${busy?.volume?.diskId} is unknown to the cloud` : `disk ${busy.disk.id} is ${busy.disk.status}`;
  return `pod ${ordinal.podName} ${stateOf(ordinal)} while its ${disk}; get the pod Ready, or stopped so that its disk becomes Available`;
}

function stateOf({ pod }: OrdinalFacts): string {
  if (pod === undefined) return 'does not exist';
  return pod.terminating ? 'is being deleted' : `is ${pod.phase} and not Ready`;
}

function awaitsTurn({ ordinal, rules, context }: Proposal): string | undefined {
  const moving = new Set(context.inFlight.map((other) => other.ordinal));
  moving.delete(ordinal.ordinal);
  if (moving.size < rules.maxUnavailable) return undefined;
  return `${moving.size} of at most ${rules.maxUnavailable} ordinals of the set are being moved (zonespread.io/max-unavailable); the next one starts when one of them is done`;
}

function tooManyUnavailable(proposal: Proposal): string | undefined {
  const { ordinal, layout, rules, context } = proposal;
  if (costsNothing(ordinal)) return undefined;
  const moving = new Set(context.inFlight.map((other) => other.ordinal));
  const down = unavailableIn(proposal).filter((other) => other.ordinal !== ordinal.ordinal && !moving.has(other.ordinal));
  moving.delete(ordinal.ordinal);
  if (down.length === 0 || down.length + moving.size < rules.maxUnavailable) return undefined;
  return `${fewOf(down.map(({ podName }) => podName))} of StatefulSet ${layout.set.name} not available, and at most ${rules.maxUnavailable} may be (zonespread.io/max-unavailable); see why with "kubectl describe pod" and get them Ready`;
}

/** By the time of asking. */
const unavailableAt = onceFor(() => new Map<number, readonly OrdinalFacts[]>());

/** As the StatefulSet counts: Ready for at least minReadySeconds; where it has none, no clock is asked, for ours may be behind the cluster's. */
function unavailableIn({ layout, nowMs }: Proposal): readonly OrdinalFacts[] {
  const known = unavailableAt(layout);
  const { minReadySeconds } = layout.set;
  const isYoung = (since: number | undefined): boolean => minReadySeconds > 0 && since !== undefined && nowMs - since < minReadySeconds * 1000;
  const unavailable = known.get(nowMs) ?? layout.ordinals.filter((ordinal) => isDown(ordinal) || isYoung(ordinal.pod?.readySinceMs));
  known.set(nowMs, unavailable);
  return unavailable;
}

function revisionWouldChange({ ordinal, layout: { set } }: Proposal): string | undefined {
  const has = ordinal.pod?.revision;
  const wouldHave = revisionWhenRecreated(set, ordinal.ordinal);
  if (has === undefined || wouldHave === undefined || has === wouldHave) return undefined;
  const how = set.updateStrategy === 'OnDelete' ? 'delete the pod to update it' : 'let the rollout reach it';
  return `pod ${ordinal.podName} has revision ${has} and would come back as ${wouldHave}: a move would roll it out; ${how} first`;
}

/** Pending and ended pods are evicted whatever a budget says, and an absent one needs no eviction. */
function needsBudget({ pod }: OrdinalFacts): boolean {
  return pod !== undefined && pod.phase === 'Running';
}

function budgetsOf({ ordinal, layout }: Proposal) {
  return needsBudget(ordinal) ? layout.budgets.filter(({ spec }) => matchesSelector(spec.selector, ordinal.pod?.labels)) : [];
}

function disruptionBudgetExhausted(proposal: Proposal): string | undefined {
  const empty = budgetsOf(proposal).find(({ status }) => (status?.disruptionsAllowed ?? 0) < 1);
  if (empty === undefined) return undefined;
  const { currentHealthy = 0, desiredHealthy = 0 } = empty.status ?? {};
  return `PodDisruptionBudget ${empty.metadata.name} allows no disruption of ${proposal.ordinal.podName} now (${currentHealthy} healthy, ${desiredHealthy} wanted); get more of its pods Ready, or let it allow one`;
}

/** The Eviction API refuses such a pod altogether. */
function severalDisruptionBudgets(proposal: Proposal): string | undefined {
  const budgets = budgetsOf(proposal);
  if (budgets.length < 2) return undefined;
  return `pod ${proposal.ordinal.podName} is covered by ${budgets.length} PodDisruptionBudgets (${budgets.map(({ metadata }) => metadata.name).join(', ')}), and Kubernetes then evicts it for nobody; leave one of them`;
}
