// The columns that a CustomResourceDefinition asks for (additionalPrinterColumns), each a simple JSONPath into the object.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { textAt, type JsonObject } from '../json.ts';
import { AGE, column, NAME, type Cell, type Column } from './column.ts';
import { humanAge } from './duration.ts';
import { readPath } from './json-path.ts';

/** Without any: name and age. */
export function customColumns(asked: JsonObject[]): Column[] {
  return asked.length === 0 ? [NAME, { ...AGE, type: 'date' }] : [NAME, ...asked.map(customColumn)];
}

function customColumn(asked: JsonObject): Column {
  const [type, path] = [textAt(asked, 'type'), textAt(asked, 'jsonPath')];
  const read = readPath(path);
  const cell = (object: KubernetesObject, now: number): Cell => {
    const [value] = read(object);
    return value === undefined ? null : cellOf(type, value, now);
  };
  return column(textAt(asked, 'name'), cell, {
    type,
    format: textAt(asked, 'format'),
    description: textAt(asked, 'description') || `Custom resource definition column (in JSONPath format): ${path}`,
    priority: Number(textAt(asked, 'priority')),
  });
}

const CELLS: Record<string, (value: unknown, now: number) => Cell> = {
  string: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
  integer: (value) => (typeof value === 'number' ? Math.trunc(value) : null),
  number: (value) => (typeof value === 'number' ? value : null),
  boolean: (value) => (typeof value === 'boolean' ? value : null),
  date: (value, now) => (typeof value === 'string' ? date(value, now) : null),
};

/** Nothing is shown of a value that is not of the column's type. */
function cellOf(type: string, value: unknown, now: number): Cell {
  return CELLS[type]?.(value, now) ?? null;
}

function date(value: string, now: number): string {
  return Number.isNaN(Date.parse(value)) ? '<invalid>' : humanAge(value, now);
}
