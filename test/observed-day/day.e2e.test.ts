// A simulated day in a real Prometheus: every query of every panel finds data on it, and of the alerts those fire that should.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../scripts/dashboards/all.ts';
import { isInstant, type Panel } from '../../scripts/dashboards/grafana.ts';
import { startPrometheus, type RunningPrometheus, type Series } from '../prometheus/start.ts';
import { playDay, type ObservedDay } from './day.ts';
import { answersOf } from './panels.ts';

interface Rule {
  alert: string;
  expr: string;
  for?: string;
}

const ALERTS = new URL('../../charts/zonespread/files/alerts/zonespread.yaml', import.meta.url);
const rules = (parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

/** What went wrong on the day, and nothing else. */
const FIRED = ['ZonespreadCloudFailing', 'ZonespreadLeaderMissing', 'ZonespreadMigrationFrozen', 'ZonespreadOrphanedDisks', 'ZonespreadWebhookDown'];

/** How often Grafana would ask for a point, and we look at what shows the present. */
const STEP_SECONDS = 120;
const LOOK_SECONDS = 1200;

let day: ObservedDay;
let prometheus: RunningPrometheus;

beforeAll(async () => {
  day = await playDay();
  prometheus = await startPrometheus({ past: day.pieces });
});

afterAll(() => prometheus?.stop());

it('has been the day of the story: moves succeeded, and one was rolled back', () => {
  expect([...day.outcomes].toSorted()).toEqual(['RolledBack', 'Succeeded']);
});

describe.each(Object.entries(DASHBOARDS))('the dashboard %s', (_name, { panels }) => {
  it.each(panels.filter((panel) => typeof panel !== 'string').map((panel) => [panel.title, panel] as const))('%s: every query gives data', async (_title, panel) => {
    for (const { expr, values } of await valuesOf(panel)) {
      expect(values.length, expr).toBeGreaterThan(0);
      expect(values.some((value) => Number.isFinite(value)), `${expr} gives a number`).toBe(true);
    }
  });
});

describe('the alerts', () => {
  it('fire for what went wrong on the day, and for nothing else', async () => {
    const fired = await Promise.all(rules.map(async (rule) => ((await fires(rule)) ? [rule.alert] : [])));
    expect(fired.flat().toSorted()).toEqual(FIRED);
  });
});

/** Of a panel that shows the present: whenever somebody looked on that day. */
async function valuesOf(panel: Panel): Promise<{ expr: string; values: number[] }[]> {
  const span = { start: day.start, end: day.end, step: isInstant(panel) ? LOOK_SECONDS : STEP_SECONDS };
  const overTheDay = { at: (query: string) => prometheus.over(query, span), over: (query: string) => prometheus.over(query, span) };
  const answers = await answersOf(overTheDay, panel, span);
  return answers.map(({ query, series }) => ({ expr: query.expr, values: series.flatMap(({ points }) => points.map(([, value]) => value)) }));
}

const RULE_STEP_SECONDS = 60;

/** As Prometheus decides it: a series that the expression gives without a break for as long as `for` says. */
async function fires({ expr, for: held = '0m' }: Rule): Promise<boolean> {
  const heldSeconds = Number.parseInt(held, 10) * (held.endsWith('h') ? 3600 : 60);
  const series = await prometheus.over(expr, { start: day.start, end: day.end, step: RULE_STEP_SECONDS });
  return series.some((one) => longestRun(one) >= heldSeconds);
}

/** Seconds. */
function longestRun({ points }: Series): number {
  let [longest, begun, last] = [0, Number.NaN, Number.NaN];
  for (const [time] of points) {
    if (time - last !== RULE_STEP_SECONDS) begun = time;
    last = time;
    longest = Math.max(longest, last - begun);
  }
  return longest;
}
