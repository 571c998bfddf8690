// Pages of a Describe call: MaxResults with NextToken, or the old PageNumber with PageSize.

import { invalidParameter } from './refusals.ts';
import type { ParameterReader } from './parameters.ts';

export interface PageWish {
  size: number;
  /** Only items created before this one; undefined for the first page. */
  before: number | undefined;
  /** From 1; undefined when the caller pages by token. */
  number: number | undefined;
}

export interface Page<T> {
  items: T[];
  nextToken: string;
  total: number;
  number: number;
  size: number;
}

/** @param largest the most that the action gives at once (500 disks, 100 snapshots); fewer than 10 cannot be asked for. */
export function readPageWish(parameters: ParameterReader, largest: number): PageWish {
  const maxResults = parameters.number('MaxResults');
  const pageSize = parameters.number('PageSize');
  const number = parameters.number('PageNumber');
  const token = parameters.text('NextToken');
  const byNumber = maxResults === undefined && token === undefined && number !== undefined;
  return {
    size: Math.min(largest, byNumber ? (pageSize ?? 10) : Math.max(10, maxResults ?? pageSize ?? 10)),
    before: token === undefined || token === '' ? undefined : decoded(token),
    number: byNumber ? Math.max(1, number) : undefined,
  };
}

/** Newest first, as the real API lists. A token stays right while items come and go. */
export function page<T extends { order: number }>(found: T[], wish: PageWish): Page<T> {
  const sorted = found.toSorted((left, right) => right.order - left.order);
  const start = wish.number === undefined ? 0 : (wish.number - 1) * wish.size;
  const rest = sorted.filter((item) => wish.before === undefined || item.order < wish.before).slice(start);
  const items = rest.slice(0, wish.size);
  const more = wish.number === undefined && rest.length > items.length;
  return { items, nextToken: more ? encoded(items.at(-1)?.order ?? 0) : '', total: found.length, number: wish.number ?? 1, size: wish.size };
}

function encoded(order: number): string {
  return Buffer.from(`before:${order}`).toString('base64url');
}

function decoded(token: string): number {
  const order = /^before:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (order === undefined) throw invalidParameter('NextToken', 'it must be the NextToken of an earlier answer');
  return Number(order);
}
