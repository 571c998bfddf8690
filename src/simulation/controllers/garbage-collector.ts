// The garbage collector: deletes what names only owners that are not there any more (a stale UID is as good as none), takes dead owners
// out of the list where one still lives, and does what deleting with Orphan or Foreground asks for.

import { isDeepStrictEqual } from 'node:util';
import { apiVersionOf, type KubernetesObject, type OwnerReference, type Resource } from '../../kubernetes/objects.ts';
import { isTerminating, uidOf } from '../../kubernetes/reading.ts';
import type { StoreEvent } from '../apiserver/contract.ts';
import { ifThere, unless } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

interface Known {
  resource: Resource;
  namespace: string | undefined;
  name: string;
  owners: readonly OwnerReference[];
}

export class GarbageCollector extends Controller {
  /** Of everything that has owners, by UID: as last seen. */
  readonly #known = new Map<string, Known>();
  /** UIDs of the dependents by UID of the owner. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #late: StoreEvent[] = [];
  #lastAt = 0;
  /** Owners that wait for their dependents. */
  readonly #waiting = new Map<string, Known>();
  readonly #queue = this.worker({ reconcile: (uid) => this.#collect(uid) });
  readonly #ownerQueue = this.worker({ reconcile: (uid) => this.#finishOwner(uid) });

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('generic-garbage-collector'));
    const { server, pace, tasks } = setting;
    for (const resource of server.resources()) for (const object of server.readAll(resource)) this.#see(resource, object);
    server.follow(undefined, (event) => {
      if (!concerns(event)) return;
      const now = tasks.monotonic();
      this.#lastAt = Math.max(this.#lastAt, now + pace.watchMs());
      this.#late.push(event);
      tasks.after(this.#lastAt - now, () => this.#takeOldest());
    });
  }

  /** Its watch of everything: late, and in order. */
  #takeOldest(): void {
    const event = this.#late.shift();
    if (event?.type === 'DELETED') this.#gone(event.object);
    else if (event !== undefined) this.#see(event.resource, event.object);
  }

  #see(resource: Resource, object: KubernetesObject): void {
    const { namespace, name, ownerReferences = [], finalizers = [] } = object.metadata;
    const known: Known = { resource, namespace, name, owners: ownerReferences };
    if (isTerminating(object) && (finalizers.includes(ORPHAN) || finalizers.includes(FOREGROUND))) {
      this.#waiting.set(uidOf(object), known);
      this.#ownerQueue.add(uidOf(object));
    }
    this.#note(uidOf(object), known);
  }

  #note(own: string, known: Known): void {
    for (const { uid } of this.#known.get(own)?.owners ?? []) this.#dependents.get(uid)?.delete(own);
    this.#known.delete(own);
    if (known.owners.length === 0) return;
    this.#known.set(own, known);
    for (const { uid } of known.owners) this.#dependentsOf(uid).add(own);
    this.#queue.add(own);
  }

  #gone(object: KubernetesObject): void {
    const uid = uidOf(object);
    this.#waiting.delete(uid);
    for (const dependent of this.#dependents.get(uid) ?? []) this.#queue.add(dependent);
    for (const owner of this.#known.get(uid)?.owners ?? []) {
      this.#dependents.get(owner.uid)?.delete(uid);
      if (this.#waiting.has(owner.uid)) this.#ownerQueue.add(owner.uid);
    }
    this.#known.delete(uid);
  }

  #dependentsOf(uid: string): Set<string> {
    const known = this.#dependents.get(uid) ?? new Set<string>();
    this.#dependents.set(uid, known);
    return known;
  }

  async #collect(uid: string): Promise<void> {
    const known = this.#known.get(uid);
    if (known === undefined) return;
    const live = await this.#live(known);
    if (live === undefined || uidOf(live) !== uid || isTerminating(live)) return;
    const owners = live.metadata.ownerReferences ?? [];
    const [solid, dangling] = await this.#sorted(owners, known.namespace);
    if (owners.length === 0 || dangling.length === 0) return;
    if (solid.length > 0) {
      await ifThere(this.client.update(known.resource, { ...live, metadata: { ...live.metadata, ownerReferences: solid } }));
      return;
    }
    // A compare-and-swap on the version: an owner may have been put there this moment.
    const preconditions = { uid, ...(live.metadata.resourceVersion === undefined ? {} : { resourceVersion: live.metadata.resourceVersion }) };
    await this.client.delete(known.resource, refTo(known), { preconditions, propagationPolicy: 'Background' });
  }

  async #sorted(owners: readonly OwnerReference[], namespace: string | undefined): Promise<[OwnerReference[], OwnerReference[]]> {
    const solid: OwnerReference[] = [];
    const dangling: OwnerReference[] = [];
    for (const owner of owners) ((await this.#exists(owner, namespace)) ? solid : dangling).push(owner);
    return [solid, dangling];
  }

  /** An owner of a kind that the server does not know counts as there: nobody can tell. */
  async #exists(owner: OwnerReference, namespace: string | undefined): Promise<boolean> {
    const resource = this.setting.server.resources().find((one) => one.kind === owner.kind && groupOf(apiVersionOf(one)) === groupOf(owner.apiVersion));
    if (resource === undefined) return true;
    const live = await this.client.get(resource, resource.namespaced ? { namespace: namespace ?? '', name: owner.name } : { name: owner.name });
    return live !== undefined && uidOf(live) === owner.uid;
  }

  // ── owners that are deleted with Orphan or Foreground ──

  async #finishOwner(uid: string): Promise<void> {
    const owner = this.#waiting.get(uid);
    const live = owner === undefined ? undefined : await this.#live(owner);
    if (owner === undefined || live === undefined || uidOf(live) !== uid) return;
    const { finalizers = [] } = live.metadata;
    const dependents = [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#known.get(dependent) ?? []);
    const free = finalizers.includes(ORPHAN) ? await this.#orphanAll(dependents, uid) : await this.#deleteAll(dependents, uid);
    if (!free) return; // The end of each of them wakes it again.
    const kept = finalizers.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
    await ifThere(this.client.update(owner.resource, { ...live, metadata: { ...live.metadata, finalizers: kept } }));
  }

  async #orphanAll(dependents: readonly Known[], ownerUid: string): Promise<true> {
    for (const dependent of dependents) await this.#orphan(dependent, ownerUid);
    return true;
  }

  /** @returns whether none of them holds the owner up. */
  async #deleteAll(dependents: readonly Known[], ownerUid: string): Promise<boolean> {
    for (const dependent of dependents) await unless('Conflict', this.client.delete(dependent.resource, refTo(dependent), { propagationPolicy: 'Background' }));
    return !dependents.some(({ owners }) => owners.some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true));
  }

  async #orphan(dependent: Known, ownerUid: string): Promise<void> {
    const live = await this.#live(dependent);
    if (live === undefined) return;
    const ownerReferences = (live.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== ownerUid);
    await ifThere(this.client.update(dependent.resource, { ...live, metadata: { ...live.metadata, ownerReferences } }));
  }

  #live(known: Known): Promise<KubernetesObject | undefined> {
    return this.client.get(known.resource, refTo(known));
  }
}

/** A change that leaves owners, finalizers and deletion as they were is nothing to it. */
function concerns({ type, object, previous }: StoreEvent): boolean {
  if (type !== 'MODIFIED' || previous === undefined) return true;
  const [now, before] = [object.metadata, previous.metadata];
  return now.deletionTimestamp !== before.deletionTimestamp || !isDeepStrictEqual(now.ownerReferences, before.ownerReferences) || !isDeepStrictEqual(now.finalizers, before.finalizers);
}

function refTo({ namespace, name }: Known): { namespace?: string; name: string } {
  return namespace === undefined ? { name } : { namespace, name };
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}
