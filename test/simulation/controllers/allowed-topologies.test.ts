// Where a class lets its volumes be made.

import { describe, expect, it } from 'vitest';
import type { StorageClass } from '../../../src/kubernetes/objects.ts';
import { allowedSegments, allows } from '../../../src/simulation/controllers/allowed-topologies.ts';

type Terms = NonNullable<StorageClass['allowedTopologies']>;

function aClass(allowedTopologies?: Terms): StorageClass {
  return { metadata: { name: 'c' }, provisioner: 'p', ...(allowedTopologies === undefined ? {} : { allowedTopologies }) };
}

function term(wanted: Record<string, string[]>): Terms[number] {
  return { matchLabelExpressions: Object.entries(wanted).map(([key, values]) => ({ key, values })) };
}

describe('allowedTopologies', () => {
  it('without any, all places are allowed, and the class names none', () => {
    expect(allows(aClass(), { zone: 'a' })).toBe(true);
    expect(allows(aClass([]), undefined)).toBe(true);
    expect(allowedSegments(aClass([]))).toBeUndefined();
  });

  it('one of several terms has to hold, of a term all', () => {
    const restricted = aClass([term({ zone: ['a', 'b'], disk: ['fast'] }), term({ zone: ['c'] })]);
    expect(allows(restricted, { zone: 'b', disk: 'fast' })).toBe(true);
    expect(allows(restricted, { zone: 'c' })).toBe(true);
    expect(allows(restricted, { zone: 'a', disk: 'slow' })).toBe(false);
    expect(allows(restricted, { zone: 'd', disk: 'fast' })).toBe(false);
    expect(allows(restricted, {})).toBe(false);
  });

  it('every combination of values is a segment', () => {
    expect(allowedSegments(aClass([term({ zone: ['a', 'b'], disk: ['fast'] }), term({ zone: ['c'] })]))).toEqual([{ zone: 'a', disk: 'fast' }, { zone: 'b', disk: 'fast' }, { zone: 'c' }]);
  });
});
