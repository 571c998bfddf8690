// What the API server itself knows by watching: namespaces' labels and webhook configurations. It can lag behind the store, and then a
// label that was set a moment ago is not seen yet.

import type { KubernetesObject, Resource } from '../../../kubernetes/objects.ts';
import type { Clock } from '../../../ports/clock.ts';
import { keyOf, type Store } from '../store.ts';

interface Change {
  atMs: number;
  key: string;
  object: KubernetesObject | undefined;
}

interface Informer {
  seen: Map<string, KubernetesObject>;
  /** Oldest first. */
  coming: Change[];
}

export class Informers {
  readonly #clock: Clock;
  readonly #lagMs: () => number;
  readonly #store: Store;
  readonly #informers = new Map<Resource, Informer>();

  constructor({ store, clock, lagMs }: { store: Store; clock: Clock; lagMs: () => number }) {
    this.#store = store;
    this.#clock = clock;
    this.#lagMs = lagMs;
  }

  get(resource: Resource, key: string): KubernetesObject | undefined {
    return this.#upToNow(resource).get(key);
  }

  /** In the order of their names. */
  list(resource: Resource): KubernetesObject[] {
    return [...this.#upToNow(resource).entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** From now on; what is there is seen. */
  watch(resource: Resource): void {
    const informer: Informer = { seen: new Map(this.#store.list(resource).map((object) => [keyOf(resource, object), object])), coming: [] };
    this.#informers.set(resource, informer);
    this.#store.follow(resource, ({ type, object }) => {
      informer.coming.push({ atMs: this.#clock.monotonic(), key: keyOf(resource, object), object: type === 'DELETED' ? undefined : object });
    });
  }

  #upToNow(resource: Resource): Map<string, KubernetesObject> {
    const informer = this.#informers.get(resource);
    if (informer === undefined) throw new Error(`the simulated API server does not watch ${resource.plural}`);
    if (informer.coming.length === 0) return informer.seen;
    const until = this.#clock.monotonic() - this.#lagMs();
    while ((informer.coming[0]?.atMs ?? Infinity) <= until) {
      const change = informer.coming.shift() as Change;
      if (change.object === undefined) informer.seen.delete(change.key);
      else informer.seen.set(change.key, change.object);
    }
    return informer.seen;
  }
}
