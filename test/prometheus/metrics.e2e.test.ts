// Our /metrics before Prometheus's own judges: promtool finds nothing wrong with it, and Prometheus scrapes both of its formats.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Metrics } from '../../src/observability/metrics.ts';
import { everySeries } from '../observability/every-series.ts';
import { metricsProblems } from './promtool.ts';
import { startPrometheus } from './start.ts';

const WAIT = { timeout: 20_000, interval: 50 };

/**
 * What promtool has against names that are a contract (of ours, or of prom-client, whose names dashboards for Node know), each with the
 * reason why it stays. A name that is not here has no excuse.
 */
const OF_PROM_CLIENT = 'a gauge of prom-client, which names it so; the usual dashboards for Node ask for it by this name';
const STAYS: Record<string, string> = {
  'nodejs_active_handles_total non-counter metrics should not have "_total" suffix': OF_PROM_CLIENT,
  'nodejs_active_requests_total non-counter metrics should not have "_total" suffix': OF_PROM_CLIENT,
  'nodejs_active_resources_total non-counter metrics should not have "_total" suffix': OF_PROM_CLIENT,
};

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

it('promtool finds nothing wrong with the page but what stays for a reason', async () => {
  const { text } = await everySeries().expose(undefined);

  const problems = await metricsProblems(text);

  expect(problems.filter((line) => !(line in STAYS))).toEqual([]);
  expect(Object.keys(STAYS).filter((line) => !problems.includes(line)), 'excuses that nothing needs any more').toEqual([]);
});

it('promtool is asked for real: it complains about a name without its unit', async () => {
  expect(await metricsProblems('# HELP move_milliseconds How long.\n# TYPE move_milliseconds gauge\nmove_milliseconds 1\n')).toEqual([
    'move_milliseconds use base unit "seconds" instead of "milliseconds"',
  ]);
});

it('Prometheus scrapes the page, in the format that it asks for, and has every series of it', async () => {
  const metrics = everySeries();
  const accepted = new Set<string>();
  const prometheus = await startPrometheus({ targets: [await serve(metrics, accepted)] });
  ends.push(() => prometheus.stop());

  await expect.poll(() => prometheus.values('up'), WAIT).toEqual([1]);

  expect([...accepted].every((accept) => accept.includes('application/openmetrics-text')), 'what Prometheus asks for').toBe(true);
  expect(await prometheus.values('zonespread_statefulset_disks{namespace="shop",statefulset="web",zone="a"}')).toEqual([2]);
  expect(await prometheus.values('zonespread_migrations_total{outcome="Succeeded"}')).toEqual([1]);
  expect(await prometheus.values('histogram_quantile(1, zonespread_ordinal_downtime_seconds_bucket)')).toEqual([45]);
  const { text } = await metrics.expose(undefined);
  const families = [...text.matchAll(/^# TYPE (zonespread_\S+) (\S+)$/gm)].map(([, name = '', type = '']) => (type === 'histogram' ? `${name}_count` : name));
  expect(families.length).toBeGreaterThan(20);
  const known = await Promise.all(families.map(async (name) => [name, (await prometheus.values(`count(${name})`)).length] as const));
  expect(known.filter(([, series]) => series === 0), 'series that Prometheus does not have').toEqual([]);
});

/** Serves them as our processes do, and notes what is asked for. @returns host:port */
async function serve(metrics: Metrics, accepted: Set<string>): Promise<string> {
  const server: Server = createServer((request, response) => {
    accepted.add(request.headers.accept ?? '');
    void metrics.expose(request.headers.accept).then(({ contentType, text }) => response.setHeader('content-type', contentType).end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
