// I4, whoever does it: no disk of a move goes while the move is in flight, and no source before it is retired. The driver deletes disks,
// too, when a PV is released under the wrong reclaim policy.

import { inFlight, statusOf, STEPS, UNDO_STEPS, type OrdinalMigration, type StepName } from '../../migration/record.ts';
import { EXCUSES } from '../acts/excuses.ts';
import type { HistoryWorld, InvariantOf } from '../world.ts';
import { chronicleOf, isHandwritten, type Part } from './chronicle.ts';
import { isMovedAway, stateOf, told, type RecordState } from './record-state.ts';

type Role = Part & { role: 'source' | 'target' };

export const disksOfMovesStay: InvariantOf = (world) => {
  const chronicle = chronicleOf(world);
  /** Disks that we asked to delete: deletions.ts has judged that. */
  const asked = new Set<string>();
  const isExcused = (id: string): boolean => asked.has(id) || world.excuses.has(EXCUSES.deletedInCloud(id));
  const isGivenUp = (id: string): boolean => chronicle.givenUpAt(chronicle.claimOfDisk(id) ?? '') > Number.NEGATIVE_INFINITY;
  return {
    name: 'I4 disks of moves stay',
    onCall({ action, parameters }) {
      if (action === 'DeleteDisk') asked.add(String(parameters['DiskId']));
      return undefined;
    },
    onCloud({ subject, id, event }) {
      if (subject !== 'disk' || event !== 'deleted' || isExcused(id)) return undefined;
      const part = chronicle.partsWith(id).find((one) => mustStay(one, isGivenUp(id)) && !isEdited(world, one));
      return part === undefined ? undefined : `disk ${id}, the ${part.role} of ${told(part.record)}, was deleted by somebody else`;
    },
  };
};

/** A person set its PV's reclaim policy, or took it apart. */
function isEdited({ excuses }: HistoryWorld, { claim, role }: Role): boolean {
  const { pv = '' } = (role === 'source' ? claim.source : claim.target) ?? {};
  return excuses.has(EXCUSES.editedByHand('PersistentVolume', pv));
}

function mustStay({ record, claim, role }: Role, givenUp: boolean): boolean {
  const state = stateOf(record);
  if (isMovedAway(state)) return role === 'source' && !isRetiring(claim.source) && isLeftKept(record);
  if (!inFlight(record)) return false;
  if (state.course !== 'Forward') return role === 'target' || !isGivenBack(record);
  // The new PV has its own policy back at the last step: it goes with its claim, as the old one would have.
  if (role === 'target') return state.step !== 'settle' || !givenUp;
  return isKept(state);
}

function isRetiring({ retiringAt, retiredAt }: Part['claim']['source']): boolean {
  return retiringAt !== undefined || retiredAt !== undefined;
}

/** Unless a status written by hand says that it is over from before the source was kept. */
function isLeftKept(record: OrdinalMigration): boolean {
  return !isHandwritten(record) || isKept(stateOf(record));
}

function isKept({ step }: RecordState): boolean {
  return STEPS.indexOf(step as StepName) > STEPS.indexOf('keepSource');
}

/** From there on an undo has given the old PV its policy back, or is about to. */
function isGivenBack(record: OrdinalMigration): boolean {
  const { resumeAt, step = '' } = statusOf(record);
  return resumeAt === undefined && (UNDO_STEPS as readonly string[]).indexOf(step) >= UNDO_STEPS.indexOf('keepSource');
}
