import { describe, expect, it } from 'vitest';
import { dropSurplusRecords, surplusRecords } from '../../src/controller/kept-records.ts';
import { FINALIZER } from '../../src/kubernetes/names.ts';
import { ordinalMigrations } from '../../src/migration/record.ts';
import { FakeApi } from '../fakes/api.ts';
import { record } from './records.ts';

const T0 = Date.parse('2026-11-20T00:00:00.000Z');
const DAY = 86_400_000;
const counted = { nowMs: T0 + DAY, countedMs: 3_600_000 };
const done = (minutes: number, changes: Parameters<typeof record>[0] = {}) => record({ phase: 'Succeeded', finishedAt: new Date(T0 + minutes * 60_000).toISOString(), ...changes });

describe('ended records', () => {
  it('are kept, the last ten of each set', () => {
    const all = Array.from({ length: 12 }, (_, minutes) => done(minutes));
    expect(surplusRecords(all, counted).map(({ status }) => status?.finishedAt)).toEqual(['2026-11-20T00:01:00.000Z', '2026-11-20T00:00:00.000Z']);
    const other = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' };
    expect(surplusRecords([...all.slice(0, 10), ...Array.from({ length: 10 }, (_, minutes) => done(minutes, { spec: { statefulSetRef: other } }))], counted)).toEqual([]);
  });

  it('are kept while they answer for something', () => {
    expect(surplusRecords(Array.from({ length: 12 }, (_, minutes) => done(minutes, { metadata: { finalizers: [FINALIZER] } })), counted)).toEqual([]);
  });

  it('are kept for as long as what they tell of is kept for ever, though they have let go of it', () => {
    const conditions = [{ type: 'SourceRetired', status: 'False' as const, reason: 'KeptForEver' }];
    expect(surplusRecords(Array.from({ length: 12 }, (_, minutes) => done(minutes, { conditions })), counted)).toEqual([]);
  });

  it('are kept while budgets, cool-downs and back-offs count them', () => {
    const all = Array.from({ length: 30 }, (_, minutes) => done(minutes));
    expect(surplusRecords(all, { nowMs: T0 + 30 * 60_000, countedMs: 3_600_000 })).toEqual([]);
  });

  it('leave alone what has not ended', () => {
    expect(surplusRecords(Array.from({ length: 12 }, () => record({ phase: 'Frozen' })), counted)).toEqual([]);
  });

  it('go one by one, and one that somebody has just changed stays', async () => {
    const api = new FakeApi();
    const all = Array.from({ length: 12 }, (_, minutes) => api.put(ordinalMigrations, done(minutes)));
    api.change(ordinalMigrations, { namespace: 'db', name: all[0]!.metadata.name }, (object) => (object.metadata.labels = { x: 'y' }));
    await dropSurplusRecords(api, all, counted);
    expect(api.readAll(ordinalMigrations)).toHaveLength(11);
    expect(api.read(ordinalMigrations, { namespace: 'db', name: all[0]!.metadata.name })).toBeDefined();
  });
});
