// Waits of a verb for what it has asked for: one record, followed until a judgement says that it is over, with the move shown as it goes.

import { ordinalMigrations, phaseOf, podNameOf, statusOf, type OrdinalMigration } from '../migration/record.ts';
import { timestamp } from '../ports/clock.ts';
import { failed } from './exit.ts';
import { Following } from './following.ts';
import { line } from './rendering/text.ts';
import { journeyOf, measuredBy } from '../standing/moves.ts';
import { moveBlock } from './rendering/under-way.ts';
import type { Session } from './session.ts';

export interface WaitOptions {
  /** Undefined: it goes on. */
  isOver: (record: OrdinalMigration) => boolean;
  /** In ms; undefined: for as long as it takes. */
  timeoutMs?: number | undefined;
}

/** @returns the record as it was when it was over. @throws VerbEnded (failed) when it is gone, the time is up, or Ctrl-C came. */
export async function followRecord(session: Session, record: OrdinalMigration, { isOver, timeoutMs }: WaitOptions): Promise<OrdinalMigration> {
  const { namespace, name, uid } = record.metadata;
  const { clock } = session.around;
  const signal = session.around.interrupted();
  const following = new Following(session, signal);
  const records = following.watch(ordinalMigrations, { namespace });
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + timeoutMs;
  const tell = createTeller(session);
  try {
    await following.start();
    for (;;) {
      const now = records.list().find(({ metadata }) => metadata.name === name && metadata.uid === uid);
      if (signal.aborted) throw failed(`no longer waited for; ${podNameOf(record)} goes on: ${session.around.calledAs} status -n ${namespace ?? ''} --watch`);
      if (now === undefined) throw failed(`OrdinalMigration ${name} is gone: somebody deleted it`);
      tell(now, records.list());
      if (isOver(now)) return now;
      if (clock.monotonic() > deadline) throw failed(`the time is up, and ${podNameOf(record)} is ${stateOf(now)}; it goes on: ${session.around.calledAs} status -n ${namespace ?? ''} --watch`);
      await following.next();
    }
  } finally {
    session.show.screen.clear();
    await following.stop();
  }
}

/** On a terminal the move as it goes; anywhere else a line for each change. */
function createTeller({ show, around }: Session): (record: OrdinalMigration, records: readonly OrdinalMigration[]) => void {
  let told = '';
  return (record, records) => {
    show.screen.show(() => moveBlock(record, measuredBy(records, around.clock.now()), { columns: show.columns }));
    // While a step goes on only its percentage changes.
    const { step, reason } = statusOf(record);
    const words = `${phaseOf(record)} ${phaseOf(record) === 'Running' ? (step ?? '') : (reason ?? '')}`;
    if (words !== told) show.screen.note(line(`${timestamp(around.clock)}   ${podNameOf(record)}   ${journeyOf(record)}   ${stateOf(record)}`));
    told = words;
  };
}

export function stateOf(record: OrdinalMigration): string {
  const { step, reason, progress } = statusOf(record);
  return [phaseOf(record), reason, step, progress === undefined ? undefined : `${progress} %`].filter((word) => word !== undefined && word !== '').join(' ');
}
