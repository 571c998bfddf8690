// A reflector that follows a FakeApi at once, without lists and watches: for tests of whatever reads caches.

import type { Log } from '../../src/ports/log.ts';
import { Cache, type Indexer } from '../../src/kubernetes/cache.ts';
import type { KubernetesObject, Resource } from '../../src/kubernetes/objects.ts';
import type { Reflector } from '../../src/kubernetes/reflector.ts';
import type { FakeApi } from './api.ts';
import { FakeLog } from './log.ts';

export interface FakeReflector<T extends KubernetesObject> extends Reflector<T> {
  /** From now on changes are held back: a cache that lags. */
  lag(): void;
  /** Takes in what was held back. */
  catchUp(): void;
}

export function createFakeReflector<T extends KubernetesObject>(api: FakeApi, resource: Resource<T>, { indexes, log = new FakeLog() }: { indexes?: Record<string, Indexer<T>>; log?: Log } = {}): FakeReflector<T> {
  const cache = new Cache<T>(log, indexes);
  const synced = Promise.withResolvers<boolean>();
  const heldBack: (() => void)[] = [];
  let lagging = false;
  let started = false;
  let forget = (): void => {};
  const take = (change: () => void): void => {
    if (lagging) heldBack.push(change);
    else change();
  };
  return {
    start() {
      if (started) return;
      started = true;
      cache.replace(api.readAll(resource), undefined);
      forget = api.onChange(resource, ({ type, object }) => take(() => (type === 'deleted' ? cache.remove(object) : cache.put(object))));
      synced.resolve(true);
    },
    stop() {
      forget();
      synced.resolve(false);
      return Promise.resolve();
    },
    synced: synced.promise,
    get hasSynced() {
      return started;
    },
    get lastContact() {
      return started ? 0 : undefined;
    },
    onChange: (listener) => cache.onChange(listener),
    get: (namespace, name) => cache.get(namespace, name),
    list: (namespace) => cache.list(namespace),
    byIndex: (index, value) => cache.byIndex(index, value),
    lag() {
      lagging = true;
    },
    catchUp() {
      lagging = false;
      for (const change of heldBack.splice(0)) change();
    },
  };
}
