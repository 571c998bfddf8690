// A cache of one kind that follows the API server: a list in pages, then a watch from its version on, resumed for ever. It only wakes
// the product and tells it where to look; whoever decides to write reads live.
//
//   listing ──► watching ──closed, silent, broken──► watching again from the last version seen
//      ▲            └──410, an ERROR event, a line that is no JSON──┐
//      └──────────────────────── with jitter ───────────────────────┘
//
// A dead watch: the server sends a bookmark once a minute, and one 2 s before a watch ends by its time-out. So each watch asks for less
// than a minute: even of a quiet kind it ends with a bookmark, and the next one goes on from there instead of from a version that has been
// forgotten. One that says nothing for 50 s is ended by us and resumed; a connection that died without a word is found that way, too.

import type { Clock } from '../ports/clock.ts';
import type { Http, HttpResponse } from '../ports/http.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { ApiError, ApiUnreachable } from './api.ts';
import { BackOff } from './back-off.ts';
import { Cache, type ChangeEvent, type Indexer, type ObjectCache } from './cache.ts';
import { openAnswer, statusError, unreachable } from './exchange.ts';
import { jsonLines } from './json-lines.ts';
import { listAll } from './listing.ts';
import { apiVersionOf, type KubernetesObject, type Resource } from './objects.ts';
import { collectionPath, describeCollection, withQuery } from './paths.ts';
import { isExpired } from './refusals.ts';

export type { ChangeEvent, Indexer, ObjectCache } from './cache.ts';

export interface ReflectorOptions<T extends KubernetesObject> {
  http: Http;
  clock: Clock;
  random: Random;
  log: Log;
  resource: Resource<T>;
  /** One list and watch each; undefined: the whole cluster. Of no meaning for cluster-scoped kinds. */
  namespaces?: readonly string[] | undefined;
  labelSelector?: string;
  fieldSelector?: string;
  /** Keeps of each object what is needed: caches hold everything there is. Must keep name, namespace, uid and resourceVersion. */
  trim?: (object: T) => T;
  indexes?: Record<string, Indexer<T>>;
  userAgent?: string;
}

export interface Reflector<T extends KubernetesObject> extends ObjectCache<T> {
  start(): void;
  /** Ends the watches; the cache stays as it is. Resolves when nothing is under way any more. */
  stop(): Promise<void>;
  /** True when everything has been listed once; false when it was stopped before. */
  readonly synced: Promise<boolean>;
  readonly hasSynced: boolean;
  /**
   * Told of every change, after the cache has it, in order, in the same turn: do little. What is there already is not told; gives back
   * what ends it.
   */
  onChange(listener: (event: ChangeEvent<T>) => void): () => void;
  /** Monotonic: when the server last said something (of several namespaces the one that is silent longest). Undefined: not yet. While all is well it is less than a minute old. */
  readonly lastContact: number | undefined;
}

/** Of the server's side; shorter than our patience, so that its last bookmark comes. */
const WATCH_SECONDS = { least: 40, most: 48 };
const SILENCE_MS = 50_000;
/** The transport is told to end it, our own limit is for transports that do not; and their timers may be a little early or late. */
const SILENCE_SLACK_MS = 2000;
/** After a 410 everybody's watch is void at once. */
const RELIST_JITTER_MS = 3000;
const BACK_OFF = { firstMs: 800, longestMs: 30_000 };
/** A watch that ends sooner, without an event, counts as failed: something in between cuts it off. */
const SHORT_MS = 1000;

export function createReflector<T extends KubernetesObject>(options: ReflectorOptions<T>): Reflector<T> {
  const cache = new Cache<T>(options.log, options.indexes);
  const scopes = options.resource.namespaced && options.namespaces !== undefined ? [...new Set(options.namespaces)] : [undefined];
  const followers = scopes.map((namespace) => new Follower(options, cache, namespace));
  const stopped = new AbortController();
  const synced = Promise.withResolvers<boolean>();
  let running: Promise<unknown> = Promise.resolve();
  let started = false;
  let hasSynced = false;

  return {
    start() {
      if (started) return;
      started = true;
      running = Promise.all(followers.map((follower) => follower.follow(stopped.signal)));
      void Promise.all(followers.map((follower) => follower.listed)).then(() => {
        hasSynced = true;
        synced.resolve(true);
      });
    },
    async stop() {
      stopped.abort();
      synced.resolve(false);
      await running;
    },
    synced: synced.promise,
    get hasSynced() {
      return hasSynced;
    },
    get lastContact() {
      const contacts = followers.map((follower) => follower.lastContact);
      return contacts.includes(undefined) ? undefined : Math.min(...contacts.filter((contact) => contact !== undefined));
    },
    onChange: (listener) => cache.onChange(listener),
    get: (namespace, name) => cache.get(namespace, name),
    list: (namespace) => cache.list(namespace),
    byIndex: (index, value) => cache.byIndex(index, value),
  };
}

interface WatchEvent<T> {
  type: string;
  object: T;
}

/** The list and watch of one namespace, or of the whole cluster. */
class Follower<T extends KubernetesObject> {
  readonly listed: Promise<void>;
  lastContact: number | undefined;
  readonly #options: ReflectorOptions<T>;
  readonly #cache: Cache<T>;
  readonly #namespace: string | undefined;
  readonly #backOff: BackOff;
  readonly #what: string;
  #markListed: () => void;
  /** Where to go on watching; undefined: list first. */
  #version: string | undefined;

  constructor(options: ReflectorOptions<T>, cache: Cache<T>, namespace: string | undefined) {
    this.#options = options;
    this.#cache = cache;
    this.#namespace = namespace;
    this.#backOff = new BackOff(BACK_OFF, options.random);
    this.#what = describeCollection(options.resource, namespace);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.listed = promise;
    this.#markListed = resolve;
  }

  async follow(stopped: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!stopped.aborted) {
      const waitMs = await this.#listOrWatch(stopped);
      if (waitMs > 0) await clock.sleep(waitMs, stopped);
    }
  }

  /** One list or one watch, to its end. Gives how long to wait before the next, in ms. */
  async #listOrWatch(stopped: AbortSignal): Promise<number> {
    try {
      if (this.#version === undefined) await this.#list(stopped);
      else await this.#watch(this.#version, stopped);
      return 0;
    } catch (error) {
      return stopped.aborted ? 0 : this.#waitAfter(error);
    }
  }

  async #list(stopped: AbortSignal): Promise<void> {
    const { http, resource, labelSelector, fieldSelector, trim } = this.#options;
    // Without a resourceVersion: never older than what was seen before, and in pages on every server version.
    const { items, resourceVersion } = await listAll(http, { resource, namespace: this.#namespace, labelSelector, fieldSelector, trim, headers: this.#headers(), signal: stopped });
    this.#contact();
    this.#cache.replace(items, this.#namespace);
    this.#version = resourceVersion;
    this.#markListed();
  }

  async #watch(version: string, stopped: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([stopped, ended.signal]);
    const startedAt = clock.monotonic();
    let heardAt = startedAt;
    let answered = false;
    const heard = (): void => {
      heardAt = clock.monotonic();
      answered = true;
      this.#contact();
    };
    const silence = this.#endWhenSilent({ ended, heardAt: () => heardAt });
    try {
      const seconds = Math.round(WATCH_SECONDS.least + random.next() * (WATCH_SECONDS.most - WATCH_SECONDS.least));
      const response = await this.#open(version, seconds, signal);
      heard();
      await this.#readEvents(response, heard);
    } catch (error) {
      // A server that answered and then has nothing to say: no failure, the resumed watch will show.
      if (!answered || clock.monotonic() - heardAt < SILENCE_MS - SILENCE_SLACK_MS) throw error;
    } finally {
      ended.abort();
      await silence;
    }
    if (this.#version === version && clock.monotonic() - startedAt < SHORT_MS) throw new ApiUnreachable(`watch ${this.#what}: it was closed at once`, undefined);
    this.#backOff.reset();
  }

  #open(version: string, seconds: number, signal: AbortSignal): Promise<HttpResponse> {
    const { http, resource, labelSelector, fieldSelector } = this.#options;
    const query = { watch: 1, resourceVersion: version, allowWatchBookmarks: true, timeoutSeconds: seconds, labelSelector, fieldSelector };
    const path = withQuery(collectionPath(resource, this.#namespace), query);
    return openAnswer(http, { method: 'GET', path, what: `watch ${this.#what}`, headers: this.#headers(), signal, timeoutMs: SILENCE_MS });
  }

  async #readEvents(response: HttpResponse, heard: () => void): Promise<void> {
    try {
      for await (const line of jsonLines(noting(response.body, heard))) this.#take(parseEvent<T>(line, this.#what));
    } catch (error) {
      throw error instanceof RelistNeeded || error instanceof ApiError ? error : unreachable(`watch ${this.#what}`, error);
    }
  }

  #take({ type, object }: WatchEvent<T>): void {
    if (type === 'ERROR') {
      this.#version = undefined; // Whatever it was, going on from the same version may bring it again.
      throw statusError(`watch ${this.#what}`, Number(object.code ?? 0), object);
    }
    if (type === 'DELETED') this.#cache.remove(this.#keep(object));
    else if (type === 'ADDED' || type === 'MODIFIED') this.#cache.put(this.#keep(object));
    // A BOOKMARK carries nothing but the version; so may a type that is not known yet.
    this.#version = object.metadata.resourceVersion ?? this.#version;
    this.#backOff.reset();
  }

  #keep(object: T): T {
    const { resource, trim } = this.#options;
    object.apiVersion ??= apiVersionOf(resource);
    object.kind ??= resource.kind;
    return trim === undefined ? object : trim(object);
  }

  /** Ends the watch after the longest silence. Resolves when the watch is over. */
  async #endWhenSilent({ ended, heardAt }: { ended: AbortController; heardAt: () => number }): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const left = heardAt() + SILENCE_MS + SILENCE_SLACK_MS - clock.monotonic();
      if (left <= 0) ended.abort();
      if (ended.signal.aborted) return;
      await clock.sleep(left, ended.signal);
    }
  }

  /** In ms. What the error says about the version decides whether to list again. */
  #waitAfter(error: unknown): number {
    const { log, random } = this.#options;
    if (isExpired(error)) {
      log.info(`${this.#what}: the watch's version has expired; listing again`, { error: (error as Error).message });
      this.#version = undefined;
      const again = this.#backOff.failures > 0;
      const backOffMs = this.#backOff.next();
      return again ? backOffMs : RELIST_JITTER_MS * random.next();
    }
    // Refused for another reason than load, or not understood: what we hold may be wrong.
    if (error instanceof RelistNeeded || (error instanceof ApiError && error.status < 500 && error.status !== 429)) this.#version = undefined;
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.max(asked, this.#backOff.next());
    log.warn(`${this.#what}: the watch is interrupted`, { error, retryInMs: Math.round(waitMs) });
    return waitMs;
  }

  #contact(): void {
    this.lastContact = this.#options.clock.monotonic();
  }

  #headers(): Record<string, string> {
    return { 'user-agent': this.#options.userAgent ?? 'zonespread' };
  }
}

/** The watch said something that cannot be taken as it is. */
class RelistNeeded extends Error {
  override readonly name = 'RelistNeeded';
}

function parseEvent<T extends KubernetesObject>(line: string, what: string): WatchEvent<T> {
  let event: Partial<WatchEvent<T>> | null;
  try {
    event = JSON.parse(line) as Partial<WatchEvent<T>> | null;
  } catch (error) {
    throw new RelistNeeded(`watch ${what}: a line is no JSON: "${line.slice(0, 100)}"`, { cause: error });
  }
  if (typeof event?.type !== 'string' || typeof event.object !== 'object') throw new RelistNeeded(`watch ${what}: a line is no event: "${line.slice(0, 100)}"`);
  return { type: event.type, object: event.object };
}

async function* noting(body: AsyncIterable<Uint8Array>, heard: () => void): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    heard();
    yield piece;
  }
}
