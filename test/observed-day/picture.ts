// A dashboard as one HTML page, for people: Grafana's layout, its kinds of panels in SVG. Whoever changes a panel looks at it here before
// it is seen in Grafana, which the build machines do not have.

import { isInstant, type Dashboard, type Panel } from '../../scripts/dashboards/grafana.ts';
import type { RunningPrometheus, Series, Span } from '../prometheus/start.ts';
import { answersOf, type Answer } from './panels.ts';

const PALETTE = ['#73bf69', '#f2cc0c', '#5794f2', '#ff9830', '#f2495c', '#b877d9', '#8ab8ff', '#ffa6b0', '#96d98d', '#ffee52', '#c4162a', '#37872d'];
const COLOURS: Record<string, string> = { green: '#73bf69', yellow: '#f2cc0c', orange: '#ff9830', red: '#f2495c', blue: '#5794f2', purple: '#b877d9', text: '#d8d9da', 'super-light-blue': '#c0d8ff' };
const UNIT_PX = 30;
const COLUMN_PX = 58;

export async function pictureOf(prometheus: RunningPrometheus, dashboard: Dashboard, span: Span & { now: number }): Promise<string> {
  const parts: string[] = [];
  for (const panel of dashboard.panels) {
    if (typeof panel === 'string') parts.push(`<h2>${escaped(panel)}</h2>`);
    else for (const one of repeated(panel, await answersOf(prometheus, panel, span))) parts.push(panelHtml(one.panel, one.answers, span));
  }
  return `<!doctype html><meta charset="utf-8"><title>${escaped(dashboard.title)}</title><style>${STYLE}</style><h1>${escaped(dashboard.title)}</h1><main>${parts.join('\n')}</main>`;
}

/** One for each set, as Grafana makes them of the chosen values. */
function repeated(panel: Panel, answers: Answer[]): { panel: Panel; answers: Answer[] }[] {
  if (panel.repeat === undefined) return [{ panel, answers }];
  const namespaces = [...new Set(answers.flatMap(({ series }) => series.map(({ labels }) => labels['namespace'] ?? '')))];
  return namespaces.map((namespace) => ({
    panel: { ...panel, title: panel.title.replace(`$${panel.repeat}`, namespace) },
    answers: answers.map(({ query, series }) => ({ query, series: series.filter(({ labels }) => labels['namespace'] === namespace) })),
  }));
}

const STYLE = `body{background:#111217;color:#ccccdc;font:13px/1.4 "DejaVu Sans",sans-serif;margin:16px}h1{font-size:18px}h2{grid-column:span 24;font-size:14px;margin:8px 0 0}
main{display:grid;grid-template-columns:repeat(24,${COLUMN_PX}px);grid-auto-flow:row;gap:6px}section{background:#181b1f;border:1px solid #2c3036;padding:6px 8px;overflow:hidden;box-sizing:border-box}
h3{font-size:12px;margin:0 0 4px;font-weight:600}.big{font-size:26px;text-align:center;padding-top:14px}table{border-collapse:collapse;width:100%;font-size:12px}td,th{text-align:left;border-bottom:1px solid #2c3036;padding:2px 6px}
text{fill:#9fa7b3;font-size:10px}.legend{font-size:10px;line-height:1.3}.legend i{display:inline-block;width:10px;height:3px;margin:0 4px 2px 8px}.bar{display:flex;font-size:11px;gap:6px;align-items:center}.bar b{flex:0 0 130px;text-align:right;font-weight:400}.bar u{background:#73bf69;height:12px;text-decoration:none}`;

function panelHtml(panel: Panel, answers: Answer[], span: Span): string {
  const height = ((panel.height ?? { stat: 4, lines: 8, stacked: 8, bars: 8, table: 8, 'bar gauge': 8, states: 6 }[panel.kind]) * UNIT_PX) | 0;
  const width = panel.width * (COLUMN_PX + 6) - 6;
  const body = isInstant(panel) ? BODIES[panel.kind as 'stat'](panel, answers) : panel.kind === 'states' ? statesHtml(panel, answers, { span, width, height }) : chartHtml(panel, answers, { span, width, height });
  return `<section title="${escaped(panel.description)}" style="grid-column:span ${panel.width};height:${height}px"><h3>${escaped(panel.title)}</h3>${body}</section>`;
}

const BODIES: Record<'stat' | 'table' | 'bar gauge', (panel: Panel, answers: Answer[]) => string> = {
  stat(panel, answers) {
    const all = answers.flatMap(({ query, series }) => series.map((one) => ({ name: nameOf(one, query.legend), value: one.points.at(-1)?.[1] ?? Number.NaN })));
    if (all.length === 0) return `<div class="big">${escaped(panel.nothing ?? 'No data')}</div>`;
    return all.map(({ name, value }) => `<div class="big" style="color:${thresholdColour(panel, value)}">${escaped(panel.named === true ? name : shown(value, panel))}</div>`).join('');
  },
  table(panel, answers) {
    const rows = new Map<string, Record<string, string>>();
    for (const { query, series } of answers) {
      for (const { labels, points } of series) {
        const key = JSON.stringify(labels);
        const value = points.at(-1)?.[1] ?? Number.NaN;
        rows.set(key, { ...labels, ...rows.get(key), [query.legend ?? 'Value']: shown(value, { unit: panel.columns?.[query.legend ?? ''] ?? 'short' }) });
      }
    }
    if (rows.size === 0) return `<div class="big">${escaped(panel.nothing ?? 'No data')}</div>`;
    const columns = panel.order ?? [];
    return `<table><tr>${columns.map((name) => `<th>${escaped(name)}</th>`).join('')}</tr>${[...rows.values()].map((row) => `<tr>${columns.map((name) => `<td>${escaped(row[name] ?? '')}</td>`).join('')}</tr>`).join('')}</table>`;
  },
  'bar gauge'(panel, answers) {
    const all = answers.flatMap(({ query, series }) => series.map((one) => ({ name: nameOf(one, query.legend), value: one.points.at(-1)?.[1] ?? 0 })));
    const most = Math.max(...all.map(({ value }) => value), 1e-9);
    return all.map(({ name, value }) => `<div class="bar"><b>${escaped(name)}</b><u style="width:${Math.round((value / most) * 45)}%"></u>${escaped(shown(value, panel))}</div>`).join('');
  },
};

interface Canvas {
  span: Span;
  width: number;
  height: number;
}

const EDGE = { left: 66, right: 14, top: 4, bottom: 16 };

function chartHtml(panel: Panel, answers: Answer[], { span, width, height }: Canvas): string {
  const all = answers.flatMap(({ query, series }) => series.map((one) => ({ name: nameOf(one, query.legend), points: one.points, dashed: query.dashed === true })));
  if (all.length === 0) return '<div class="big">No data</div>';
  const colours = all.map(({ name }, index) => COLOURS[panel.colours?.[name] ?? ''] ?? colour(index));
  const legend = `<div class="legend">${all.map(({ name }, index) => `<i style="background:${colours[index] ?? ''}"></i>${escaped(name)}`).join('')}</div>`;
  const rows = Math.ceil(legendLength(all.map(({ name }) => name)) / (width / 6.2));
  const box = { left: EDGE.left, top: EDGE.top, width: width - 16 - EDGE.left - EDGE.right, height: Math.max(40, height - 46 - rows * 14 - EDGE.top - EDGE.bottom) };
  const stacked = panel.kind !== 'lines';
  const base = new Map<number, number>();
  const drawn = all.map((one) => ({ ...one, points: one.points.map(([time, value]) => {
    const from = stacked ? (base.get(time) ?? 0) : 0;
    if (stacked && Number.isFinite(value)) base.set(time, from + value);
    return { time, from, to: from + value };
  }) }));
  const highest = Math.max(...drawn.flatMap(({ points }) => points.map(({ to }) => to)).filter(Number.isFinite), 1e-9) * 1.05;
  const most = panel.max ?? (panel.decimals === 0 ? Math.ceil(highest / 4) * 4 : highest);
  const x = (time: number): number => box.left + ((time - span.start) / (span.end - span.start)) * box.width;
  const y = (value: number): number => box.top + box.height - (Math.min(value, most) / most) * box.height;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => `<line x1="${box.left}" x2="${box.left + box.width}" y1="${y(most * part)}" y2="${y(most * part)}" stroke="#2c3036"/><text x="${box.left - 4}" y="${y(most * part) + 3}" text-anchor="end">${escaped(shown(most * part, panel))}</text>`).join('');
  const hours = Array.from({ length: 9 }, (_, index) => span.start + (index * (span.end - span.start)) / 8).map((time) => `<text x="${x(time)}" y="${box.top + box.height + 12}" text-anchor="middle">${new Date(time * 1000).toISOString().slice(11, 16)}</text>`).join('');
  const shapes = drawn.map(({ points, dashed }, index) => (panel.kind === 'bars' ? barsOf(points, { x, y, stroke: colours[index] ?? '' }) : linesOf(points, { x, y, stroke: colours[index] ?? '', dashed, gap: Math.max(span.step, 600) * 1.5, filled: stacked }))).join('');
  return `<svg width="${width - 16}" height="${box.top + box.height + EDGE.bottom}">${grid}${hours}${shapes}</svg>${legend}`;
}

interface Point {
  time: number;
  from: number;
  to: number;
}

interface Drawing {
  x: (time: number) => number;
  y: (value: number) => number;
  stroke: string;
}

function barsOf(points: readonly Point[], { x, y, stroke }: Drawing): string {
  return points.filter(({ to }) => Number.isFinite(to)).map(({ time, from, to }) => `<rect x="${x(time) - 3}" width="6" y="${y(to)}" height="${Math.max(0, y(from) - y(to))}" fill="${stroke}"/>`).join('');
}

function linesOf(points: readonly Point[], { x, y, stroke, dashed, gap, filled }: Drawing & { dashed: boolean; gap: number; filled: boolean }): string {
  const area = filled ? points.filter(({ to }) => Number.isFinite(to)).map(({ time, from, to }) => `<rect x="${x(time).toFixed(1)}" width="2" y="${y(to).toFixed(1)}" height="${Math.max(0, y(from) - y(to)).toFixed(1)}" fill="${stroke}" fill-opacity="0.4"/>`).join('') : '';
  let path = '';
  let last: Point | undefined;
  for (const point of points.filter(({ to }) => Number.isFinite(to))) {
    const joined = last !== undefined && point.time - last.time <= gap;
    path += joined ? `H${x(point.time).toFixed(1)}V${y(point.to).toFixed(1)}` : `M${x(point.time).toFixed(1)} ${y(point.to).toFixed(1)}h1`;
    last = point;
  }
  return `${area}<path d="${path}" fill="none" stroke="${stroke}" stroke-width="1.4"${dashed ? ' stroke-dasharray="5 4"' : ''}/>`;
}

function statesHtml(panel: Panel, answers: Answer[], { span, width, height }: Canvas): string {
  const all = answers.flatMap(({ query, series }) => series.map((one) => ({ name: nameOf(one, query.legend), points: one.points })));
  if (all.length === 0) return '<div class="big">No data</div>';
  const left = 190;
  const rowHeight = Math.min(24, (height - 60) / all.length);
  const x = (time: number): number => left + ((time - span.start) / (span.end - span.start)) * (width - 30 - left);
  const rows = all.map(({ name, points }, row) => {
    const cells = points.map(([time, value]) => `<rect x="${x(time).toFixed(1)}" width="${(x(time + span.step) - x(time) + 0.5).toFixed(1)}" y="${row * rowHeight}" height="${rowHeight * 0.85}" fill="${COLOURS[panel.words?.[String(value)]?.color ?? ''] ?? '#888'}"/>`).join('');
    return `<text x="${left - 6}" y="${row * rowHeight + rowHeight / 2 + 3}" text-anchor="end">${escaped(name)}</text>${cells}`;
  });
  const legend = Object.values(panel.words ?? {}).map(({ text, color }) => `<i style="background:${COLOURS[color] ?? '#888'}"></i>${escaped(text)}`).join('');
  return `<svg width="${width - 16}" height="${all.length * rowHeight}">${rows.join('')}</svg><div class="legend">${legend}</div>`;
}

function legendLength(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + name.length + 4, 0);
}

function nameOf({ labels }: Series, legend: string | undefined): string {
  return legend === undefined ? '' : legend.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => labels[name] ?? '');
}

function thresholdColour({ thresholds = [] }: Panel, value: number): string {
  const reached = thresholds.findLast(([from]) => value >= from)?.[1];
  return COLOURS[reached ?? (thresholds.length > 0 ? 'green' : 'text')] ?? 'white';
}

function colour(index: number): string {
  return PALETTE[index % PALETTE.length] ?? 'white';
}

function shown(value: number, { unit, decimals }: Pick<Panel, 'unit' | 'decimals'>): string {
  if (Number.isNaN(value)) return 'NaN';
  if (unit === 'bool_yes_no') return value === 0 ? 'No' : 'Yes';
  if (unit === 'percentunit') return `${(value * 100).toFixed(decimals ?? 0)}%`;
  if (unit === 'bytes') return scaled(value, [[1024 ** 4, 'TiB'], [1024 ** 3, 'GiB'], [1024 ** 2, 'MiB'], [1, 'B']]);
  if (unit === 's') return scaled(value, [[604_800, 'weeks'], [86_400, 'days'], [3600, 'h'], [60, 'min'], [1, 's'], [0.001, 'ms'], [1e-6, 'µs']]);
  return `${value.toFixed(decimals ?? (Number.isInteger(value) ? 0 : 2))}${unit === 'reqps' ? ' req/s' : unit === 'ops' ? ' ops/s' : ''}`;
}

function scaled(value: number, units: readonly (readonly [size: number, name: string])[]): string {
  if (value === 0) return '0';
  const [size, name] = units.find(([least]) => Math.abs(value) >= least) ?? [1, ''];
  return `${Number((value / size).toPrecision(3))} ${name}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
