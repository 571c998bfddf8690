// A Frozen migration is looked at, not touched. Two things thaw it without a person: the pod got Ready after all, or the move that takes
// it back has ended.

import { createReverse, reverseOutcome } from './reverse.ts';
import { wait, type StepContext, type StepResult } from './step.ts';
import { judgeReady } from './steps/ready.ts';

const LOOK_EVERY_MS = 5_000;

export async function reviewFrozen(context: StepContext): Promise<StepResult> {
  const { reason } = context.record.status ?? {};
  if (reason === 'Reversing') return reversing(context);
  if (reason === 'NotReady') return readyAfterAll(context);
  return wait('Frozen', 'a person decides', LOOK_EVERY_MS);
}

async function reversing(context: StepContext): Promise<StepResult> {
  const outcome = await reverseOutcome(context);
  if (outcome === 'missing') {
    await createReverse(context);
    return wait('Reversing', 'the move back has been recorded', 1_000);
  }
  if (outcome === 'succeeded') return { kind: 'end', phase: 'RolledBack', reason: 'Reversed', message: 'taken back by a move in the other direction, with all writes' };
  // Its disk is in use no more, and nothing is left to be decided.
  if (outcome === 'reversed') return { kind: 'end', phase: 'RolledBack', reason: 'Reversed', message: 'the move that took it back has been taken back itself: the ordinal is on the disk of that last one, with all writes' };
  if (outcome === 'failed') return { kind: 'freeze', reason: 'NotReady', message: 'the move back did not succeed (see its record); the ordinal stays on its new disk until a person decides' };
  return wait('Reversing', 'the move back is under way', 1_000);
}

/** Once Ready for the health duration it goes on to `settle`. */
async function readyAfterAll(context: StepContext): Promise<StepResult> {
  const seen = await judgeReady(context);
  if (seen.kind === 'overdue') return wait('Frozen', seen.message, LOOK_EVERY_MS);
  if (seen.kind !== 'done') return seen;
  await context.save({ phase: 'Running', reason: undefined, message: undefined, conditions: [] });
  return { kind: 'done' };
}
