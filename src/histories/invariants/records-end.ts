// I7, at rest: every record has ended, or says why it waits: nothing is silently stuck.

import { ended, type OrdinalMigration } from '../../migration/record.ts';
import { EXCUSES } from '../acts/excuses.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf } from './chronicle.ts';
import { stateOf, told } from './record-state.ts';

export const recordsEnd: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  return {
    name: 'I7 records end',
    atRest() {
      for (const record of chronicle.live()) {
        const wrong = world.excuses.has(EXCUSES.recordReleased(record.metadata.name)) && ended(record) ? undefined : wrongWith(record);
        if (wrong !== undefined) return `${told(record)} stays as it is for good: ${wrong}`;
      }
      return undefined;
    },
  };
};

function wrongWith(record: OrdinalMigration): string | undefined {
  const { phase, reason, message } = stateOf(record);
  const said = `${reason}: ${message}`;
  if (ended(record)) return record.status?.finishedAt === undefined ? 'it does not say when it ended' : undefined;
  if (phase === 'Running' || phase === 'RollingBack') return said;
  if (phase === 'Pending' && record.spec.planDigest !== undefined) return `a planned move is given up when it cannot begin (${said})`;
  return reason === '' || message === '' ? 'it does not say why' : undefined;
}
