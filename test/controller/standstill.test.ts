import { describe, expect, it } from 'vitest';
import { standstillsOf } from '../../src/controller/standstill.ts';
import type { OrdinalMigration } from '../../src/migration/record.ts';
import type { PlannedMove } from '../../src/planner/plan.ts';
import { record } from './records.ts';

const NEXT = [{ ordinal: 1, podName: 'web-1' } as PlannedMove];

function told(records: OrdinalMigration[], waiting: PlannedMove[] = NEXT): string[] {
  const holds = standstillsOf({ records, turn: { start: [], waiting, blocked: [] } });
  return [...holds].toSorted(([a], [b]) => a - b).map(([ordinal, { reason, message }]) => `${ordinal} ${reason}: ${message}`);
}

const frozen = record({ phase: 'Frozen', reason: 'SnapshotMissing', message: 'snapshot s-1 is gone', metadata: { name: 'web-0-x' } });

describe('what stands still', () => {
  it('is a frozen move, and what waits behind it', () => {
    expect(told([frozen])).toEqual([
      '0 AlreadyInFlight: OrdinalMigration web-0-x of web-0 is Frozen (SnapshotMissing: snapshot s-1 is gone)',
      '1 AwaitsTurn: web-1 waits: OrdinalMigration web-0-x of web-0 is Frozen (SnapshotMissing: snapshot s-1 is gone)',
    ]);
  });

  it('is not what waits behind one that goes on', () => {
    expect(told([frozen, record({ phase: 'Running', spec: { ordinal: 2, planDigest: 'p' } })])).toHaveLength(1);
  });

  it('is a move made by hand that is held, with why', () => {
    const byHand = record({ phase: 'Pending', reason: 'ZoneUnavailable', message: 'zone b takes no disks now', metadata: { name: 'by-hand' } });
    expect(told([byHand])).toEqual(['0 AlreadyInFlight: OrdinalMigration by-hand of web-0 is Pending (ZoneUnavailable: zone b takes no disks now)']);
  });

  it('is no move that is about to begin, goes on, or has ended', () => {
    const planned = { planDigest: 'p' };
    expect(told([record(), record({ phase: 'Pending', reason: 'Paused', spec: planned }), record({ phase: 'RollingBack' }), record({ phase: 'Failed' })])).toEqual([]);
  });
});
