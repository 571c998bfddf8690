// Watches: what has changed since a version, then what changes, until the client or the server has had enough. A watch is never wrong: no
// event is lost, doubled or out of order; it can only end, break, or fall silent (see faults.ts).

import type { KubernetesObject } from '../../kubernetes/objects.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { StoreEvent } from './contract.ts';
import { textOf } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import { readVersion } from './listing.ts';
import { expired } from './refusals.ts';
import { selectorOf, type Selecting, type Selector } from './selection.ts';
import type { Store } from './store.ts';

export interface WatchRequest extends Selecting {
  resourceVersion?: string | undefined;
  bookmarks?: boolean | undefined;
  timeoutSeconds?: number | undefined;
  /** First what is there, then a bookmark that says so. */
  sendInitialEvents?: boolean | undefined;
  /** How the client wants to see each object, in the order of the events; without it as they are. */
  show?: ((object: KubernetesObject) => object) | undefined;
}

export interface Watch {
  /** Lines of JSON, several at once when they are there. Ends when the watch ends; throws when it breaks. */
  body: AsyncIterable<Uint8Array>;
  /** For the server's restart, and for the client's signal. */
  end(how: 'end' | 'break'): void;
  /** Told once, when it is over. */
  onEnd(listener: () => void): void;
}

export interface Watchers {
  store: Store;
  clock: Clock;
  random: Random;
  bookmarkMs: number;
}

/** Of the server's side, when the client names none: 30 minutes to twice as long. */
const LEAST_TIMEOUT_MS = 30 * 60_000;

/** @throws Refusal 400 for a version or a selector that cannot be read. A compacted version is an ERROR event, as in the real server. */
export function openWatch({ store, clock, random, bookmarkMs }: Watchers, kind: Kind, request: WatchRequest): Watch {
  const selector = selectorOf(kind, request);
  const from = versionAsked(request);
  const lines = new Lines();
  const { show = (object) => object } = request;
  const told: Told = { lines, kind, selector, show };
  if (from !== undefined && from < store.compacted) {
    lines.push(errorLine(from, store.compacted));
    lines.end('end');
    return lines;
  }
  if (from === undefined || request.sendInitialEvents === true) pushInitial(told, store, request);
  else for (const event of store.since(from)) pushEvent(told, event);
  const unfollow = store.follow(kind.resource, (event) => {
    // A version that is yet to come: events up to it are not for this watch.
    if (from === undefined || event.version > from) pushEvent(told, event);
  });
  lines.onEnd(unfollow);
  const { timeoutSeconds = 0 } = request;
  const timeoutMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 : LEAST_TIMEOUT_MS * (1 + random.next());
  void keepTime(lines, { clock, until: clock.monotonic() + timeoutMs, bookmarkMs: request.bookmarks === true ? bookmarkMs : Infinity, bookmark: () => bookmarkLine(told, store.version) });
  return lines;
}

/** Undefined: from what is there. */
function versionAsked({ resourceVersion = '' }: WatchRequest): number | undefined {
  return resourceVersion === '' || resourceVersion === '0' ? undefined : readVersion(resourceVersion);
}

interface Timed {
  clock: Clock;
  until: number;
  bookmarkMs: number;
  bookmark: () => string;
}

/** A watch that asked for bookmarks gets one so long before it ends by its time-out. */
const LAST_BOOKMARK_MS = 2_000;

async function keepTime(lines: Lines, { clock, until, bookmarkMs, bookmark }: Timed): Promise<void> {
  const next = (now: number): number => Math.min(now + bookmarkMs, Math.max(until - LAST_BOOKMARK_MS, now + LAST_BOOKMARK_MS));
  let nextBookmark = bookmarkMs === Infinity ? Infinity : next(clock.monotonic());
  while (!lines.ended) {
    const now = clock.monotonic();
    if (now >= until) {
      lines.end('end');
    } else if (now >= nextBookmark) {
      nextBookmark = next(now);
      lines.push(bookmark());
    } else {
      await clock.sleep(Math.min(until, nextBookmark) - now, lines.over);
    }
  }
}

/** Whom a watch tells of what, and how. */
interface Told {
  lines: Lines;
  kind: Kind;
  selector: Selector;
  show: (object: KubernetesObject) => object;
}

function pushInitial(told: Told, store: Store, request: WatchRequest): void {
  const { lines, kind, selector, show } = told;
  for (const object of store.list(kind.resource, selector.namespace)) if (selector.matches(object)) lines.push(eventLine('ADDED', show(object)));
  if (request.sendInitialEvents === true && request.bookmarks === true) lines.push(bookmarkLine(told, store.version, { 'k8s.io/initial-events-end': 'true' }));
}

/** An object that begins or ceases to match comes or goes for this watch. */
function pushEvent({ lines, kind, selector, show }: Told, event: StoreEvent): void {
  if (event.resource.plural !== kind.resource.plural || event.resource.group !== kind.resource.group) return;
  const before = event.previous !== undefined && selector.matches(event.previous);
  const after = event.type !== 'DELETED' && selector.matches(event.object);
  if (after) lines.push(eventLine(before ? 'MODIFIED' : 'ADDED', show(event.object)));
  else if (before) lines.push(eventLine('DELETED', show(event.type === 'DELETED' ? event.object : asLastSeen(event))));
}

/** What the watch saw last, with the version at which it ceased to match. */
function asLastSeen({ previous, version }: StoreEvent): KubernetesObject {
  const last = previous as KubernetesObject;
  return { ...last, metadata: { ...last.metadata, resourceVersion: String(version) } };
}

function eventLine(type: string, object: unknown): string {
  return `{"type":"${type}","object":${textOf(object)}}\n`;
}

function bookmarkLine({ kind: { resource }, show }: Told, at: number, annotations?: Record<string, string>): string {
  const { group, version, kind } = resource;
  const metadata = { resourceVersion: String(at), creationTimestamp: null, ...(annotations === undefined ? {} : { annotations }) };
  const bookmark = { kind, apiVersion: group === '' ? version : `${group}/${version}`, metadata };
  return eventLine('BOOKMARK', show(bookmark as unknown as KubernetesObject));
}

function errorLine(asked: number, compacted: number): string {
  return eventLine('ERROR', expired(`too old resource version: ${asked} (${compacted})`).body);
}

/** The connection broke under the reader. */
export class ConnectionBroken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConnectionBroken';
  }
}

const encoder = new TextEncoder();

/** A body that others write into while it is read. */
class Lines implements Watch {
  readonly #over = new AbortController();
  #waiting: string[] = [];
  #broken = false;
  #wake: (() => void) | undefined;
  readonly #listeners: (() => void)[] = [];

  get ended(): boolean {
    return this.#over.signal.aborted;
  }

  /** Aborts when the watch is over. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  get body(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#pieces() };
  }

  onEnd(listener: () => void): void {
    if (this.ended) listener();
    else this.#listeners.push(listener);
  }

  push(line: string): void {
    if (this.ended) return;
    this.#waiting.push(line);
    this.#wake?.();
  }

  end(how: 'end' | 'break'): void {
    if (this.ended) return;
    this.#broken = how === 'break';
    this.#over.abort('over');
    for (const listener of this.#listeners) listener();
    this.#wake?.();
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (this.#broken) throw new ConnectionBroken('read ECONNRESET');
        if (this.#waiting.length > 0) {
          const text = this.#waiting.join('');
          this.#waiting = [];
          yield encoder.encode(text);
        } else if (this.ended) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.end('end');
    }
  }
}
