// The dashboards as they are committed: generated from their descriptions, and in keeping with what Grafana asks of a dashboard that is
// installed in places that nobody knows.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DASHBOARDS, fileOf } from '../../scripts/dashboards/all.ts';
import { everySeries } from '../observability/every-series.ts';

interface GrafanaPanel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: unknown;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string; thresholds?: unknown } };
  targets?: { expr: string; refId: string; datasource: unknown; legendFormat: string }[];
}

interface GrafanaDashboard {
  uid: string;
  title: string;
  description: string;
  schemaVersion: number;
  tags: string[];
  links: { type: string; tags: string[] }[];
  templating: { list: { name: string; type: string }[] };
  panels: GrafanaPanel[];
}

const FOLDER = new URL('../../charts/zonespread/files/dashboards/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(`${name}.json`, FOLDER), 'utf8');
const OF_GRAFANA = new Set(['datasource', '__all', '__data', '__url_time_range', '__range', '__range_s', '__interval', '__rate_interval']);
const CHOSEN_SOURCE = { type: 'prometheus', uid: '${datasource}' };

describe('the dashboards', () => {
  it('are those that are described', () => {
    expect(readdirSync(FOLDER).toSorted()).toEqual(Object.keys(DASHBOARDS).map((name) => `${name}.json`).toSorted());
  });

  it('lead to each other', () => {
    const all = Object.keys(DASHBOARDS).map((name) => JSON.parse(read(name)) as GrafanaDashboard);
    for (const { tags, links } of all) expect(links.some((link) => link.type === 'dashboards' && link.tags.every((tag) => tags.includes(tag)))).toBe(true);
    const uids = all.map(({ uid }) => uid);
    expect(new Set(uids).size).toBe(uids.length);
    const led = Object.keys(DASHBOARDS).flatMap((name) => [...read(name).matchAll(/"\/d\/([\w-]+)/g)].map(([, uid]) => uid));
    expect(led.length).toBeGreaterThan(0);
    expect(led.filter((uid) => !uids.includes(uid ?? ''))).toEqual([]);
  });
});

describe.each(Object.entries(DASHBOARDS))('the dashboard %s', (name, described) => {
  const text = read(name);
  const dashboard = JSON.parse(text) as GrafanaDashboard;
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');

  it('is what `npm run dashboards` writes', () => {
    expect(text).toBe(fileOf(described));
  });

  it('has a uid, a description, a schema version, and lets people choose the data source', () => {
    expect(dashboard).toMatchObject({ uid: `zonespread-${name}`, schemaVersion: 39, tags: ['zonespread'], description: expect.stringMatching(/\.$/) as string });
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
  });

  it('has panels that say what they show, in which unit, from the chosen data source', () => {
    expect(panels.length).toBeGreaterThan(10);
    for (const { title, description, datasource, fieldConfig, targets = [] } of panels) {
      expect(description, title).toMatch(/\.$/);
      expect(datasource, title).toEqual(CHOSEN_SOURCE);
      expect(fieldConfig?.defaults.unit, title).toMatch(/./);
      expect(fieldConfig?.defaults.thresholds, title).toBeDefined();
      expect(targets.length, title).toBeGreaterThan(0);
      for (const target of targets) expect(target.datasource, title).toEqual(CHOSEN_SOURCE);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
  });

  it('has panels beside each other, none over another', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
      expect(x + w, title).toBeLessThanOrEqual(24);
      for (let row = y; row < y + h; row += 1) {
        for (let column = x; column < x + w; column += 1) {
          expect(taken.has(`${column} ${row}`), `${title} at ${column} ${row}`).toBe(false);
          taken.add(`${column} ${row}`);
        }
      }
    }
  });

  it('asks for metrics that we have, with variables that it has', async () => {
    const { text: page } = await everySeries().expose(undefined);
    const variables = new Set(dashboard.templating.list.map((variable) => variable.name));
    for (const { expr } of panels.flatMap(({ targets = [] }) => targets)) {
      const asked = [...expr.matchAll(/\bzonespread_\w+/g)].map(([metric]) => metric);
      expect(asked.length, expr).toBeGreaterThan(0);
      for (const metric of asked) expect(page, expr).toMatch(new RegExp(`^${metric}[{ ]`, 'm'));
    }
    for (const [, braced, plain] of text.matchAll(/\$(?:\{(\w+)|(\w+))/g)) {
      const variable = braced ?? plain ?? '';
      expect(variables.has(variable) || OF_GRAFANA.has(variable), `$${variable}`).toBe(true);
    }
  });
});
