// Field validation: what a client sends that no schema knows. kubectl asks for `Strict` unless it is told otherwise. Unlike the real
// server, which drops such fields of built-in kinds, this one keeps them where it is not asked to refuse them.

import { isObject } from '../json.ts';
import { fieldSchema, itemSchema, keepsUnknown, type RawSchema } from './schemas.ts';

/** Of a whole object or of a merge patch, e.g. `spec.replica`, `spec.containers[0].imag`. */
export function unknownFields(schema: RawSchema, value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    const item = itemSchema(schema);
    return item === undefined ? [] : value.flatMap((one, index) => unknownFields(item, one, `${path}[${index}]`));
  }
  if (!isObject(value)) return [];
  // A null takes away, and what begins with $ tells a strategic merge how.
  const sent = Object.entries(value).filter(([name, one]) => one !== null && !name.startsWith('$'));
  return sent.flatMap(([name, one]) => {
    const of = fieldSchema(schema, name);
    const place = path === '' ? name : `${path}.${name}`;
    if (of === undefined) return keepsUnknown(schema) ? [] : [place];
    return unknownFields(of, one, place);
  });
}

/** In the words of a strict decoder. */
export function strictWords(unknown: string[]): string {
  return `strict decoding error: ${unknown.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ')}`;
}
