import { describe, expect, it } from 'vitest';
import { spreadReports } from '../../src/controller/spread-report.ts';
import { ApiError } from '../../src/kubernetes/api.ts';
import { mutatingPolicies, mutatingWebhooks, nodes, statefulSets } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { DiskError } from '../../src/ports/disks.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { Scene, type SceneOptions } from './scene.ts';
import { claimRecord } from './records.ts';

function crowded(options: SceneOptions = {}, annotations: Record<string, string> = { zones: 'a,b,c' }): Scene {
  const scene = new Scene(options);
  scene.addSet({ zones: ['a', 'a', 'a'], podManagementPolicy: 'Parallel' }, { annotations });
  return scene;
}

function conditionsOf(scene: Scene): Record<string, string> {
  return Object.fromEntries((scene.status().conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}

describe('a look at a set', () => {
  it('records exactly the move whose turn it is, with everything that the policy says', async () => {
    const scene = crowded({}, { zones: 'a,b,c', 'ready-timeout': '5m', 'on-unready': 'reverse', 'source-retention': 'forever' });
    await scene.work();
    const records = scene.records();
    expect(records).toHaveLength(1);
    expect(records[0]?.metadata.name).toMatch(/^web-2-[a-z]{5}$/);
    expect(records[0]?.metadata.labels).toEqual({ 'velero.io/exclude-from-backup': 'true' });
    expect(records[0]?.metadata.ownerReferences).toBeUndefined();
    expect(records[0]?.spec).toEqual({
      statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'uid-statefulset-web' },
      ordinal: 2,
      targetZone: 'b',
      reason: 'Spread',
      planDigest: scene.status().plan?.digest,
      strategy: 'rolling',
      readyTimeout: '5m',
      healthDuration: '1m',
      onUnready: 'reverse',
      snapshotRetention: '1d',
      sourceRetention: 'forever',
    });
    expect(scene.events.of('SpreadPlanned')).toEqual(['2 moves planned: web-2 from a to b first']);
  });

  it('starts as many as max-unavailable and the budgets of the cluster allow, not one more at the next looks', async () => {
    const scene = crowded({ budgets: { atOnce: 5 } }, { zones: 'a,b,c', 'max-unavailable': '2' });
    await scene.work();
    await scene.work();
    expect(scene.records().map(({ spec }) => [spec.ordinal, spec.targetZone])).toEqual([[1, 'c'], [2, 'b']]);
  });

  it('decides again, live, before it starts anything: a cache that lags starts no second move', async () => {
    const scene = crowded({ budgets: { atOnce: 5 } });
    scene.watches.migrations.lag();
    await scene.work();
    await scene.work();
    expect(scene.records()).toHaveLength(1);
  });

  it('never gives the last place of the cluster to two sets at once', async () => {
    const scene = crowded({ budgets: { atOnce: 1 } });
    scene.addSet({ name: 'db', zones: ['a', 'a', 'a'] });
    await Promise.all([scene.work('web'), scene.work('db')]);
    expect(scene.records()).toHaveLength(1);
  });

  it('never gives the last place of the hour, or of a pair of zones, to a second set before the first has begun', async () => {
    for (const budgets of [{ atOnce: 9, perHour: 1 }, { atOnce: 9, perZonePair: 1 }]) {
      const scene = crowded({ budgets });
      scene.addSet({ name: 'db', zones: ['a', 'a', 'a'] });
      await scene.work('web');
      await scene.work('db');
      expect(scene.records().filter(({ spec }) => spec.targetZone === 'b').map(({ spec }) => spec.statefulSetRef.name)).toEqual(['web']);
      expect(scene.status('db').blocked?.map(({ reason }) => reason)).toContain('BudgetUsedUp');
    }
  });

  it('starts nothing while a move of a set that had the same name before is in flight: the claims are the same', async () => {
    const scene = crowded();
    scene.addRecord('before', { spec: { ordinal: 0, statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'uid-before' } }, status: { phase: 'RollingBack', step: 'createDisk', statefulSetUID: 'uid-before' } });
    await scene.work();
    expect(scene.records()).toHaveLength(1);
    expect(scene.status().inFlight).toMatchObject([{ migration: 'before', ordinal: 0 }]);
    scene.api.change(ordinalMigrations, { namespace: NAMESPACE, name: 'before' }, (record) => void (record.status!.phase = 'Failed'));
    await scene.work();
    expect(scene.records()).toHaveLength(2);
  });

  it('keeps the last place of the cluster for the set that is more uneven, and says so', async () => {
    const scene = crowded({ budgets: { atOnce: 1 } }, { zones: 'a,b' });
    scene.addSet({ name: 'worse', zones: ['a', 'a', 'a', 'a'] }, { annotations: { zones: 'a,b' } });
    scene.addRecord('other', { spec: { planDigest: 'f', statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'other' } } });
    await scene.work('worse');
    scene.api.remove(ordinalMigrations, { namespace: NAMESPACE, name: 'other' });
    await scene.work('web');
    expect(scene.records()).toEqual([]);
    expect(scene.status().blocked).toEqual([{ ordinals: '2', reason: 'BudgetUsedUp', message: expect.stringContaining('kept for db/worse') as string }]);
    await scene.work('worse');
    expect(scene.records().map(({ spec }) => spec.statefulSetRef.name)).toEqual(['worse']);
  });

  it('says what holds the moves, in report, events and metrics', async () => {
    const scene = crowded({}, { zones: 'a,b,c', paused: 'true' });
    await scene.work();
    expect(scene.records()).toEqual([]);
    expect(scene.status().blocked).toEqual([{ ordinals: '', reason: 'Paused', message: expect.stringContaining('zonespread.io/paused') as string }]);
    expect(scene.events.of('SpreadBlocked')[0]).toMatch(/^Paused: /);
    const { text } = await scene.metrics.expose(undefined);
    expect(text).toContain('zonespread_statefulset_blocked{namespace="db",statefulset="web",reason="Paused"} 1');
    expect(text).toContain('zonespread_statefulset_desired_disks{namespace="db",statefulset="web",zone="b"} 1');
    expect(text).toContain('zonespread_statefulset_max_skew{namespace="db",statefulset="web"} 1');
  });

  it.each([
    ['mode disabled', { zones: 'a,b,c', mode: 'disabled' }, 'Disabled'],
    ['mode plan without an approval', { zones: 'a,b,c', mode: 'plan' }, 'ApprovalNeeded'],
    ['a closed window', { zones: 'a,b,c', window: '0 2 * * 6 for 1h in UTC' }, 'OutsideWindow'],
  ])('starts nothing in %s', async (_what, annotations: Record<string, string>, reason) => {
    const scene = crowded({}, annotations);
    await scene.work();
    expect(scene.records()).toEqual([]);
    expect(scene.status().plan?.total).toBe(2);
    expect(conditionsOf(scene)['Blocked']).toBe(`True ${reason}`);
  });

  it('looks again by itself when no watch would tell that the hold has passed', async () => {
    const scene = crowded();
    scene.api.remove(mutatingWebhooks, { name: 'zonespread' });
    expect((await scene.work())?.afterMs).toBe(15_000);
  });

  it('starts nothing without a webhook', async () => {
    const scene = crowded();
    scene.api.remove(mutatingWebhooks, { name: 'zonespread' });
    await scene.work();
    expect(scene.records()).toEqual([]);
    expect(conditionsOf(scene)['Blocked']).toBe('True WebhookNotReady');
  });

  it('moves without a webhook where policies gate and steer', async () => {
    const scene = crowded();
    scene.api.remove(mutatingWebhooks, { name: 'zonespread' });
    scene.api.put(mutatingPolicies, { metadata: { name: 'zonespread-gate' } });
    await scene.work();
    expect(scene.records(), 'half of them is not enough').toEqual([]);
    scene.api.put(mutatingPolicies, { metadata: { name: 'zonespread-steer' } });
    await scene.work();
    expect(scene.records()).toHaveLength(1);
  });

  it('takes policies that it may not read for none', async () => {
    const scene = crowded();
    scene.api.remove(mutatingWebhooks, { name: 'zonespread' });
    scene.api.on('get', mutatingPolicies, () => Promise.reject(new ApiError('not allowed', { status: 403, reason: 'Forbidden' })));
    await scene.work();
    expect(conditionsOf(scene)['Blocked']).toBe('True WebhookNotReady');
  });

  it('writes the report and nothing else in a dry run', async () => {
    const scene = crowded({ dryRun: true });
    await scene.work();
    expect(scene.status().plan?.total).toBe(2);
    expect(scene.writesBut('SpreadReport')).toEqual([]);
  });

  it('reads its records in the named namespaces only', async () => {
    const scene = crowded({ namespaces: [NAMESPACE] });
    await scene.work();
    expect(scene.records()).toHaveLength(1);
    const lists = scene.api.calls.filter(({ verb, resource }) => verb === 'list' && resource.kind === 'OrdinalMigration');
    expect(lists.length).toBeGreaterThan(0);
    expect(lists.map(({ options }) => options.namespace)).toEqual(lists.map(() => NAMESPACE));
  });

  it("moves OpenKruise's sets like others", async () => {
    const scene = new Scene({ kruise: true });
    scene.addSet({ zones: ['a', 'a', 'a'], podManagementPolicy: 'Parallel' }, { kruise: true });
    await scene.work();
    expect(scene.records().map(({ spec }) => spec.statefulSetRef)).toEqual([{ apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web', uid: 'uid-statefulset-web' }]);
    expect(scene.report()?.metadata.ownerReferences).toEqual([{ apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web', uid: 'uid-statefulset-web' }]);
  });

  it('does not mistake the disks of web-0 for those of web', async () => {
    const scene = new Scene();
    scene.addSet({ name: 'web', zones: ['a', 'b', 'c'] });
    scene.addSet({ name: 'web-0', zones: ['a', 'a', 'a'] });
    await scene.work('web');
    await scene.work('web-0');
    expect(scene.status('web').satisfied).toBe(true);
    expect(scene.status('web-0').zones?.map(({ zone, actual }) => [zone, actual])).toEqual([['a', 3], ['b', 0], ['c', 0]]);
    expect(scene.records().map(({ metadata }) => metadata.name.replace(/-[a-z]+$/, ''))).toEqual(['web-0-2']);
  });

  it('leaves a zone alone that does not sell such disks, and says so', async () => {
    const scene = crowded();
    scene.ecs.sellOut('b');
    scene.ecs.sellOut('c');
    await scene.work();
    expect(scene.records()).toEqual([]);
    expect(conditionsOf(scene)['Satisfied']).toBe('False ZoneUnavailable');
  });

  it('waits out a back-off, says so, and comes back when it is over', async () => {
    const scene = crowded();
    scene.addRecord('web-2-first', { spec: { ordinal: 2, reason: 'Spread' }, status: { phase: 'RolledBack', reason: 'SnapshotFailed', message: 'x', finishedAt: '2026-11-20T00:00:00.000Z', statefulSetUID: 'uid-statefulset-web' } });
    scene.addRecord('web-1-first', { spec: { ordinal: 1, reason: 'Spread' }, status: { phase: 'RolledBack', reason: 'SnapshotFailed', message: 'x', finishedAt: '2026-11-20T00:00:00.000Z', statefulSetUID: 'uid-statefulset-web' } });
    expect(await scene.work()).toEqual({ afterMs: 60_010 });
    expect(scene.records()).toHaveLength(2);
    expect(scene.status().blocked?.map(({ ordinals, reason }) => [ordinals, reason])).toEqual([['2', 'BackOff'], ['1', 'BackOff']]);
    await scene.clock.advance(60_010);
    await scene.work();
    expect(scene.records()).toHaveLength(3);
  });

  it('is not held up by a move by hand that waits, but for its own ordinal', async () => {
    const scene = crowded({ budgets: { atOnce: 1 } });
    scene.addRecord('by-hand', { spec: { ordinal: 2, targetZone: 'nowhere' } });
    await scene.work();
    expect(scene.records().filter(({ spec }) => spec.reason !== 'Manual').map(({ spec }) => spec.ordinal)).toEqual([1]);
    expect(scene.status().inFlight?.map(({ ordinal, phase }) => [ordinal, phase])).toContainEqual([2, 'Pending']);
  });

  it('knows where an ordinal is headed that is being taken back', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['a', 'b', 'c'] });
    const common = { statefulSetUID: 'uid-statefulset-web', claims: [claimRecord()] };
    scene.addRecord('a-back', { spec: { ordinal: 0, targetZone: 'a', reason: 'Reverse', reverses: 'z-first' }, status: { ...common, phase: 'Running' } });
    scene.addRecord('z-first', { spec: { ordinal: 0, targetZone: 'b', reason: 'Spread' }, status: { ...common, phase: 'Frozen', reason: 'Reversing' } });
    await scene.work();
    expect(scene.status().plan?.total).toBe(0);
    expect(scene.status().zones?.map(({ desired }) => desired)).toEqual([1, 1, 1]);
  });
});

describe('a wrong annotation', () => {
  it('moves nothing and is said in the report, in an event and in the metrics', async () => {
    const scene = crowded({}, { zones: 'a,b,c', 'max-skew': 'two' });
    await scene.work();
    expect(scene.records()).toEqual([]);
    expect(scene.status().blocked?.[0]).toMatchObject({ ordinals: '', reason: 'InvalidPolicy' });
    for (const text of [scene.status().blocked?.[0]?.message, scene.events.of('InvalidPolicy')[0]]) expect(text).toMatch(/zonespread\.io\/max-skew.*"two".*Allowed/s);
    expect(conditionsOf(scene)).toEqual({ Satisfied: 'False InvalidPolicy', Progressing: 'False InvalidPolicy', Blocked: 'True InvalidPolicy' });
    const { text } = await scene.metrics.expose(undefined);
    expect(text).toContain('statefulset_blocked{namespace="db",statefulset="web",reason="InvalidPolicy"} 1');
    expect(text).toContain('statefulset_satisfied{namespace="db",statefulset="web"} 0');
    expect(text).toContain('statefulset_unsatisfied_since_timestamp_seconds{namespace="db",statefulset="web"}');
    expect(text, 'nobody knows it').not.toContain('statefulset_skew{');
  });

  it.each([
    ['strategy', 'recreate'],
    ['place-new', 'true'],
  ])('%s comes later and is refused, not ignored', async (key, value) => {
    const scene = crowded({}, { zones: 'a,b,c', [key]: value });
    await scene.work();
    expect(scene.records()).toEqual([]);
    expect(scene.status().blocked?.[0]?.message).toContain('later version');
  });

  it('does not make the report forget what was approved, which zones were seen, and what is under way or retained', async () => {
    const scene = crowded({}, { zones: '*', mode: 'plan' });
    await scene.work();
    await scene.clock.advance(600_000);
    await scene.work();
    const { plan, zonesSeen } = scene.status();
    expect(zonesSeen?.every(({ enteredAt }) => enteredAt !== undefined)).toBe(true);
    scene.annotate('web', { approve: plan?.digest });
    await scene.work();
    const { approved } = scene.status();
    expect(approved?.moves).toHaveLength(2);
    scene.annotate('web', { 'max-skew': 'x' });
    await scene.work();
    expect(scene.status()).toMatchObject({ approved, zonesSeen, inFlight: [{ ordinal: 2 }] });
  });
});

describe('a set without a policy', () => {
  it('has no report and no series, and costs nothing', async () => {
    const scene = crowded({}, {});
    await scene.work();
    expect(scene.api.writes).toEqual([]);
    expect(scene.cloudCalls).toEqual([]);
  });

  it('loses its report and its series when the policy is taken away', async () => {
    const scene = crowded({}, { zones: 'a,b,c', paused: 'true' });
    await scene.work();
    scene.annotate('web', { zones: undefined });
    await scene.work();
    expect(scene.report()).toBeUndefined();
    expect((await scene.metrics.expose(undefined)).text).not.toContain('statefulset="web"');
  });

  it('loses them when it is deleted', async () => {
    const scene = crowded({}, { zones: 'a,b,c', paused: 'true' });
    await scene.work();
    scene.api.remove(statefulSets, { namespace: NAMESPACE, name: 'web' });
    await scene.work();
    expect(scene.report()).toBeUndefined();
    expect((await scene.metrics.expose(undefined)).text).not.toContain('statefulset="web"');
    await scene.work();
  });

  it('keeps the series of moves by hand', async () => {
    const scene = crowded({}, {});
    scene.metrics.migrationEnded({ namespace: NAMESPACE, statefulset: 'web' }, 'Succeeded', 60);
    await scene.work();
    expect((await scene.metrics.expose(undefined)).text).toContain('zonespread_migrations_total{namespace="db",statefulset="web",outcome="Succeeded"} 1');
  });

  it('that was made again under its name gets a report of its own', async () => {
    const scene = crowded({}, { zones: 'a,b,c', mode: 'plan' });
    await scene.work();
    const old = scene.report();
    scene.api.change(statefulSets, { namespace: NAMESPACE, name: 'web' }, (set) => (set.metadata.uid = 'uid-second'));
    await scene.work();
    expect(scene.report()?.metadata.uid).not.toBe(old?.metadata.uid);
    expect(scene.report()?.metadata.ownerReferences?.[0]?.uid).toBe('uid-second');
  });

  it('that was made again under its name inherits nothing that was seen or approved for the other one', async () => {
    const scene = crowded({}, { zones: '*', paused: 'true' });
    await scene.work();
    await scene.clock.advance(600_000);
    await scene.work();
    expect(scene.status().zonesSeen?.every(({ enteredAt }) => enteredAt !== undefined)).toBe(true);
    scene.api.change(statefulSets, { namespace: NAMESPACE, name: 'web' }, (set) => (set.metadata.uid = 'uid-second'));
    await scene.work();
    expect(scene.status().zonesSeen?.map(({ enteredAt }) => enteredAt)).toEqual([undefined, undefined, undefined]);
  });
});

describe('mode plan', () => {
  async function approved(): Promise<{ scene: Scene; digest: string }> {
    const scene = crowded({}, { zones: 'a,b,c', mode: 'plan' });
    await scene.work();
    const digest = scene.status().plan?.digest ?? '';
    scene.annotate('web', { approve: digest });
    return { scene, digest };
  }

  it('runs what is approved, and freezes the list before the first move', async () => {
    const { scene, digest } = await approved();
    scene.api.once('create', ordinalMigrations, (_call, proceed) => {
      expect(scene.status().approved?.digest).toBe(digest);
      return proceed();
    });
    await scene.work();
    expect(scene.records()).toHaveLength(1);
    expect(scene.status().approved).toEqual({ digest, moves: [{ ordinal: 2, from: 'a', to: 'b', state: 'Moving' }, { ordinal: 1, from: 'a', to: 'c', state: 'Planned' }] });
  });

  it('goes on with the list when the plan of the day is another one, until it is done', async () => {
    const { scene, digest } = await approved();
    await scene.work();
    scene.finish(scene.records()[0]!);
    await scene.work();
    expect(scene.records().map(({ spec }) => spec.ordinal)).toEqual([1, 2]);
    expect(scene.status().plan?.digest).not.toBe(digest);
    expect(scene.status().approved?.digest).toBe(digest);
  });

  it('does not forget the list because the cache of reports lags behind the one of records', async () => {
    const { scene, digest } = await approved();
    scene.watches.reports.lag();
    await scene.work();
    await scene.work();
    expect(scene.status().approved?.digest).toBe(digest);
    expect(scene.status().blocked).toEqual([]);
  });

  it('needs a new approval for anything new', async () => {
    const { scene } = await approved();
    scene.annotate('web', { approve: 'f'.repeat(64) });
    await scene.work();
    expect(scene.records()).toEqual([]);
    expect(scene.status().blocked?.[0]?.reason).toBe('ApprovalNeeded');
  });
});

describe('a daemon with nothing to do', () => {
  it('writes nothing in ten sweeps over a settled set', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['a', 'b', 'c'] });
    await scene.work();
    scene.api.forgetCalls();
    for (let sweep = 0; sweep < 10; sweep += 1) {
      await scene.clock.advance(300_000);
      await scene.work();
    }
    expect(scene.api.writes).toEqual([]);
    expect(scene.events.all).toEqual([]);
  });

  it.each([
    ['paused', { zones: 'a,b,c', paused: 'true' }],
    ['outside its window', { zones: 'a,b,c', window: '0 2 * * 6 for 1h in UTC' }],
    ['waiting for an approval', { zones: 'a,b,c', mode: 'plan' }],
    ['with a policy that cannot be met', { zones: 'a,nowhere' }],
    ['with a wrong annotation', { zones: 'a,b,c', paused: 'yes' }],
  ])('writes nothing in ten sweeps over a set that is %s', async (_what, annotations: Record<string, string>) => {
    const scene = crowded({}, annotations);
    await scene.work();
    scene.api.forgetCalls();
    for (let sweep = 0; sweep < 10; sweep += 1) {
      await scene.clock.advance(300_000);
      await scene.work();
    }
    expect(scene.api.writes).toEqual([]);
    expect(new Set(scene.events.all.map(({ message }) => message)).size).toBeLessThanOrEqual(1);
  });

  it('writes nothing either while a set of "*" has all its zones', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['a', 'b', 'c'] }, { annotations: { zones: '*' } });
    for (let sweep = 0; sweep < 4; sweep += 1) {
      await scene.work();
      await scene.clock.advance(300_000);
    }
    scene.api.forgetCalls();
    for (let sweep = 0; sweep < 10; sweep += 1) {
      await scene.work();
      await scene.clock.advance(300_000);
    }
    expect(scene.api.writes).toEqual([]);
    scene.api.remove(nodes, { name: 'node-c' });
    await scene.work();
    expect(scene.status().zones?.map(({ zone }) => zone)).toEqual(['a', 'b', 'c']);
  });
});

describe('trouble', () => {
  it('with the cloud leaves the report as it is, and is thrown for the queue to try again', async () => {
    const scene = crowded({}, { zones: 'a,b,c', paused: 'true' });
    await scene.work();
    const before = scene.report();
    scene.ecs.faults.add({ kind: 'error', action: 'DescribeDisks', code: 'ServiceUnavailable', status: 503 });
    await expect(scene.work()).rejects.toThrow(DiskError);
    expect(scene.report()).toEqual(before);
  });

  it('of one set while it starts does not keep another from starting', async () => {
    const scene = crowded({ budgets: { atOnce: 5 } });
    scene.addSet({ name: 'db', zones: ['a', 'a', 'a'] });
    scene.api.once('create', ordinalMigrations, () => Promise.reject(new Error('no')));
    const results = await Promise.allSettled([scene.work('web'), scene.work('db')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(scene.records().map(({ spec }) => spec.statefulSetRef.name)).toEqual(['db']);
  });

  it('with a report that somebody deleted is mended', async () => {
    const scene = crowded({}, { zones: 'a,b,c', paused: 'true' });
    await scene.work();
    scene.watches.reports.lag();
    scene.api.remove(spreadReports, { namespace: NAMESPACE, name: 'web' });
    scene.watches.reports.catchUp();
    await scene.work();
    expect(scene.report()).toBeDefined();
  });
});
