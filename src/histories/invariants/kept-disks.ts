// I4, whoever does it: no disk of a move goes while the move is in flight, and no source before it is retired. The driver deletes disks,
// too, when a PV is released under the wrong reclaim policy.

import { STEPS, UNDO_STEPS, type OrdinalMigration, type StepName } from '../../migration/record.ts';
import { EXCUSES } from '../acts/excuses.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf, type Part } from './chronicle.ts';

export const disksOfMovesStay: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  /** A person set its PV's reclaim policy, or took it apart. */
  const isEdited = ({ claim, role }: Part & { role: 'source' | 'target' }): boolean => world.excuses.has(EXCUSES.editedByHand('PersistentVolume', (role === 'source' ? claim.source.pv : claim.target?.pv) ?? ''));
  /** Disks that we asked to delete: deletions.ts has judged that. */
  const asked = new Set<string>();
  return {
    name: 'I4 disks of moves stay',
    onCall({ action, parameters }) {
      if (action === 'DeleteDisk') asked.add(String(parameters['DiskId']));
      return undefined;
    },
    onCloud({ subject, id, event }) {
      if (subject !== 'disk' || event !== 'deleted' || asked.has(id) || world.excuses.has(EXCUSES.deletedInCloud(id))) return undefined;
      const part = chronicle.partsWith(id).find((one) => mustStay(one, chronicle.givenUpAt(chronicle.claimOfDisk(id) ?? '') > Number.NEGATIVE_INFINITY) && !isEdited(one));
      return part === undefined ? undefined : `disk ${id}, the ${part.role} of record ${part.record.metadata.name} (${stateOf(part.record)}), was deleted by somebody else`;
    },
  };
};

function stateOf({ status }: OrdinalMigration): string {
  return `${status?.phase ?? 'Pending'} ${status?.course ?? ''} at ${status?.step ?? 'nothing'}`;
}

function mustStay({ record, claim, role }: Part & { role: 'source' | 'target' }, givenUp: boolean): boolean {
  const { phase, reason, course = 'Forward', step = 'rehearse' } = record.status ?? {};
  if (phase === 'Succeeded' || reason === 'Reversed') return role === 'source' && claim.source.retiringAt === undefined && claim.source.retiredAt === undefined;
  if (phase !== 'Running' && phase !== 'RollingBack' && phase !== 'Frozen') return false;
  if (course !== 'Forward') return role === 'target' || !isGivenBack(record, step);
  // The new PV has its own policy back at the last step: it goes with its claim, as the old one would have.
  if (role === 'target') return step !== 'settle' || !givenUp;
  return STEPS.indexOf(step as StepName) > STEPS.indexOf('keepSource');
}

/** From there on an undo has given the old PV its policy back, or is about to. */
function isGivenBack({ status }: OrdinalMigration, step: string): boolean {
  return status?.resumeAt === undefined && (UNDO_STEPS as readonly string[]).indexOf(step) >= UNDO_STEPS.indexOf('keepSource');
}
