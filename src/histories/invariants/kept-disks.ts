// I4, whoever does it: no disk of a move goes while the move is in flight, and no source before it is retired. The driver deletes disks,
// too, when a PV is released under the wrong reclaim policy.

import { STEPS, UNDO_STEPS, type OrdinalMigration, type StepName } from '../../migration/record.ts';
import type { InvariantOf } from '../world.ts';
import { chronicleOf, type Part } from './chronicle.ts';

export const disksOfMovesStay: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  /** Disks that we asked to delete: deletions.ts has judged that. */
  const asked = new Set<string>();
  return {
    name: 'I4 disks of moves stay',
    onCall({ action, parameters }) {
      if (action === 'DeleteDisk') asked.add(String(parameters['DiskId']));
      return undefined;
    },
    onCloud({ subject, id, event }) {
      if (subject !== 'disk' || event !== 'deleted' || asked.has(id)) return undefined;
      const part = chronicle.partsWith(id).find((one) => mustStay(one, chronicle.givenUpAt(`${one.record.metadata.namespace ?? ''}/${one.claim.claimName}`) > Number.NEGATIVE_INFINITY));
      if (part === undefined) return undefined;
      const { metadata, status } = part.record;
      return `disk ${id}, the ${part.role} of record ${metadata.name} (${status?.phase ?? 'Pending'} ${status?.course ?? ''} at ${status?.step ?? 'nothing'}), was deleted by somebody else`;
    },
  };
};

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
