// Plays the observed day in virtual time, and gives what Prometheus would have scraped on it.

import { ended, ordinalMigrations, phaseOf } from '../../src/migration/record.ts';
import { ObservedCluster } from './cluster.ts';
import { stamped } from './exposition.ts';
import { SETS, STORY } from './story.ts';

export interface ObservedDay {
  /** Epoch seconds. */
  start: number;
  end: number;
  /** OpenMetrics lines with their times, two hours each. */
  pieces: string[];
  /** Phases of the moves that have ended. */
  outcomes: Set<string>;
}

const START = '2026-02-03T00:00:00Z';
const HOURS = 24;
const HOURS_OF_A_PIECE = 2;
const HOUR_MS = 3_600_000;
/** Which dashboards and alerts are made for. */
export const SCRAPE_SECONDS = 60;

/** Takes some twenty seconds of one processor. @throws what went wrong on the day */
export async function playDay(): Promise<ObservedDay> {
  const startMs = Date.parse(START);
  const cluster = await ObservedCluster.create({ start: new Date(startMs - 120_000).toISOString(), sets: SETS });
  try {
    await cluster.clock.pass(startMs - cluster.clock.now());
    for (const { at, act } of STORY) cluster.clock.after(at * HOUR_MS, async () => void (await act(cluster)));
    const pieces: string[] = [];
    for (let hour = 0; hour < HOURS; hour += HOURS_OF_A_PIECE) pieces.push(await scrapeFor(cluster, HOURS_OF_A_PIECE));
    const records = cluster.embedded.simulated.server.readAll(ordinalMigrations);
    return { start: startMs / 1000, end: startMs / 1000 + HOURS * 3600, pieces, outcomes: new Set(records.filter(ended).map(phaseOf)) };
  } finally {
    cluster.stop();
  }
}

async function scrapeFor(cluster: ObservedCluster, hours: number): Promise<string> {
  const pages: string[] = [];
  for (let scrape = 0; scrape < (hours * 3600) / SCRAPE_SECONDS; scrape += 1) {
    for (const { target, metrics } of cluster.targets()) pages.push(stamped((await metrics.expose('application/openmetrics-text')).text, target, cluster.clock.now() / 1000));
    await cluster.clock.pass(SCRAPE_SECONDS * 1000);
  }
  return pages.join('');
}
