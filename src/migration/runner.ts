// One visit to one migration in flight: reads the record live, runs the step it is at, writes down what came of it, and goes on until
// something has to be waited for. Whoever calls it may die at any instant: the next visit goes on from the record.
//
//   Pending ──begin──▶ Running ──────────── settle done ──────────▶ Succeeded
//                        │ giveUp, abort       ▲ forward (attached meanwhile), start over
//                        ▼                     │
//                     RollingBack ─────────────┴── undone ────────▶ RolledBack | Failed
//                        any ── cannot tell ──▶ Frozen ── resume, release, Ready after all ──▶ …

import { ApiError, ApiUnreachable } from '../kubernetes/api.ts';
import { LeaseLost } from '../kubernetes/fence.ts';
import { isConflict, isTestFailed } from '../kubernetes/refusals.ts';
import { nameOf, uidOf } from '../kubernetes/reading.ts';
import { DiskError, withoutRequestId } from '../ports/disks.ts';
import { timestamp } from '../ports/clock.ts';
import { endMigration } from './ending.ts';
import { closeLast, HISTORY_LENGTH } from './history.ts';
import { namespaceGone, ownerGone } from './owner.ts';
import { progressAt } from './progress.ts';
import { claimsOf, courseOf, FORMAT_VERSION, isOfUnknownFormat, isUntouched, ordinalMigrations, phaseOf, RESTORE_STEPS, RESTORE_UNDO_STEPS, START_OVER_STEPS, statusOf, STEPS, UNDO_STEPS, type OrdinalMigration, type OrdinalMigrationStatus, type StepName } from './record.ts';
import { handleRequest } from './requests.ts';
import { letRoomGo } from './reservation/reservation.ts';
import { reviewFrozen } from './frozen.ts';
import { DONE, InvariantBroken, sinceMs, type MigrationPorts, type Step, type StatusPatch, type StepContext, type StepResult } from './step.ts';
import { stepNamed } from './steps/index.ts';

/** What the caller does next: come back after so long (sooner when something changed), or nothing more. */
export type Visit = { kind: 'again'; afterMs: number } | { kind: 'ended' };

/** A step that throws the same way this often in a row, for a reason that is nobody's refusal, is a fault of ours: freeze. */
const FAULTS_BEFORE_FREEZE = 10;
const CONFLICTS_IN_A_ROW = 50;

export async function visit(ports: MigrationPorts, ref: { namespace: string; name: string }, faults: Map<string, number>): Promise<Visit> {
  const record = await ports.api.get(ordinalMigrations, ref);
  return record === undefined ? { kind: 'ended' } : visitRead(ports, record, faults);
}

/** The same for a record that has just been read live. */
export async function visitRead(ports: MigrationPorts, record: OrdinalMigration, faults: Map<string, number>): Promise<Visit> {
  const context = contextFor(ports, record);
  try {
    const result = await visitRecord(context);
    faults.delete(record.metadata.uid ?? '');
    return result;
  } catch (error) {
    return afterFault(context, error, faults);
  }
}

/** @throws LeaseLost when a daemon that came after this one has written the record. */
export function contextFor(ports: MigrationPorts, record: OrdinalMigration): StepContext {
  requireEpoch(ports.epoch, record);
  const context: StepContext = {
    ...ports,
    record,
    async save(patch) {
      context.record = await saveStatus(ports, context.record, patch);
    },
  };
  return context;
}

function requireEpoch(ours: number, record: OrdinalMigration): void {
  const { epoch = 0 } = statusOf(record);
  if (epoch > ours) throw new LeaseLost(`a daemon of epoch ${epoch} has written ${nameOf(record)}; this one is of epoch ${ours}`);
}

async function saveStatus(ports: MigrationPorts, record: OrdinalMigration, patch: StatusPatch): Promise<OrdinalMigration> {
  const status = Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, value ?? null]));
  return ports.api.mergePatch(
    ordinalMigrations,
    { namespace: record.metadata.namespace ?? '', name: record.metadata.name },
    { metadata: { uid: record.metadata.uid, resourceVersion: record.metadata.resourceVersion }, status: { ...status, epoch: ports.epoch } },
    { subresource: 'status' },
  );
}

async function visitRecord(context: StepContext): Promise<Visit> {
  await handleRequest(context);
  requireEpoch(context.epoch, context.record);
  for (;;) {
    const phase = phaseOf(context.record);
    if (phase === 'Succeeded' || phase === 'RolledBack' || phase === 'Failed') return { kind: 'ended' };
    if (phase === 'Pending') return { kind: 'again', afterMs: 5_000 };
    await letRoomGo(context);
    const result = (await namespaceGone(context)) ?? (phase === 'Frozen' ? await reviewFrozen(context) : await runStep(context));
    const next = await apply(context, result);
    if (next !== undefined) return next;
  }
}

async function runStep(context: StepContext): Promise<StepResult> {
  const { step: name = 'rehearse' } = statusOf(context.record);
  if (isOfUnknownFormat(context.record)) return { kind: 'freeze', reason: 'UnknownFormat', message: `this version of zonespread knows records up to format ${FORMAT_VERSION} only; run the version that wrote this one` };
  const step = stepNamed(name);
  if (step === undefined) return { kind: 'freeze', reason: 'UnknownStep', message: `this version of zonespread does not know the step "${name}"; run the version that wrote it` };
  if (phaseOf(context.record) === 'RollingBack') return isRestoreStep(name) ? step.run(context) : (step.undo?.(context) ?? DONE);
  await takeOver(context);
  return (await ownerGone(context)) ?? runForward(context, name, step);
}

/** While no daemon was there, no step could get through: its deadline counts from when this one took it over. */
async function takeOver(context: StepContext): Promise<void> {
  const { epoch, progressAt: progressedAt } = statusOf(context.record);
  if (epoch === context.epoch) return;
  const now = timestamp(context.clock);
  await context.save({ stepStartedAt: now, ...(progressedAt === undefined ? {} : { progressAt: now }) });
}

async function runForward(context: StepContext, name: string, step: Step): Promise<StepResult> {
  const result = await step.run(context);
  const overdue = result.kind === 'wait' && isOverdue(context, step);
  return overdue ? { kind: 'giveUp', reason: result.reason, message: `step ${name} has not got through within ${Math.round(limitMsOf(context, step) / 1000)} s: ${result.message}` } : result;
}

function limitMsOf(context: StepContext, step: Step): number {
  return step.limitMs?.(context) ?? context.stepTimeoutMs;
}

function isOverdue(context: StepContext, step: Step): boolean {
  const { deadline } = step;
  const { epoch, stepStartedAt, progressAt: progressedAt } = statusOf(context.record);
  if (deadline === false || epoch !== context.epoch) return false;
  return sinceMs(context, deadline === 'progress' ? (progressedAt ?? stepStartedAt) : stepStartedAt) > limitMsOf(context, step);
}

/** Writes down what came of the step. Undefined: go on at once. */
async function apply(context: StepContext, result: StepResult): Promise<Visit | undefined> {
  switch (result.kind) {
    case 'done':
      await (phaseOf(context.record) === 'RollingBack' ? nextUndo(context) : nextStep(context));
      return undefined;
    case 'wait':
      await noteWaiting(context, { reason: result.reason, message: withoutRequestId(result.message) });
      return { kind: 'again', afterMs: result.afterMs };
    case 'freeze':
      await freeze(context, result);
      return { kind: 'again', afterMs: 5_000 };
    case 'end':
      await endMigration(context, result);
      return { kind: 'ended' };
    default:
      await changeCourse(context, result);
      return undefined;
  }
}

/** Not on to the next step, but another way. */
function changeCourse(context: StepContext, result: Exclude<StepResult, { kind: 'done' | 'wait' | 'freeze' | 'end' }>): Promise<void> {
  switch (result.kind) {
    case 'giveUp':
      return beginUndo(context, result);
    case 'void':
      return beginUndo(context, { reason: 'SourceTouched', message: result.message, resumeAt: 'evict' });
    case 'restore':
      return beginRestore(context, result.message);
    case 'rescueAgain':
      return rescueAgain(context, result.message);
    case 'forward':
      return turnForward(context, result);
  }
}

async function nextStep(context: StepContext): Promise<void> {
  const name = (context.record.status?.step ?? 'rehearse') as StepName;
  const next = STEPS[STEPS.indexOf(name) + 1];
  if (next === undefined) {
    await endMigration(context, { phase: 'Succeeded', reason: 'Settled', message: 'the ordinal is Ready on its new disk' });
    return;
  }
  await enter(context, next, { outcome: 'Done', progress: progressAt(next), progressAt: undefined, reason: undefined, message: undefined });
}

/** Moves the record to a step and closes the last one in its history. */
async function enter(context: StepContext, step: string, change: StatusPatch & { outcome: string }): Promise<void> {
  const { outcome, ...patch } = change;
  const now = timestamp(context.clock);
  const history = closeLast(context.record.status?.history ?? [], now, outcome);
  await context.save({ ...patch, step, stepStartedAt: now, history: [...history, { step, startedAt: now }].slice(-HISTORY_LENGTH) });
  context.report(context.record, { type: 'Normal', event: 'MigrationStep', message: `${phaseOf(context.record) === 'RollingBack' ? 'undoing ' : ''}${step}` });
}

async function noteWaiting(context: StepContext, waiting: { reason: string; message: string }): Promise<void> {
  const status = context.record.status ?? {};
  if (phaseOf(context.record) === 'Frozen') return;
  if (phaseOf(context.record) === 'RollingBack') return noteUndoWaiting(context, waiting);
  // The first moments of a wait are no news; writing them would only cost time that the pod is down.
  const worthIt = sinceMs(context, status.stepStartedAt) > 2_000;
  if (worthIt && (status.reason !== waiting.reason || status.message !== waiting.message)) await context.save({ reason: waiting.reason, message: waiting.message });
}

const UNDO_WAITS = '; the undo waits: ';

/** In an undo the record keeps saying why it is undone. One that does not get on must be seen all the same: no deadline ends it. */
async function noteUndoWaiting(context: StepContext, waiting: { message: string }): Promise<void> {
  const { message, stepStartedAt } = statusOf(context.record);
  if (sinceMs(context, stepStartedAt) <= context.stepTimeoutMs) return;
  const said = `${undoMessage(message)}${UNDO_WAITS}${waiting.message}`;
  if (said === message) return;
  await context.save({ message: said });
  context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `${nameOf(context.record)}: the undo does not get on: ${waiting.message}` });
}

function undoMessage(message = ''): string {
  return message.split(UNDO_WAITS)[0] ?? '';
}

async function beginUndo(context: StepContext, why: { reason: string; message: string; resumeAt?: StepName }): Promise<void> {
  const step = context.record.status?.step;
  if (isUntouched(context.record)) {
    await endMigration(context, { phase: 'Failed', reason: why.reason, message: why.message });
    return;
  }
  context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `step ${step ?? ''} gave up and is undone: ${why.message}` });
  const first = why.resumeAt === undefined ? UNDO_STEPS[0] : START_OVER_STEPS[0];
  await enter(context, first, { outcome: why.reason, phase: 'RollingBack', course: 'Undo', reason: why.reason, message: why.message, resumeAt: why.resumeAt });
}

async function beginRestore(context: StepContext, message: string): Promise<void> {
  context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `restore-source: ${message}` });
  await enter(context, RESTORE_STEPS[0], { outcome: 'NotReady', phase: 'RollingBack', course: 'Restore', reason: 'SourceRestored', message });
}

/** As the next attempt, for a snapshot that lacks writes must not be adopted; the claims' snapshots are of one moment. */
async function rescueAgain(context: StepContext, message: string): Promise<void> {
  context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `restore-source: ${message}; it is detached and snapshotted again` });
  const claims = claimsOf(context.record).map(({ rescue, ...claim }) => (rescue?.id === undefined ? claim : { ...claim, discardedSnapshots: [...(claim.discardedSnapshots ?? []), rescue.id] }));
  await enter(context, RESTORE_STEPS[0], { outcome: message, claims, attempt: (statusOf(context.record).attempt ?? 1) + 1 });
}

async function nextUndo(context: StepContext): Promise<void> {
  const { status } = context.record;
  const order = undoOrder(status);
  const next = order[order.indexOf(status?.step ?? '') + 1];
  if (next !== undefined) await enter(context, next, { outcome: 'Undone' });
  else if (status?.resumeAt === undefined) await endUndo(context);
  else await startOver(context, status.resumeAt);
}

function undoOrder(status: OrdinalMigrationStatus | undefined): readonly string[] {
  if (status?.course === 'Restore') return [...RESTORE_STEPS, ...RESTORE_UNDO_STEPS];
  return status?.resumeAt === undefined ? UNDO_STEPS : START_OVER_STEPS;
}

async function endUndo(context: StepContext): Promise<void> {
  const { reason: noted = 'Aborted', message } = statusOf(context.record);
  // A restore stays one even if it froze on the way: retirement goes by it.
  const reason = courseOf(context.record) === 'Restore' ? 'SourceRestored' : noted;
  await endMigration(context, { phase: reason === 'OwnerGone' ? 'Failed' : 'RolledBack', reason, message: undoMessage(message) });
}

/** The void snapshot and disk are gone: once more from the eviction, as the next attempt. */
async function startOver(context: StepContext, step: StepName): Promise<void> {
  const claims = structuredClone(claimsOf(context.record));
  for (const { source } of claims) {
    delete source.attachedAt;
    delete source.detachedAt;
  }
  await enter(context, step, { outcome: 'Undone', phase: 'Running', course: 'Forward', resumeAt: undefined, awaitingReadySince: undefined, readySince: undefined, claims, attempt: (context.record.status?.attempt ?? 1) + 1, reason: undefined, message: undefined });
}

async function turnForward(context: StepContext, why: { step: StepName; message: string }): Promise<void> {
  await enter(context, why.step, { outcome: why.message, phase: 'Running', course: 'Forward', resumeAt: undefined, awaitingReadySince: undefined, readySince: undefined, reason: undefined, message: why.message });
}

async function freeze(context: StepContext, why: { reason: string; message: string }): Promise<void> {
  const { status } = context.record;
  if (phaseOf(context.record) === 'Frozen' && status?.reason === why.reason && status.message === why.message) return;
  await context.save({
    phase: 'Frozen',
    reason: why.reason,
    message: why.message,
    conditions: [{ type: 'Frozen', status: 'True', reason: why.reason, message: why.message, lastTransitionTime: timestamp(context.clock) }],
  });
  context.report(context.record, { type: 'Warning', event: 'MigrationFrozen', message: `${why.reason}: ${why.message}` });
}

function isRestoreStep(name: string): boolean {
  return (RESTORE_STEPS as readonly string[]).includes(name);
}

/** An error is a refusal or a silence that passes (wait), a broken invariant (freeze), or a fault of ours (wait, and freeze if it stays). */
async function afterFault(context: StepContext, error: unknown, faults: Map<string, number>): Promise<Visit> {
  if (error instanceof InvariantBroken) {
    await apply(context, { kind: 'freeze', reason: error.reason, message: error.message });
    return { kind: 'again', afterMs: 5_000 };
  }
  if (error instanceof LeaseLost) throw error;
  const uid = uidOf(context.record);
  const count = (faults.get(uid) ?? 0) + 1;
  faults.set(uid, count);
  // Read again and decide again; one that never ends is a refusal like any other.
  if ((isConflict(error) || isTestFailed(error)) && count <= CONFLICTS_IN_A_ROW) return { kind: 'again', afterMs: 20 };
  if (error instanceof ApiUnreachable) return { kind: 'again', afterMs: backOffMs(error, count) };
  return afterRefusal(context, error, count);
}

async function afterRefusal(context: StepContext, error: unknown, count: number): Promise<Visit> {
  const message = error instanceof Error ? error.message : String(error);
  const theirs = error instanceof ApiError || error instanceof DiskError;
  if (!theirs && count >= FAULTS_BEFORE_FREEZE) {
    await apply(context, { kind: 'freeze', reason: 'InternalError', message });
    return { kind: 'again', afterMs: 30_000 };
  }
  context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `${nameOf(context.record)}: ${message}` });
  const overdue = await giveUpWhenOverdue(context, theirs ? 'Refused' : 'InternalError', message);
  return overdue ?? { kind: 'again', afterMs: backOffMs(error, count) };
}

/** A step that only ever meets errors runs into its deadline like one that waits. */
async function giveUpWhenOverdue(context: StepContext, reason: string, message: string): Promise<Visit | undefined> {
  const { status } = context.record;
  const step = stepNamed(status?.step ?? '');
  if (phaseOf(context.record) !== 'Running' || step === undefined || !isOverdue(context, step)) return undefined;
  return apply(context, { kind: 'giveUp', reason, message }).then((next) => next ?? { kind: 'again', afterMs: 0 });
}

function backOffMs(error: unknown, count: number): number {
  const asked = error instanceof ApiError || error instanceof DiskError ? error.retryAfterMs : undefined;
  return asked ?? Math.min(30_000, 200 * 2 ** Math.min(count - 1, 8));
}

