// The cluster as it changes, for `--watch` and `--wait`: the caches of the daemon's own kind, and a wait for what is new.

import type { KubernetesObject, Resource } from '../kubernetes/objects.ts';
import { createReflector, type Reflector } from '../kubernetes/reflector.ts';
import type { Log } from '../ports/log.ts';
import type { Session } from './session.ts';

/** Times are shown to the second. */
const REDRAW_MS = 1_000;
/** A watch that is well says something at least once a minute. */
const SILENT_MS = 75_000;

export class Following {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #reflectors: Pick<Reflector<KubernetesObject>, 'start' | 'stop' | 'synced' | 'lastContact'>[] = [];
  /** Of the wait under way: aborted by news. */
  #nap = new AbortController();
  #news = false;
  #complaint: string | undefined;

  /** @param signal ends every wait */
  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#nap.abort(), { once: true });
  }

  /** To be called before `start`. @param within undefined: all namespaces */
  watch<T extends KubernetesObject>(resource: Resource<T>, within: { namespace: string | undefined; name?: string }): Pick<Reflector<T>, 'list'> {
    const { http, around } = this.#session;
    const reflector = createReflector<T>({
      http,
      clock: around.clock,
      random: around.random,
      log: this.#log(),
      resource,
      ...(within.namespace === undefined ? {} : { namespaces: [within.namespace] }),
      ...(within.name === undefined ? {} : { fieldSelector: `metadata.name=${within.name}` }),
      userAgent: 'zonespread-cli',
    });
    reflector.onChange(() => {
      this.#news = true;
      this.#complaint = undefined;
      this.#nap.abort();
    });
    this.#reflectors.push(reflector);
    return reflector;
  }

  /** Resolves when everything has been seen once, or the signal has aborted. */
  async start(): Promise<void> {
    for (const reflector of this.#reflectors) reflector.start();
    await Promise.race([Promise.all(this.#reflectors.map(({ synced }) => synced)), aborted(this.#signal)]);
  }

  /** Resolves on news, and a second later without any. */
  async next(): Promise<void> {
    if (!this.#news && !this.#signal.aborted) {
      this.#nap = new AbortController();
      await this.#session.around.clock.sleep(REDRAW_MS, this.#nap.signal);
    }
    this.#news = false;
  }

  /** Why what is seen may not be what is: nothing was heard for long. */
  get trouble(): string | undefined {
    const now = this.#session.around.clock.monotonic();
    const silent = this.#reflectors.some(({ lastContact }) => lastContact === undefined || now - lastContact > SILENT_MS);
    return silent ? (this.#complaint ?? 'the API server says nothing; this may be out of date') : undefined;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
  }

  /** What the caches complain of is shown while it lasts, and not line by line between what is drawn. */
  #log(): Log {
    const log: Log = {
      debug: () => undefined,
      info: () => undefined,
      warn: (message, fields) => {
        const { error } = fields ?? {};
        this.#complaint = `${message}${error instanceof Error ? `: ${error.message}` : ''}`;
      },
      error: (message, fields) => log.warn(message, fields),
      child: () => log,
    };
    return log;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
