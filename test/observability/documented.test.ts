// docs/metrics.md and the code say the same of every metric, both ways; and what is a contract has the names and labels that it had.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { everySeries } from './every-series.ts';

/** The contract that charts, dashboards and other people's tests use: name and labels. Nothing in it is ever renamed. */
const CONTRACT: Record<string, string[]> = {
  statefulset_disks: ['namespace', 'statefulset', 'zone'],
  statefulset_skew: ['namespace', 'statefulset'],
  statefulset_satisfied: ['namespace', 'statefulset'],
  statefulset_planned_moves: ['namespace', 'statefulset'],
  statefulset_blocked: ['namespace', 'statefulset', 'reason'],
  migrations_in_flight: ['step'],
  migration_progress_ratio: ['namespace', 'statefulset', 'ordinal'],
  migrations_total: ['namespace', 'statefulset', 'outcome'],
  migration_duration_seconds: [],
  migration_step_duration_seconds: ['step'],
  ordinal_downtime_seconds: [],
  retained_disks: [],
  retained_bytes: [],
  orphaned_disks: [],
  admission_reviews_total: ['kind', 'operation', 'decision', 'rule'],
  admission_review_duration_seconds: [],
  disk_api_requests_total: ['action', 'code'],
  disk_api_request_duration_seconds: ['action'],
  reconcile_duration_seconds: [],
  sweep_last_success_timestamp_seconds: [],
  leader: [],
  webhook_certificate_expiry_timestamp_seconds: [],
  build_info: ['version', 'commit', 'node'],
};

interface Row {
  name: string;
  type: string;
  labels: string;
  unit: string;
  meaning: string;
}

describe('the metrics and their document', () => {
  it('have the same metrics, with the same types, labels, units and meanings', async () => {
    const documented = [...tableUnder('## The contract'), ...tableUnder('## Additions')];
    expect(byName(documented)).toEqual(byName(await exposed()));
  });

  it('keep the contract: every name of it, with its labels', async () => {
    const ours = new Map((await exposed()).map(({ name, labels }) => [name, labels]));
    for (const [name, labels] of Object.entries(CONTRACT)) expect(ours.get(`zonespread_${name}`), name).toBe(labels.join(', '));
    expect(tableUnder('## The contract').map(({ name }) => name).toSorted()).toEqual(Object.keys(CONTRACT).map((name) => `zonespread_${name}`).toSorted());
  });
});

function tableUnder(heading: string): Row[] {
  const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const section = text.split(/^(?=## )/m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `(zonespread_\w+)` \| (\w+) \| (.*?) \| (.*?) \| (.+?) \|$/gm)].map(([, name = '', type = '', labels = '', unit = '', meaning = '']) => ({ name, type, labels: labels.replaceAll('`', ''), unit, meaning }));
}

/** As a page with a value for every metric has them. */
async function exposed(): Promise<Row[]> {
  const { text } = await everySeries().expose(undefined);
  return [...text.matchAll(/^# HELP (zonespread_\w+) (.+)\n# TYPE \S+ (\w+)\n(.+)$/gm)].map(([, name = '', meaning = '', type = '', sample = '']) => {
    const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le');
    return { name, type, labels: labels.join(', '), unit: unitOf(name), meaning };
  });
}

/** By Prometheus' conventions the name ends in it. */
function unitOf(name: string): string {
  if (name.endsWith('_timestamp_seconds')) return 'seconds since 1970';
  if (name.endsWith('_seconds')) return 'seconds';
  if (name.endsWith('_bytes')) return 'bytes';
  return name.endsWith('_ratio') ? '0 to 1' : '';
}

function byName(rows: Row[]): Row[] {
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
