// What is stored: one object per key, one version that grows with every change of anything, and the history that watches and old list
// pages are answered from, until it is compacted. No rules here: whoever commits has judged.

import type { KubernetesObject, Resource } from '../../kubernetes/objects.ts';
import type { Clock } from '../../ports/clock.ts';
import type { StoreEvent } from './contract.ts';
import { intern, withField } from './json.ts';

/** The API server compacts etcd this often, up to where it was one such period before. */
const COMPACTION_MS = 5 * 60_000;

/** `web-2` or `shop/web-2`: lists are in the order of these. */
export type Key = string;

interface Table {
  objects: Map<Key, KubernetesObject>;
  /** Sorted; undefined when a key came or went since. */
  keys: Key[] | undefined;
  followers: Set<(event: StoreEvent) => void>;
}

export class Store {
  readonly #clock: Clock;
  readonly #tables = new Map<string, Table>();
  readonly #followers = new Set<(event: StoreEvent) => void>();
  /** Versions #compacted + 1 … #version, without gaps. */
  #history: StoreEvent[] = [];
  #compacted = 1;
  #version = 1;
  #compactedAt: number;
  #versionThen = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#compactedAt = clock.monotonic();
  }

  get version(): number {
    this.#compactByAge();
    return this.#version;
  }

  /** History up to and with this version is forgotten. */
  get compacted(): number {
    this.#compactByAge();
    return this.#compacted;
  }

  get(resource: Resource, key: Key): KubernetesObject | undefined {
    return this.#tables.get(tableName(resource))?.objects.get(key);
  }

  /** In the order of their keys. */
  list(resource: Resource, namespace?: string): KubernetesObject[] {
    const table = this.#tables.get(tableName(resource));
    if (table === undefined) return [];
    table.keys ??= [...table.objects.keys()].sort();
    const found: KubernetesObject[] = [];
    for (const key of table.keys) {
      if (namespace !== undefined && !key.startsWith(`${namespace}/`)) continue;
      const object = table.objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** The same as it was at a version that is not compacted, by taking back what came after it. */
  listAt(resource: Resource, version: number, namespace?: string): KubernetesObject[] {
    const then = new Map<Key, KubernetesObject>(this.list(resource, namespace).map((object) => [keyOf(resource, object), object]));
    for (const event of this.since(version).toReversed()) {
      if (tableName(event.resource) !== tableName(resource) || (namespace !== undefined && event.object.metadata.namespace !== namespace)) continue;
      const key = keyOf(resource, event.object);
      if (event.previous === undefined) then.delete(key);
      else then.set(key, event.previous);
    }
    return [...then.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Every change after this version, oldest first. The caller has made sure that it is not compacted. */
  since(version: number): StoreEvent[] {
    return this.#history.slice(Math.max(0, version - this.#compacted));
  }

  /** Stores the object with the next version and gives back what is stored. */
  put(resource: Resource, object: KubernetesObject): KubernetesObject {
    const table = this.#table(resource);
    const key = keyOf(resource, object);
    const previous = table.objects.get(key);
    const version = this.#version + 1;
    const stored = intern(withField(object, ['metadata', 'resourceVersion'], String(version)));
    table.objects.set(key, stored);
    if (previous === undefined) table.keys = undefined;
    this.#tell(table, { type: previous === undefined ? 'ADDED' : 'MODIFIED', resource, object: stored, previous, version });
    return stored;
  }

  /** Gives back the last state, with the version of the deletion. */
  remove(resource: Resource, key: Key): KubernetesObject | undefined {
    const table = this.#table(resource);
    const previous = table.objects.get(key);
    if (previous === undefined) return undefined;
    table.objects.delete(key);
    table.keys = undefined;
    const version = this.#version + 1;
    const object = intern(withField(previous, ['metadata', 'resourceVersion'], String(version)));
    this.#tell(table, { type: 'DELETED', resource, object, previous, version });
    return object;
  }

  follow(resource: Resource | undefined, listener: (event: StoreEvent) => void): () => void {
    const followers = resource === undefined ? this.#followers : this.#table(resource).followers;
    followers.add(listener);
    return () => followers.delete(listener);
  }

  compact(upTo: number): void {
    const version = Math.min(upTo, this.#version);
    if (version <= this.#compacted) return;
    this.#history = this.#history.slice(version - this.#compacted);
    this.#compacted = version;
  }

  #compactByAge(): void {
    const now = this.#clock.monotonic();
    if (now - this.#compactedAt < COMPACTION_MS) return;
    this.compact(this.#versionThen);
    this.#versionThen = this.#version;
    this.#compactedAt = now;
  }

  #tell(table: Table, event: StoreEvent): void {
    this.#compactByAge();
    this.#version = event.version;
    this.#history.push(event);
    for (const listener of table.followers) listener(event);
    for (const listener of this.#followers) listener(event);
  }

  #table(resource: Resource): Table {
    const name = tableName(resource);
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = { objects: new Map(), keys: undefined, followers: new Set() };
      this.#tables.set(name, table);
    }
    return table;
  }
}

export function keyOf(resource: Resource, { metadata }: KubernetesObject): Key {
  return keyFor(resource, metadata.namespace, metadata.name);
}

export function keyFor(resource: Resource, namespace: string | undefined, name: string): Key {
  return resource.namespaced ? `${namespace ?? ''}/${name}` : name;
}

/** The store keeps one version of a kind, so the version is not part of it. */
function tableName({ group, plural }: Resource): string {
  return `${plural}.${group}`;
}
