// What a person asks of a record by annotation (`zonespread.io/request`), where the record's state allows it. Handled once, then taken off.

import { REQUEST_ANNOTATION } from '../kubernetes/names.ts';
import { timestamp } from '../ports/clock.ts';
import { endMigration } from './ending.ts';
import { HISTORY_LENGTH } from './history.ts';
import { STEPS, ordinalMigrations, phaseOf, RESTORE_STEPS, UNDO_STEPS, type MigrationRequest, type StepName } from './record.ts';
import { namespaceOf, type StepContext } from './step.ts';

type Answer = { kind: 'accepted'; act: () => Promise<void> } | { kind: 'refused'; message: string };

const REQUESTS: Record<MigrationRequest, (context: StepContext) => Answer> = { abort, reverse, 'restore-source': restoreSource, release, resume };

export async function handleRequest(context: StepContext): Promise<void> {
  const asked = context.record.metadata.annotations?.[REQUEST_ANNOTATION];
  if (asked === undefined) return;
  const handler = Object.hasOwn(REQUESTS, asked) ? REQUESTS[asked as MigrationRequest] : undefined;
  const answer: Answer = handler?.(context) ?? { kind: 'refused', message: `allowed are ${Object.keys(REQUESTS).join(', ')}` };
  if (answer.kind === 'accepted') await answer.act();
  else context.report(context.record, { type: 'Warning', event: 'MigrationStep', message: `${REQUEST_ANNOTATION}: "${asked}" is not possible: ${answer.message}` });
  context.record = await context.api.mergePatch(
    ordinalMigrations,
    { namespace: namespaceOf(context), name: context.record.metadata.name },
    { metadata: { uid: context.record.metadata.uid, annotations: { [REQUEST_ANNOTATION]: null } } },
  );
}

function abort(context: StepContext): Answer {
  const phase = phaseOf(context.record);
  const step = context.record.status?.step as StepName | undefined;
  if (phase === 'Pending') return accepted(() => endMigration(context, { phase: 'Failed', reason: 'Aborted', message: 'a person aborted it before it began' }));
  if (phase === 'RollingBack') return refused('it is being undone already');
  if (phase !== 'Running') return refused(`it is ${phase}`);
  if (step === undefined || STEPS.indexOf(step) >= STEPS.indexOf('ready')) return refused('the new disk may have been attached: use reverse or restore-source');
  if (step === 'rehearse') return accepted(() => endMigration(context, { phase: 'Failed', reason: 'Aborted', message: 'a person aborted it before anything was touched' }));
  return accepted(() => turn(context, { course: 'Undo', step: UNDO_STEPS[0], reason: 'Aborted', message: 'a person aborted it' }));
}

function reverse(context: StepContext): Answer {
  if (!afterNoReturn(context)) return refused('it is for a move whose new disk is in use but that has not settled; before that use abort, after it make an OrdinalMigration to the old zone');
  return accepted(() => context.save({ phase: 'Frozen', reason: 'Reversing', message: 'a person asked to take it back by a move in the other direction' }));
}

function restoreSource(context: StepContext): Answer {
  if (!afterNoReturn(context)) return refused('it is for a move whose new disk is in use but that has not settled');
  return accepted(() => turn(context, { course: 'Restore', step: RESTORE_STEPS[0], reason: 'SourceRestored', message: 'a person asked for the old disk back; writes since the move are kept in a snapshot and on the newer disk' }));
}

function release(context: StepContext): Answer {
  if (phaseOf(context.record) !== 'Frozen') return refused(`only a Frozen migration can be released; this one is ${phaseOf(context.record)}`);
  return accepted(() => endMigration(context, { phase: 'Failed', reason: 'Released', message: 'a person released it: everything stays as it is, nothing is deleted' }));
}

function resume(context: StepContext): Answer {
  if (phaseOf(context.record) !== 'Frozen') return refused(`only a Frozen migration can be resumed; this one is ${phaseOf(context.record)}`);
  const forward = (context.record.status?.course ?? 'Forward') === 'Forward';
  return accepted(() =>
    context.save({ phase: forward ? 'Running' : 'RollingBack', stepStartedAt: timestamp(context.clock), awaitingReadySince: undefined, reason: forward ? undefined : context.record.status?.reason, message: undefined, conditions: [] }),
  );
}

function afterNoReturn(context: StepContext): boolean {
  const { status } = context.record;
  const phase = phaseOf(context.record);
  return (phase === 'Running' || phase === 'Frozen') && status?.course !== 'Undo' && status?.course !== 'Restore' && status?.step === 'ready';
}

function turn(context: StepContext, to: { course: 'Undo' | 'Restore'; step: string; reason: string; message: string }): Promise<void> {
  const now = timestamp(context.clock);
  return context.save({
    ...to,
    phase: 'RollingBack',
    stepStartedAt: now,
    conditions: [],
    history: [...(context.record.status?.history ?? []), { step: to.step, startedAt: now }].slice(-HISTORY_LENGTH),
  });
}

function accepted(act: () => Promise<void>): Answer {
  return { kind: 'accepted', act };
}

function refused(message: string): Answer {
  return { kind: 'refused', message };
}
