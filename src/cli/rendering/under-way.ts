// Moves under way, each as a block that reads at any width:
//
//   web-2   cn-beijing-h → cn-beijing-i
//           createDisk (7 of 12): a new disk from the snapshot, in cn-beijing-i
//           ████████████████░░░░░░░░░░░░░░░░  50 %   down for 6 s   about 40 s left

import { phaseOf, podNameOf, statusOf, type OrdinalMigration } from '../../migration/record.ts';
import { downWords, journeyOf, leftMsOf, leftWords, phaseWords, sayingOf, type Measured } from '../../standing/moves.ts';
import { progressBar } from './progress.ts';
import { line, piece, widthOf, wrap, type Line, type Piece } from './text.ts';

/** @param name in front: the pod's, with its namespace where several are shown */
export function moveBlock(record: OrdinalMigration, measured: Measured, { columns, name = podNameOf(record) }: { columns: number; name?: string }): Line[] {
  const inset = ' '.repeat(name.length + 3);
  const phase = phaseWords(record);
  const first = line(piece(name, 'strong'), `   ${journeyOf(record)}`, piece(phase === '' ? '' : `   ${phase}`, phaseOf(record) === 'Frozen' ? 'bad' : 'busy'));
  const room = columns - inset.length;
  const times = clockPieces(record, measured);
  const rest = phaseOf(record) === 'Pending' ? [] : [[...progressBar(statusOf(record).progress ?? 0, room - widthOf(times)), ...times]];
  return [first, ...[...saying(record, room), ...rest].map((one) => line(inset, ...one))];
}

/** What it does now; where it waits or went wrong, why. */
function saying(record: OrdinalMigration, room: number): Piece[][] {
  const said = sayingOf(record);
  return said === undefined ? [] : wrap(said.words, room).map((row) => [piece(row, said.ordinary ? 'faint' : 'plain')]);
}

function clockPieces(record: OrdinalMigration, measured: Measured): Piece[] {
  const [down, left] = [downWords(record, measured.nowMs), leftWords(record, measured)];
  const ready = statusOf(record).downtimeSeconds !== undefined;
  return [...(down === '' ? [] : [piece('   '), piece(down, ready ? 'good' : 'busy')]), ...(left === undefined ? [] : [piece(`   ${left}`, leftMsOf(record, measured) === 0 ? 'busy' : 'plain')])];
}
