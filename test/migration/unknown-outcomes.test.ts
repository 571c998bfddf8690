// The cloud's answers get lost, come late or come as a 5xx, at every call of a move and of its undo; its lists lag. Nothing is made twice,
// nothing leaks, no write is lost.

import { describe, expect, it } from 'vitest';
import type { EcsAction } from '../../src/ports/ecs-call.ts';
import type { FaultInput } from '../../src/simulation/ecs/faults.ts';
import { phaseOf } from '../../src/migration/record.ts';
import { atRest, expectWhole } from './expectations.ts';
import { readyStage, type Stage } from './stage.ts';

const ACTIONS: EcsAction[] = ['CreateSnapshot', 'CreateDisk', 'DescribeDisks', 'DescribeSnapshots', 'TagResources', 'UntagResources', 'ApplyAutoSnapshotPolicy', 'ModifyDiskAttribute', 'DeleteDisk', 'DeleteSnapshot'];

const FAULTS: Record<string, FaultInput> = {
  'lost after its effect': { kind: 'lost', how: 'reset' },
  'lost before its effect': { kind: 'lost', how: 'timeout', effect: false },
  'a 5xx after its effect': { kind: 'serverError', status: 503, code: 'ServiceUnavailable' },
  'no JSON after its effect': { kind: 'broken' },
  throttled: { kind: 'throttled' },
};

const STORIES: Record<string, (stage: Stage) => void> = {
  'a move': () => {},
  'a move that is undone': (stage) => stage.cordoned.add('b'),
};

describe.each(Object.entries(STORIES))('%s', (_story, arrange) => {
  describe.each(Object.entries(FAULTS))('with a call whose answer is %s', (_fault, fault) => {
    it.each(ACTIONS)('%s, each of its calls in turn', async (action) => {
      for (const skip of [0, 1, 4]) {
        const stage = await readyStage();
        arrange(stage);
        stage.ecs.faults.add({ ...fault, action, times: 2, skip });
        await stage.plan();
        const record = await stage.run('web-0-first', atRest);
        const where = `${skip}: ${phaseOf(record)} ${record.status?.reason ?? ''} ${record.status?.message ?? ''}`;
        expect(['Succeeded', 'RolledBack'], where).toContain(phaseOf(record));
        stage.ecs.faults.clear();
        await expectWhole(stage, where);
      }
    });
  });
});

describe('lists that lag', () => {
  it.each(['CreateDisk', 'CreateSnapshot'] as const)('behind %s: what was made is waited for, and used', async (action) => {
    const stage = await readyStage();
    stage.ecs.faults.add({ kind: 'listLag', action, ms: 30_000 });
    await stage.plan();
    expect((await stage.run()).status?.phase).toBe('Succeeded');
    await expectWhole(stage);
  });

  it('behind a disk for longer than the step may take: the move is undone, and the disk is found and deleted', async () => {
    const stage = await readyStage();
    stage.ecs.faults.add({ kind: 'listLag', action: 'CreateDisk', ms: 200_000 });
    await stage.plan();
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'CreatingDisk' });
    await expectWhole(stage);
  });

  it('behind a disk that the cloud made only during the undo: it is waited for, and deleted', async () => {
    const stage = await readyStage();
    // Ten minutes and more of throttling, then it is made, and shows late.
    const throttling = stage.ecs.faults.add({ kind: 'throttled', action: 'CreateDisk', times: 0 });
    stage.ecs.faults.add({ kind: 'listLag', action: 'CreateDisk', ms: 120_000 });
    await stage.plan();
    void stage.clock.sleep(900_000).then(() => stage.ecs.faults.remove(throttling));
    expect((await stage.run()).status?.phase).toBe('RolledBack');
    await stage.clock.advance(200_000);
    await expectWhole(stage);
  });

  it.each(['CreateDisk', 'CreateSnapshot'] as const)('behind %s, whose answer was lost and which is refused from then on: the undo finds what was made', async (action) => {
    const stage = await readyStage();
    stage.ecs.faults.add({ kind: 'listLag', action, ms: 120_000 });
    stage.ecs.faults.add({ kind: 'lost', how: 'reset', action });
    stage.ecs.faults.add({ kind: 'quota', action, code: 'QuotaExceed.Snapshot', skip: 1, times: 0 });
    await stage.plan();
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'QuotaExceeded' });
    await expectWhole(stage);
  });

  it('leave the new disk out of one answer after the gate is off: nobody takes it for gone', async () => {
    const stage = await readyStage({ terms: { readyTimeoutMs: 5_000 } });
    stage.cordoned.add('b');
    await stage.plan();
    const cloud = { ...stage.ports.disks };
    let asked = 0;
    stage.ports.disks.disk = async (id) => (id === stage.record().status?.claims?.[0]?.target?.diskId && stage.record().status?.step === 'ready' && asked++ < 1 ? undefined : cloud.disk(id));
    expect((await stage.run('web-0-first', atRest)).status).toMatchObject({ phase: 'RolledBack', reason: 'Unschedulable' });
    expect(asked).toBeGreaterThan(0);
    await expectWhole(stage);
  });
});

describe('several claims with different fates', () => {
  it('one disk made, the other refused: both claims are on their old disks again, and nothing is left', async () => {
    const stage = await readyStage({ templates: ['data', 'log'] });
    stage.ecs.faults.add({ kind: 'quota', action: 'CreateDisk', skip: 1 });
    const old = ['data-web-0', 'log-web-0'].map((name) => stage.diskOf(name));
    await stage.plan();
    expect((await stage.run()).status).toMatchObject({ phase: 'RolledBack', reason: 'QuotaExceeded' });
    expect(['data-web-0', 'log-web-0'].map((name) => stage.diskOf(name))).toEqual(old);
    await stage.retireAll();
    expect(stage.ecs.disks().map(({ id }) => id).toSorted()).toEqual(old.toSorted());
    expect(stage.ecs.snapshots()).toEqual([]);
  });

  it('two snapshots that stand still at different figures are given up, as one would be', async () => {
    const stage = await readyStage({ templates: ['data', 'log'] });
    stage.ecs.faults.add({ kind: 'snapshotStuck', progress: 30, available: false });
    stage.ecs.faults.add({ kind: 'snapshotStuck', progress: 60, available: false, skip: 1 });
    await stage.plan();
    expect((await stage.run('web-0-first', atRest)).status).toMatchObject({ phase: 'RolledBack', reason: 'SnapshotStuck' });
  });
});

describe('a step that only ever meets refusals', () => {
  it.each(['CreateSnapshot', 'DescribeSnapshots', 'CreateDisk'] as const)('%s: the pod does not stay down longer than the step may take', async (action) => {
    const stage = await readyStage();
    const old = stage.diskOf('data-web-0');
    await stage.plan();
    let fault = '';
    stage.onEntering('evict', () => {
      fault = stage.ecs.faults.add({ kind: 'error', action, code: 'IncorrectDiskStatus.CreatingSnapshot', times: 0 });
    });
    await stage.run('web-0-first', (record) => (record.status?.history ?? []).some(({ step, outcome }) => step === 'keepSource' && outcome === 'Undone'));
    expect(stage.clock.now() - Date.parse(stage.record().status?.startedAt ?? '')).toBeLessThan(120_000);
    stage.ecs.faults.remove(fault);
    expect((await stage.run()).status?.phase).toBe('RolledBack');
    expect(stage.diskOf('data-web-0')).toBe(old);
    await expectWhole(stage);
  });

  it('an undo that does not get on says so in the record', async () => {
    const stage = await readyStage();
    stage.ecs.faults.add({ kind: 'throttled', action: 'CreateDisk', times: 0 });
    await stage.plan();
    await stage.run('web-0-first', (record) => phaseOf(record) === 'RollingBack' && /the undo waits: .*CreateDisk/.test(record.status?.message ?? ''));
    expect(stage.notes.some(({ type, message }) => type === 'Warning' && message.includes('the undo does not get on'))).toBe(true);
    stage.ecs.faults.clear();
    expect((await stage.run()).status?.message).not.toContain('the undo waits');
  });
});
