// Lists in pages, so that neither side ever holds one huge answer, and each object trimmed as it comes.

import type { Http } from '../ports/http.ts';
import { ApiUnreachable } from './api.ts';
import { ask, type Question } from './exchange.ts';
import { apiVersionOf, type KubernetesObject, type Resource } from './objects.ts';
import { collectionPath, describeCollection, withQuery } from './paths.ts';
import { isExpired } from './refusals.ts';

/** Measured on 50,000 pods of 5 KB: pages of 500 stall the event loop for 80 ms at most, one page for all of them for 4 s. */
const PAGE = 500;

/** How often paging starts again when its place has expired, before all is asked for at once. */
const RESTARTS = 2;

export interface ListRequest<T extends KubernetesObject> {
  resource: Resource<T>;
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Keeps of each object what is needed; the rest is garbage before the next page comes. */
  trim?: ((object: T) => T) | undefined;
}

export interface Listing<T> {
  items: T[];
  /** Of the list: a watch goes on from here. */
  resourceVersion: string;
}

/** All objects, as of one moment. The place in a list lives five minutes (until etcd's compaction): when it has expired, from the start again. */
export async function listAll<T extends KubernetesObject>(http: Http, request: ListRequest<T>): Promise<Listing<T>> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await listInPages(http, request, restarts < RESTARTS ? PAGE : undefined);
    } catch (error) {
      if (!isExpired(error) || restarts >= RESTARTS) throw error;
    }
  }
}

async function listInPages<T extends KubernetesObject>(http: Http, request: ListRequest<T>, limit: number | undefined): Promise<Listing<T>> {
  const { resource, namespace, trim = asItIs } = request;
  const items: T[] = [];
  let place: string | undefined;
  for (;;) {
    const { metadata, items: page } = await readPage<T>(http, request, { limit, continue: place });
    for (const item of page ?? []) {
      // Objects in a list come without them.
      item.apiVersion = apiVersionOf(resource);
      item.kind = resource.kind;
      items.push(trim(item));
    }
    if (metadata?.resourceVersion === undefined) throw new ApiUnreachable(`list ${describeCollection(resource, namespace)}: the answer is no list`, undefined);
    place = metadata.continue;
    if (place === undefined || place === '') return { items, resourceVersion: metadata.resourceVersion };
  }
}

interface Page<T> {
  metadata?: { continue?: string; resourceVersion?: string };
  items?: T[] | null;
}

function readPage<T extends KubernetesObject>(http: Http, request: ListRequest<T>, where: { limit: number | undefined; continue: string | undefined }): Promise<Page<T>> {
  const { resource, namespace, labelSelector, fieldSelector, headers, signal, timeoutMs } = request;
  const question: Question = {
    method: 'GET',
    path: withQuery(collectionPath(resource, namespace), { ...where, labelSelector, fieldSelector }),
    what: `list ${describeCollection(resource, namespace)}`,
    ...(headers === undefined ? {} : { headers }),
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  return ask(http, question);
}

function asItIs<T>(object: T): T {
  return object;
}
