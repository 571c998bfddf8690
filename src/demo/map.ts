// The live map: ordinals by zone, the step under way, how far it is. Pure: a picture and a size become lines that fit.
//
//   demo/web                                         move 2 of 4   0:34
//
//   cn-beijing-a │ ● web-0  ● web-1  ● web-2  ● web-3  ○ web-4
//   cn-beijing-b │ ● web-5
//   cn-beijing-c │ → web-4
//
//   web-4  cn-beijing-a → cn-beijing-c   step 7 of 12, createDisk, 1.4 s
//          a new disk from the snapshot, in cn-beijing-c
//          ██████████████░░░░░░░░░░░░░░  50 %   down for 6.1 s

import { progressBar } from '../cli/rendering/progress.ts';
import { describeStep } from '../standing/steps.ts';
import type { MoveSight, OrdinalSight, Picture } from './picture.ts';
import { STEP_COUNT } from './picture.ts';
import { EMPTY, fit, line, minutes, piece, seconds, widthOf, wrap, type Line, type Piece } from '../cli/rendering/text.ts';

export interface MapSize {
  columns: number;
  rows: number;
}

export interface Moment {
  /** Epoch, ms. */
  now: number;
  /** Since the set was annotated. */
  elapsedMs: number;
}

const INDENT = '  ';
/** As many as a move takes, so that the map keeps its height. */
const HELD_ROWS = 3;

/** As much as fits: blank lines go first, then the move's details, then all but one line. */
export function mapLines(picture: Picture, moment: Moment, size: MapSize): Line[] {
  const heading = headingOf(picture, moment, size.columns);
  const zones = zoneLines(picture, size.columns);
  const move = picture.move === undefined ? heldLines(picture, size.columns) : moveLines(picture.move, moment, size.columns);
  const layouts = [
    [EMPTY, heading, EMPTY, ...zones, ...(move.length === 0 ? [] : [EMPTY, ...move])],
    [heading, ...zones, ...move],
    [heading, ...zones, ...move.slice(0, 1)],
    [oneLine(picture, moment)],
  ];
  const fitting = layouts.find((lines) => lines.length <= size.rows) ?? [];
  return fitting.map((one) => fit(one, size.columns));
}

function headingOf(picture: Picture, { elapsedMs }: Moment, columns: number): Line {
  const left = line(INDENT, piece(picture.set, 'strong'));
  const right = line(piece(progressOf(picture), 'faint'), '   ', minutes(elapsedMs));
  const gap = Math.max(3, Math.min(columns, 78) - widthOf(left) - widthOf(right));
  return [...left, piece(' '.repeat(gap)), ...right];
}

/** Of the first plan; what comes after it is only counted. */
function progressOf({ move, moved, planned }: Picture): string {
  if (planned === undefined) return 'planning';
  const total = moved + (move === undefined ? 0 : 1) > planned ? '' : ` of ${planned}`;
  return move === undefined ? `${moved}${total} moved` : `move ${moved + 1}${total}`;
}

function zoneLines(picture: Picture, columns: number): Line[] {
  const long = zoneLinesWith(picture, (ordinal) => `${picture.setName}-${ordinal}`);
  return long.every((one) => widthOf(one) <= columns) ? long : zoneLinesWith(picture, String);
}

function zoneLinesWith(picture: Picture, nameOf: (ordinal: number) => string): Line[] {
  const width = Math.max(...picture.zones.map((zone) => zone.length));
  return picture.zones.map((zone) => {
    const here = picture.ordinals.flatMap((sight) => (sight.zone === zone ? [marker(sight), piece(` ${nameOf(sight.ordinal)}  `)] : []));
    const comes = arriving(picture, zone).map((ordinal) => piece(`→ ${nameOf(ordinal)}  `, 'faint'));
    const pieces = [...here, ...comes];
    const last = pieces.pop();
    const end = last === undefined ? [] : [piece(last.text.trimEnd(), last.style)];
    return line(INDENT, piece(zone.padEnd(width), 'name'), piece(' │ ', 'faint'), ...pieces, ...end);
  });
}

function marker({ ready }: OrdinalSight): Piece {
  return ready ? piece('●', 'good') : piece('○', 'busy');
}

/** The ordinal on its way into the zone, until its claim is there. */
function arriving({ move, ordinals }: Picture, zone: string): number[] {
  if (move === undefined || move.to !== zone) return [];
  return ordinals.filter((sight) => sight.ordinal === move.ordinal && sight.zone !== zone).map(({ ordinal }) => ordinal);
}

function moveLines(move: MoveSight, { now }: Moment, columns: number): Line[] {
  const inset = INDENT + ' '.repeat(move.pod.length + 2);
  const step = move.stepNumber === undefined ? move.step : `step ${move.stepNumber} of ${STEP_COUNT}, ${move.step}`;
  const since = move.stepSince === undefined ? '' : `, ${seconds(Math.max(0, now - move.stepSince))}`;
  const first = line(INDENT, piece(move.pod, 'strong'), `  ${journey(move)}   `, piece(`${phaseWord(move)}${step}`, 'busy'), since);
  return [first, line(inset, piece(describeMove(move), 'faint')), line(inset, ...barOf(move, now, columns - inset.length))];
}

/** Why nothing moves. */
function heldLines({ held }: Picture, columns: number): Line[] {
  return held === undefined ? [] : wrap(held, Math.max(1, columns - INDENT.length)).slice(0, HELD_ROWS).map((row) => line(INDENT, piece(row, 'busy')));
}

function describeMove({ step, to, downtimeMs, phase, message }: MoveSight): string {
  if (phase !== 'Running' && message !== '') return message;
  return step === 'ready' && downtimeMs !== undefined ? 'Ready on its new disk, and watched for the health duration' : describeStep(step, to);
}

function journey({ from, to }: Pick<MoveSight, 'from' | 'to'>): string {
  return from === '' ? `→ ${to}` : `${from} → ${to}`;
}

/** Only said when it is not the ordinary. */
function phaseWord({ phase }: MoveSight): string {
  return phase === 'Running' ? '' : `${phase}: `;
}

function barOf(move: MoveSight, now: number, columns: number): Piece[] {
  const down = downOf(move, now);
  const words = down === '' ? [] : [piece('   '), piece(down, move.downtimeMs === undefined ? 'busy' : 'good')];
  return [...progressBar(move.progress, columns - widthOf(words)), ...words];
}

function downOf({ downSince, downtimeMs }: MoveSight, now: number): string {
  if (downtimeMs !== undefined) return `Ready again after ${seconds(downtimeMs)}`;
  return downSince === undefined ? '' : `down for ${seconds(Math.max(0, now - downSince))}`;
}

function oneLine(picture: Picture, { elapsedMs }: Moment): Line {
  const { move } = picture;
  const zones = spreadInOneLine(picture);
  return line(minutes(elapsedMs), ` ${zones}`, move === undefined ? '' : `  ${move.pod} ${move.step} ${move.progress} %`);
}

/** `cn-beijing-a: 0-4 │ cn-beijing-b: 5 │ cn-beijing-c: –`. */
export function spreadInOneLine(picture: Pick<Picture, 'zones' | 'ordinals'>): string {
  return picture.zones
    .map((zone) => {
      const here = picture.ordinals.filter((sight) => sight.zone === zone).map(({ ordinal }) => ordinal);
      return `${zone}: ${here.length === 0 ? '–' : here.join(' ')}`;
    })
    .join(' │ ');
}

/** One change of a move, for output that is not redrawn. */
export function changeLine(move: MoveSight, { elapsedMs }: Moment): Line {
  const number = move.stepNumber === undefined ? '' : ` (${move.stepNumber} of ${STEP_COUNT})`;
  const said = move.phase === 'Running' ? describeStep(move.step, move.to) : `${move.phase}: ${move.message}`;
  return line(`[${minutes(elapsedMs)}] ${move.pod} ${journey(move)}  ${String(move.progress).padStart(3)} %  ${move.step}${number}: ${said}`);
}
