// Which ordinals a set has, OpenKruise's reserved ones included.

import { expect, test } from 'vitest';
import { hasOrdinal } from '../../src/admission/rules/ordinals.ts';
import { statefulSet } from './builders.ts';

const ordinalsOf = (spec: object): number[] => {
  const set = statefulSet({ spec });
  return Array.from({ length: 20 }, (_, ordinal) => ordinal).filter((ordinal) => hasOrdinal(set, ordinal));
};

test.each([
  [{ replicas: 3 }, [0, 1, 2]],
  [{ replicas: 2, ordinals: { start: 5 } }, [5, 6]],
  [{ replicas: 3, reserveOrdinals: [1] }, [0, 2, 3]],
  [{ replicas: 3, reserveOrdinals: [0, '2-4', '3-5', 3, 9] }, [1, 6, 7]],
  [{ replicas: 2, ordinals: { start: 3 }, reserveOrdinals: ['0-3'] }, [4, 5]],
  [{ replicas: 2, reserveOrdinals: ['x', '4-', '7-5', null, {}] }, [0, 1]],
])('%j has %j', (spec, ordinals) => {
  expect(ordinalsOf(spec)).toEqual(ordinals);
});

test('a list of long ranges costs what it is long, not what it names', () => {
  const reserveOrdinals = Array.from({ length: 100_000 }, (_, index) => `${index}-${index + 1_000_000_000}`);
  expect(hasOrdinal(statefulSet({ spec: { replicas: 3, reserveOrdinals } }), 1_000_100_000)).toBe(true);
});
