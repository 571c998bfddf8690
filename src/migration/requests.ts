// What a person asks of a record by annotation (`zonespread.io/request`), where the record's state allows it. Handled once, then taken off.

import { REQUEST_ANNOTATION } from '../kubernetes/names.ts';
import { timestamp } from '../ports/clock.ts';
import { endMigration } from './ending.ts';
import { closeLast, HISTORY_LENGTH, undoReason } from './history.ts';
import { courseOf, ended, isUntouched, ordinalMigrations, phaseOf, RESTORE_STEPS, statusOf, STEPS, UNDO_STEPS, type MigrationRequest, type OrdinalMigration, type StepName } from './record.ts';
import { namespaceOf, type StepContext } from './step.ts';

type Answer = { kind: 'accepted'; act: (context: StepContext) => Promise<void> } | { kind: 'refused'; message: string };

const REQUESTS: Record<MigrationRequest, (record: OrdinalMigration) => Answer> = { abort, reverse, 'restore-source': restoreSource, release, resume };

export async function handleRequest(context: StepContext): Promise<void> {
  const asked = context.record.metadata.annotations?.[REQUEST_ANNOTATION];
  if (asked === undefined) return;
  const handler = Object.hasOwn(REQUESTS, asked) ? REQUESTS[asked as MigrationRequest] : undefined;
  const answer: Answer = handler?.(context.record) ?? { kind: 'refused', message: `allowed are ${Object.keys(REQUESTS).join(', ')}` };
  if (answer.kind === 'accepted') await answer.act(context);
  else context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `${REQUEST_ANNOTATION}: "${asked}" is not possible: ${answer.message}` });
  context.record = await context.api.mergePatch(
    ordinalMigrations,
    { namespace: namespaceOf(context), name: context.record.metadata.name },
    { metadata: { uid: context.record.metadata.uid, annotations: { [REQUEST_ANNOTATION]: null } } },
  );
}

/** Why the record, as it is now, does not allow it; undefined when it does. An ended one is not even looked at. */
export function requestProblem(record: OrdinalMigration, request: MigrationRequest): string | undefined {
  if (ended(record)) return `it has ended: ${phaseOf(record)}`;
  const answer = REQUESTS[request](record);
  return answer.kind === 'refused' ? answer.message : undefined;
}

function abort(record: OrdinalMigration): Answer {
  const phase = phaseOf(record);
  if (phase === 'Pending') return accepted((context) => endMigration(context, { phase: 'Failed', reason: 'Aborted', message: 'a person aborted it before it began' }));
  if (ended(record)) return refused(`it is ${phase}`);
  return courseOf(record) === 'Forward' ? abortForward(record) : abortUndo(record);
}

function abortForward(record: OrdinalMigration): Answer {
  const { step = 'rehearse', reason } = statusOf(record);
  const place = STEPS.indexOf(step as StepName);
  if (reason === 'RecordRestored' || place === -1) return refused('nobody knows how far it had come; see to what it left, then release it');
  if (place >= STEPS.indexOf('ready')) return refused('the new disk may have been attached: use reverse or restore-source');
  if (isUntouched(record)) return accepted((context) => endMigration(context, { phase: 'Failed', reason: 'Aborted', message: 'a person aborted it before anything was touched' }));
  return accepted(undoForGood);
}

/** An undo that was only the way back to another attempt becomes one for good. */
function abortUndo(record: OrdinalMigration): Answer {
  return statusOf(record).resumeAt === undefined ? refused('it is being undone already') : accepted(undoForGood);
}

function undoForGood(context: StepContext): Promise<void> {
  return turn(context, { course: 'Undo', step: UNDO_STEPS[0], reason: 'Aborted', message: 'a person aborted it' });
}

function reverse(record: OrdinalMigration): Answer {
  if (!afterNoReturn(record)) return refused('it is for a move whose new disk is in use but that has not settled; before that use abort, after it make an OrdinalMigration to the old zone');
  return accepted((context) => context.save({ phase: 'Frozen', reason: 'Reversing', message: 'a person asked to take it back by a move in the other direction' }));
}

function restoreSource(record: OrdinalMigration): Answer {
  if (isReversing(record)) return refused(BEING_REVERSED);
  if (!afterNoReturn(record)) return refused('it is for a move whose new disk is in use but that has not settled');
  return accepted((context) => turn(context, { course: 'Restore', step: RESTORE_STEPS[0], reason: 'SourceRestored', message: 'a person asked for the old disk back; writes since the move are kept in a snapshot and on the newer disk' }));
}

function release(record: OrdinalMigration): Answer {
  if (phaseOf(record) !== 'Frozen') return refused(`only a Frozen migration can be released; this one is ${phaseOf(record)}`);
  return accepted((context) => endMigration(context, { phase: 'Failed', reason: 'Released', message: 'a person released it: everything stays as it is, nothing is deleted' }));
}

function resume(record: OrdinalMigration): Answer {
  if (phaseOf(record) !== 'Frozen') return refused(`only a Frozen migration can be resumed; this one is ${phaseOf(record)}`);
  if (isReversing(record)) return refused(BEING_REVERSED);
  const { reason, history = [] } = statusOf(record);
  if (reason === 'RecordRestored') return refused('nobody knows how far it had come; see to what it left, then release it');
  const forward = courseOf(record) === 'Forward';
  return accepted((context) =>
    context.save({
      phase: forward ? 'Running' : 'RollingBack',
      stepStartedAt: timestamp(context.clock),
      awaitingReadySince: undefined,
      progressAt: undefined,
      reason: forward ? undefined : undoReason(history),
      message: forward ? undefined : 'a person had the undo taken up again after it had been Frozen',
      conditions: [],
    }),
  );
}

const BEING_REVERSED = 'the move in the other direction is under way, and two would pull at one ordinal; abort or release that one first';

function isReversing(record: OrdinalMigration): boolean {
  return phaseOf(record) === 'Frozen' && statusOf(record).reason === 'Reversing';
}

function afterNoReturn(record: OrdinalMigration): boolean {
  const { status } = record;
  const phase = phaseOf(record);
  return (phase === 'Running' || phase === 'Frozen') && status?.course !== 'Undo' && status?.course !== 'Restore' && status?.step === 'ready';
}

function turn(context: StepContext, to: { course: 'Undo' | 'Restore'; step: string; reason: string; message: string }): Promise<void> {
  const now = timestamp(context.clock);
  return context.save({
    ...to,
    phase: 'RollingBack',
    resumeAt: undefined,
    stepStartedAt: now,
    conditions: [],
    history: [...closeLast(context.record.status?.history ?? [], now, to.reason), { step: to.step, startedAt: now }].slice(-HISTORY_LENGTH),
  });
}

function accepted(act: (context: StepContext) => Promise<void>): Answer {
  return { kind: 'accepted', act };
}

function refused(message: string): Answer {
  return { kind: 'refused', message };
}
