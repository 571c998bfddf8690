// What the PV controller believes: the latest it has seen of each object, by its cache or as the answer to a write of its own.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { keyOf } from '../informer.ts';

export class Beliefs<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  all(): T[] {
    return [...this.#objects.values()];
  }

  /** @returns false when it knows a newer one. */
  take(object: T): boolean {
    const known = this.#objects.get(keyOf(object));
    if (known !== undefined && versionOf(known) > versionOf(object)) return false;
    this.#objects.set(keyOf(object), object);
    return true;
  }

  /** @returns what was believed. */
  drop(key: string): T | undefined {
    const known = this.#objects.get(key);
    this.#objects.delete(key);
    return known;
  }
}

function versionOf(object: KubernetesObject): number {
  return Number(object.metadata.resourceVersion ?? 0);
}
