// Metrics with a value for every one that we have.

import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';

const SET = { namespace: 'shop', statefulset: 'web' };

export function everySeries(): Metrics {
  const metrics = createMetrics({ version: '0.1.0', commit: 'abc' });
  metrics.setStatefulSet(SET, {
    zones: [{ zone: 'a', actual: 2, desired: 1 }, { zone: 'b', actual: 1, desired: 2 }],
    skew: 1,
    maxSkew: 1,
    satisfied: false,
    unsatisfiedSince: 1_760_000_000,
    planned: { moves: 1, bytes: 21_474_836_480, seconds: 240 },
    blockedByReason: { PodNotReady: 1 },
  });
  metrics.setMigrationsInFlight({ ready: 1 });
  metrics.setMigrations(SET, [{ ordinal: 1, progress: 0.5, phase: 'Frozen', step: 'ready', stepStarted: 1_760_000_000, frozen: 'NotReady' }]);
  metrics.migrationEnded(SET, 'Succeeded', 90);
  metrics.stepEnded('detach', 3);
  metrics.ordinalWasDown(31);
  metrics.setRetained({ disks: 1, bytes: 21_474_836_480, firstExpiry: 1_760_086_400 });
  metrics.setOrphanedDisks(0);
  metrics.reviewed({ kind: 'Pod', operation: 'CREATE', decision: 'patch', rule: 'gate' }, 0.002);
  metrics.diskApiCalled({ action: 'CreateDisk', code: 'OK' }, 0.4);
  metrics.reconciled(0.02);
  metrics.sweepSucceeded(1_760_000_000);
  metrics.setLeader(true);
  metrics.certificateExpires(1_770_000_000);
  return metrics;
}
