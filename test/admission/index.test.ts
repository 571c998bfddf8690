// The index of what is in flight: found by every name, gone without a trace.

import { describe, expect, test } from 'vitest';
import { InFlightIndex } from '../../src/admission/index.ts';
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
