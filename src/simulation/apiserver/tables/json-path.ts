// The JSONPath of printer columns: fields, indexes and one kind of filter, e.g. `.status.conditions[?(@.type=="Ready")].status`.

import { at, textAt } from '../json.ts';

type Step = (values: unknown[]) => unknown[];

const TOKEN = /\.?(?<field>(?:\\.|[^.[\]\\])+)|\[(?<index>-?\d+)\]|\['(?<quoted>[^']*)'\]|\[(?<all>\*)\]|\[\?\(@(?<filter>[^=]+)==\s*["'](?<equal>[^"']*)["']\s*\)\]/y;

/** Reads every value that a path leads to. A path that cannot be read leads nowhere: a definition with one is not refused for it. */
export function readPath(path: string): (value: unknown) => unknown[] {
  const steps = stepsOf(path);
  return (value) => (steps ?? [() => []]).reduce<unknown[]>((values, step) => step(values), [value]);
}

function stepsOf(path: string): Step[] | undefined {
  const steps: Step[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < path.length) {
    const groups = TOKEN.exec(path)?.groups;
    if (groups === undefined) return undefined;
    steps.push(stepOf(groups));
  }
  return steps;
}

function stepOf({ field, index, quoted, all, filter, equal }: Record<string, string | undefined>): Step {
  if (all !== undefined) return (values) => values.flatMap(itemsOf);
  if (filter !== undefined) {
    const parts = filter.trim().split('.').filter((part) => part !== '');
    return (values) => values.flatMap(itemsOf).filter((item) => textAt(item, ...parts) === equal);
  }
  if (index !== undefined) return (values) => values.flatMap((value) => present(itemsOf(value).at(Number(index))));
  const name = quoted ?? (field ?? '').replaceAll(/\\(.)/g, '$1');
  return (values) => values.flatMap((value) => present(at(value, name)));
}

function itemsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function present(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : [value];
}
