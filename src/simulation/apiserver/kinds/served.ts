// Every kind that the server serves now: the built-in ones, and a custom one for each definition in the store.

import type { KubernetesObject, Resource } from '../../../kubernetes/objects.ts';
import { definitionKind, kindOf } from '../crd/definitions.ts';
import { noSuchResource } from '../refusals.ts';
import type { Store } from '../store.ts';
import { BUILT_IN } from './built-in.ts';
import type { Kind } from './kind.ts';

export class ServedKinds {
  readonly #builtIn: ReadonlyMap<string, Kind>;
  readonly #custom = new Map<string, Kind>();
  /** By `group/version/plural`. */
  #all: Map<string, Kind>;

  constructor(store: Store) {
    this.#builtIn = new Map([...BUILT_IN, definitionKind].map((kind) => [nameOf(kind.resource), kind]));
    this.#all = new Map(this.#builtIn);
    store.follow(definitionKind.resource, ({ type, object }) => this.#take(type === 'DELETED' ? undefined : object, object.metadata.name));
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.#all.get(`${group}/${version}/${plural}`);
  }

  /** @throws Refusal 404 for a resource that is not served. */
  of(resource: Resource): Kind {
    const kind = this.#all.get(nameOf(resource));
    if (kind === undefined) throw noSuchResource();
    return kind;
  }

  all(): Kind[] {
    return [...this.#all.values()];
  }

  #take(definition: KubernetesObject | undefined, name: string): void {
    if (definition === undefined) this.#custom.delete(name);
    else this.#custom.set(name, kindOf(definition));
    this.#all = new Map([...this.#builtIn, ...[...this.#custom.values()].map((kind): [string, Kind] => [nameOf(kind.resource), kind])]);
  }
}

function nameOf({ group, version, plural }: Resource): string {
  return `${group}/${version}/${plural}`;
}
