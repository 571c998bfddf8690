// What a rule, or all of them together, answer to a review.

import type { JsonPatchOperation } from '../kubernetes/api.ts';

export interface Allow {
  kind: 'allow';
  /** Which rule had something to say; empty when none had. */
  rule: string;
  patch: JsonPatchOperation[];
  /** Shown to whoever asked; Kubernetes cuts each at 256 characters. */
  warnings: string[];
  /** Name of the migration whose guard a person overrode. */
  overrides?: string;
}

export interface Deny {
  kind: 'deny';
  rule: string;
  code: 403 | 409 | 500;
  reason: 'Forbidden' | 'Conflict' | 'InternalError';
  /** For people: who holds it, why, and what to do instead. */
  message: string;
  warnings: string[];
}

export type Decision = Allow | Deny;

const REASONS = { 403: 'Forbidden', 409: 'Conflict', 500: 'InternalError' } as const satisfies Record<Deny['code'], Deny['reason']>;

export function allow(rule = '', warnings: string[] = []): Allow {
  return { kind: 'allow', rule, patch: [], warnings };
}

export function patched(rule: string, patch: JsonPatchOperation[], warnings: string[] = []): Allow {
  return { kind: 'allow', rule, patch, warnings };
}

/**
 * 403 unless told: clients take a 409 for a lost race and try again at once.
 */
export function deny(rule: string, message: string, code: Deny['code'] = 403): Deny {
  return { kind: 'deny', rule, code, reason: REASONS[code], message, warnings: [] };
}
