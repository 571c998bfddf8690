import { describe, expect, it } from 'vitest';
import { migrationMetrics } from '../../src/controller/migration-metrics.ts';
import { ordinalMigrations, type OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { FakeApi } from '../fakes/api.ts';
import { createFakeReflector } from '../fakes/reflector.ts';
import { claimRecord, record } from './records.ts';

function stage(...before: ReturnType<typeof record>[]) {
  const api = new FakeApi();
  for (const one of before) api.put(ordinalMigrations, one);
  const reflector = createFakeReflector(api, ordinalMigrations);
  reflector.start();
  const metrics = createMetrics({ version: 'test' });
  const end = migrationMetrics(reflector, metrics);
  const lines = async (name: string): Promise<string[]> => (await metrics.expose(undefined)).text.split('\n').filter((line) => line.startsWith(`zonespread_${name}`));
  const set = (name: string, status: OrdinalMigrationStatus) => api.change(ordinalMigrations, { namespace: 'db', name }, (object) => (object.status = status));
  return { api, end, lines, set };
}

const named = (name: string, status: OrdinalMigrationStatus = {}) => record({ ...status, metadata: { name } });

describe('the metrics of migrations', () => {
  it('show from the start what was under way before', async () => {
    const { lines } = stage(named('m', { phase: 'Running', step: 'snapshot', progress: 40 }));
    expect(await lines('migrations_in_flight')).toEqual(['zonespread_migrations_in_flight{step="snapshot"} 1']);
    expect(await lines('migration_progress_ratio')).toEqual(['zonespread_migration_progress_ratio{namespace="db",statefulset="web",ordinal="0"} 0.4']);
  });

  it('follow a move through its steps to its end, and count it once', async () => {
    const { lines, set } = stage(named('m'));
    const history = [{ step: 'rehearse', startedAt: '2026-11-20T00:00:00Z', finishedAt: '2026-11-20T00:00:03Z' }];
    set('m', { phase: 'Running', step: 'keepSource', progress: 2, startedAt: '2026-11-20T00:00:00Z', history });
    set('m', { phase: 'Running', step: 'keepSource', progress: 3, startedAt: '2026-11-20T00:00:00Z', history });
    expect(await lines('migration_step_duration_seconds_sum')).toEqual(['zonespread_migration_step_duration_seconds_sum{step="rehearse"} 3']);
    const ended: OrdinalMigrationStatus = { phase: 'Succeeded', progress: 100, startedAt: '2026-11-20T00:00:00Z', finishedAt: '2026-11-20T00:02:00Z', downtimeSeconds: 12.5, history };
    set('m', ended);
    set('m', { ...ended, message: 'retired' });
    const outcomes = [['Succeeded', 1], ['RolledBack', 0], ['Failed', 0]] as const;
    expect(await lines('migrations_total')).toEqual(outcomes.map(([outcome, count]) => `zonespread_migrations_total{namespace="db",statefulset="web",outcome="${outcome}"} ${count}`));
    expect(await lines('migration_duration_seconds_sum')).toEqual(['zonespread_migration_duration_seconds_sum 120']);
    expect(await lines('ordinal_downtime_seconds_sum')).toEqual(['zonespread_ordinal_downtime_seconds_sum 12.5']);
    expect(await lines('migrations_in_flight{')).toEqual([]);
    expect(await lines('migration_progress_ratio{')).toEqual([]);
  });

  it('do not count again what had ended before this daemon', async () => {
    const { lines, set } = stage(named('m', { phase: 'Succeeded' }));
    set('m', { phase: 'Succeeded', message: 'retired' });
    expect(await lines('migrations_total{')).toEqual([]);
  });

  it('show the move under way, not the old record of the same ordinal that is being retired', async () => {
    const { lines, set } = stage(named('old', { phase: 'Succeeded' }), named('new', { phase: 'Running', progress: 50 }));
    set('old', { phase: 'Succeeded', message: 'retired' });
    expect(await lines('migration_progress_ratio{')).toEqual(['zonespread_migration_progress_ratio{namespace="db",statefulset="web",ordinal="0"} 0.5']);
  });

  it('say which move is frozen and why, and since when a move is at its step', async () => {
    const { lines, set } = stage(named('m', { phase: 'Running', step: 'ready', stepStartedAt: '2026-11-20T00:00:00Z' }));
    const at = (phase: string): string[] => [`zonespread_migration_step_start_timestamp_seconds{namespace="db",statefulset="web",ordinal="0",phase="${phase}",step="ready"} ${Date.parse('2026-11-20T00:00:00Z') / 1000}`];
    expect(await lines('migration_step_start')).toEqual(at('Running'));
    expect(await lines('migration_frozen{')).toEqual([]);
    set('m', { phase: 'Frozen', step: 'ready', reason: 'NotReady', stepStartedAt: '2026-11-20T00:00:00Z' });
    expect(await lines('migration_step_start')).toEqual(at('Frozen'));
    expect(await lines('migration_frozen{')).toEqual(['zonespread_migration_frozen{namespace="db",statefulset="web",ordinal="0",reason="NotReady"} 1']);
  });

  it('count the time of a step that only a newer version knows as `other`', async () => {
    const { lines, set } = stage(named('m', { phase: 'Running', step: 'defragment' }));
    set('m', { phase: 'Running', step: 'ready', history: [{ step: 'defragment', startedAt: '2026-11-20T00:00:00Z', finishedAt: '2026-11-20T00:00:03Z' }] });
    expect(await lines('migration_step_duration_seconds_sum')).toEqual(['zonespread_migration_step_duration_seconds_sum{step="other"} 3']);
  });

  it('say how many disks are retained, and how large they are', async () => {
    const { lines, set } = stage(named('m', { phase: 'Succeeded', finishedAt: '2026-11-20T00:00:00Z', claims: [claimRecord(), claimRecord()] }));
    expect(await lines('retained_disks')).toEqual(['zonespread_retained_disks 2']);
    expect(await lines('retained_bytes')).toEqual([`zonespread_retained_bytes ${40 * 1024 ** 3}`]);
    expect(await lines('retained_first_expiry')).toEqual([`zonespread_retained_first_expiry_timestamp_seconds ${Date.parse('2026-11-21T00:00:00Z') / 1000}`]);
    set('m', { phase: 'Succeeded', claims: [] });
    expect(await lines('retained_first_expiry')).toEqual([]);
    expect(await lines('retained_disks')).toEqual(['zonespread_retained_disks 0']);
  });

  it('forget a record that is deleted', async () => {
    const { api, lines } = stage(named('m', { phase: 'Running', step: 'snapshot', progress: 40 }));
    api.remove(ordinalMigrations, { namespace: 'db', name: 'm' });
    expect(await lines('migrations_in_flight{')).toEqual([]);
    expect(await lines('migration_progress_ratio{')).toEqual([]);
  });

  it('stop when they are told to', async () => {
    const { end, lines, set } = stage(named('m'));
    end();
    set('m', { phase: 'Running', step: 'evict' });
    expect(await lines('migrations_in_flight{')).toEqual([]);
  });
});
