// The reservation of a move: a placeholder holds the landing node until the ordinal's pod is let go to it.
//
//   reserve ── made, bound by the scheduler ──▶ … evict (still there?) … ──▶ ungate: the pod is nominated for that node, then the placeholder
//                                                                           goes, then the gate
//   undone, Frozen, ended: it goes at once
//
// The pod does not preempt it: a scheduler that has to preempt takes the lowest priority that it finds in the whole zone, and that would be
// somebody else's pod. Nobody of the same priority or less gets the room of a nominated pod, gated or not.

import { ApiError } from '../../kubernetes/api.ts';
import { MIGRATION_LABEL } from '../../kubernetes/names.ts';
import { pods, volumes, type PersistentVolume, type Pod } from '../../kubernetes/objects.ts';
import { conditionOf, isScheduled, isTerminating, labelOf, uidOf } from '../../kubernetes/reading.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../kubernetes/refusals.ts';
import { isGated } from '../ordinal-pod.ts';
import { claimsOf, phaseOf, podNameOf, statusOf, type Reservation } from '../record.ts';
import { liveSet, podAsItWouldBe } from '../rehearsal.ts';
import { DONE, migrationUID, namespaceOf, wait, type StepContext, type StepResult } from '../step.ts';
import { targetVolume } from '../target-volume.ts';
import { isRoomWanted, placeholderName, placeholderPod } from './placeholder.ts';
import { ensureClassBelow } from './priority.ts';

/** `done`: the node is held, or is not to be, or cannot be: then the move goes on without. */
export async function holdRoom(context: StepContext): Promise<StepResult> {
  if (!context.reserving.on || statusOf(context.record).reservation?.skipped !== undefined) return DONE;
  const pod = await livePlaceholder(context);
  if (pod === undefined) return makePlaceholder(context);
  if (isTerminating(pod)) return wait('NotReserved', `the last placeholder ${pod.metadata.name} is still terminating`, 200);
  if (hasEnded(pod)) return replaceEnded(context, pod);
  if (!isScheduled(pod)) return wait('NotReserved', whyNotPlaced(context, pod), 1_000);
  await note(context, { pod: pod.metadata.name, podUID: uidOf(pod), nodeName: pod.spec.nodeName ?? '' });
  return DONE;
}

/** Whether the move has a placeholder that must not be lost before the pod is taken off its node. */
export function holdsRoom(context: StepContext): boolean {
  return statusOf(context.record).reservation?.pod !== undefined;
}

/** Right before the gate goes. As the record has it, if it has: a live look would cost downtime. */
export async function handOver(context: StepContext, pod: Pod | undefined): Promise<void> {
  const { pod: name, podUID, nodeName } = statusOf(context.record).reservation ?? {};
  if (name === undefined || podUID === undefined || nodeName === undefined) return dropPlaceholder(context);
  if (pod !== undefined && isGated(pod)) await nominate(context, pod, nodeName);
  await removePlaceholder(context, { name, uid: podUID });
}

/** Called at every visit: what wants no room (any more) holds none. */
export async function letRoomGo(context: StepContext): Promise<void> {
  // From ungate on the pod has the room.
  const handedOver = phaseOf(context.record) === 'Running';
  if (handedOver || isRoomWanted(context.record) || !holdsRoom(context)) return;
  await dropPlaceholder(context);
  await context.save({ reservation: undefined });
}

/** Before a record ends. */
export async function dropPlaceholder(context: StepContext): Promise<void> {
  const live = holdsRoom(context) ? await livePlaceholder(context) : undefined;
  if (live !== undefined) await removePlaceholder(context, { name: live.metadata.name, uid: uidOf(live) });
}

/** Only if it is ours: the name alone proves nothing. */
export async function livePlaceholder(context: StepContext): Promise<Pod | undefined> {
  const pod = await context.api.get(pods, { namespace: namespaceOf(context), name: placeholderName(context.record) });
  return pod !== undefined && labelOf(pod, MIGRATION_LABEL) === migrationUID(context) ? pod : undefined;
}

async function removePlaceholder(context: StepContext, { name, uid }: { name: string; uid: string }): Promise<void> {
  try {
    await context.api.delete(pods, { namespace: namespaceOf(context), name }, { uid });
  } catch (error) {
    // Another one has its name: not the one that is meant.
    if (!isConflict(error)) throw error;
  }
}

// ── making it ──

async function makePlaceholder(context: StepContext): Promise<StepResult> {
  const set = await liveSet(context);
  if (set === undefined) return wait('OwnerGone', `StatefulSet ${context.record.spec.statefulSetRef.name} is gone`, 1_000);
  const like = await podAsItWouldBe(context, set);
  const landing = await volumesThere(context);
  const below = await ensureClassBelow(context.api, like).catch((error: unknown) => ({ kind: 'error' as const, error }));
  if (below.kind === 'error') return afterError(context, below.error);
  if (below.kind === 'none') return goOnWithout(context, below.message);
  const { image, prepull } = context.reserving;
  const placeholder = placeholderPod({ record: context.record, like, volumes: landing, priorityClassName: below.name, image, prepull });
  await note(context, { pod: placeholder.metadata.name });
  try {
    await context.api.create(pods, placeholder);
  } catch (error) {
    return afterError(context, error);
  }
  return notLookedAt(context);
}

/** Of the placeholder or its class. @throws what is no answer to it */
async function afterError(context: StepContext, error: unknown): Promise<StepResult> {
  if (isUnknownClass(error)) return wait('NotReserved', `the API server does not know the PriorityClass of placeholders yet: ${error.message}`, 200);
  if (isRefusal(error)) return goOnWithout(context, error.message);
  if (isAlreadyExists(error)) return notLookedAt(context);
  throw error;
}

function notLookedAt({ record }: StepContext): StepResult {
  return wait('NotReserved', `the scheduler has not looked at the placeholder of pod ${podNameOf(record)} yet`, 200);
}

/** Made a moment ago; admission goes by a cache. */
function isUnknownClass(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403 && /no PriorityClass with name/i.test(error.message);
}

/** What the API server will say again whenever it is asked: malformed to it, forbidden (quotas and policies, too), invalid. */
const REFUSALS = new Set([400, 403, 422]);

function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && REFUSALS.has(error.status);
}

/**
 * A quota without room for one pod more, a policy, a missing right: none of that stands in the way of the move itself, whose pod takes the place
 * of another one. Only where the placeholder is to bring a node about, it has to be.
 */
async function goOnWithout(context: StepContext, why: string): Promise<StepResult> {
  if (context.reserving.awaitAutoscalerMs !== undefined) return { kind: 'giveUp', reason: 'NotReserved', message: `there can be no placeholder, and without one no autoscaler makes a node: ${why}` };
  await note(context, { skipped: why });
  context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `goes on without a reserved node: ${why}` });
  return DONE;
}

/** As the new volumes will be, as far as the scheduler asks. One that is gone is the next step's business. */
async function volumesThere(context: StepContext): Promise<PersistentVolume[]> {
  const all = await Promise.all(
    claimsOf(context.record).map(async ({ claimName, source }) => {
      const volume = await context.api.get(volumes, { name: source.pv });
      if (volume === undefined) return [];
      return [targetVolume(volume, { name: source.pv, diskId: source.diskId, fromZone: source.zone, toZone: context.record.spec.targetZone, claim: { namespace: namespaceOf(context), name: claimName }, migrationUID: migrationUID(context) })];
    }),
  );
  return all.flat();
}

const FIELDS = ['pod', 'podUID', 'nodeName', 'skipped'] as const satisfies readonly (keyof Reservation)[];

/** In place of what the record said: of the last placeholder nothing may stay. */
async function note(context: StepContext, reservation: Reservation): Promise<void> {
  const known = statusOf(context.record).reservation ?? {};
  if (FIELDS.every((field) => known[field] === reservation[field])) return;
  // Saves are merged: a field that is to go has to be null.
  const whole = Object.fromEntries(FIELDS.map((field) => [field, reservation[field] ?? null]));
  await context.save({ reservation: whole });
}

// ── reading it ──

function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

/** Its kubelet has refused it, or its node was about to run full: it holds nothing any more. */
async function replaceEnded(context: StepContext, pod: Pod): Promise<StepResult> {
  await removePlaceholder(context, { name: pod.metadata.name, uid: uidOf(pod) });
  const { reason = '', message = '' } = (pod.status ?? {}) as { reason?: string; message?: string };
  return wait('NotReserved', `node ${pod.spec.nodeName ?? ''} has ended the placeholder of pod ${podNameOf(context.record)}: ${`${reason} ${message}`.trim()}`, 1_000);
}

function whyNotPlaced({ record: { spec }, ...context }: StepContext, pod: Pod): string {
  const said = conditionOf(pod, 'PodScheduled')?.message ?? 'no word from the scheduler yet';
  const { name } = spec.statefulSetRef;
  const waits = context.reserving.awaitAutoscalerMs === undefined ? '' : ', nor has an autoscaler made one';
  return `no node of zone ${spec.targetZone} takes a pod like ${name}-${spec.ordinal}${waits}: ${said}`;
}

// ── handing it over ──

/** To the scheduler a nominated pod is on its node already, for all that is of the same priority or less; and it looks there first. */
async function nominate(context: StepContext, pod: Pod, nodeName: string): Promise<void> {
  try {
    await context.api.mergePatch(pods, { namespace: namespaceOf(context), name: pod.metadata.name }, { metadata: { uid: uidOf(pod) }, status: { nominatedNodeName: nodeName } }, { subresource: 'status' });
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return; // Replaced meanwhile: whoever is next finds its way by itself.
    if (!isRefusal(error)) throw error;
    context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `pod ${pod.metadata.name} could not be nominated for node ${nodeName}, so somebody else may take its room in this moment: ${error.message}` });
  }
}
