// Which ordinals have their disks in which zone, and where they are to go. All sets in one table, a column for each zone:
//
//   SET   cn-beijing-h   cn-beijing-i   SKEW   STATE
//   web   0-2,5 ▾2       3 ▴1           3      moving web-2 to cn-beijing-i, createDisk
//
// and one set in full, a row for each zone:
//
//   ZONE           NOW   WANTED   ORDINALS
//   cn-beijing-h     4        2   ● 0  ● 1  ○ 2  ○ 5
//   cn-beijing-i     1        3   ● 3  → 2  → 5

import type { ReportedZone, SpreadReportStatus } from '../../controller/spread-report.ts';
import { silenceWords, toneOf, type SetStanding } from '../../standing/sets.ts';
import { marksOf, type Mark } from '../../standing/zone-marks.ts';
import { tableLines, textCell, widthOfTable, type Column } from './table.ts';
import { line, piece, widthOf, type Line, type Piece, type Style } from './text.ts';

/** Of a set without a report. */
export function silenceOf(standing: SetStanding): Piece {
  return piece(silenceWords(standing), standing.declares ? 'bad' : 'faint');
}

/** A column for each zone where that fits, else a row for each set and zone. @param withNamespace -A */
export function overview(standings: readonly SetStanding[], withNamespace: boolean, columns: number): Line[] {
  const wide = wideOverview(standings, withNamespace);
  // The state may be wrapped a little; below that the map is no longer one.
  const fits = widthOfTable(wide.titles.slice(0, -1), wide.rows) + SHORTEST_STATE <= columns;
  const { titles, rows } = fits ? wide : tallOverview(standings, withNamespace);
  return tableLines(titles, rows, columns);
}

const SHORTEST_STATE = 30;

interface Table {
  titles: Column[];
  rows: Line[][];
}

function wideOverview(standings: readonly SetStanding[], withNamespace: boolean): Table {
  const zones = [...new Set(standings.flatMap(({ report }) => (report?.status?.zones ?? []).map(({ zone }) => zone)))].toSorted();
  return {
    titles: [...setTitles(withNamespace), ...zones.map((title) => ({ title })), { title: 'SKEW', align: 'right' }, { title: 'STATE', flexible: true }],
    rows: standings.map((standing) => [...setCells(standing, withNamespace), ...zones.map((zone) => zoneCell(zoneIn(standing, zone))), skewCell(standing), stateCell(standing)]),
  };
}

/** The state stands beside the first zone. */
function tallOverview(standings: readonly SetStanding[], withNamespace: boolean): Table {
  return {
    titles: [...setTitles(withNamespace), { title: 'ZONE' }, { title: 'ORDINALS' }, { title: 'STATE', flexible: true }],
    rows: standings.flatMap((standing) => {
      const zones = standing.report?.status?.zones ?? [];
      const first = [...setCells(standing, withNamespace), textCell(zones[0]?.zone), zoneCell(zones[0]), stateCell(standing)];
      const nobody = setTitles(withNamespace).map(() => line());
      return [first, ...zones.slice(1).map((zone) => [...nobody, textCell(zone.zone), zoneCell(zone)])];
    }),
  };
}

function setTitles(withNamespace: boolean): Column[] {
  return [...(withNamespace ? [{ title: 'NAMESPACE' }] : []), { title: 'SET' }];
}

function setCells({ namespace, name }: SetStanding, withNamespace: boolean): Line[] {
  return [...(withNamespace ? [textCell(namespace)] : []), line(piece(name, 'strong'))];
}

function zoneIn({ report }: SetStanding, name: string): ReportedZone | undefined {
  return (report?.status?.zones ?? []).find(({ zone }) => zone === name);
}

/** `0-2,5 ▾2`: two have to leave. Empty where the set has no business. */
function zoneCell(zone: ReportedZone | undefined): Line {
  if (zone === undefined) return [];
  const ordinals = zone.ordinals === '' ? '–' : zone.ordinals;
  const surplus = zone.actual - zone.desired;
  if (surplus === 0) return line(piece(ordinals, zone.ordinals === '' ? 'faint' : 'good'));
  return line(piece(ordinals), ' ', piece(surplus > 0 ? `▾${surplus}` : `▴${-surplus}`, 'busy'));
}

function skewCell({ report }: SetStanding): Line {
  return textCell(report?.status?.skew);
}

function stateCell(standing: SetStanding): Line {
  const status = standing.report?.status;
  return line(status === undefined ? silenceOf(standing) : piece(status.state ?? '', toneOf(status)));
}

/** A row for each zone of one set. */
export function zoneRows(status: SpreadReportStatus, columns: number): Line[] {
  const titles: Column[] = [{ title: 'ZONE' }, { title: 'NOW', align: 'right' }, { title: 'WANTED', align: 'right' }, { title: 'ORDINALS' }];
  const room = columns - widthOfTable(titles.slice(0, 3), (status.zones ?? []).map(({ zone }) => [textCell(zone)])) - 3;
  const rows = (status.zones ?? []).map((zone) => [line(piece(zone.zone, 'name')), textCell(zone.actual), line(piece(String(zone.desired), zone.actual === zone.desired ? 'plain' : 'busy')), ordinalsCell(zone, status, room)]);
  return tableLines(titles, rows, columns);
}

/** One mark for each ordinal; as ranges where they are too many. */
function ordinalsCell(zone: ReportedZone, status: SpreadReportStatus, room: number): Line {
  const marks = marksOf(zone, status);
  const cell = marks.flatMap(({ ordinal, fate }, at) => [...(at === 0 ? [] : [piece('  ')]), ...MARKS[fate](ordinal)]);
  if (marks.length === 0) return line(piece('–', 'faint'));
  const arriving = marks.filter(({ fate }) => fate === 'comes').length;
  return widthOf(cell) <= room ? cell : line(zone.ordinals, ...(arriving === 0 ? [] : [piece(`  →${arriving}`, 'faint')]));
}

const MARKS: Record<Mark['fate'], (ordinal: number) => Piece[]> = {
  stays: (ordinal) => mark('●', ordinal, 'good'),
  leaves: (ordinal) => mark('○', ordinal, 'busy'),
  comes: (ordinal) => mark('→', ordinal, 'faint'),
};

function mark(sign: string, ordinal: number, style: Style): Piece[] {
  return [piece(sign, style), piece(` ${ordinal}`, style === 'faint' ? 'faint' : 'plain')];
}
