import { describe, expect, it } from 'vitest';
import type { Decided } from '../../src/controller/decision.ts';
import { ranges, reportOf, retainedVolumes, sameJson, unsatisfiedSince, writeReport } from '../../src/controller/report.ts';
import { spreadReports, type SpreadReportStatus } from '../../src/controller/spread-report.ts';
import { statefulSet, NAMESPACE } from '../builders/kubernetes.ts';
import { FakeApi } from '../fakes/api.ts';
import { claimRecord, record } from './records.ts';
import { Scene } from './scene.ts';

const NOW = '2026-11-20T10:00:00.000Z';
const LATER = '2026-11-20T11:00:00.000Z';

function decision(changes: Partial<Decided> = {}): Decided {
  const none = { moves: [], staying: [], zones: [], skew: 0, satisfied: true, digest: 'f', cost: { moves: 0, sizeGiB: 0, estimatedMinutes: 0, highMinutes: 0, measuredMoves: 0 } };
  return { kind: 'decided', set: statefulSet(), policy: {} as Decided['policy'], warnings: [], layout: {} as Decided['layout'], plan: none, turn: { start: [], waiting: [], blocked: [] }, zonesSeen: [], records: [], holdings: [], allRecords: [], evacuated: new Map(), ...changes };
}

function condition(status: SpreadReportStatus, type: string) {
  return status.conditions?.find((one) => one.type === type);
}

describe('what a report says', () => {
  it('gives ordinals as ranges', () => {
    expect(ranges([7, 0, 2, 1, 3, 2])).toBe('0-3,7');
    expect(ranges([5])).toBe('5');
    expect(ranges([])).toBe('');
  });

  it('names zones, skew, plan, and the reason for each move', async () => {
    const scene = new Scene();
    scene.addSet({ zones: ['a', 'a', 'a'] }, { annotations: { zones: 'a,b,c', paused: 'true' } });
    await scene.work();
    expect(scene.status()).toMatchObject({
      observedGeneration: 1,
      summary: 'a:3 b:0 c:0',
      state: 'waits for Paused',
      zones: [{ zone: 'a', desired: 1, actual: 3, ordinals: '0-2' }, { zone: 'b', desired: 1, actual: 0, ordinals: '' }, { zone: 'c', desired: 1, actual: 0, ordinals: '' }],
      skew: 3,
      satisfied: false,
      plan: { total: 2, sizeGiB: 40, moves: [{ ordinal: 2, from: 'a', to: 'b', reason: 'Spread', sizeGiB: 20, message: expect.stringContaining('web-2 goes to zone b') as string }, { ordinal: 1, from: 'a', to: 'c' }] },
      blockedOrdinals: 0,
      inFlight: [],
      retained: [],
    });
    expect(scene.status().plan?.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[state: string, changes: Partial<Decided>]>([
    ['as declared', {}],
    ['moving web-0 to b, snapshot', { records: [record({ phase: 'Running', step: 'snapshot' })] }],
    ['moving web-0 to b, ready, and 1 more', { records: [record({ phase: 'Running', step: 'ready' }), record({ phase: 'Running', step: 'evict' })] }],
    ['undoing the move of web-0, swapClaim', { records: [record({ phase: 'RollingBack', step: 'swapClaim' })] }],
    ['web-0 is frozen: NotReady', { records: [record({ phase: 'Running', step: 'evict' }), record({ phase: 'Frozen', reason: 'NotReady' })] }],
    ['waits for OutsideWindow', { turn: { start: [], waiting: [], blocked: [{ reason: 'OutsideWindow', message: 'closed' }] } }],
    ['as near as it can be: ZoneUnavailable', { plan: { ...decision().plan, satisfied: false, unsatisfied: { reason: 'ZoneUnavailable', message: 'sold out' } } }],
  ])('says at a glance: %s', (state, changes) => {
    expect(reportOf(decision(changes), NOW).state).toBe(state);
  });

  it('knows since when the set is not satisfied, whatever the reason is by now', () => {
    const set = statefulSet();
    const unsatisfied = (reason: 'MovesPlanned' | 'ZoneUnavailable', now: string) => reportOf(decision({ plan: { ...decision().plan, satisfied: false, unsatisfied: { reason, message: '.' } } }), now);
    const before = { metadata: { name: 'web', ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: set.metadata.uid ?? '' }] }, status: unsatisfied('MovesPlanned', NOW) };
    expect(unsatisfiedSince(set, undefined, unsatisfied('MovesPlanned', NOW))).toBe(Date.parse(NOW) / 1000);
    expect(unsatisfiedSince(set, before, unsatisfied('ZoneUnavailable', LATER))).toBe(Date.parse(NOW) / 1000);
    expect(unsatisfiedSince(set, before, reportOf(decision(), LATER))).toBeUndefined();
    const another = { ...set, metadata: { ...set.metadata, uid: 'of another set of that name' } };
    expect(unsatisfiedSince(another, before, unsatisfied('MovesPlanned', LATER)), 'another set').toBe(Date.parse(LATER) / 1000);
  });

  it('holds the first hundred moves, and how many there are in all', () => {
    const moves = Array.from({ length: 150 }, (_, ordinal) => ({ ordinal, podName: `web-${ordinal}`, from: 'a', to: 'b', reason: 'Spread' as const, why: '.', sizeGiB: 1, estimate: { downtime: { middleMs: 90_000, highMs: 100_000 }, total: { middleMs: 150_000, highMs: 190_000 }, measuredMoves: 3 }, moveLast: false }));
    const status = reportOf(decision({ plan: { ...decision().plan, moves } }), NOW);
    expect(status.plan?.moves).toHaveLength(100);
    expect(status.plan?.total).toBe(150);
    expect(status.plan?.moves[0]).toMatchObject({ estimatedMinutes: 3, highMinutes: 4, estimatedDowntimeSeconds: 90, highDowntimeSeconds: 100 });
  });

  it('groups what is held for one reason, and counts each ordinal once', () => {
    const held = (ordinal: number, reason: 'BackOff' | 'CoolDown', message: string) => ({ ordinal, reason, message });
    const status = reportOf(decision({ turn: { start: [], waiting: [], blocked: [held(0, 'BackOff', 'x'), held(1, 'BackOff', 'x'), held(3, 'BackOff', 'x'), held(1, 'CoolDown', 'y'), { reason: 'Paused', message: 'z' }] } }), NOW);
    expect(status.blocked).toEqual([{ ordinals: '0-1,3', reason: 'BackOff', message: 'x' }, { ordinals: '1', reason: 'CoolDown', message: 'y' }, { ordinals: '', reason: 'Paused', message: 'z' }]);
    expect(status.blockedOrdinals).toBe(3);
  });

  it('says what is being moved, and that a Frozen move blocks', () => {
    const running = record({ phase: 'Running', step: 'snapshot', progress: 30, claims: [claimRecord()], metadata: { name: 'web-0-run' } });
    const moving = reportOf(decision({ records: [running, record({ phase: 'Succeeded' })] }), NOW);
    expect(moving.inFlight).toEqual([{ migration: 'web-0-run', ordinal: 0, from: 'a', to: 'b', phase: 'Running', step: 'snapshot', progress: 30 }]);
    expect(condition(moving, 'Progressing')).toMatchObject({ status: 'True', reason: 'Moving', message: '1 ordinal being moved' });
    const frozen = reportOf(decision({ records: [record({ phase: 'Frozen', message: 'pod web-0 is not Ready', metadata: { name: 'web-0-ice' } })] }), NOW);
    expect(condition(frozen, 'Progressing')).toMatchObject({ status: 'False' });
    expect(condition(frozen, 'Blocked')).toMatchObject({ status: 'True', reason: 'Frozen', message: 'web-0-ice: pod web-0 is not Ready' });
  });

  it('is satisfied when everything is as declared', () => {
    const status = reportOf(decision(), NOW);
    expect(status.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`)).toEqual(['Satisfied True AsDeclared', 'Progressing False Idle', 'Blocked False NotBlocked']);
  });
});

describe('what is retained', () => {
  const terms = { readyTimeoutMs: 1, healthDurationMs: 1, onUnready: 'hold' as const, snapshotRetentionMs: 1 };
  const target = { pv: 'pv-new', diskId: 'd-new', zone: 'b' };

  it('is the old volume until its retention is over, or for ever', () => {
    const moved = record({ phase: 'Succeeded', finishedAt: NOW, claims: [claimRecord({ target })], terms: { ...terms, sourceRetentionMs: 3_600_000 }, metadata: { name: 'm' } });
    expect(retainedVolumes(moved)).toEqual([{ pv: 'disk-data-web-0', diskId: 'd-old', sizeGiB: 20, until: LATER, zone: 'a', migration: 'm' }]);
    expect(retainedVolumes(record({ ...moved.status, terms: { ...terms, sourceRetentionMs: 'forever' } }))[0]?.until).toBe('forever');
    expect(retainedVolumes(record({ ...moved.status, terms, claims: [claimRecord({ source: { ...claimRecord().source, reclaimPolicy: 'Retain' } })] }))[0]?.until).toBe('forever');
  });

  it('is the newer one after restore-source', () => {
    const restored = record({ phase: 'RolledBack', reason: 'SourceRestored', finishedAt: NOW, claims: [claimRecord({ target })], terms });
    expect(retainedVolumes(restored)).toMatchObject([{ pv: 'pv-new', diskId: 'd-new', zone: 'b' }]);
  });

  it('is kept for ever where somebody else declared the move over: nobody knows when that was', () => {
    expect(retainedVolumes(record({ phase: 'Succeeded', claims: [claimRecord()], terms }))[0]?.until).toBe('forever');
  });

  it('is nothing once it was retired, while the move is under way, or when it was undone', () => {
    const gone = claimRecord({ source: { ...claimRecord().source, retiredAt: NOW } });
    expect(retainedVolumes(record({ phase: 'Succeeded', finishedAt: NOW, claims: [gone], terms }))).toEqual([]);
    expect(retainedVolumes(record({ phase: 'Running', claims: [claimRecord()], terms }))).toEqual([]);
    expect(retainedVolumes(record({ phase: 'RolledBack', reason: 'ZoneUnavailable', finishedAt: NOW, claims: [claimRecord()], terms }))).toEqual([]);
  });
});

describe('writing a report', () => {
  const set = statefulSet();
  const ref = { namespace: NAMESPACE, name: 'web' };
  const said = (changes: Partial<SpreadReportStatus> = {}, now = NOW): SpreadReportStatus => ({ skew: 1, satisfied: true, conditions: [{ type: 'Satisfied', status: 'True', reason: 'AsDeclared', message: 'm', lastTransitionTime: now }], ...changes });

  it('makes it with an owner, so that it goes with the set', async () => {
    const api = new FakeApi();
    await writeReport(api, set, undefined, said());
    expect(api.read(spreadReports, ref)).toMatchObject({ metadata: { ownerReferences: [{ kind: 'StatefulSet', name: 'web', uid: 'uid-statefulset-web' }] }, status: said() });
  });

  it('happens only when it says something new, and asks nobody when the cache says the same', async () => {
    const api = new FakeApi();
    await writeReport(api, set, undefined, said());
    const cached = api.read(spreadReports, ref);
    api.forgetCalls();
    await writeReport(api, set, cached, said({}, LATER));
    expect(api.calls).toEqual([]);
    await writeReport(api, set, undefined, said({}, LATER));
    expect(api.writes).toEqual([]);
    await writeReport(api, set, cached, said({ skew: 2 }, LATER));
    expect(api.writes).toHaveLength(1);
  });

  it('keeps the times of conditions that stay, and sets those of conditions that change', async () => {
    const api = new FakeApi();
    await writeReport(api, set, undefined, said());
    await writeReport(api, set, undefined, said({ skew: 2 }, LATER));
    expect(api.read(spreadReports, ref)?.status?.conditions?.[0]?.lastTransitionTime).toBe(NOW);
    await writeReport(api, set, undefined, said({ conditions: [{ type: 'Satisfied', status: 'False', reason: 'x', message: 'm', lastTransitionTime: LATER }] }));
    expect(api.read(spreadReports, ref)?.status?.conditions?.[0]?.lastTransitionTime).toBe(LATER);
  });

  it('takes away what is said no more', async () => {
    const api = new FakeApi();
    await writeReport(api, set, undefined, said({ approved: { digest: 'f', moves: [] }, zonesSeen: [{ zone: 'a' }] }));
    await writeReport(api, set, undefined, said());
    expect(api.read(spreadReports, ref)?.status).toEqual(said());
  });

  it('replaces the report of a set that had the name before, whatever it said', async () => {
    const api = new FakeApi();
    await writeReport(api, statefulSet(), undefined, said());
    const old = api.read(spreadReports, ref);
    const second = statefulSet();
    second.metadata.uid = 'uid-second';
    await writeReport(api, second, old, said());
    expect(api.read(spreadReports, ref)?.metadata.uid).not.toBe(old?.metadata.uid);
    expect(api.read(spreadReports, ref)?.status).toEqual(said());
  });

  it('compares as JSON does, in any order of keys', () => {
    expect(sameJson({ a: 1, b: [{ c: 2, d: undefined }] }, { b: [{ c: 2 }], a: 1 })).toBe(true);
    expect(sameJson({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(sameJson(undefined, {})).toBe(false);
  });
});
