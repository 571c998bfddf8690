// What is wrong with one field of an object, worded as Kubernetes words it (k8s.io/apimachinery's field.Error).

import type { StatusCause } from './contract.ts';

export interface FieldError {
  type: 'Required' | 'Invalid' | 'NotSupported' | 'Forbidden' | 'Duplicate' | 'TooLong' | 'TooMany' | 'TypeInvalid';
  field: string;
  value?: unknown;
  detail: string;
}

const CAUSES: Record<FieldError['type'], string> = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  NotSupported: 'FieldValueNotSupported',
  Forbidden: 'FieldValueForbidden',
  Duplicate: 'FieldValueDuplicate',
  TooLong: 'FieldValueTooLong',
  TooMany: 'FieldValueTooMany',
  TypeInvalid: 'FieldValueTypeInvalid',
};

export const IMMUTABLE = 'field is immutable';

export function required(field: string, detail = ''): FieldError {
  return { type: 'Required', field, detail };
}

export function wrong(field: string, value: unknown, detail: string): FieldError {
  return { type: 'Invalid', field, value, detail };
}

export function unsupported(field: string, value: unknown, supported: readonly unknown[]): FieldError {
  return { type: 'NotSupported', field, value, detail: `supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}` };
}

export function forbids(field: string, detail: string): FieldError {
  return { type: 'Forbidden', field, detail };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'Duplicate', field, value, detail: '' };
}

/** Without the field's name. */
export function messageOf({ type, value, detail }: FieldError): string {
  const tail = detail === '' ? '' : `: ${detail}`;
  // A rule of a custom kind tells no value.
  const shown = SHOWS_VALUE.has(type) && value !== undefined ? `: ${JSON.stringify(value)}` : '';
  return `${WORDS[type]}${shown}${tail}`;
}

const SHOWS_VALUE = new Set<FieldError['type']>(['Duplicate', 'NotSupported', 'Invalid', 'TypeInvalid']);
const WORDS: Record<FieldError['type'], string> = {
  Required: 'Required value',
  Forbidden: 'Forbidden',
  Duplicate: 'Duplicate value',
  NotSupported: 'Unsupported value',
  TooLong: 'Too long',
  TooMany: 'Too many',
  Invalid: 'Invalid value',
  TypeInvalid: 'Invalid value',
};

export function causeOf(error: FieldError): StatusCause {
  return { reason: CAUSES[error.type], message: messageOf(error), field: error.field };
}
