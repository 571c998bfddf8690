// The simulated API server, put together: a store, the kinds it serves, admission, requests over both ways in. Deterministic: time comes
// from the clock, names and UIDs from chance, and requests that are sent in the same order have the same effect.

import type { KubernetesObject, Resource } from '../../kubernetes/objects.ts';
import { namespaces } from '../../kubernetes/objects.ts';
import { Admission } from './admission/admission.ts';
import { Informers } from './admission/informers.ts';
import { Webhooks } from './admission/webhooks.ts';
import { createClient } from './client.ts';
import type { ApiServer, ApiServerOptions, StoreEvent } from './contract.ts';
import { ServedKinds } from './kinds/served.ts';
import { wholeSeconds } from './metadata.ts';
import { httpOf } from './over-http.ts';
import { Registry } from './registry.ts';
import { Requests } from './requests.ts';
import { keyFor, Store } from './store.ts';

const BOOKMARK_MS = 60_000;
const FIRST_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** With the namespaces that every cluster begins with. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { clock, random, onRequest, callWebhook, informerLagMs = () => 0, bookmarkMs = BOOKMARK_MS, fieldOwnership = false } = options;
  const store = new Store(clock);
  const kinds = new ServedKinds(store);
  const informers = new Informers({ store, clock, lagMs: informerLagMs });
  const webhooks = new Webhooks({ informers, clock, random, call: callWebhook });
  const registry = new Registry({ store, clock, random, fieldOwnership, admission: new Admission(store, webhooks) });
  const requests = new Requests({ kinds, registry, watchers: { store, clock, random, bookmarkMs }, onRequest });
  for (const name of FIRST_NAMESPACES) store.put(namespaces, firstNamespace(name, { uid: random.uuid(), bornAt: wholeSeconds(clock.now()) }));

  return {
    http: (user) => httpOf({ requests, clock }, user),
    client: (user) => createClient(requests, user),
    read: <T extends KubernetesObject>(resource: Resource<T>, ref: { namespace?: string; name: string }) => store.get(resource, keyFor(resource, ref.namespace, ref.name)) as T | undefined,
    readAll: <T extends KubernetesObject>(resource: Resource<T>, selection?: { namespace?: string }) => store.list(resource, selection?.namespace) as T[],
    follow: <T extends KubernetesObject>(resource: Resource<T> | undefined, listener: (event: StoreEvent<T>) => void) => store.follow(resource, listener as (event: StoreEvent) => void),
    get version() {
      return store.version;
    },
    resources: () => kinds.all().map(({ resource }) => resource),
    compact: (upTo = store.version) => store.compact(upTo),
    cutWatches: (how) => requests.endWatches(how),
  };
}

function firstNamespace(name: string, { uid, bornAt }: { uid: string; bornAt: string }): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, uid, creationTimestamp: bornAt, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}
