// Moves under way, each as a block that reads at any width:
//
//   web-2   cn-beijing-h → cn-beijing-i
//           createDisk (7 of 12): a new disk from the snapshot, in cn-beijing-i
//           ████████████████░░░░░░░░░░░░░░░░  50 %   down for 6 s   about 40 s left

import { isInstant } from '../../alicloud/answers.ts';
import { estimatesOf } from '../../controller/measured-moves.ts';
import { claimsOf, courseOf, phaseOf, podNameOf, statusOf, STEPS, type OrdinalMigration } from '../../migration/record.ts';
import { formatDuration } from '../../policy/duration.ts';
import { progressBar } from './progress.ts';
import { describeStep } from './steps.ts';
import { line, piece, span, widthOf, wrap, type Line, type Piece } from './text.ts';

export interface Measured {
  nowMs: number;
  /** Of all moves that are known: what those took says how long this one will. */
  records: readonly OrdinalMigration[];
}

/** @param name in front: the pod's, with its namespace where several are shown */
export function moveBlock(record: OrdinalMigration, { nowMs, records }: Measured, { columns, name = podNameOf(record) }: { columns: number; name?: string }): Line[] {
  const inset = ' '.repeat(name.length + 3);
  const first = line(piece(name, 'strong'), `   ${journeyOf(record)}`, piece(phaseWords(record), phaseOf(record) === 'Frozen' ? 'bad' : 'busy'));
  const room = columns - inset.length;
  const times = clockPieces(record, { nowMs, records });
  const rest = phaseOf(record) === 'Pending' ? [] : [[...progressBar(statusOf(record).progress ?? 0, room - widthOf(times)), ...times]];
  return [first, ...[...saying(record, room), ...rest].map((one) => line(inset, ...one))];
}

export function journeyOf(record: OrdinalMigration): string {
  const from = claimsOf(record)[0]?.source.zone;
  return from === undefined ? `→ ${record.spec.targetZone}` : `${from} → ${record.spec.targetZone}`;
}

/** Only said when it is not the ordinary. */
function phaseWords(record: OrdinalMigration): string {
  const { reason = '' } = statusOf(record);
  const phase = phaseOf(record);
  if (phase === 'Running') return '';
  if (phase === 'Pending') return reason === '' ? '   about to begin' : `   waits: ${reason}`;
  return phase === 'RollingBack' ? `   is being undone${reason === '' ? '' : `: ${reason}`}` : `   ${phase}${reason === '' ? '' : `: ${reason}`}`;
}

/** What it does now; where it waits or went wrong, why. */
function saying(record: OrdinalMigration, room: number): Piece[][] {
  const { step, message } = statusOf(record);
  const isOrdinary = phaseOf(record) === 'Running' || message === undefined || message === '';
  if (!isOrdinary) return wrap(message, room).map((row) => [piece(row)]);
  return step === undefined ? [] : wrap(stepWords(record, step), room).map((row) => [piece(row, 'faint')]);
}

export function stepWords(record: OrdinalMigration, step: string): string {
  const at = (STEPS as readonly string[]).indexOf(step);
  const place = at === -1 || courseOf(record) !== 'Forward' ? '' : ` (${at + 1} of ${STEPS.length})`;
  const { readySince, terms } = statusOf(record);
  const watched = step === 'ready' && readySince !== undefined && terms !== undefined;
  return `${step}${place}: ${watched ? `Ready on its new disk, and watched for ${formatDuration(terms.healthDurationMs)}` : describeStep(step, record.spec.targetZone)}`;
}

function clockPieces(record: OrdinalMigration, measured: Measured): Piece[] {
  const [down, left] = [downOf(record, measured.nowMs), leftMsOf(record, measured)];
  const ready = statusOf(record).downtimeSeconds !== undefined;
  return [...(down === '' ? [] : [piece('   '), piece(down, ready ? 'good' : 'busy')]), ...(left === undefined ? [] : [piece(left > 0 ? `   about ${span(left)} left` : '   longer than expected', left > 0 ? 'plain' : 'busy')])];
}

function downOf(record: OrdinalMigration, nowMs: number): string {
  const { downtimeSeconds, unavailableSince } = statusOf(record);
  if (downtimeSeconds !== undefined) return `was down for ${span(downtimeSeconds * 1000)}`;
  return unavailableSince === undefined ? '' : `down for ${span(nowMs - Date.parse(unavailableSince))}`;
}

/** As likely too little as too much; 0 when it has taken longer than that. Undefined when it is not simply going forward. */
export function leftMsOf(record: OrdinalMigration, { nowMs, records }: Measured): number | undefined {
  const { startedAt, terms } = statusOf(record);
  if (phaseOf(record) !== 'Running' || startedAt === undefined || terms === undefined) return undefined;
  const disks = claimsOf(record).map(({ sizeGiB, source: { category } }) => ({ category, sizeGiB, instantSnapshots: isInstant(category) }));
  const { total } = estimatesOf(records, nowMs).ofDisks(disks, terms);
  // The cluster's clock and ours may differ.
  return Math.max(0, total.middleMs - Math.max(0, nowMs - Date.parse(startedAt)));
}

