// Events on objects, for people who run `kubectl describe`. Never in the way: recording returns at once and throws nothing. A repetition
// (same object, reason and message) is counted, and written at most once an hour: a daemon that has nothing to do writes nothing. The
// event's name follows from what it says, so that a restarted daemon finds the one that is there and does not start anew.

import { createHash } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { ApiError, ApiUnreachable, type Api } from './api.ts';
import { events, type KubernetesObject } from './objects.ts';
import { isAlreadyExists, isNotFound } from './refusals.ts';

/** The reasons of interface.md. */
export type EventReason =
  | 'SpreadPlanned'
  | 'MigrationStarted'
  | 'MigrationStep'
  | 'MigrationSucceeded'
  | 'MigrationRolledBack'
  | 'MigrationFrozen'
  | 'SpreadBlocked'
  | 'InvalidPolicy'
  | 'SourceRetired'
  | 'GuardOverridden';

export interface EventContent {
  type: 'Normal' | 'Warning';
  /** UpperCamelCase; those of interface.md, or another one. */
  reason: EventReason | (string & {});
  message: string;
}

export interface EventRecorder {
  /** `object` as the API server gave it: apiVersion, kind and metadata are used. */
  record(object: KubernetesObject, content: EventContent): void;
  /** Resolves when what was recorded so far is written or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  api: Api;
  clock: Clock;
  log: Log;
  /** E.g. `zonespread-controller`. */
  component: string;
  /** The process, e.g. its pod's name. */
  instance: string;
}

/** Repetitions within it are only counted. */
const QUIET_MS = 3_600_000;
/** Per object, so that a bug that makes up ever new messages does not flood etcd: so many at once, then one each half minute. */
const BURST = 50;
const REFILL_MS = 30_000;
/** What waits to be written, and what is remembered of repetitions. */
const MOST_WAITING = 1000;
const MOST_REMEMBERED = 4096;
const TRIES = 3;
const MESSAGE_LIMIT = 1024;

interface Happening {
  object: KubernetesObject;
  content: EventContent;
  name: string;
  namespace: string;
  /** Since it was first seen, by this process or an earlier one. */
  count: number;
  /** Monotonic: until then it is only counted. */
  quietUntil: number;
  waiting: boolean;
}

interface StoredEvent extends KubernetesObject {
  count?: number;
  lastTimestamp?: string | null;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}

class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  /** The ones heard of longest ago first. */
  readonly #happenings = new Map<string, Happening>();
  readonly #allowances = new Map<string, { tokens: number; at: number }>();
  #waiting = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(object: KubernetesObject, content: EventContent): void {
    const { clock, log } = this.#options;
    const happening = this.#happeningOf(object, content);
    happening.count += 1;
    if (happening.waiting || clock.monotonic() < happening.quietUntil) return;
    if (this.#waiting >= MOST_WAITING || !this.#isAllowed(object)) {
      log.warn('an event was left out: too many', { object: nameOf(object), reason: content.reason, event: content.message });
      return;
    }
    happening.waiting = true;
    happening.quietUntil = clock.monotonic() + QUIET_MS;
    this.#waiting += 1;
    this.#writing = this.#writing.then(() => this.#write(happening));
  }

  flush(): Promise<void> {
    return this.#writing;
  }

  async #write(happening: Happening): Promise<void> {
    const { clock, log } = this.#options;
    try {
      for (let tries = 1; ; tries += 1) {
        const error = await this.#store(happening).then(() => undefined, (thrown: unknown) => thrown);
        if (error === undefined) return;
        if (tries === TRIES || !isWorthAnotherTry(error)) throw error;
        await clock.sleep(1000 * 2 ** tries);
      }
    } catch (error) {
      happening.quietUntil = 0; // The next repetition tries again.
      log.warn('an event could not be written', { error, object: nameOf(happening.object), reason: happening.content.reason, event: happening.content.message });
    } finally {
      happening.waiting = false;
      this.#waiting -= 1;
    }
  }

  async #store(happening: Happening): Promise<void> {
    const { api, clock } = this.#options;
    const ref = { namespace: happening.namespace, name: happening.name };
    const stored: StoredEvent | undefined = await api.get(events, ref);
    if (stored === undefined) {
      await this.#create(happening);
      return;
    }
    const sinceMs = clock.now() - Date.parse(stored.lastTimestamp ?? '');
    const told = stored.count ?? 1;
    if (happening.count <= told) happening.count += told; // An earlier process counted those.
    if (sinceMs < QUIET_MS) {
      happening.quietUntil = clock.monotonic() + QUIET_MS - Math.max(0, sinceMs);
      return;
    }
    try {
      await api.mergePatch(events, ref, { count: happening.count, lastTimestamp: wholeSeconds(clock) });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#create(happening); // Events live an hour; this one ended just now.
    }
  }

  async #create({ object, content, name, namespace, count }: Happening): Promise<void> {
    const { api, clock, component, instance } = this.#options;
    const now = wholeSeconds(clock);
    const { apiVersion, kind, metadata } = object;
    const involvedObject = { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }), ...(metadata.uid === undefined ? {} : { uid: metadata.uid }) };
    const event = { metadata: { namespace, name }, involvedObject, ...content, count, firstTimestamp: now, lastTimestamp: now, source: { component }, reportingComponent: component, reportingInstance: instance };
    try {
      await api.create(events, event);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error; // Another replica said the same at the same time.
    }
  }

  #happeningOf(object: KubernetesObject, given: EventContent): Happening {
    const content = { ...given, message: shortened(given.message) };
    const { uid, name, namespace } = object.metadata;
    const digest = createHash('sha256').update(JSON.stringify([uid ?? [object.kind, namespace, name], content.type, content.reason, content.message])).digest('hex').slice(0, 16);
    const known = this.#happenings.get(digest);
    this.#happenings.delete(digest);
    const happening = known ?? { object, content, name: `${name.slice(0, 200)}.${digest}`, namespace: namespace ?? 'default', count: 0, quietUntil: 0, waiting: false };
    this.#happenings.set(digest, happening);
    forgetOldest(this.#happenings);
    return happening;
  }

  #isAllowed(object: KubernetesObject): boolean {
    const { clock } = this.#options;
    const key = object.metadata.uid ?? nameOf(object);
    const now = clock.monotonic();
    const before = this.#allowances.get(key) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, before.tokens + (now - before.at) / REFILL_MS);
    const allowed = tokens >= 1;
    this.#allowances.delete(key);
    this.#allowances.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now });
    forgetOldest(this.#allowances);
    return allowed;
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  return error instanceof ApiUnreachable || (error instanceof ApiError && error.status !== 409 && error.retriable);
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size <= MOST_REMEMBERED) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

function shortened(message: string): string {
  return message.length <= MESSAGE_LIMIT ? message : `${message.slice(0, MESSAGE_LIMIT - 1)}…`;
}

function nameOf(object: KubernetesObject): string {
  const { name, namespace } = object.metadata;
  return `${object.kind ?? ''} ${namespace === undefined ? name : `${namespace}/${name}`}`.trim();
}

function wholeSeconds(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
}
