// The Api over HTTP: builds the requests and reads the answers, one request per call, no retries (the callers decide those from what
// they re-read).

import type { Http } from '../ports/http.ts';
import type { Api, ObjectRef, WriteOptions } from './api.ts';
import { ask, type Question } from './exchange.ts';
import { listAll } from './listing.ts';
import type { KubernetesObject, Resource } from './objects.ts';
import { collectionPath, describe, objectPath, withQuery, type Query } from './paths.ts';
import { isNotFound } from './refusals.ts';

export * from './refusals.ts';

export interface ApiOptions {
  http: Http;
  /** How we show up in the API server's audit log. */
  userAgent?: string;
  /** Who owns the fields that we write (managedFields). */
  fieldManager?: string;
  /** See HttpRequest.timeoutMs. */
  timeoutMs?: number;
  /** Breaks off whatever is under way. */
  signal?: AbortSignal;
}

const MERGE_PATCH = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

export function createApi({ http, userAgent = 'zonespread', fieldManager = 'zonespread', timeoutMs, signal }: ApiOptions): Api {
  const standing = { headers: { 'user-agent': userAgent }, ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal === undefined ? {} : { signal }) };
  const send = (question: Question): Promise<Record<string, unknown>> => ask(http, { ...standing, ...question });

  async function write<T extends KubernetesObject>(question: Question, options: WriteOptions): Promise<T> {
    const query: Query = { fieldManager: options.fieldManager ?? fieldManager, dryRun: options.dryRun === true ? 'All' : undefined };
    const path = withQuery(question.path, query);
    return (await send({ ...question, path, ...(options.freshConnection === true ? { freshConnection: true } : {}) })) as T;
  }

  return {
    async get<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef) {
      try {
        return (await send({ method: 'GET', path: objectPath(resource, ref), what: `get ${describe(resource, ref)}` })) as T;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },

    async list(resource, options = {}) {
      return (await listAll(http, { ...standing, resource, ...options })).items;
    },

    async create(resource, object, options = {}) {
      const { namespace, name, generateName } = object.metadata;
      const ref: ObjectRef = { name: (name ?? '') === '' ? `${generateName ?? ''}…` : name, ...(namespace === undefined ? {} : { namespace }) };
      if (resource.namespaced && namespace === undefined) throw new TypeError(`create ${describe(resource, ref)}: the namespace is missing`);
      const body = { ...object, apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`, kind: resource.kind };
      return write({ method: 'POST', path: collectionPath(resource, namespace), what: `create ${describe(resource, ref)}`, body }, options);
    },

    async mergePatch(resource, ref, patch, { subresource, ...options } = {}) {
      const what = `patch ${describe(resource, ref)}${subresource === undefined ? '' : `'s ${subresource}`}`;
      return write({ method: 'PATCH', path: objectPath(resource, ref, subresource), what, body: patch, contentType: MERGE_PATCH }, options);
    },

    async jsonPatch(resource, ref, patch, { subresource, ...options } = {}) {
      const what = `patch ${describe(resource, ref)}${subresource === undefined ? '' : `'s ${subresource}`}`;
      return write({ method: 'PATCH', path: objectPath(resource, ref, subresource), what, body: patch, contentType: JSON_PATCH }, options);
    },

    async delete(resource, ref, preconditions, options = {}) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options, ...(preconditions === undefined ? {} : { preconditions }) };
      try {
        return outcomeOfDelete(await send({ method: 'DELETE', path: objectPath(resource, ref), what: `delete ${describe(resource, ref)}`, body }));
      } catch (error) {
        if (isNotFound(error)) return 'gone';
        throw error;
      }
    },

    async evict({ namespace, name, uid }) {
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: { preconditions: { uid } } };
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`;
      await send({ method: 'POST', path, what: `evict Pod ${namespace}/${name}`, body });
    },

    async discover(groupVersion) {
      const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
      try {
        const { resources } = (await send({ method: 'GET', path, what: `discover ${groupVersion}` })) as { resources?: { name: string }[] };
        return (resources ?? []).map((resource) => resource.name).filter((name) => !name.includes('/'));
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },

    async selfUser() {
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
      const review = await send({ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', what: 'review our own user', body });
      const username = (review.status as { userInfo?: { username?: string } } | undefined)?.userInfo?.username;
      if (username === undefined) throw new Error('the API server did not say who we are to it: its SelfSubjectReview has no username');
      return username;
    },
  };
}

/**
 * The server answers with a Status, or (pods, claims, volumes) with the object: the last one that was, or the one that is about to go.
 * It is still there while it has finalizers or a grace period.
 */
function outcomeOfDelete(answer: Record<string, unknown>): 'gone' | 'deleting' {
  if (answer.kind === 'Status') return 'gone';
  const { finalizers, deletionTimestamp, deletionGracePeriodSeconds } = answer.metadata as KubernetesObject['metadata'];
  const waits = (finalizers ?? []).length > 0 || (deletionTimestamp !== undefined && deletionGracePeriodSeconds !== 0);
  return waits ? 'deleting' : 'gone';
}
