// Lists and watches over a FakeApi's store: as much HTTP as the webhook's caches ask for.

import type { KubernetesObject, Resource } from '../../src/kubernetes/objects.ts';
import type { Http, HttpRequest, HttpResponse } from '../../src/ports/http.ts';
import type { FakeApi } from '../fakes/api.ts';

export class WatchHttp implements Http {
  /** Holds lists back until it is taken away. */
  gate: Promise<void> | undefined;
  readonly #api: FakeApi;
  readonly #resources: Resource[];

  constructor(api: FakeApi, resources: Resource[]) {
    this.#api = api;
    this.#resources = resources;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const url = new URL(request.path, 'http://api');
    const resource = this.#resources.find(({ plural, group }) => url.pathname.endsWith(`/${plural}`) && (group === '' || url.pathname.includes(`/${group}/`)));
    if (resource === undefined) return answer(404, JSON.stringify({ kind: 'Status', code: 404, reason: 'NotFound', message: 'no such kind' }));
    const namespace = /\/namespaces\/([^/]+)\//.exec(url.pathname)?.[1];
    if (url.searchParams.has('watch')) return { status: 200, headers: {}, body: this.#watch(resource, namespace, request.signal) };
    await this.gate;
    const items = this.#api.readAll(resource, namespace === undefined ? {} : { namespace });
    return answer(200, JSON.stringify({ metadata: { resourceVersion: '100' }, items }));
  }

  async *#watch(resource: Resource, namespace: string | undefined, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const events: { type: string; object: KubernetesObject }[] = this.#api.readAll(resource).map((object) => ({ type: 'ADDED', object }));
    let wake = (): void => undefined;
    const stop = this.#api.onChange(resource, ({ type, object }) => {
      if (namespace !== undefined && object.metadata.namespace !== namespace) return;
      events.push({ type: type.toUpperCase(), object });
      wake();
    });
    signal?.addEventListener('abort', () => wake());
    try {
      for (;;) {
        if (signal?.aborted === true) throw new DOMException('This operation was aborted', 'AbortError');
        for (const event of events.splice(0)) yield Buffer.from(`${JSON.stringify(event)}\n`);
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (events.length > 0 || signal?.aborted === true) resolve();
        });
      }
    } finally {
      stop();
    }
  }
}

function answer(status: number, text: string): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: (async function* body() {
      yield Buffer.from(text);
    })(),
  };
}
