// Where an object lives on the API server.

import type { ObjectRef } from './api.ts';
import type { Resource } from './objects.ts';

export type Query = Record<string, string | number | boolean | undefined>;

/** `/apis/apps/v1/namespaces/shop/statefulsets`; without a namespace the kind in the whole cluster. */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${resource.plural}`;
}

export function objectPath(resource: Resource, ref: ObjectRef, subresource?: string): string {
  if (resource.namespaced && ref.namespace === undefined) throw new TypeError(`${resource.kind} ${ref.name}: the namespace is missing`);
  if (ref.name === '') throw new TypeError(`${resource.kind}: the name is missing`); // The path would be the collection's: a delete of everything.
  const object = `${collectionPath(resource, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? object : `${object}/${subresource}`;
}

/** The path with those of the parameters that have a value. */
export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined && entry[1] !== '');
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}

/** For messages: `PersistentVolumeClaim in shop`, or the kind alone in the whole cluster. */
export function describeCollection(resource: Resource, namespace: string | undefined): string {
  return namespace === undefined ? resource.kind : `${resource.kind} in ${namespace}`;
}

/** For messages: `PersistentVolumeClaim shop/data-web-2`. */
export function describe(resource: Resource, ref: ObjectRef): string {
  return `${resource.kind} ${ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`}`;
}
