// The server behind ports/http.ts: requests read from method, path, query and body, answers written as JSON, watches as a stream.

import type { Resource } from '../../kubernetes/objects.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Http, HttpRequest, HttpResponse } from '../../ports/http.ts';
import { Refusal, type JsonPatchOperation, type UserInfo } from './contract.ts';
import { discover } from './discovery.ts';
import { isObject, listAt, objectAt, textAt, textOf } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import type { ListRequest, Page } from './listing.ts';
import { readPath, type ResourcePath } from './paths.ts';
import { badRequest, methodNotAllowed, noSuchResource, notAcceptable, unknownDryRun, unsupportedMediaType } from './refusals.ts';
import type { Deletion } from './registry.ts';
import type { Asked, Patch, Requests } from './requests.ts';
import { ConnectionBroken, type Watch } from './watching.ts';

const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const DEFAULT_TIMEOUT_MS = 30_000;
const OPTIONS: Record<HttpRequest['method'], string> = { GET: 'GetOptions', POST: 'CreateOptions', PUT: 'UpdateOptions', PATCH: 'PatchOptions', DELETE: 'DeleteOptions' };

export interface OverHttp {
  requests: Requests;
  clock: Clock;
}

/** One client's way in. */
export function httpOf({ requests, clock }: OverHttp, user: UserInfo): Http {
  return {
    async send(request) {
      refuseAborted(request.signal);
      try {
        const answer = await new Exchange({ requests, clock }, user, request).answer();
        refuseAborted(request.signal);
        return answer;
      } catch (error) {
        if (error instanceof Refusal) return refusalAnswer(clock, error);
        throw error;
      }
    },
  };
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw signal.reason as Error;
}

class Exchange {
  readonly #server: OverHttp;
  readonly #user: UserInfo;
  readonly #request: HttpRequest;
  readonly #path: string;
  readonly #query: URLSearchParams;

  constructor(server: OverHttp, user: UserInfo, request: HttpRequest) {
    this.#server = server;
    this.#user = user;
    this.#request = request;
    const mark = request.path.indexOf('?');
    this.#path = mark === -1 ? request.path : request.path.slice(0, mark);
    this.#query = new URLSearchParams(mark === -1 ? '' : request.path.slice(mark + 1));
  }

  async answer(): Promise<HttpResponse> {
    this.#refuseUnreadable();
    const where = readPath(this.#path);
    if (where === undefined) return this.#answerOther();
    if (where.group === 'authentication.k8s.io' && where.plural === 'selfsubjectreviews') return this.#reviewSelf();
    const kind = this.#server.requests.kinds.find(where.group, where.version, where.plural);
    if (kind === undefined) return this.#noSuchPath(where);
    const asked = this.#asked(where, kind.resource);
    return where.name === '' ? this.#answerCollection(asked, kind) : this.#answerObject(asked);
  }

  #refuseUnreadable(): void {
    const accept = this.#request.headers?.accept ?? '*/*';
    if (!/application\/json|application\/\*|\*\/\*/.test(accept)) throw notAcceptable();
  }

  async #answerOther(): Promise<HttpResponse> {
    await Promise.resolve();
    if (['/healthz', '/livez', '/readyz'].includes(this.#path)) return { ...this.#json(200, 'ok'), headers: { 'content-type': 'text/plain; charset=utf-8' } };
    const found = discover(this.#path, this.#server.requests.kinds.all());
    return found === undefined ? this.#notFoundPage() : this.#json(200, textOf(found));
  }

  /** A group version that nobody serves is no business of the API machinery: its answer is a line of text. */
  async #noSuchPath({ group, version }: ResourcePath): Promise<HttpResponse> {
    await Promise.resolve();
    if (this.#server.requests.kinds.all().some(({ resource }) => resource.group === group && resource.version === version)) throw noSuchResource();
    return this.#notFoundPage();
  }

  #notFoundPage(): HttpResponse {
    return { ...this.#json(404, '404 page not found\n'), headers: { 'content-type': 'text/plain; charset=utf-8' } };
  }

  async #reviewSelf(): Promise<HttpResponse> {
    await Promise.resolve();
    if (this.#request.method !== 'POST') throw methodNotAllowed();
    const userInfo = { username: this.#user.username, ...(this.#user.uid === undefined ? {} : { uid: this.#user.uid }), groups: this.#user.groups };
    return this.#json(201, textOf({ kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1', metadata: { creationTimestamp: null }, status: { userInfo } }));
  }

  #asked({ namespace, name, subresource }: ResourcePath, resource: Resource): Asked {
    const dryRun = this.#query.getAll('dryRun');
    if (dryRun.some((one) => one !== 'All')) throw unknownDryRun(OPTIONS[this.#request.method], dryRun);
    const agent = this.#request.headers?.['user-agent'] ?? 'unknown';
    return {
      user: this.#user,
      resource,
      // A namespaced kind without a namespace is asked for in the whole cluster.
      namespace: namespace === '' ? undefined : namespace,
      name,
      subresource,
      dryRun: dryRun.length > 0,
      fieldManager: this.#query.get('fieldManager') ?? agent.split('/')[0],
    };
  }

  #answerCollection(asked: Asked, kind: Kind): Promise<HttpResponse> {
    switch (this.#request.method) {
      case 'GET':
        return this.#isWatch() ? this.#watch(asked) : this.#list(asked, kind);
      case 'POST':
        if (kind.resource.namespaced && asked.namespace === undefined) throw methodNotAllowed();
        return this.#answered(this.#server.requests.create(asked, this.#body()));
      case 'DELETE':
        return this.#server.requests.deleteCollection(asked, this.#listRequest(), this.#deletion()).then((page) => this.#json(200, listText(kind, page)));
      case 'PUT':
      case 'PATCH':
        throw methodNotAllowed();
    }
  }

  #answerObject(asked: Asked): Promise<HttpResponse> {
    const { requests } = this.#server;
    switch (this.#request.method) {
      case 'GET':
        return this.#isWatch() ? this.#watch({ ...asked, name: '' }, `metadata.name=${asked.name ?? ''}`) : this.#answered(requests.get(asked));
      case 'POST':
        if (asked.subresource === '') throw methodNotAllowed();
        return this.#answered(requests.create(asked, this.#body()));
      case 'PUT':
        return this.#answered(requests.update(asked, this.#body()));
      case 'PATCH':
        return this.#answered(requests.patch(asked, this.#patch()));
      case 'DELETE': {
        const deletion = this.#deletion();
        return this.#answered(requests.delete({ ...asked, dryRun: asked.dryRun === true || deletion.dryRun }, deletion));
      }
    }
  }

  async #answered(answer: Promise<{ code: number; body: object }>): Promise<HttpResponse> {
    const { code, body } = await answer;
    return this.#json(code, textOf(body));
  }

  async #list(asked: Asked, kind: Kind): Promise<HttpResponse> {
    return this.#json(200, listText(kind, await this.#server.requests.list(asked, this.#listRequest())));
  }

  async #watch(asked: Asked, ofOne?: string): Promise<HttpResponse> {
    const fieldSelector = [ofOne, this.#query.get('fieldSelector')].filter((part) => part !== undefined && part !== null && part !== '').join(',');
    const watch = await this.#server.requests.watch(asked, {
      labelSelector: this.#query.get('labelSelector') ?? undefined,
      fieldSelector,
      resourceVersion: this.#query.get('resourceVersion') ?? undefined,
      bookmarks: isTrue(this.#query.get('allowWatchBookmarks')),
      timeoutSeconds: Number(this.#query.get('timeoutSeconds') ?? 0),
      sendInitialEvents: isTrue(this.#query.get('sendInitialEvents')),
    });
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = this.#request;
    return { status: 200, headers: headersOf(this.#server.clock), body: limited(watch, { clock: this.#server.clock, signal, timeoutMs }) };
  }

  #isWatch(): boolean {
    return isTrue(this.#query.get('watch'));
  }

  #listRequest(): ListRequest {
    const value = (name: string): string | undefined => this.#query.get(name) ?? undefined;
    return {
      labelSelector: value('labelSelector'),
      fieldSelector: value('fieldSelector'),
      limit: Number(value('limit') ?? 0),
      continue: value('continue'),
      resourceVersion: value('resourceVersion'),
      resourceVersionMatch: value('resourceVersionMatch'),
    };
  }

  /** @throws Refusal 400 for a body that is no JSON */
  #body(): unknown {
    try {
      return JSON.parse(this.#request.body ?? '') as unknown;
    } catch {
      throw badRequest('the object provided is unrecognized: json parse error'); // What the parser says depends on its version.
    }
  }

  #patch(): Patch {
    const type = (this.#request.headers?.['content-type'] ?? '').split(';')[0]?.trim();
    if (type === MERGE) return { type: 'merge', patch: this.#body() };
    if (type !== JSON_PATCH) throw unsupportedMediaType([JSON_PATCH, MERGE]);
    const patch = this.#body();
    if (!Array.isArray(patch)) throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
    return { type: 'json', patch: patch as JsonPatchOperation[] };
  }

  #deletion(): Deletion & { dryRun: boolean } {
    const body = (this.#request.body ?? '') === '' ? {} : this.#body();
    const options = objectAt({ body }, 'body');
    const value = (name: string): string => textAt(options, name) || (this.#query.get(name) ?? '');
    const [seconds, policy] = [value('gracePeriodSeconds'), value('propagationPolicy')];
    return {
      preconditions: isObject(options.preconditions) ? options.preconditions : undefined,
      gracePeriodSeconds: seconds === '' ? undefined : Number(seconds),
      propagationPolicy: policy === '' ? undefined : policy,
      dryRun: listAt(options, 'dryRun').includes('All'),
    };
  }

  #json(code: number, text: string): HttpResponse {
    return jsonAnswer(this.#server.clock, code, text);
  }
}

function isTrue(value: string | null): boolean {
  return value === '1' || value === 'true';
}

function headersOf(clock: Clock): Record<string, string> {
  return { 'content-type': 'application/json', date: new Date(clock.now()).toUTCString() };
}

function refusalAnswer(clock: Clock, { code, body, headers }: Refusal): HttpResponse {
  const answer = jsonAnswer(clock, code, textOf(body));
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

function jsonAnswer(clock: Clock, status: number, text: string): HttpResponse {
  return { status, headers: headersOf(clock), body: whole(text) };
}

async function* whole(text: string): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield new TextEncoder().encode(text);
}

/** Items in a list come without their type, as in the real one. */
function listText({ resource: { group, version, kind } }: Kind, page: Page): string {
  const metadata = {
    resourceVersion: String(page.resourceVersion),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  const head = JSON.stringify({ kind: `${kind}List`, apiVersion: group === '' ? version : `${group}/${version}`, metadata });
  return `${head.slice(0, -1)},"items":[${page.items.map(textOf).join(',')}]}`;
}

/** No piece for this long, or the client's signal, breaks it off. */
async function* limited(watch: Watch, { clock, signal, timeoutMs }: { clock: Clock; signal: AbortSignal | undefined; timeoutMs: number }): AsyncGenerator<Uint8Array> {
  const over = new AbortController();
  let heardAt = clock.monotonic();
  let silent = false;
  const abort = (): void => watch.end('break');
  signal?.addEventListener('abort', abort, { once: true });
  watch.onEnd(() => over.abort());
  void (async () => {
    for (let left = timeoutMs; !over.signal.aborted; left = heardAt + timeoutMs - clock.monotonic()) {
      silent = left <= 0;
      if (silent) watch.end('break');
      else await clock.sleep(left, over.signal);
    }
  })();
  try {
    for await (const piece of watch.body) {
      refuseAborted(signal);
      heardAt = clock.monotonic();
      yield piece;
    }
    refuseAborted(signal);
  } catch (error) {
    refuseAborted(signal);
    throw silent ? new ConnectionBroken(`no data for ${timeoutMs} ms`) : error;
  } finally {
    signal?.removeEventListener('abort', abort);
    watch.end('end');
  }
}
