import { describe, expect, it } from 'vitest';
import { createMetrics, type Metrics, type MoveState, type SetState } from '../../src/observability/metrics.ts';

const web = { namespace: 'shop', statefulset: 'web' };
const db = { namespace: 'shop', statefulset: 'db' };

const uneven: SetState = {
  zones: [{ zone: 'a', actual: 6, desired: 3 }, { zone: 'b', actual: 0, desired: 3 }],
  skew: 6,
  maxSkew: 1,
  satisfied: false,
  unsatisfiedSince: 1_760_000_000,
  planned: { moves: 3, bytes: 60_000, seconds: 360 },
  blockedByReason: { PodNotReady: 2 },
};
const even: SetState = {
  zones: [{ zone: 'b', actual: 3, desired: 3 }, { zone: 'c', actual: 3, desired: 3 }],
  skew: 0,
  maxSkew: 1,
  satisfied: true,
  unsatisfiedSince: undefined,
  planned: { moves: 0, bytes: 0, seconds: 0 },
  blockedByReason: {},
};

const move = (ordinal: number, state: Partial<MoveState> = {}): MoveState => ({ ordinal, progress: 0.5, phase: 'Running', step: 'snapshot', stepStarted: 1_760_000_000, frozen: undefined, ...state });

/** Our own series, `name{labels} value`, sorted; histograms by their count only. */
async function seriesOf(metrics: Metrics, filter = ''): Promise<string[]> {
  const { text } = await metrics.expose(undefined);
  return text
    .split('\n')
    .filter((line) => line.startsWith('zonespread_') && !/_(bucket|sum)[{ ]/.test(line) && line.includes(filter))
    .sort();
}

describe('the metrics', () => {
  it('begin with what every process has: what it runs, and Node’s own', async () => {
    const { text } = await createMetrics({ version: '0.1.0', commit: 'abc' }).expose(undefined);
    expect(text).toContain(`zonespread_build_info{version="0.1.0",commit="abc",node="${process.version}"} 1`);
    expect(text).toContain('process_cpu_user_seconds_total');
  });

  it('say nothing that the process does not know: no leader, no certificate of 1970, no sweep', async () => {
    const counted = (line: string): boolean => !/_count 0$|_build_info/.test(line);
    expect((await seriesOf(createMetrics({ version: '0.1.0' }))).filter(counted)).toEqual([]);
  });

  it('show one set as it is now, zones and reasons that are no longer left out', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.setStatefulSet(web, uneven);
    expect(await seriesOf(metrics, 'statefulset_')).toEqual([
      'zonespread_statefulset_blocked{namespace="shop",statefulset="web",reason="PodNotReady"} 2',
      'zonespread_statefulset_desired_disks{namespace="shop",statefulset="web",zone="a"} 3',
      'zonespread_statefulset_desired_disks{namespace="shop",statefulset="web",zone="b"} 3',
      'zonespread_statefulset_disks{namespace="shop",statefulset="web",zone="a"} 6',
      'zonespread_statefulset_disks{namespace="shop",statefulset="web",zone="b"} 0',
      'zonespread_statefulset_max_skew{namespace="shop",statefulset="web"} 1',
      'zonespread_statefulset_planned_bytes{namespace="shop",statefulset="web"} 60000',
      'zonespread_statefulset_planned_duration_seconds{namespace="shop",statefulset="web"} 360',
      'zonespread_statefulset_planned_moves{namespace="shop",statefulset="web"} 3',
      'zonespread_statefulset_satisfied{namespace="shop",statefulset="web"} 0',
      'zonespread_statefulset_skew{namespace="shop",statefulset="web"} 6',
      'zonespread_statefulset_unsatisfied_since_timestamp_seconds{namespace="shop",statefulset="web"} 1760000000',
    ]);
    metrics.setStatefulSet(web, even);
    expect(await seriesOf(metrics, 'statefulset_')).toEqual([
      'zonespread_statefulset_desired_disks{namespace="shop",statefulset="web",zone="b"} 3',
      'zonespread_statefulset_desired_disks{namespace="shop",statefulset="web",zone="c"} 3',
      'zonespread_statefulset_disks{namespace="shop",statefulset="web",zone="b"} 3',
      'zonespread_statefulset_disks{namespace="shop",statefulset="web",zone="c"} 3',
      'zonespread_statefulset_max_skew{namespace="shop",statefulset="web"} 1',
      'zonespread_statefulset_planned_bytes{namespace="shop",statefulset="web"} 0',
      'zonespread_statefulset_planned_duration_seconds{namespace="shop",statefulset="web"} 0',
      'zonespread_statefulset_planned_moves{namespace="shop",statefulset="web"} 0',
      'zonespread_statefulset_satisfied{namespace="shop",statefulset="web"} 1',
      'zonespread_statefulset_skew{namespace="shop",statefulset="web"} 0',
    ]);
  });

  it('lose every series of a deleted set, and of that one only', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    for (const set of [web, db]) {
      metrics.setStatefulSet(set, uneven);
      metrics.setMigrations(set, [move(2, { phase: 'Frozen', frozen: 'NotReady' })]);
      metrics.migrationEnded(set, 'Succeeded', 90);
    }
    const before = await seriesOf(metrics, 'statefulset="db"');
    metrics.forgetStatefulSet('shop', 'web');
    metrics.forgetStatefulSet('shop', 'never-was');
    expect(await seriesOf(metrics, 'statefulset="web"')).toEqual([]);
    expect(await seriesOf(metrics, 'statefulset="db"')).toEqual(before);
    expect(before).toHaveLength(18);
  });

  it('lose what a move counts that outlives its set, once somebody says that the set is gone', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.setStatefulSet(db, even);
    metrics.setStatefulSet(web, even);
    metrics.forgetStatefulSet('shop', 'web');
    metrics.migrationEnded(web, 'Failed', 1);
    expect(await seriesOf(metrics, 'outcome="Failed"')).toEqual([
      'zonespread_migrations_total{namespace="shop",statefulset="db",outcome="Failed"} 0',
      'zonespread_migrations_total{namespace="shop",statefulset="web",outcome="Failed"} 1',
    ]);
    metrics.forgetStatefulSetsBut((_namespace, statefulset) => statefulset === 'db');
    expect(await seriesOf(metrics, 'outcome="Failed"')).toEqual(['zonespread_migrations_total{namespace="shop",statefulset="db",outcome="Failed"} 0']);
  });

  it('count the ends of a set’s moves from 0 on: to Prometheus a count that begins at 1 is no increase', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.setStatefulSet(web, even);
    metrics.setMigrations(db, [move(0)]);
    const zeros = (set: string): string[] => ['Failed', 'RolledBack', 'Succeeded'].map((outcome) => `zonespread_migrations_total{namespace="shop",statefulset="${set}",outcome="${outcome}"} 0`);
    expect(await seriesOf(metrics, 'migrations_total')).toEqual([...zeros('db'), ...zeros('web')]);
  });

  it('show each move under way at its one step, and only a frozen one as frozen', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.setMigrations(web, [move(4), move(5)]);
    metrics.setMigrations(web, [move(5, { phase: 'Frozen', step: 'ready', progress: 0.85, frozen: 'NotReady' })]);
    expect(await seriesOf(metrics, 'migration_')).toEqual([
      'zonespread_migration_duration_seconds_count 0',
      'zonespread_migration_frozen{namespace="shop",statefulset="web",ordinal="5",reason="NotReady"} 1',
      'zonespread_migration_progress_ratio{namespace="shop",statefulset="web",ordinal="5"} 0.85',
      'zonespread_migration_step_start_timestamp_seconds{namespace="shop",statefulset="web",ordinal="5",phase="Frozen",step="ready"} 1760000000',
    ]);
  });

  it('take only so many codes from a cloud that makes them up', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    for (let n = 0; n < 1000; n += 1) metrics.diskApiCalled({ action: 'CreateDisk', code: `Made.Up.${n}` }, 0.1);
    metrics.diskApiCalled({ action: 'DeleteDisk', code: `<html>${'x'.repeat(500)}` }, 0.1);
    const codes = await seriesOf(metrics, 'disk_api_requests_total');
    expect(codes.length).toBeLessThan(70);
    expect(codes).toContain('zonespread_disk_api_requests_total{action="DeleteDisk",code="Other"} 1');
    expect(codes).toContain('zonespread_disk_api_requests_total{action="CreateDisk",code="Made.Up.0"} 1');
  });

  it('count and measure the rest', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.setMigrationsInFlight({ snapshot: 2, ready: 1 });
    metrics.setMigrationsInFlight({ ready: 1 });
    metrics.stepEnded('detach', 3);
    metrics.ordinalWasDown(31);
    metrics.setRetained({ disks: 2, bytes: 42_949_672_960, firstExpiry: 1_765_000_000 });
    metrics.setOrphanedDisks(1);
    metrics.reviewed({ kind: 'Pod', operation: 'CREATE', decision: 'patch', rule: 'gate' }, 0.002);
    metrics.diskApiCalled({ action: 'CreateDisk', code: 'OK' }, 0.4);
    metrics.diskApiCalled({ action: 'CreateDisk', code: 'Throttling.User' }, 0.1);
    metrics.reconciled(0.02);
    metrics.sweepSucceeded(1_760_000_000);
    metrics.setLeader(true);
    metrics.certificateExpires(1_770_000_000);
    const series = await seriesOf(metrics);
    metrics.setRetained({ disks: 1, bytes: 21_474_836_480, firstExpiry: undefined });
    expect(await seriesOf(metrics, 'retained_first_expiry'), 'kept for ever').toEqual([]);
    expect(series.filter((line) => !line.startsWith('zonespread_build_info'))).toEqual([
      'zonespread_admission_review_duration_seconds_count 1',
      'zonespread_admission_reviews_total{kind="Pod",operation="CREATE",decision="patch",rule="gate"} 1',
      'zonespread_disk_api_request_duration_seconds_count{action="CreateDisk"} 2',
      'zonespread_disk_api_requests_total{action="CreateDisk",code="OK"} 1',
      'zonespread_disk_api_requests_total{action="CreateDisk",code="Throttling.User"} 1',
      'zonespread_leader 1',
      'zonespread_migration_duration_seconds_count 0',
      'zonespread_migration_step_duration_seconds_count{step="detach"} 1',
      'zonespread_migrations_in_flight{step="ready"} 1',
      'zonespread_ordinal_downtime_seconds_count 1',
      'zonespread_orphaned_disks 1',
      'zonespread_reconcile_duration_seconds_count 1',
      'zonespread_retained_bytes 42949672960',
      'zonespread_retained_disks 2',
      'zonespread_retained_first_expiry_timestamp_seconds 1765000000',
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
