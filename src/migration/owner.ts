// Is there still a set whose ordinal this is? Asked live before every step; when there is not, the move ends without losing a disk.

import { namespaces, type StatefulSet } from '../kubernetes/objects.ts';
import { isTerminating, uidOf } from '../kubernetes/reading.ts';
import { statusOf, STEPS, type StepName } from './record.ts';
import { liveSet } from './rehearsal.ts';
import { namespaceOf, type StepContext, type StepResult } from './step.ts';

/**
 * Undefined while the set has the ordinal. Before swapClaim the move is undone (without a pod); from swapClaim on the claim is still
 * brought to the new disk, and then it stops: source, snapshot and all stay.
 */
export async function ownerGone(context: StepContext): Promise<StepResult | undefined> {
  const why = await whyGone(context);
  if (why === undefined) return undefined;
  const step = (statusOf(context.record).step ?? 'rehearse') as StepName;
  if (STEPS.indexOf(step) < STEPS.indexOf('swapClaim')) return { kind: 'giveUp', reason: 'OwnerGone', message: why.message };
  if (step === 'swapClaim') return undefined;
  return { kind: 'end', phase: 'Failed', reason: 'OwnerGone', message: `${why.message}; the claim is on the new disk, the old disk and the snapshot are kept` };
}

/** A namespace that is being deleted is never held up, whatever the phase: the move ends at once, and its disks stay, labelled and tagged. */
export async function namespaceGone(context: StepContext): Promise<StepResult | undefined> {
  const name = namespaceOf(context);
  const namespace = await context.api.get(namespaces, { name });
  if (namespace !== undefined && !isTerminating(namespace)) return undefined;
  return { kind: 'end', phase: 'Failed', reason: 'OwnerGone', message: `namespace ${name} is being deleted; source disk, snapshot and new disk are kept` };
}

async function whyGone(context: StepContext): Promise<{ message: string } | undefined> {
  const { name } = context.record.spec.statefulSetRef;
  const { ordinal } = context.record.spec;
  const set = await liveSet(context);
  if (set === undefined) return { message: `StatefulSet ${name} is gone` };
  if (uidOf(set) !== statusOf(context.record).statefulSetUID) return { message: `StatefulSet ${name} was deleted and created anew` };
  if (isTerminating(set)) return { message: `StatefulSet ${name} is being deleted` };
  const { first, last } = ordinalsOf(set);
  return ordinal >= first && ordinal <= last ? undefined : { message: `StatefulSet ${name} was scaled: it has the ordinals ${first} to ${last}, and ${ordinal} is no longer one of them` };
}

/** `last` is less than `first` when it has none. */
export function ordinalsOf(set: StatefulSet): { first: number; last: number } {
  const first = set.spec.ordinals?.start ?? 0;
  return { first, last: first + (set.spec.replicas ?? 1) - 1 };
}

/** Lowest first. */
export function everyOrdinalOf(set: StatefulSet): number[] {
  const { first, last } = ordinalsOf(set);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
