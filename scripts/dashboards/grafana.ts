// From a short description of a dashboard to Grafana's JSON: layout, ids and the many words that every panel needs.

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  /** What label_values of a metric chooses from; in order. */
  variables: readonly Variable[];
  /** In reading order; a string begins a row of that name. */
  panels: readonly (string | Panel)[];
}

/** In a metric's braces: of the sets that are chosen, where a dashboard has the variables `namespace` and `statefulset`. */
export const OF = 'namespace=~"$namespace", statefulset=~"$statefulset"';

export type Variable = { name: string; label: string } & ({ of: string } | { text: string; description: string });

export interface Query {
  /** PromQL. `$namespace` and the like are Grafana's. */
  expr: string;
  /** With `{{label}}`; of a table the name of the column. */
  legend?: string;
  /** Shown dashed: what something is compared with. */
  dashed?: boolean;
}

export interface Panel {
  kind: 'stat' | 'lines' | 'stacked' | 'bars' | 'table' | 'bar gauge' | 'states';
  title: string;
  /** What it shows and what to make of it. */
  description: string;
  /** A unit id of Grafana's. */
  unit: string;
  queries: readonly Query[];
  /** Of 24. */
  width: number;
  /** In Grafana's units; default by kind. */
  height?: number;
  /** From which value on which colour; below the first one green. */
  thresholds?: readonly (readonly [from: number, colour: string])[];
  /** Words for values. */
  words?: Readonly<Record<string, { text: string; color: string }>>;
  /** Of series, by their names as shown. */
  colours?: Readonly<Record<string, string>>;
  /** Shows the name of the series in place of its value. */
  named?: boolean;
  /** When there is nothing to show. */
  nothing?: string;
  decimals?: number;
  max?: number;
  /** Units of a table's columns, by their names; columns without one are labels. */
  columns?: Readonly<Record<string, string>>;
  /** Of a table: the columns in their order, labels as they are called. A query that is not in it only makes rows. */
  order?: readonly string[];
  /** One panel for each value of the variable. */
  repeat?: string;
  /** Least distance of two points, where a count over a shorter time would say nothing. */
  interval?: string;
  /** Where a row of a table leads: uid and title of another dashboard. */
  leadsTo?: { uid: string; title: string };
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const HEIGHTS: Record<Panel['kind'], number> = { stat: 4, lines: 8, stacked: 8, bars: 8, table: 8, 'bar gauge': 8, states: 6 };
const COLUMNS = 24;
const ROW_HEIGHT = 1;
/** Of our scrapes, at most: Grafana makes $__rate_interval four times that. */
const SCRAPE_INTERVAL = '1m';

export function grafanaJson({ uid, title, description, variables, panels }: Dashboard): object {
  return {
    annotations: { list: [{ builtIn: 1, datasource: { type: 'grafana', uid: '-- Grafana --' }, enable: true, hide: true, iconColor: 'rgba(0, 211, 255, 1)', name: 'Annotations & Alerts', type: 'dashboard' }] },
    description,
    editable: true,
    fiscalYearStartMonth: 0,
    graphTooltip: 1,
    id: null,
    links: [{ asDropdown: false, icon: 'external link', includeVars: true, keepTime: true, tags: ['zonespread'], targetBlank: false, title: 'zonespread', tooltip: '', type: 'dashboards', url: '' }],
    panels: placed(panels),
    refresh: '1m',
    schemaVersion: 39,
    tags: ['zonespread'],
    templating: { list: [dataSourceVariable(), ...variables.map((variable) => templateVariable(variable))] },
    time: { from: 'now-24h', to: 'now' },
    timepicker: {},
    timezone: 'browser',
    title,
    uid,
    version: 1,
    weekStart: '',
  };
}

function placed(panels: Dashboard['panels']): object[] {
  let [x, y, lineHeight] = [0, 0, 0];
  const newLine = (): void => {
    y += lineHeight;
    [x, lineHeight] = [0, 0];
  };
  return panels.map((panel, index) => {
    if (typeof panel === 'string') {
      newLine();
      const row = { collapsed: false, gridPos: { h: ROW_HEIGHT, w: COLUMNS, x: 0, y }, id: index + 1, panels: [], title: panel, type: 'row' };
      y += ROW_HEIGHT;
      return row;
    }
    const height = panel.height ?? HEIGHTS[panel.kind];
    if (x + panel.width > COLUMNS) newLine();
    const gridPos = { h: height, w: panel.width, x, y };
    x += panel.width;
    lineHeight = Math.max(lineHeight, height);
    return { id: index + 1, gridPos, ...panelJson(panel) };
  });
}

function dataSourceVariable(): object {
  return { current: {}, hide: 0, includeAll: false, label: 'Data source', multi: false, name: 'datasource', options: [], query: 'prometheus', refresh: 1, regex: '', skipUrlSync: false, type: 'datasource' };
}

function templateVariable(variable: Variable): object {
  const { name, label } = variable;
  if ('text' in variable) return { current: { selected: true, text: variable.text, value: variable.text }, description: variable.description, hide: 0, label, name, options: [{ selected: true, text: variable.text, value: variable.text }], query: variable.text, skipUrlSync: false, type: 'textbox' };
  const query = `label_values(${variable.of}, ${name})`;
  return {
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
    datasource: DATASOURCE,
    definition: query,
    hide: 0,
    includeAll: true,
    label,
    multi: true,
    name,
    options: [],
    query: { query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
    refresh: 2,
    regex: '',
    skipUrlSync: false,
    sort: 1,
    type: 'query',
  };
}

function panelJson(panel: Panel): object {
  const isTable = panel.kind === 'table';
  return {
    type: TYPES[panel.kind],
    title: panel.title,
    description: panel.description,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { ...fieldDefaults(panel), custom: CUSTOM[panel.kind] ?? {} }, overrides: [...colourOverrides(panel), ...dashedOverrides(panel), ...columnOverrides(panel)] },
    ...(panel.interval === undefined ? {} : { interval: panel.interval }),
    options: optionsOf(panel),
    ...(panel.repeat === undefined ? {} : { repeat: panel.repeat, repeatDirection: 'h', maxPerRow: 3 }),
    targets: panel.queries.map((query, index) => target(query, { refId: refId(index), isTable, instant: isInstant(panel) })),
    ...(isTable ? { transformations: tableOf(panel) } : {}),
  };
}

const TYPES: Record<Panel['kind'], string> = { stat: 'stat', lines: 'timeseries', stacked: 'timeseries', bars: 'timeseries', table: 'table', 'bar gauge': 'bargauge', states: 'state-timeline' };

/** What shows how it is now, not how it came to be. */
export function isInstant({ kind }: Pick<Panel, 'kind'>): boolean {
  return kind === 'stat' || kind === 'table' || kind === 'bar gauge';
}

const timeseries = (drawStyle: string, stacking: string, fillOpacity: number): object => ({
  axisBorderShow: false,
  axisCenteredZero: false,
  axisColorMode: 'text',
  axisLabel: '',
  axisPlacement: 'auto',
  barAlignment: 0,
  drawStyle,
  fillOpacity,
  gradientMode: 'none',
  hideFrom: { legend: false, tooltip: false, viz: false },
  lineInterpolation: drawStyle === 'line' ? 'stepAfter' : 'linear',
  lineWidth: 1,
  pointSize: 5,
  scaleDistribution: { type: 'linear' },
  showPoints: 'never',
  spanNulls: false,
  stacking: { group: 'A', mode: stacking },
  thresholdsStyle: { mode: 'off' },
});

const CUSTOM: Partial<Record<Panel['kind'], object>> = {
  lines: timeseries('line', 'none', 10),
  stacked: timeseries('line', 'normal', 40),
  bars: timeseries('bars', 'normal', 80),
  table: { align: 'auto', cellOptions: { type: 'auto' }, filterable: true, inspect: false },
  states: { fillOpacity: 70, lineWidth: 0 },
};

/** What is undefined is left out of the file. */
function fieldDefaults({ unit, thresholds = [], words = {}, nothing, decimals, max, ...panel }: Panel): object {
  return {
    color: colourMode({ ...panel, thresholds, words }),
    mappings: Object.keys(words).length === 0 ? [] : [{ type: 'value', options: Object.fromEntries(Object.entries(words).map(([value, word], index) => [value, { ...word, index }])) }],
    min: 0,
    max,
    decimals,
    noValue: nothing,
    thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }, ...thresholds.map(([value, color]) => ({ color, value }))] },
    unit,
  };
}

function colourMode({ kind, thresholds, words }: Required<Pick<Panel, 'kind' | 'thresholds' | 'words'>>): object {
  if (kind === 'states' || Object.keys(words).length > 0) return { mode: 'thresholds' };
  if (kind === 'stat') return thresholds.length > 0 ? { mode: 'thresholds' } : { fixedColor: 'text', mode: 'fixed' };
  return { mode: 'palette-classic' };
}

function optionsOf({ kind, named = false }: Panel): object {
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
  switch (kind) {
    case 'stat':
      return { colorMode: 'value', graphMode: 'none', justifyMode: 'auto', orientation: 'auto', reduceOptions, showPercentChange: false, textMode: named ? 'name' : 'value', wideLayout: true };
    case 'table':
      return { cellHeight: 'sm', footer: { countRows: false, fields: '', reducer: ['sum'], show: false }, showHeader: true };
    case 'bar gauge':
      return { displayMode: 'basic', legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: false }, minVizHeight: 16, minVizWidth: 8, namePlacement: 'auto', orientation: 'horizontal', reduceOptions, showUnfilled: true, sizing: 'auto', valueMode: 'color' };
    case 'states':
      return { alignValue: 'left', legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, mergeValues: true, rowHeight: 0.9, showValue: 'never', tooltip: { mode: 'single', sort: 'none' } };
    default:
      return { legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } };
  }
}

function target({ expr, legend }: Query, { refId: id, isTable, instant }: { refId: string; isTable: boolean; instant: boolean }): object {
  return {
    datasource: DATASOURCE,
    editorMode: 'code',
    expr,
    format: isTable ? 'table' : 'time_series',
    instant,
    ...(expr.includes('$__rate_interval') ? { interval: SCRAPE_INTERVAL } : {}),
    legendFormat: isTable ? '' : (legend ?? '__auto'),
    range: !instant,
    refId: id,
  };
}

function colourOverrides({ colours = {} }: Panel): object[] {
  return Object.entries(colours).map(([name, fixedColor]) => ({ matcher: { id: 'byName', options: name }, properties: [{ id: 'color', value: { fixedColor, mode: 'fixed' } }] }));
}

function dashedOverrides({ queries }: Panel): object[] {
  return queries.flatMap(({ dashed = false }, index) =>
    dashed ? [{ matcher: { id: 'byFrameRefID', options: refId(index) }, properties: [{ id: 'custom.lineStyle', value: { dash: [6, 6], fill: 'dash' } }, { id: 'custom.fillOpacity', value: 0 }] }] : [],
  );
}

function columnOverrides({ kind, columns = {}, leadsTo }: Panel): object[] {
  if (kind !== 'table') return [];
  const units = Object.entries(columns).map(([name, unit]) => ({ matcher: { id: 'byName', options: name }, properties: [{ id: 'unit', value: unit }] }));
  const url = leadsTo === undefined ? '' : `/d/${leadsTo.uid}?var-datasource=\${datasource}&var-namespace=\${__data.fields.namespace}&var-statefulset=\${__data.fields.statefulset}&\${__url_time_range}`;
  const linked = leadsTo === undefined ? [] : [{ matcher: { id: 'byName', options: 'statefulset' }, properties: [{ id: 'links', value: [{ title: leadsTo.title, url }] }] }];
  return [...units, ...linked];
}

/** Each query is a column under its own name; the labels are columns, too. */
function tableOf({ queries, order = [] }: Panel): object[] {
  const renameByName = Object.fromEntries(queries.map(({ legend = '' }, index) => [queries.length === 1 ? 'Value' : `Value #${refId(index)}`, legend]));
  const nameBefore = Object.fromEntries(Object.entries(renameByName).map(([before, after]) => [after, before]));
  const indexByName = Object.fromEntries(order.map((name, index) => [nameBefore[name] ?? name, index]));
  const unwanted = Object.entries(renameByName).filter(([, after]) => !order.includes(after)).map(([before]) => [before, true] as const);
  return [{ id: 'merge', options: {} }, { id: 'organize', options: { excludeByName: { Time: true, ...Object.fromEntries(unwanted) }, includeByName: {}, indexByName, renameByName } }];
}

export function refId(index: number): string {
  return 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.charAt(index);
}
