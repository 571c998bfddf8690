// Waits of a verb for what it has asked for: one object, followed until a judgement says that it is over, shown as it goes.

import type { KubernetesObject, Resource } from '../kubernetes/objects.ts';
import { ordinalMigrations, phaseOf, podNameOf, statusOf, type OrdinalMigration } from '../migration/record.ts';
import { timestamp } from '../ports/clock.ts';
import { failed } from './exit.ts';
import { Following } from './following.ts';
import { line } from './rendering/text.ts';
import { journeyOf, measuredBy } from '../standing/moves.ts';
import { moveBlock } from './rendering/under-way.ts';
import type { Session } from './session.ts';

export interface Followed<T extends KubernetesObject> {
  resource: Resource<T>;
  /** As it was made: another one of its name is not it. */
  object: T;
  /** In a sentence: `web-2`. */
  who: string;
  /** In a sentence: `web-2 is Running evict`. */
  state: (now: T) => string;
  /** What is said when somebody deletes it. */
  gone: string;
  /** The command that shows how it goes on without us. */
  toFollow: string;
  /** Shows how it is now, beside all others of its kind in its namespace. */
  tell: (now: T, all: readonly T[]) => void;
  /** What it throws ends the wait, too. */
  isOver: (now: T) => boolean;
  /** In ms; undefined: for as long as it takes. */
  timeoutMs?: number | undefined;
}

/** @returns the object as it was when it was over. @throws VerbEnded (failed) when it is gone, the time is up, or Ctrl-C came. */
export async function follow<T extends KubernetesObject>(session: Session, followed: Followed<T>): Promise<T> {
  const { clock } = session.around;
  const { metadata } = followed.object;
  const signal = session.around.interrupted();
  const following = new Following(session, signal);
  const objects = following.watch(followed.resource, { namespace: metadata.namespace });
  const deadline = followed.timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + followed.timeoutMs;
  try {
    await following.start();
    for (;;) {
      const now = objects.list().find(({ metadata: { uid } }) => uid === metadata.uid);
      if (signal.aborted) throw failed(`no longer waited for; ${followed.who} goes on: ${followed.toFollow}`);
      if (now === undefined) throw failed(followed.gone);
      followed.tell(now, objects.list());
      if (followed.isOver(now)) return now;
      if (clock.monotonic() > deadline) throw failed(`the time is up, and ${followed.state(now)}; it goes on: ${followed.toFollow}`);
      await following.next();
    }
  } finally {
    session.show.screen.clear();
    await following.stop();
  }
}

export function followRecord(session: Session, record: OrdinalMigration, until: Pick<Followed<OrdinalMigration>, 'isOver' | 'timeoutMs'>): Promise<OrdinalMigration> {
  const { namespace = '', name } = record.metadata;
  const who = podNameOf(record);
  return follow(session, {
    ...until,
    resource: ordinalMigrations,
    object: record,
    who,
    state: (now) => `${who} is ${stateOf(now)}`,
    gone: `OrdinalMigration ${name} is gone: somebody deleted it`,
    toFollow: `${session.around.calledAs} status -n ${namespace} --watch`,
    tell: createTeller(session),
  });
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
