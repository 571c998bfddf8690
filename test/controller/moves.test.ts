import { describe, expect, it } from 'vitest';
import { FINALIZER } from '../../src/kubernetes/names.ts';
import { disruptionBudgets, namespaces, pods, statefulSets } from '../../src/kubernetes/objects.ts';
import { ordinalMigrations, phaseOf } from '../../src/migration/record.ts';
import { disruptionBudget, NAMESPACE } from '../builders/kubernetes.ts';
import { Scene, type SceneOptions } from './scene.ts';

const planned = { ordinal: 2, reason: 'Spread', planDigest: 'f'.repeat(64) } as const;

/** Three ordinals in zone a; one of them under a budget that allows nothing while `held`. */
function scene(options: SceneOptions = {}, annotations: Record<string, string> = { zones: 'a,b,c' }): Scene {
  const made = new Scene(options);
  made.addSet({ zones: ['a', 'a', 'a'], podManagementPolicy: 'Parallel' }, { annotations });
  return made;
}

function hold(made: Scene): void {
  made.api.put(disruptionBudgets, disruptionBudget({ disruptionsAllowed: 0 }));
}

describe('a Pending record', () => {
  it('begins when nothing holds it, and is visited at once', async () => {
    const made = scene();
    made.addRecord('web-2-x', { spec: { ordinal: 2 } });
    expect(await made.look('web-2-x')).toEqual({ afterMs: 0 });
    expect(made.record('web-2-x').status).toMatchObject({ phase: 'Running', step: 'rehearse', statefulSetUID: 'uid-statefulset-web' });
    expect(made.record('web-2-x').metadata.finalizers).toEqual([FINALIZER]);
  });

  it('waits with the reason while a guard holds it, and is looked at again', async () => {
    const made = scene();
    hold(made);
    made.addRecord('web-2-x', { spec: { ordinal: 2 } });
    expect(await made.look('web-2-x')).toEqual({ afterMs: 10_000 });
    expect(made.record('web-2-x').status).toMatchObject({ phase: 'Pending', reason: 'DisruptionBudgetExhausted' });
    made.api.forgetCalls();
    await made.look('web-2-x');
    expect(made.api.writes).toEqual([]);
  });

  it('reads nothing of the cluster live while the caches say that it is held', async () => {
    const made = scene();
    hold(made);
    made.addRecord('web-2-x', { spec: { ordinal: 2 } });
    await made.look('web-2-x');
    made.api.forgetCalls();
    await made.look('web-2-x');
    expect(made.api.calls.map(({ verb, resource }) => `${verb} ${resource.kind}`)).toEqual(['get OrdinalMigration', 'get MutatingWebhookConfiguration']);
  });

  it('begins by what there is live: what holds it and has not come to the caches yet holds it all the same', async () => {
    const made = scene();
    for (const watch of Object.values(made.watches)) watch.lag();
    hold(made);
    made.addRecord('web-2-x', { spec: { ordinal: 2 } });
    await made.look('web-2-x');
    expect(made.record('web-2-x').status).toMatchObject({ phase: 'Pending', reason: 'DisruptionBudgetExhausted' });
  });

  it('begins when the caches do not know its set yet', async () => {
    const made = new Scene();
    made.watches.sets.lag();
    made.addSet({ zones: ['a', 'a', 'a'], podManagementPolicy: 'Parallel' });
    made.addRecord('web-2-x', { spec: { ordinal: 2 } });
    await made.look('web-2-x');
    expect(phaseOf(made.record('web-2-x'))).toBe('Running');
  });

  it('needs no annotation on the set, only the record', async () => {
    const made = scene({}, {});
    made.addRecord('by-hand', { spec: { ordinal: 1, targetZone: 'c' } });
    await made.look('by-hand');
    expect(made.record('by-hand').status).toMatchObject({ phase: 'Running', terms: { readyTimeoutMs: 600_000, healthDurationMs: 60_000, onUnready: 'hold', snapshotRetentionMs: 86_400_000 } });
  });

  it('takes its terms from itself, then the set, then the namespace, then the defaults', async () => {
    const made = scene({}, { 'ready-timeout': '2m', 'health-duration': '3m' });
    made.api.change(namespaces, { name: NAMESPACE }, (namespace) => (namespace.metadata.annotations = { 'zonespread.io/health-duration': '9m', 'zonespread.io/source-retention': 'forever' }));
    made.addRecord('by-hand', { spec: { readyTimeout: '1m', onUnready: 'restore-source', snapshotRetention: '7d' } });
    await made.look('by-hand');
    expect(made.record('by-hand').status?.terms).toEqual({ readyTimeoutMs: 60_000, healthDurationMs: 180_000, onUnready: 'restore-source', snapshotRetentionMs: 7 * 86_400_000, sourceRetentionMs: 'forever' });
  });

  it('waits for an earlier one of the same ordinal', async () => {
    const made = scene();
    made.addRecord('first', { spec: { ordinal: 2 }, status: { phase: 'Frozen', reason: 'NotReady', statefulSetUID: 'uid-statefulset-web' } });
    made.addRecord('second', { spec: { ordinal: 2 } });
    await made.look('second');
    expect(made.record('second').status).toMatchObject({ phase: 'Pending', reason: 'AlreadyInFlight', message: 'db/first is for the same ordinal and came first; this one waits until it has ended' });
  });

  it('never begins beside another one of its set beyond max-unavailable, though both look at the same moment', async () => {
    const made = scene({ budgets: { atOnce: 9 } });
    made.addRecord('one', { spec: { ordinal: 1 } });
    made.addRecord('two', { spec: { ordinal: 2 } });
    await Promise.all([made.look('one'), made.look('two')]);
    expect(['one', 'two'].map((name) => phaseOf(made.record(name))).sort()).toEqual(['Pending', 'Running']);
  });

  it("never begins beyond the cluster's budget, though two sets look at the same moment", async () => {
    const made = scene({ budgets: { atOnce: 1 } });
    made.addSet({ name: 'db', zones: ['a', 'a'] });
    made.addRecord('one', { spec: { ordinal: 1 } });
    made.addRecord('two', { spec: { ordinal: 1, statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' } } });
    await Promise.all([made.look('one'), made.look('two')]);
    expect(['one', 'two'].map((name) => phaseOf(made.record(name))).sort()).toEqual(['Pending', 'Running']);
  });

  it('waits while its zone sells no such disks, instead of taking the pod down for nothing', async () => {
    const made = scene();
    made.ecs.sellOut('b');
    made.addRecord('by-hand', { spec: { ordinal: 2, targetZone: 'b' } });
    await made.look('by-hand');
    expect(made.record('by-hand').status).toMatchObject({ phase: 'Pending', reason: 'ZoneUnavailable' });
  });

  it('waits while an annotation that concerns it is wrong, with the whole message', async () => {
    const made = scene({}, { zones: 'a,b,c', 'ready-timeout': 'soon' });
    made.addRecord('by-hand', { spec: { ordinal: 2 } });
    await made.look('by-hand');
    expect(made.record('by-hand').status).toMatchObject({ phase: 'Pending', reason: 'InvalidPolicy', message: expect.stringContaining('zonespread.io/ready-timeout: "soon"') as string });
  });

  it('waits while there is no such ordinal', async () => {
    const made = scene();
    made.addRecord('by-hand', { spec: { ordinal: 7 } });
    await made.look('by-hand');
    expect(made.record('by-hand').status).toMatchObject({ phase: 'Pending', reason: 'OrdinalNotFound' });
  });

  it('ends when its set does not exist', async () => {
    const made = scene();
    made.api.remove(statefulSets, { namespace: NAMESPACE, name: 'web' });
    made.addRecord('by-hand', { spec: { ordinal: 2 } });
    expect(await made.look('by-hand')).toEqual({ afterMs: 0 });
    expect(made.record('by-hand').status).toMatchObject({ phase: 'Failed', reason: 'OwnerGone' });
  });

  it('of a plan is given up when it has been held longer than a step may take; one by hand waits on', async () => {
    for (const [name, spec, phase] of [['web-2-x', planned, 'Failed'], ['by-hand', { ordinal: 2 }, 'Pending']] as const) {
      const made = scene();
      hold(made);
      made.addRecord(name, { spec });
      await made.look(name);
      expect(phaseOf(made.record(name))).toBe('Pending');
      await made.clock.advance(600_001);
      await made.look(name);
      expect(made.record(name).status).toMatchObject({ phase, reason: 'DisruptionBudgetExhausted' });
    }
  });

  it.each([
    ['the policy is taken away', { zones: undefined }],
    ['the mode becomes disabled', { mode: 'disabled' }],
    ['the policy becomes wrong', { 'ready-timeout': 'soon' }],
  ])('of a plan does not begin when %s, and is given up in the end', async (_what, change: Record<string, string | undefined>) => {
    const made = scene();
    made.addRecord('web-2-x', { spec: planned });
    made.annotate('web', change);
    await made.look('web-2-x');
    expect(phaseOf(made.record('web-2-x'))).toBe('Pending');
    await made.clock.advance(600_001);
    await made.look('web-2-x');
    expect(phaseOf(made.record('web-2-x'))).toBe('Failed');
  });

  it('that a person deletes never begins, and goes', async () => {
    const made = scene();
    made.addRecord('by-hand', { spec: { ordinal: 2 }, metadata: { finalizers: [FINALIZER], deletionTimestamp: '2026-11-20T00:00:00Z' } });
    expect(await made.look('by-hand')).toEqual({ afterMs: 0 });
    expect(made.record('by-hand').status).toMatchObject({ phase: 'Failed', reason: 'Aborted' });
    await made.look('by-hand');
    expect(made.api.read(ordinalMigrations, { namespace: NAMESPACE, name: 'by-hand' })).toBeUndefined();
  });

  it('answers requests: abort ends it, another one is refused and taken off', async () => {
    const made = scene();
    hold(made);
    made.addRecord('one', { spec: { ordinal: 2 }, metadata: { annotations: { 'zonespread.io/request': 'resume' } } });
    await made.look('one');
    expect(made.record('one').metadata.annotations).toEqual({});
    expect(made.notes.map(({ message }) => message)).toEqual(['zonespread.io/request: "resume" is not possible: only a Frozen migration can be resumed; this one is Pending']);
    made.api.change(ordinalMigrations, { namespace: NAMESPACE, name: 'one' }, (record) => (record.metadata.annotations = { 'zonespread.io/request': 'abort' }));
    await made.look('one');
    expect(made.record('one').status).toMatchObject({ phase: 'Failed', reason: 'Aborted' });
  });

  it('that takes another one back is exempt from guards, windows and wrong annotations', async () => {
    const made = scene({ budgets: { atOnce: 1 } }, { zones: 'a,b,c', paused: 'true', window: 'never' });
    hold(made);
    made.addRecord('first', { spec: { ordinal: 2 }, status: { phase: 'Frozen', reason: 'Reversing', statefulSetUID: 'uid-statefulset-web' } });
    made.addRecord('back', { spec: { ordinal: 2, reason: 'Reverse', reverses: 'first', targetZone: 'c' } });
    await made.look('back');
    expect(phaseOf(made.record('back'))).toBe('Running');
  });

  it('that only calls itself a Reverse is not', async () => {
    const made = scene();
    hold(made);
    made.addRecord('back', { spec: { ordinal: 2, reason: 'Reverse' } });
    await made.look('back');
    expect(made.record('back').status).toMatchObject({ phase: 'Pending', reason: 'DisruptionBudgetExhausted' });
  });

  it('reads other records in the named namespaces only', async () => {
    const made = scene({ namespaces: [NAMESPACE] });
    made.addRecord('by-hand', { spec: { ordinal: 2 } });
    await made.look('by-hand');
    expect(phaseOf(made.record('by-hand'))).toBe('Running');
    expect(made.api.calls.filter(({ verb, resource, options }) => verb === 'list' && resource.kind === 'OrdinalMigration' && options.namespace === undefined)).toEqual([]);
  });
});

describe('a record', () => {
  it('that is gone needs no more looks', async () => {
    expect(await scene().look('nobody')).toBeUndefined();
  });

  it('in flight is visited', async () => {
    const made = scene();
    made.addRecord('web-2-x', { spec: { ordinal: 2 } });
    await made.look('web-2-x');
    const again = await made.look('web-2-x');
    // The dry-run pod comes back without a gate: there is no webhook on this scene.
    expect(again?.afterMs).toBe(1_000);
    expect(made.record('web-2-x').status?.step).toBe('rehearse');
    expect(made.api.read(pods, { namespace: NAMESPACE, name: 'web-2' })?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('that has ended is looked at when its retention is over, but at least once a day: timers know no months', async () => {
    const made = scene();
    const claims = [{ template: 'data', claimName: 'data-web-2', sizeGiB: 20, manifest: { labels: {}, annotations: {}, spec: {} }, source: { pv: 'old', pvUID: 'u', claimUID: 'u', diskId: 'd-old', zone: 'a', category: 'cloud_essd', reclaimPolicy: 'Delete' }, target: { pv: 'new', diskId: 'd-new' } }];
    made.addRecord('web-2-x', {
      spec: { ordinal: 2 },
      metadata: { finalizers: [FINALIZER] },
      status: { phase: 'Succeeded', finishedAt: '2026-11-20T00:00:00.000Z', claims, terms: { readyTimeoutMs: 1, healthDurationMs: 1, onUnready: 'hold', snapshotRetentionMs: 3_600_000, sourceRetentionMs: 90 * 86_400_000 } },
    });
    expect(await made.look('web-2-x')).toEqual({ afterMs: 86_400_000 });
  });

  it('that has ended and was let go of needs no more looks', async () => {
    const made = scene();
    made.addRecord('web-2-x', { status: { phase: 'Succeeded', finishedAt: '2026-11-20T00:00:00.000Z' } });
    expect(await made.look('web-2-x')).toBeUndefined();
  });
});
