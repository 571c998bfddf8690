// Asks a Prometheus what a panel of a dashboard asks it, with Grafana's variables put in as Grafana does when everything is chosen.

import { isInstant, type Panel, type Query } from '../../scripts/dashboards/grafana.ts';
import type { RunningPrometheus, Series, Span } from '../prometheus/start.ts';
import { SCRAPE_SECONDS } from './day.ts';

/** What a panel shows: for each query its series, instant ones at the end of the span only. */
export interface Answer {
  query: Query;
  series: Series[];
}

type Asked = Pick<RunningPrometheus, 'at' | 'over'>;

/** @param now of instant queries; default the end of the span. @throws what Prometheus has against a query */
export async function answersOf(prometheus: Asked, panel: Panel, { now, ...span }: Span & { now?: number }): Promise<Answer[]> {
  const step = Math.max(span.step, secondsOf(panel.interval ?? '0s'));
  const ask = (expr: string): Promise<Series[]> => (isInstant(panel) ? prometheus.at(expr, now ?? span.end) : prometheus.over(expr, { ...span, step }));
  return Promise.all(panel.queries.map(async (query) => ({ query, series: await ask(interpolated(query.expr, { ...span, step })) })));
}

/** @throws Error when something of Grafana's is left that this does not know */
export function interpolated(expr: string, { start, end, step }: Span): string {
  const variables: Record<string, string> = {
    namespace: '.*',
    statefulset: '.*',
    price: '1',
    __range: `${end - start}s`,
    __range_s: String(end - start),
    __interval: `${step}s`,
    __rate_interval: `${Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s`,
  };
  return expr.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`$${name} in ${expr} is no variable of the dashboard`);
    return value;
  });
}

function secondsOf(duration: string): number {
  const [, count = '0', unit = 's'] = /^(\d+)([smh])$/.exec(duration) ?? [];
  return Number(count) * ({ s: 1, m: 60, h: 3600 }[unit] ?? 1);
}
