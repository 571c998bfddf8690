// A controller's cache of one kind: every change in order, but late. What it shows is a moment of the past that only moves forward, which
// is all that a controller may rely on.

import type { KubernetesObject, Resource } from '../../kubernetes/objects.ts';
import type { ApiServer, StoreEvent } from '../apiserver/contract.ts';
import type { Tasks } from './tasks.ts';

export type Change<T extends KubernetesObject> = Pick<StoreEvent<T>, 'type' | 'object' | 'previous'>;

export interface InformerOptions<T extends KubernetesObject> {
  server: ApiServer;
  tasks: Tasks;
  resource: Resource<T>;
  /** How late the next change shows, in ms. Those before it show first, however late. */
  lagMs: () => number;
}

export class Informer<T extends KubernetesObject> {
  readonly #options: InformerOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #listeners: ((change: Change<T>) => void)[] = [];
  readonly #late: Change<T>[] = [];
  #lastAt = 0;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    const { server, resource } = options;
    for (const object of server.readAll(resource)) this.#objects.set(keyOf(object), object);
    server.follow(resource, (event) => this.#receive(event));
  }

  get(ref: { namespace?: string | undefined; name: string }): T | undefined {
    return this.#objects.get(ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`);
  }

  /** In the order in which they came. */
  list(namespace?: string): T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  /** Called when the cache has taken a change; what was there from the beginning is told at once, as added. */
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
    for (const object of this.#objects.values()) listener({ type: 'ADDED', object, previous: undefined });
  }

  #receive(event: StoreEvent<T>): void {
    const { tasks, lagMs } = this.#options;
    const now = tasks.monotonic();
    const at = Math.max(this.#lastAt, now + lagMs());
    this.#lastAt = at;
    this.#late.push(event);
    tasks.after(at - now, () => this.#take());
  }

  /** The oldest first, whichever task it is that comes. */
  #take(): void {
    const change = this.#late.shift();
    if (change === undefined) return;
    const key = keyOf(change.object);
    if (change.type === 'DELETED') this.#objects.delete(key);
    else this.#objects.set(key, change.object);
    for (const listener of this.#listeners) listener(change);
  }
}

/** `namespace/name`, or the name alone. */
export function keyOf({ metadata }: KubernetesObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/** What `keyOf` made. */
export function refOf(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf('/');
  return slash === -1 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Of a namespaced object. */
export function namespacedRefOf(key: string): { namespace: string; name: string } {
  const { namespace = '', name } = refOf(key);
  return { namespace, name };
}
