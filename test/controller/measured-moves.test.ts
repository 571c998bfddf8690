import { describe, expect, it } from 'vitest';
import { movesMeasured } from '../../src/controller/measured-moves.ts';
import type { ClaimRecord, OrdinalMigration, OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { claimRecord, record } from './records.ts';
import { Scene } from './scene.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00Z');

/** It began at ten, took hold of the pod 5 s later, had it Ready after 60 s, and watched it for a minute. */
const STATUS: OrdinalMigrationStatus = {
  phase: 'Succeeded',
  startedAt: '2026-11-20T10:00:00.000Z',
  unavailableSince: '2026-11-20T10:00:05.000Z',
  downtimeSeconds: 60,
  finishedAt: '2026-11-20T10:02:15.000Z',
  terms: { readyTimeoutMs: 600_000, healthDurationMs: 60_000, onUnready: 'hold', snapshotRetentionMs: 86_400_000 },
  history: [
    { step: 'rehearse', startedAt: '2026-11-20T10:00:00.000Z', finishedAt: '2026-11-20T10:00:04.000Z', outcome: 'Done' },
    { step: 'evict', startedAt: '2026-11-20T10:00:05.000Z', finishedAt: '2026-11-20T10:00:30.000Z', outcome: 'Done' },
    { step: 'ready', startedAt: '2026-11-20T10:00:50.000Z', finishedAt: '2026-11-20T10:02:05.000Z', outcome: 'Done' },
  ],
  claims: [claimRecord()],
};

function moved(changes: Partial<Parameters<typeof record>[0]> = {}): OrdinalMigration {
  return record({ ...structuredClone(STATUS), ...changes });
}

function claimOf(category: string, sizeGiB: number): ClaimRecord {
  return claimRecord({ sizeGiB, source: { ...claimRecord().source, category } });
}

it('a move that succeeded tells its downtime, and its whole time without the health duration', () => {
  expect(movesMeasured([moved()], NOW_MS)).toEqual([{ category: 'cloud_essd', sizeGiB: 20, downtimeMs: 60_000, totalMs: 75_000 }]);
});

it('of several disks the largest counts, and their categories together', () => {
  const several = moved({ claims: [claimOf('cloud_essd', 20), claimOf('cloud_auto', 100), claimOf('cloud_essd', 40)] });
  expect(movesMeasured([several], NOW_MS)).toMatchObject([{ category: 'cloud_auto+cloud_essd', sizeGiB: 100 }]);
});

it('the newest come first, whatever the order of the list and whichever set they are of', () => {
  const at = (minute: number, sizeGiB: number, namespace: string): OrdinalMigration =>
    moved({ metadata: { namespace }, finishedAt: `2026-11-20T11:${String(minute).padStart(2, '0')}:00Z`, claims: [claimOf('cloud_essd', sizeGiB)] });
  const records = [at(5, 2, 'a'), at(50, 1, 'b'), at(1, 3, 'c')];
  expect(movesMeasured(records, NOW_MS).map(({ sizeGiB }) => sizeGiB)).toEqual([1, 2, 3]);
  expect(movesMeasured(records.toReversed(), NOW_MS)).toEqual(movesMeasured(records, NOW_MS));
});

it('of very many the newest four hundred are enough', () => {
  const records = Array.from({ length: 500 }, () => moved());
  expect(movesMeasured(records, NOW_MS)).toHaveLength(400);
});

describe('what says nothing about the next move is left out:', () => {
  it.each<[string, Partial<OrdinalMigrationStatus>]>([
    ['one that has not ended', { phase: 'Running' }],
    ['one that failed', { phase: 'Failed' }],
    ['one that was undone', { phase: 'RolledBack' }],
    ['one of a pod that was down before', { unavailableSince: '2026-11-20T09:59:00Z', downtimeSeconds: 125 }],
    ['one of a pod that did not exist', { unavailableSince: undefined as unknown as string, downtimeSeconds: 0 }],
    ['one whose pod a person had to mend', { downtimeSeconds: 3600, finishedAt: '2026-11-20T11:30:00Z' }],
    ['one that is older than thirty days', { startedAt: '2026-10-20T10:00:00Z', finishedAt: '2026-10-20T10:02:00Z' }],
    ['one whose history is not complete', { history: [] }],
    ['one that ended in the future', { finishedAt: '2027-11-20T10:02:15.000Z' }],
    ['one that was down longer than it took', { startedAt: '2026-11-20T10:02:00.000Z' }],
    ['one that ended at no time', { finishedAt: 'yesterday' }],
    ['one without claims', { claims: [] }],
    ['one of a disk without a size', { claims: [claimOf('cloud_essd', 0)] }],
    ['one with a downtime that is no number', { downtimeSeconds: 'long' as unknown as number }],
    ['an empty one', { phase: 'Succeeded', history: undefined as unknown as [], terms: undefined as unknown as never, claims: undefined as unknown as [] }],
  ])('%s', (_what, changes) => {
    expect(movesMeasured([moved(changes)], NOW_MS)).toEqual([]);
  });

  it('one that was Ready within the ready-timeout by a second does count', () => {
    const slow = moved({ downtimeSeconds: 644, finishedAt: '2026-11-20T10:30:00Z' });
    expect(movesMeasured([slow], NOW_MS)).toMatchObject([{ downtimeMs: 644_000 }]);
  });
});

describe('the daemon, after moves of other sets', () => {
  /** Of the day before: the scene's clock stands at midnight. */
  const SLOW: OrdinalMigrationStatus = {
    ...STATUS,
    startedAt: '2026-11-19T10:00:00.000Z',
    unavailableSince: '2026-11-19T10:00:05.000Z',
    downtimeSeconds: 600,
    finishedAt: '2026-11-19T10:12:00.000Z',
    history: [
      { step: 'evict', startedAt: '2026-11-19T10:00:05.000Z', finishedAt: '2026-11-19T10:05:00.000Z', outcome: 'Done' },
      { step: 'ready', startedAt: '2026-11-19T10:08:00.000Z', finishedAt: '2026-11-19T10:11:00.000Z', outcome: 'Done' },
    ],
  };

  function scene(annotations: Record<string, string>, slowMoves: number): Scene {
    const made = new Scene();
    made.addSet({ zones: ['a', 'a', 'a'] }, { annotations });
    for (let index = 0; index < slowMoves; index += 1) made.addRecord(`other-${index}`, { spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'other' }, ordinal: index }, status: SLOW });
    return made;
  }

  it('says in the report what they took', async () => {
    const made = scene({ zones: 'a,b,c', paused: 'true' }, 10);
    await made.work();
    expect(made.status().plan).toMatchObject({ total: 2, estimatedMinutes: 24, highMinutes: 24, measuredMoves: 10, moves: [{ ordinal: 2, estimatedMinutes: 12, highMinutes: 12, estimatedDowntimeSeconds: 600, highDowntimeSeconds: 600 }, { ordinal: 1 }] });
  });

  it('says what the model says while there are none', async () => {
    const made = scene({ zones: 'a,b,c', paused: 'true' }, 0);
    await made.work();
    expect(made.status().plan).toMatchObject({ estimatedMinutes: 5, highMinutes: 5, measuredMoves: 0, moves: [{ estimatedMinutes: 3, estimatedDowntimeSeconds: 90, highDowntimeSeconds: 90 }, {}] });
  });

  it('does not start what would by them be down for longer than max-downtime', async () => {
    const made = scene({ zones: 'a,b,c', 'max-downtime': '5m' }, 1);
    await made.work();
    expect(made.records().filter(({ spec }) => spec.statefulSetRef.name === 'web')).toEqual([]);
    expect(made.status().blocked).toMatchObject([0, 1, 2].map((ordinal) => ({ reason: 'DowntimeTooLong', ordinals: `${ordinal}` })));
    const unmeasured = scene({ zones: 'a,b,c', 'max-downtime': '5m' }, 0);
    await unmeasured.work();
    expect(unmeasured.records()).toHaveLength(1);
  });

  it('nor a move by hand', async () => {
    const made = scene({ zones: 'a,b,c', 'max-downtime': '5m' }, 1);
    made.addRecord('by-hand', { spec: { ordinal: 2 } });
    await made.look('by-hand');
    expect(made.record('by-hand').status).toMatchObject({ phase: 'Pending', reason: 'DowntimeTooLong' });
  });
});
