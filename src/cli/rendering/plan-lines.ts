// A plan for people: what moves, why, what it costs, what waits and for what.

import type { ReportedBlock, ReportedMove, ReportedPlan } from '../../controller/spread-report.ts';
import { basisWords } from '../../standing/plans.ts';
import { indented, tableLines, textCell, widthOfTable, type Column } from './table.ts';
import { count } from '../../standing/amounts.ts';
import { line, piece, plainText, wrap, type Line } from './text.ts';

const TITLES: Column[] = [{ title: 'MOVE' }, { title: 'FROM' }, { title: 'TO' }, { title: 'GiB', align: 'right' }, { title: 'TAKES', align: 'right' }, { title: 'DOWN', align: 'right' }];

/** Each move with its sentence: beside it where that is not too narrow, else below it. */
export function planLines(setName: string, plan: ReportedPlan, columns: number): Line[] {
  const rows = plan.moves.map((move) => ({ cells: moveCells(setName, move), why: line(move.message ?? move.reason) }));
  const beside = widthOfTable(TITLES, rows.map(({ cells }) => cells)) + NARROWEST_SENTENCE <= columns;
  const table = tableLines(beside ? [...TITLES, { title: 'WHY', flexible: true }] : TITLES, rows.map(({ cells, why }) => (beside ? [...cells, why] : cells)), columns);
  const lines = beside ? table : table.flatMap((one, at) => (at === 0 ? [one] : [one, ...indented(wrap(plainText(rows[at - 1]?.why ?? []), columns - 2).map((row) => line(piece(row, 'faint'))), 2)]));
  return [...lines, ...moreLines(plan, plan.moves.length), ...basisLines(plan)];
}

const NARROWEST_SENTENCE = 50;

/** As much as a glance needs: the first moves, with a word for each reason. */
export function planInShort(setName: string, plan: ReportedPlan, columns: number): Line[] {
  const first = plan.moves.slice(0, MOST_IN_SHORT);
  return [...tableLines([...TITLES, { title: 'REASON' }], first.map((move) => [...moveCells(setName, move), line(move.reason)]), columns), ...moreLines(plan, first.length)];
}

const MOST_IN_SHORT = 10;

function moreLines({ total }: ReportedPlan, shown: number): Line[] {
  return total > shown ? [line(piece(`and ${count(total - shown)} more`, 'faint'))] : [];
}

function moveCells(setName: string, { ordinal, from, to, sizeGiB, estimatedMinutes, estimatedDowntimeSeconds }: ReportedMove): Line[] {
  return [line(piece(`${setName}-${ordinal}`, 'strong')), textCell(from), line(piece(to, 'name')), textCell(sizeGiB), textCell(withUnit(estimatedMinutes, 'min')), textCell(withUnit(estimatedDowntimeSeconds, 's'))];
}

function withUnit(value: number | undefined, unit: string): string {
  return value === undefined ? '' : `${count(Math.ceil(value))} ${unit}`;
}

function basisLines(plan: ReportedPlan): Line[] {
  const words = basisWords(plan);
  return words === undefined ? [] : [line(piece(words, 'faint'))];
}

export function digestLines({ digest }: ReportedPlan, approved: string | undefined): Line[] {
  const words = approved === undefined ? [] : approved === digest ? ['   ', piece('approved', 'good')] : ['   ', piece(`another one is approved: ${approved.slice(0, 12)}`, 'busy')];
  return [line(piece('digest ', 'faint'), digest, ...words)];
}

/** `web-3,web-5`, or the whole set. */
export function blockLines(setName: string, blocked: readonly ReportedBlock[], columns: number): Line[] {
  return blocked.flatMap(({ ordinals, reason, message }) => [
    line(piece(reason, 'busy'), ordinals === '' ? '' : `   ${setName}-${ordinals}`),
    ...indented(wrap(message, columns - 2).map((row) => line(row)), 2),
  ]);
}
