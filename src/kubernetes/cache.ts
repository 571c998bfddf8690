// What a reflector knows: the objects of one kind by name and by index, changed only through listings and events, which it turns into
// what really happened (an object that was deleted and made again under its name is another one).

import type { Log } from '../ports/log.ts';
import type { KubernetesObject } from './objects.ts';
import { nameOf } from './reading.ts';

export interface ChangeEvent<T> {
  type: 'added' | 'modified' | 'deleted';
  /** Of a deleted object its last known state. */
  object: T;
  /** What was there under that name and UID before. */
  previous: T | undefined;
}

/** Reads only: objects are shared, whoever wants to change one copies it. */
export interface ObjectCache<T> {
  get(namespace: string | undefined, name: string): T | undefined;
  /** Of one namespace, or all. In no order. */
  list(namespace?: string): T[];
  /** Those to which the index of that name gave the value. @throws Error when there is no such index. */
  byIndex(index: string, value: string): T[];
}

/** Values under which an object is found. */
export type Indexer<T> = (object: T) => readonly string[];

export class Cache<T extends KubernetesObject> implements ObjectCache<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Map<string, Indexer<T>>;
  readonly #indexes = new Map<string, Map<string, Set<T>>>();
  readonly #listeners = new Set<(event: ChangeEvent<T>) => void>();
  readonly #log: Log;

  constructor(log: Log, indexers: Record<string, Indexer<T>> = {}) {
    this.#log = log;
    this.#indexers = new Map(Object.entries(indexers));
    for (const name of this.#indexers.keys()) this.#indexes.set(name, new Map());
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(`${namespace ?? ''}/${name}`);
  }

  list(namespace?: string): T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  byIndex(index: string, value: string): T[] {
    const values = this.#indexes.get(index);
    if (values === undefined) throw new Error(`there is no index "${index}"; there are: ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    return [...(values.get(value) ?? [])];
  }

  onChange(listener: (event: ChangeEvent<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An object as the server has it now. */
  put(object: T): void {
    const key = nameOf(object);
    const previous = this.#objects.get(key);
    if (previous?.metadata.resourceVersion !== undefined && previous.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (previous !== undefined && previous.metadata.uid !== object.metadata.uid) {
      this.remove(previous);
      this.put(object);
      return;
    }
    if (previous !== undefined) this.#unindex(previous);
    this.#objects.set(key, object);
    this.#index(object);
    this.#tell({ type: previous === undefined ? 'added' : 'modified', object, previous });
  }

  /** It is gone; of another object that has taken its name meanwhile nothing is known. */
  remove(object: T): void {
    const key = nameOf(object);
    const previous = this.#objects.get(key);
    if (previous === undefined || previous.metadata.uid !== object.metadata.uid) return;
    this.#objects.delete(key);
    this.#unindex(previous);
    this.#tell({ type: 'deleted', object, previous });
  }

  /** All there is, in one namespace or everywhere: what is not in it has gone. */
  replace(objects: T[], namespace: string | undefined): void {
    const present = new Set(objects.map((object) => nameOf(object)));
    for (const object of this.list(namespace)) if (!present.has(nameOf(object))) this.remove(object);
    for (const object of objects) this.put(object);
  }

  #tell(event: ChangeEvent<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // One listener's mistake must not keep the others, and the cache, from the truth.
        this.#log.error('a listener of a watch failed', { error, object: nameOf(event.object), type: event.type });
      }
    }
  }

  #index(object: T): void {
    for (const [name, indexer] of this.#indexers) {
      const values = this.#indexes.get(name);
      for (const value of indexer(object)) {
        const found = values?.get(value);
        if (found === undefined) values?.set(value, new Set([object]));
        else found.add(object);
      }
    }
  }

  #unindex(object: T): void {
    for (const [name, indexer] of this.#indexers) {
      const values = this.#indexes.get(name);
      for (const value of indexer(object)) {
        const found = values?.get(value);
        found?.delete(object);
        if (found?.size === 0) values?.delete(value);
      }
    }
  }
}
