// The index of what is in flight: found by every name, gone without a trace.

import { describe, expect, test } from 'vitest';
import { InFlightIndex } from '../../src/admission/index.ts';
import type { OrdinalMigration } from '../../src/migration/record.ts';
import { CLAIM, migration, MIGRATION, MIGRATION_UID, NAMESPACE } from './builders.ts';

function found(index: InFlightIndex): Record<string, boolean> {
  return {
    pod: index.steeringOfPod(NAMESPACE, 'web-2') !== undefined,
    uid: index.steeringOfUID(MIGRATION_UID) !== undefined,
    claim: index.claim(NAMESPACE, 'data-web-2') !== undefined,
    source: index.volume('d-old').length > 0,
    target: index.volume('d-new').length > 0,
    set: index.set(NAMESPACE, 'apps', 'web').length > 0,
  };
}

const ALL = { pod: true, uid: true, claim: true, source: true, target: true, set: true };
const NONE = { pod: false, uid: false, claim: false, source: false, target: false, set: false };

describe('a record', () => {
  test.each(['Running', 'RollingBack', 'Frozen'] as const)('that is %s is found by all that it names', (phase) => {
    const index = new InFlightIndex();
    index.put(migration({ status: { phase } }));
    expect(found(index)).toEqual(ALL);
  });

  test.each(['Pending', 'Succeeded', 'RolledBack', 'Failed'] as const)('that is %s is not', (phase) => {
    const index = new InFlightIndex();
    index.put(migration());
    index.put(migration({ status: { phase } }));
    expect(found(index)).toEqual(NONE);
    expect(index.size).toBe(0);
  });

  test('without a status is not', () => {
    const index = new InFlightIndex();
    const { status: _none, ...bare } = migration();
    index.put(bare);
    expect(index.size).toBe(0);
  });

  test('that is deleted leaves nothing', () => {
    const index = new InFlightIndex();
    index.put(migration());
    index.remove(NAMESPACE, MIGRATION);
    index.remove(NAMESPACE, MIGRATION);
    expect(found(index)).toEqual(NONE);
  });

  test('that changes is found by what it names now, and no longer by what it named', () => {
    const index = new InFlightIndex();
    index.put(migration());
    index.put(migration({ status: { claims: [{ ...CLAIM, target: { pv: 'd-other' } }] } }));
    expect(found(index)).toEqual({ ...ALL, target: false });
    expect(index.volume('d-other')).toHaveLength(1);
    expect(index.set(NAMESPACE, 'apps', 'web')).toHaveLength(1);
  });

  test('made again under its name is the new one', () => {
    const index = new InFlightIndex();
    index.put(migration());
    index.put(migration({ metadata: { uid: 'uid-again' } }));
    expect(index.withUID(MIGRATION_UID)).toBeUndefined();
    expect(index.withUID('uid-again')).toBeDefined();
  });
});

describe('beside what is in flight it knows', () => {
  const waiting = (name: string, ordinal = 2): OrdinalMigration => migration({ metadata: { name, uid: name }, spec: { ordinal }, status: { phase: 'Pending', claims: [] } });

  test('what else is about an ordinal, begun or not, until it ends', () => {
    const index = new InFlightIndex();
    index.put(waiting('web-2-wait'));
    index.put(waiting('web-3-wait', 3));
    index.put(migration());
    expect(index.othersOf(waiting('mine')).map(({ metadata }) => metadata.name)).toEqual([MIGRATION, 'web-2-wait']);
    expect(index.othersOf(waiting('web-2-wait'))).toHaveLength(1);
    index.put(migration({ status: { phase: 'Succeeded' } }));
    index.remove(NAMESPACE, 'web-2-wait');
    expect(index.othersOf(waiting('mine'))).toEqual([]);
  });

  test('which ended record keeps a source, until it is retired or gone', () => {
    const index = new InFlightIndex();
    index.put(migration({ status: { phase: 'Succeeded' } }));
    expect(index.keeping(MIGRATION_UID)?.metadata.name).toBe(MIGRATION);
    expect(index.size).toBe(0);
    index.put(migration({ status: { phase: 'Succeeded' }, metadata: { finalizers: [] } }));
    expect(index.keeping(MIGRATION_UID)).toBeUndefined();
    index.put(migration({ status: { phase: 'RolledBack' } }));
    index.remove(NAMESPACE, MIGRATION);
    expect(index.keeping(MIGRATION_UID)).toBeUndefined();
  });
});

test('several records of one ordinal: the younger steers, both are known', () => {
  const index = new InFlightIndex();
  index.put(migration({ metadata: { name: 'web-2-zzzzz', uid: 'uid-reverse', creationTimestamp: '2026-11-20T12:00:00Z' }, spec: { reason: 'Reverse' } }));
  index.put(migration({ status: { phase: 'Frozen' } }));
  expect(index.claim(NAMESPACE, 'data-web-2')).toMatchObject({ record: { metadata: { uid: 'uid-reverse' } } });
  expect(index.claim(NAMESPACE, 'data-web-2')?.all).toHaveLength(2);
  index.remove(NAMESPACE, 'web-2-zzzzz');
  expect(index.claim(NAMESPACE, 'data-web-2')).toMatchObject({ record: { metadata: { uid: MIGRATION_UID } } });
});

test('sets of one name and different kinds are different sets', () => {
  const index = new InFlightIndex();
  index.put(migration({ spec: { statefulSetRef: { apiVersion: 'apps.kruise.io/v1beta1', kind: 'StatefulSet', name: 'web' } } }));
  expect(index.set(NAMESPACE, 'apps', 'web')).toEqual([]);
  expect(index.set(NAMESPACE, 'apps.kruise.io', 'web')).toHaveLength(1);
});
