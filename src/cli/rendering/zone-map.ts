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
import type { SetStanding } from '../standing.ts';
import { ordinalsIn } from './ranges.ts';
import { tableLines, textCell, widthOfTable, type Column } from './table.ts';
import { line, piece, widthOf, type Line, type Piece, type Style } from './text.ts';

/** Of a set without a report. */
export function silenceOf({ declares, underWay }: SetStanding): Piece {
  if (declares) return piece('no report yet: is the controller running? (doctor tells)', 'bad');
  return piece(underWay.length > 0 ? 'declares no zones: moved by hand' : 'declares no zones', 'faint');
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
  return line(status === undefined ? silenceOf(standing) : piece(status.state ?? '', stateStyle(status)));
}

export function stateStyle({ satisfied, inFlight = [], blocked = [] }: SpreadReportStatus): Style {
  if (inFlight.some(({ phase }) => phase === 'Frozen')) return 'bad';
  if (inFlight.length > 0) return 'busy';
  if (satisfied === true) return 'good';
  return blocked.length > 0 ? 'bad' : 'busy';
}

/** A row for each zone of one set. */
export function zoneRows(status: SpreadReportStatus, columns: number): Line[] {
  const titles: Column[] = [{ title: 'ZONE' }, { title: 'NOW', align: 'right' }, { title: 'WANTED', align: 'right' }, { title: 'ORDINALS' }];
  const room = columns - widthOfTable(titles.slice(0, 3), (status.zones ?? []).map(({ zone }) => [textCell(zone)])) - 3;
  const rows = (status.zones ?? []).map((zone) => [line(piece(zone.zone, 'name')), textCell(zone.actual), line(piece(String(zone.desired), zone.actual === zone.desired ? 'plain' : 'busy')), ordinalsCell(zone, status, room)]);
  return tableLines(titles, rows, columns);
}

/** One mark for each ordinal; as ranges where they are too many. */
function ordinalsCell({ zone, ordinals }: ReportedZone, status: SpreadReportStatus, room: number): Line {
  const leaving = new Set([...(status.inFlight ?? []), ...(status.plan?.moves ?? [])].map(({ ordinal }) => ordinal));
  const moving = (status.inFlight ?? []).filter(({ to, phase }) => to === zone && phase !== 'RollingBack');
  const arriving = [...moving, ...(status.plan?.moves ?? []).filter(({ to }) => to === zone)].map(({ ordinal }) => ordinal).toSorted((a, b) => a - b);
  const here = ordinalsIn(ordinals);
  const marks = [...here.map((ordinal) => (leaving.has(ordinal) ? mark('○', ordinal, 'busy') : mark('●', ordinal, 'good'))), ...arriving.filter((ordinal) => !here.includes(ordinal)).map((ordinal) => mark('→', ordinal, 'faint'))];
  const cell = marks.flatMap((pieces, at) => (at === 0 ? pieces : [piece('  '), ...pieces]));
  if (marks.length === 0) return line(piece('–', 'faint'));
  return widthOf(cell) <= room ? cell : line(ordinals, ...(arriving.length === 0 ? [] : [piece(`  →${arriving.length}`, 'faint')]));
}

function mark(sign: string, ordinal: number, style: Style): Piece[] {
  return [piece(sign, style), piece(` ${ordinal}`, style === 'faint' ? 'faint' : 'plain')];
}
