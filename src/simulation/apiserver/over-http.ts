// The server behind ports/http.ts: requests read from method, path, query and body, answers written as JSON, watches as a stream.

import type { Resource } from '../../kubernetes/objects.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Http, HttpRequest, HttpResponse } from '../../ports/http.ts';
import { Refusal, type UserInfo } from './contract.ts';
import { AGGREGATED, discover, discoverAll, partsOf } from './discovery.ts';
import { textOf } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import type { ListRequest } from './listing.ts';
import { openApi } from './openapi/documents.ts';
import { readPath, type ResourcePath } from './paths.ts';
import { methodNotAllowed, noSuchResource, unknownDryRun } from './refusals.ts';
import type { Asked, Requests } from './requests.ts';
import { answerReview, reviewAt, type Review } from './reviews.ts';
import { SentBody } from './sent-body.ts';
import { viewFor, type View } from './views.ts';
import { ConnectionBroken, type Watch } from './watching.ts';

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

/** What the answer is about, and how the client wants to see it. */
interface Shown {
  kind: Kind;
  view: View;
}

class Exchange {
  readonly #server: OverHttp;
  readonly #user: UserInfo;
  readonly #request: HttpRequest;
  readonly #path: string;
  readonly #query: URLSearchParams;
  readonly #accept: string;
  readonly #sent: SentBody;

  constructor(server: OverHttp, user: UserInfo, request: HttpRequest) {
    this.#server = server;
    this.#user = user;
    this.#request = request;
    const mark = request.path.indexOf('?');
    this.#path = mark === -1 ? request.path : request.path.slice(0, mark);
    this.#query = new URLSearchParams(mark === -1 ? '' : request.path.slice(mark + 1));
    this.#accept = request.headers?.accept ?? '*/*';
    this.#sent = new SentBody(request, this.#query);
  }

  async answer(): Promise<HttpResponse> {
    const where = readPath(this.#path);
    if (where === undefined) return this.#answerOther();
    const review = reviewAt(where);
    if (review !== undefined) return this.#answerReview(review);
    const kind = this.#server.requests.kinds.find(where.group, where.version, where.plural);
    if (kind === undefined) return this.#noSuchPath(where);
    // Nobody here has logs, or lets others execute anything.
    if (where.subresource !== '' && !partsOf(kind).some(({ name }) => name === where.subresource)) throw noSuchResource();
    const shown: Shown = { kind, view: viewFor(this.#accept, { clock: this.#server.clock, includeObject: this.#query.get('includeObject') ?? '' }) };
    const asked = this.#asked(where, kind.resource);
    return where.name === '' ? this.#answerCollection(asked, shown) : this.#answerObject(asked, shown);
  }

  async #answerOther(): Promise<HttpResponse> {
    await Promise.resolve();
    if (['/healthz', '/livez', '/readyz'].includes(this.#path)) return { ...this.#json(200, 'ok'), headers: { 'content-type': 'text/plain; charset=utf-8' } };
    const kinds = this.#server.requests.kinds.all();
    const all = this.#accept.includes(';as=APIGroupDiscoveryList') ? discoverAll(this.#path, kinds) : undefined;
    if (all !== undefined) return { ...this.#json(200, textOf(all)), headers: { ...headersOf(this.#server.clock), 'content-type': AGGREGATED } };
    const found = discover(this.#path, kinds) ?? openApi(this.#path, kinds);
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

  async #answerReview(review: Review): Promise<HttpResponse> {
    await Promise.resolve();
    if (this.#request.method !== 'POST') throw methodNotAllowed();
    return this.#json(201, textOf(answerReview(review, this.#user)));
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
      fieldManager: this.#query.get('fieldManager') ?? (this.#sent.isApply ? '' : agent.split('/')[0]),
    };
  }

  #answerCollection(asked: Asked, shown: Shown): Promise<HttpResponse> {
    switch (this.#request.method) {
      case 'GET':
        return this.#isWatch() ? this.#watch(asked, shown) : this.#list(asked, shown);
      case 'POST':
        if (shown.kind.resource.namespaced && asked.namespace === undefined) throw methodNotAllowed();
        return this.#answered(shown, this.#server.requests.create(asked, this.#sent.object(shown.kind, asked)));
      case 'DELETE':
        return this.#server.requests.deleteCollection(asked, this.#listRequest(), this.#sent.deletion()).then((page) => this.#json(200, shown.view.list(shown.kind, page)));
      case 'PUT':
      case 'PATCH':
        throw methodNotAllowed();
    }
  }

  #answerObject(asked: Asked, shown: Shown): Promise<HttpResponse> {
    const { requests } = this.#server;
    switch (this.#request.method) {
      case 'GET':
        return this.#isWatch() ? this.#watch({ ...asked, name: '' }, shown, `metadata.name=${asked.name ?? ''}`) : this.#answered(shown, requests.get(asked));
      case 'POST':
        if (asked.subresource === '') throw methodNotAllowed();
        return this.#answered(shown, requests.create(asked, this.#sent.object(shown.kind, asked)));
      case 'PUT':
        return this.#answered(shown, requests.update(asked, this.#sent.object(shown.kind, asked)));
      case 'PATCH':
        return this.#answered(shown, requests.patch(asked, this.#sent.patch(shown.kind, asked)));
      case 'DELETE': {
        const deletion = this.#sent.deletion();
        return this.#answered(shown, requests.delete({ ...asked, dryRun: asked.dryRun === true || deletion.dryRun }, deletion));
      }
    }
  }

  async #answered({ kind, view }: Shown, answer: Promise<{ code: number; body: object }>): Promise<HttpResponse> {
    const { code, body } = await answer;
    const written = this.#json(code, view.one(kind, body));
    const { warning } = this.#sent;
    return warning === undefined ? written : { ...written, headers: { ...written.headers, warning } };
  }

  async #list(asked: Asked, { kind, view }: Shown): Promise<HttpResponse> {
    return this.#json(200, view.list(kind, await this.#server.requests.list(asked, this.#listRequest())));
  }

  async #watch(asked: Asked, { kind, view }: Shown, ofOne?: string): Promise<HttpResponse> {
    const fieldSelector = [ofOne, this.#query.get('fieldSelector')].filter((part) => part !== undefined && part !== null && part !== '').join(',');
    const watch = await this.#server.requests.watch(asked, {
      labelSelector: this.#query.get('labelSelector') ?? undefined,
      fieldSelector,
      resourceVersion: this.#query.get('resourceVersion') ?? undefined,
      bookmarks: isTrue(this.#query.get('allowWatchBookmarks')),
      timeoutSeconds: Number(this.#query.get('timeoutSeconds') ?? 0),
      sendInitialEvents: isTrue(this.#query.get('sendInitialEvents')),
      show: view.inWatch(kind),
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
  yield Buffer.from(text);
}

/** No piece for this long, or the client's signal, breaks it off. */
async function* limited(watch: Watch, { clock, signal, timeoutMs }: { clock: Clock; signal: AbortSignal | undefined; timeoutMs: number }): AsyncGenerator<Uint8Array> {
  const over = new AbortController();
  let heardAt = clock.monotonic();
  let silent = false;
  const abort = (): void => watch.end('break');
  signal?.addEventListener('abort', abort, { once: true });
  watch.onEnd(() => over.abort('over'));
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
