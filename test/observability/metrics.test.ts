import { describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';

const web = { namespace: 'shop', statefulset: 'web' };
const db = { namespace: 'shop', statefulset: 'db' };

/** Our own series, `name{labels} value`, sorted; histograms by their count only. */
async function seriesOf(metrics: Metrics, filter = ''): Promise<string[]> {
  const { text } = await metrics.expose(undefined);
  return text
    .split('\n')
    .filter((line) => line.startsWith('zonespread_') && !/_(bucket|sum)[{ ]/.test(line) && line.includes(filter))
    .sort();
}

describe('the metrics', () => {
  it('are all there, with help and the names of the contract', async () => {
    const { text } = await createMetrics({ version: '0.1.0', commit: 'abc' }).expose(undefined);
    const names = [...text.matchAll(/^# HELP zonespread_(\S+) (.+)$/gm)].map(([, name]) => name);
    expect(new Set(names)).toEqual(
      new Set([
        'statefulset_disks', 'statefulset_skew', 'statefulset_satisfied', 'statefulset_planned_moves', 'statefulset_blocked', 'migrations_in_flight', 'migration_progress_ratio',
        'migrations_total', 'migration_duration_seconds', 'migration_step_duration_seconds', 'ordinal_downtime_seconds', 'retained_disks', 'retained_bytes', 'orphaned_disks',
        'admission_reviews_total', 'admission_review_duration_seconds', 'disk_api_requests_total', 'disk_api_request_duration_seconds', 'reconcile_duration_seconds',
        'sweep_last_success_timestamp_seconds', 'leader', 'webhook_certificate_expiry_timestamp_seconds', 'build_info',
      ]),
    );
    expect(text).toContain(`zonespread_build_info{version="0.1.0",commit="abc",node="${process.version}"} 1`);
    expect(text).toContain('process_cpu_user_seconds_total');
  });

  it('show one set as it is now, zones and reasons that are no longer left out', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.setStatefulSet(web, { disksByZone: { a: 6, b: 0 }, skew: 6, satisfied: false, plannedMoves: 4, blockedByReason: { PodNotReady: 2 } });
    metrics.setStatefulSet(web, { disksByZone: { b: 3, c: 3 }, skew: 0, satisfied: true, plannedMoves: 0, blockedByReason: {} });
    expect(await seriesOf(metrics, 'statefulset="web"')).toEqual([
      'zonespread_statefulset_disks{namespace="shop",statefulset="web",zone="b"} 3',
      'zonespread_statefulset_disks{namespace="shop",statefulset="web",zone="c"} 3',
      'zonespread_statefulset_planned_moves{namespace="shop",statefulset="web"} 0',
      'zonespread_statefulset_satisfied{namespace="shop",statefulset="web"} 1',
      'zonespread_statefulset_skew{namespace="shop",statefulset="web"} 0',
    ]);
  });

  it('lose every series of a deleted set, and of that one only', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    for (const set of [web, db]) {
      metrics.setStatefulSet(set, { disksByZone: { a: 1 }, skew: 1, satisfied: false, plannedMoves: 1, blockedByReason: { Paused: 1 } });
      metrics.setMigrationProgress({ ...set, ordinal: 2 }, 0.5);
      metrics.migrationEnded(set, 'Succeeded', 90);
    }
    const before = await seriesOf(metrics, 'statefulset="db"');
    metrics.forgetStatefulSet('shop', 'web');
    metrics.forgetStatefulSet('shop', 'never-was');
    expect(await seriesOf(metrics, 'statefulset="web"')).toEqual([]);
    expect(await seriesOf(metrics, 'statefulset="db"')).toEqual(before);
    expect(before).toHaveLength(7);
    metrics.migrationEnded(web, 'Failed', 1);
    expect(await seriesOf(metrics, 'statefulset="web"')).toEqual(['zonespread_migrations_total{namespace="shop",statefulset="web",outcome="Failed"} 1']);
  });

  it('count and measure the rest', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.setMigrationsInFlight({ snapshot: 2, ready: 1 });
    metrics.setMigrationsInFlight({ ready: 1 });
    metrics.setMigrationProgress({ ...web, ordinal: 5 }, 0.25);
    metrics.setMigrationProgress({ ...web, ordinal: 4 }, 0.75);
    metrics.setMigrationProgress({ ...web, ordinal: 5 }, undefined);
    metrics.stepEnded('detach', 3);
    metrics.ordinalWasDown(31);
    metrics.setRetained({ disks: 2, bytes: 42_949_672_960 });
    metrics.setOrphanedDisks(1);
    metrics.reviewed({ kind: 'Pod', operation: 'CREATE', decision: 'patch', rule: 'gate' }, 0.002);
    metrics.diskApiCalled({ action: 'CreateDisk', code: 'OK' }, 0.4);
    metrics.diskApiCalled({ action: 'CreateDisk', code: 'Throttling.User' }, 0.1);
    metrics.reconciled(0.02);
    metrics.sweepSucceeded(1_760_000_000);
    metrics.setLeader(true);
    metrics.certificateExpires(1_770_000_000);
    const series = await seriesOf(metrics);
    expect(series.filter((line) => !line.startsWith('zonespread_build_info'))).toEqual([
      'zonespread_admission_review_duration_seconds_count 1',
      'zonespread_admission_reviews_total{kind="Pod",operation="CREATE",decision="patch",rule="gate"} 1',
      'zonespread_disk_api_request_duration_seconds_count{action="CreateDisk"} 2',
      'zonespread_disk_api_requests_total{action="CreateDisk",code="OK"} 1',
      'zonespread_disk_api_requests_total{action="CreateDisk",code="Throttling.User"} 1',
      'zonespread_leader 1',
      'zonespread_migration_duration_seconds_count 0',
      'zonespread_migration_progress_ratio{namespace="shop",statefulset="web",ordinal="4"} 0.75',
      'zonespread_migration_step_duration_seconds_count{step="detach"} 1',
      'zonespread_migrations_in_flight{step="ready"} 1',
      'zonespread_ordinal_downtime_seconds_count 1',
      'zonespread_orphaned_disks 1',
      'zonespread_reconcile_duration_seconds_count 1',
      'zonespread_retained_bytes 42949672960',
      'zonespread_retained_disks 2',
      'zonespread_sweep_last_success_timestamp_seconds 1760000000',
      'zonespread_webhook_certificate_expiry_timestamp_seconds 1770000000',
    ]);
  });

  it('speak OpenMetrics when asked to', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.migrationEnded(web, 'Succeeded', 90);
    const { contentType, text } = await metrics.expose('application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5');
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(text).toContain('# TYPE zonespread_migrations counter');
    expect(text).toContain('zonespread_migrations_total{namespace="shop",statefulset="web",outcome="Succeeded"} 1');
    expect(text).toContain('process_cpu_user_seconds_total');
    expect(text.trimEnd().endsWith('# EOF')).toBe(true);
    const plain = await metrics.expose('text/plain');
    expect(plain.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(plain.text).not.toContain('# EOF');
    expect(plain.text, 'the names after an answer in the other format').toContain('# TYPE zonespread_migrations_total counter');
    expect(plain.text).toContain('zonespread_migrations_total{namespace="shop",statefulset="web",outcome="Succeeded"} 1');
    expect(plain.text).toContain('# TYPE process_cpu_user_seconds_total counter');
  });
});
