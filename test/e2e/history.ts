// Everything that ever happened to the objects of one kind, as a watch shows it, and how they are now.

import type { KubernetesObject, Resource } from '../../src/kubernetes/objects.ts';
import { createReflector, type Reflector } from '../../src/kubernetes/reflector.ts';
import type { World } from './world.ts';

export interface Version<T> {
  type: 'added' | 'modified' | 'deleted';
  object: T;
  /** Revision of the store: counts up over all kinds. */
  revision: number;
}

export interface HistoryOptions<T extends KubernetesObject> {
  resource: Resource<T>;
  /** Without it the whole cluster. */
  namespace?: string;
  /** Which objects; without it all. */
  matches?: (object: T) => boolean;
}

/** Between two looks at a watch that lags: it lags by milliseconds. */
const CATCH_UP_MS = 5;

export class History<T extends KubernetesObject> {
  /** In the order of what happened. */
  readonly versions: Version<T>[] = [];
  readonly #reflector: Reflector<T>;
  readonly #options: HistoryOptions<T>;
  readonly #world: World;

  /** `tell` is called after every change. */
  constructor(world: World, options: HistoryOptions<T>, tell: () => void) {
    const { resource, namespace } = options;
    const { http, clock, random, log } = world;
    this.#options = options;
    this.#world = world;
    this.#reflector = createReflector({ http, clock, random, log, resource, ...(namespace === undefined ? {} : { namespaces: [namespace] }), userAgent: 'scenario' });
    this.#reflector.onChange(({ type, object }) => {
      if (!this.#matches(object)) return;
      this.versions.push({ type, object, revision: Number(object.metadata.resourceVersion) });
      tell();
    });
  }

  async start(): Promise<void> {
    this.#reflector.start();
    await this.#reflector.synced;
  }

  async stop(): Promise<void> {
    await this.#reflector.stop();
  }

  /** Resolves when the watch shows every object at least as it is by now. (Whoever expects something to be gone waits for that.) */
  async catchUp(): Promise<void> {
    const { resource, namespace } = this.#options;
    const live = await this.#world.api.list(resource, namespace === undefined ? {} : { namespace });
    const wanted = live.filter((object) => this.#matches(object)).map(({ metadata }) => ({ uid: metadata.uid, revision: Number(metadata.resourceVersion) }));
    const behind = (): boolean => {
      const shown = new Map(this.#reflector.list().map(({ metadata }) => [metadata.uid, Number(metadata.resourceVersion)]));
      return wanted.some(({ uid, revision }) => (shown.get(uid) ?? 0) < revision && !this.#wasDeleted(uid));
    };
    while (behind()) await this.#world.clock.sleep(CATCH_UP_MS);
  }

  #wasDeleted(uid: string | undefined): boolean {
    return this.versions.some(({ type, object }) => type === 'deleted' && object.metadata.uid === uid);
  }

  #matches(object: T): boolean {
    return this.#options.matches?.(object) ?? true;
  }

  /** Those that are there now, by name. */
  all(): T[] {
    return this.#reflector
      .list()
      .filter((object) => this.#matches(object))
      .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  }

  get(name: string): T | undefined {
    return this.all().find((object) => object.metadata.name === name);
  }

  /** Every state of the object of that UID. */
  of(uid: string | undefined): T[] {
    return this.versions.filter(({ object }) => object.metadata.uid === uid).map(({ object }) => object);
  }
}
