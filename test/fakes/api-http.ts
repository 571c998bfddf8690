// A FakeApi behind HTTP: paths, verbs, Status bodies, lists and watches as the API server has them, so that the real client and the real
// reflectors run on it.

import { ApiError } from '../../src/kubernetes/api.ts';
import * as kinds from '../../src/kubernetes/objects.ts';
import type { KubernetesObject, Resource } from '../../src/kubernetes/objects.ts';
import type { Http, HttpRequest, HttpResponse } from '../../src/ports/http.ts';
import type { FakeApi } from './api.ts';

interface LoggedEvent {
  version: number;
  resource: Resource;
  type: string;
  object: KubernetesObject;
}

interface Target {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

function isResource(value: unknown): value is Resource {
  return typeof value === 'object' && value !== null && 'plural' in value;
}

export class ApiHttp implements Http {
  readonly requests: HttpRequest[] = [];
  /** Stands in front of everything: gives an answer of its own, throws, or waits; undefined lets the request through. */
  intercept: (request: HttpRequest) => Promise<HttpResponse | undefined> = () => Promise.resolve(undefined);
  readonly #api: FakeApi;
  readonly #resources: Resource[];
  readonly #events: LoggedEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #version = 100;

  constructor(api: FakeApi, others: Resource[] = []) {
    this.#api = api;
    this.#resources = [...Object.values(kinds).filter(isResource), ...others];
    for (const resource of this.#resources) {
      api.onChange(resource, ({ type, object }) => {
        this.#version = Number(object.metadata.resourceVersion);
        this.#events.push({ version: this.#version, resource, type: type.toUpperCase(), object });
        for (const wake of this.#waiting) wake();
      });
    }
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    if (request.signal?.aborted === true) throw aborted();
    const answer = await this.intercept(request);
    if (answer !== undefined) return answer;
    try {
      return await this.#answer(request, new URL(request.path, 'http://api'));
    } catch (error) {
      if (error instanceof ApiError) return json(error.status, error.body);
      throw error;
    }
  }

  async #answer(request: HttpRequest, url: URL): Promise<HttpResponse> {
    if (url.pathname.endsWith('/selfsubjectreviews')) return json(201, { status: { userInfo: { username: this.#api.user } } });
    const group = /^\/apis\/([^/]+\/[^/]+)$|^\/api\/([^/]+)$/.exec(url.pathname);
    if (group !== null) return this.#discover(group[1] ?? group[2] ?? '');
    const target = this.#target(url.pathname);
    if (target === undefined) return notFound(url.pathname);
    if (request.method !== 'GET') return this.#write(request, url, target);
    if (target.name !== undefined) return this.#get(target, target.name);
    return url.searchParams.has('watch') ? { status: 200, headers: {}, body: this.#watch(target, Number(url.searchParams.get('resourceVersion')), request.signal) } : this.#list(target, url);
  }

  async #discover(groupVersion: string): Promise<HttpResponse> {
    const plurals = await this.#api.discover(groupVersion);
    return plurals === undefined ? notFound(groupVersion) : json(200, { resources: plurals.map((name) => ({ name })) });
  }

  #target(path: string): Target | undefined {
    const [, root, ...rest] = path.split('/').map((part) => decodeURIComponent(part));
    const group = root === 'apis' ? (rest.shift() ?? '') : '';
    const version = rest.shift();
    const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest.splice(0, 2)[1] : undefined;
    const [plural, name, subresource] = rest;
    const resource = this.#resources.find((one) => one.group === group && one.version === version && one.plural === plural);
    return resource === undefined ? undefined : { resource, namespace, name, subresource };
  }

  async #get({ resource, namespace }: Target, name: string): Promise<HttpResponse> {
    const object = await this.#api.get(resource, namespace === undefined ? { name } : { namespace, name });
    return object === undefined ? notFound(name) : json(200, object);
  }

  async #list({ resource, namespace }: Target, url: URL): Promise<HttpResponse> {
    const labelSelector = url.searchParams.get('labelSelector');
    const items = await this.#api.list(resource, { ...(namespace === undefined ? {} : { namespace }), ...(labelSelector === null ? {} : { labelSelector }) });
    return json(200, { metadata: { resourceVersion: String(this.#version) }, items });
  }

  async #write(request: HttpRequest, url: URL, { resource, namespace, name = '', subresource }: Target): Promise<HttpResponse> {
    const body = JSON.parse(request.body ?? '{}') as never;
    const ref = namespace === undefined ? { name } : { namespace, name };
    const options = { ...(url.searchParams.get('dryRun') === 'All' ? { dryRun: true } : {}), ...(subresource === undefined ? {} : { subresource }) };
    if (request.method === 'POST' && subresource === 'eviction') {
      const { deleteOptions } = body as { deleteOptions: { preconditions: { uid: string } } };
      await this.#api.evict({ namespace: namespace ?? '', name, uid: deleteOptions.preconditions.uid });
      return json(201, { kind: 'Status', status: 'Success' });
    }
    if (request.method === 'POST') return json(201, await this.#api.create(resource, body, options));
    if (request.method === 'DELETE') {
      const outcome = await this.#api.delete(resource, ref, (body as { preconditions?: object }).preconditions);
      return json(200, outcome === 'gone' ? { kind: 'Status', status: 'Success' } : { kind: resource.kind, metadata: { name, finalizers: ['there/still'] } });
    }
    const patch = request.headers?.['content-type'] === 'application/json-patch+json' ? this.#api.jsonPatch(resource, ref, body, options) : this.#api.mergePatch(resource, ref, body, options);
    return json(200, await patch);
  }

  async *#watch({ resource, namespace }: Target, from: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    let at = this.#events.findIndex(({ version }) => version > from);
    if (at === -1) at = this.#events.length;
    for (;;) {
      if (signal?.aborted === true) throw aborted();
      for (const { resource: of, type, object } of this.#events.slice(at)) {
        at += 1;
        if (of === resource && (namespace === undefined || object.metadata.namespace === namespace)) yield Buffer.from(`${JSON.stringify({ type, object })}\n`);
      }
      if (at === this.#events.length) await this.#news(signal);
    }
  }

  #news(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}

function aborted(): DOMException {
  return new DOMException('This operation was aborted', 'AbortError');
}

function notFound(what: string): HttpResponse {
  return json(404, { kind: 'Status', code: 404, reason: 'NotFound', message: `${what} not found` });
}

function json(status: number, value: unknown): HttpResponse {
  const text = JSON.stringify(value);
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: (async function* body() {
      yield Buffer.from(text);
    })(),
  };
}
