// Whatever somebody writes into a status that the schema lets through: reports, metrics, back-offs and steering take it as it is.

import { describe, expect, it } from 'vitest';
import { backOffs, coolDowns } from '../../src/controller/back-off.ts';
import { budgetProblem } from '../../src/controller/budget.ts';
import { surplusRecords } from '../../src/controller/kept-records.ts';
import { migrationMetrics } from '../../src/controller/migration-metrics.ts';
import { retainedVolumes } from '../../src/controller/report.ts';
import { ordinalMigrations, type OrdinalMigrationStatus, type Phase } from '../../src/migration/record.ts';
import { steeringOf } from '../../src/migration/steering.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { FakeApi } from '../fakes/api.ts';
import { createFakeReflector } from '../fakes/reflector.ts';
import { claimRecord, record } from './records.ts';

const PHASES: Phase[] = ['Pending', 'Running', 'RollingBack', 'Succeeded', 'RolledBack', 'Failed', 'Frozen'];
const REST: Record<string, OrdinalMigrationStatus> = {
  'nothing else': {},
  'claims alone': { claims: [claimRecord()] },
  'claims, and terms that are no durations': { claims: [claimRecord({ target: { diskId: 'd-new' } })], terms: { readyTimeoutMs: 0, healthDurationMs: 0, onUnready: 'hold', snapshotRetentionMs: '24h' as 'forever', sourceRetentionMs: '24h' as 'forever' } },
  'a step that there is not, and a reason of ours': { step: 'teleport', course: 'Restore', reason: 'Reversed', claims: [claimRecord()] },
  'retentions that are past all calendars': { finishedAt: '2026-11-19T00:00:00Z', claims: [claimRecord({ target: { diskId: 'd-new' } })], terms: { readyTimeoutMs: 0, healthDurationMs: 0, onUnready: 'hold', snapshotRetentionMs: 9e15, sourceRetentionMs: 9e15 } },
  'a time that is past all calendars': { finishedAt: '9999-12-31T23:59:60Z', startedAt: '0000-01-01T00:00:00Z', claims: [claimRecord()] },
};

const NOW_MS = Date.parse('2026-11-20T00:00:00Z');

describe.each(PHASES)('a status that says %s', (phase) => {
  it.each(Object.entries(REST))('and %s', (_what, rest) => {
    const one = record({ phase, ...rest });
    expect(() => {
      retainedVolumes(one);
      backOffs([one], NOW_MS);
      coolDowns([one], 3_600_000, NOW_MS);
      budgetProblem({ atOnce: 1, perHour: 1, perZonePair: 1 }, [one], NOW_MS);
      surplusRecords([one], { nowMs: NOW_MS, countedMs: 1 });
      steeringOf(one);
    }).not.toThrow();

    const api = new FakeApi();
    api.put(ordinalMigrations, record({ metadata: { name: one.metadata.name } }));
    const reflector = createFakeReflector(api, ordinalMigrations);
    reflector.start();
    const end = migrationMetrics(reflector, createMetrics({ version: 'test' }));
    expect(() => api.change(ordinalMigrations, { namespace: 'db', name: one.metadata.name }, (object) => (object.status = { phase, ...rest }))).not.toThrow();
    end();
  });
});
