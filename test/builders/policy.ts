// A policy as parsed: the defaults of the contract over zones a, b, c.

import { defaultPolicy, type Policy } from '../../src/policy/policy.ts';

export function policy(changes: Partial<Policy> = {}): Policy {
  return { ...defaultPolicy, zones: { kind: 'list', zones: ['a', 'b', 'c'] }, ...changes };
}

/** `zones('b,a')` or `zones('*')`. */
export function zones(text: string): Pick<Policy, 'zones'> {
  return { zones: text === '*' ? { kind: 'any' } : { kind: 'list', zones: text.split(',') } };
}
