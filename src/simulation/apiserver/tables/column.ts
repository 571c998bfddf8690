// One column of a table of objects: what stands above it, and what stands in it.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { textAt } from '../json.ts';
import { humanAge } from './duration.ts';

/** As the client is told of it. */
export interface ColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  priority: number;
}

export type Cell = string | number | boolean | null;

export interface Column extends ColumnDefinition {
  /** `now` in ms since the epoch. */
  cell: (object: KubernetesObject, now: number) => Cell;
}

type Reader = Column['cell'];
type More = Partial<Omit<ColumnDefinition, 'name'>>;

export function column(name: string, cell: Reader, more: More = {}): Column {
  return { name, type: 'string', format: '', description: '', priority: 0, cell, ...more };
}

export function wide(name: string, cell: Reader, more: More = {}): Column {
  return column(name, cell, { ...more, priority: 1 });
}

/** The text at a path of field names, or what stands for none. */
export function text(path: string, none = ''): Reader {
  const parts = path.split('.');
  return (object) => textAt(object, ...parts) || none;
}

export function whole(path: string): Reader {
  const parts = path.split('.');
  return (object) => Number(textAt(object, ...parts));
}

export function yes(path: string, byDefault = false): Reader {
  const parts = path.split('.');
  return (object) => (textAt(object, ...parts) || String(byDefault)) === 'true';
}

export const NAME = column('Name', (object) => object.metadata.name, { format: 'name', description: 'Name must be unique within a namespace.' });
export const AGE = column('Age', (object, now) => humanAge(textAt(object, 'metadata', 'creationTimestamp'), now), { description: 'Time since the object was created.' });
/** Of kinds that nobody has thought of columns for. */
export const CREATED_AT = column('Created At', text('metadata.creationTimestamp'), { type: 'date', description: 'When the object was created.' });
