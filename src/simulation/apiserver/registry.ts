// Creating, changing and deleting objects of any kind: the generic registry of the API server (k8s.io/apiserver, registry/generic), step
// by step in its order. Admission may wait for webhooks; whatever is committed is compared with what was read before it.

import { namespaces, type KubernetesObject, type ObjectMeta } from '../../kubernetes/objects.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Admission } from './admission/admission.ts';
import type { Attributes } from './admission/attributes.ts';
import { Refusal, type Preconditions } from './contract.ts';
import { wrong, type FieldError } from './field-errors.ts';
import { equal, intern, listAt, withField } from './json.ts';
import { content, type Kind } from './kinds/kind.ts';
import { afterUpdate, firstApplied, managedFields, managersOf, writersOnly, type Manager, type Write } from './merging/ownership.ts';
import { born, carriedOver, validateMetadata, validateMetadataUpdate, validateName, wholeSeconds, wiped } from './metadata.ts';
import { alreadyExists, badRequest, conflict, invalid, modified, notFound, unexplained } from './refusals.ts';
import { keyFor, keyOf, type Store } from './store.ts';
import type { Target } from './target.ts';

export interface World {
  store: Store;
  clock: Clock;
  random: Random;
  admission: Admission;
  /** Whether managedFields says which fields each manager owns, and not only who wrote. */
  fieldOwnership: boolean;
}

/** As the client sent them; defaults for what it left out. */
export interface Deletion {
  preconditions?: Preconditions | undefined;
  gracePeriodSeconds?: number | undefined;
  propagationPolicy?: string | undefined;
}

/** Gives the wanted object from the present one. May wait (mutating admission). */
export type Change = (existing: KubernetesObject) => Promise<KubernetesObject> | KubernetesObject;

export interface Written {
  object: KubernetesObject;
  /** Of the write; undefined when nothing was stored. */
  version: number | undefined;
  created?: boolean;
}

/** What the client sent, as the server reads it, and what there was. */
interface Compared {
  sent: KubernetesObject;
  existing: KubernetesObject | undefined;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

export class Registry {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  find(target: Target): KubernetesObject | undefined {
    return this.world.store.get(target.kind.resource, keyFor(target.kind.resource, target.namespace, target.name));
  }

  /** @throws Refusal 404 */
  get(target: Target): KubernetesObject {
    const found = this.find(target);
    if (found === undefined) throw notFound(target.kind.resource, target.name);
    return found;
  }

  // ── Create ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async create(target: Target, body: KubernetesObject): Promise<Written> {
    const { kind, namespace } = target;
    const { world } = this;
    const sent = intern(decoded(kind, wiped(placed(intern(body), namespace))));
    const attributes = attributesOf(target, { operation: 'CREATE', object: sent, oldObject: undefined });
    const admitted = (await world.admission.mutate(attributes)) as KubernetesObject;
    const object = this.#prepared(target, admitted, sent);
    await world.admission.validate({ ...attributes, name: object.metadata.name, object });
    if (world.store.get(kind.resource, keyOf(kind.resource, object)) !== undefined) throw alreadyExists(kind.resource, object.metadata.name);
    if (target.dryRun) return { object, version: undefined };
    return this.#put(target, object);
  }

  #prepared(target: Target, admitted: KubernetesObject, sent: KubernetesObject): KubernetesObject {
    const { kind } = target;
    const now = this.world.clock.now();
    const fresh = withField(withoutSentStatus(kind, born(admitted, this.world)), ['metadata', 'generation'], kind.generation ? 1 : undefined);
    const object = intern(this.#withManager(target, kind.prepareCreate?.(fresh, now) ?? fresh, { sent, existing: undefined }));
    const { name, resourceVersion = '' } = object.metadata;
    if (resourceVersion !== '') throw unexplained('resourceVersion should not be set on objects to be created');
    refuseInvalid(kind, name, [...(kind.validate?.(object) ?? []), ...(kind.validateCreate?.(object) ?? []), ...validateName(name, kind.name), ...validateMetadata(object)]);
    return object;
  }

  // ── Update ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Read, change, validate, compare and swap; from the start when somebody was faster (and then a change that
   * insists on a version fails).
   * `admitted: false`: a write of the server itself, which asks no admission.
   */
  async update(target: Target, change: Change, { admitted = true, uid }: { admitted?: boolean; uid?: string | undefined } = {}): Promise<Written> {
    for (;;) {
      const existing = this.get(target);
      if (uid !== undefined && uid !== '' && uid !== existing.metadata.uid) throw wrongUid(target, uid, existing);
      const sent = intern(decoded(target.kind, placed(intern(await change(existing)), target.namespace)));
      const wanted = admitted ? await this.#admitted(target, sent, existing) : sent;
      const next = this.#preparedUpdate(target, versioned(target, wanted, existing), existing);
      if (admitted) await this.world.admission.validate(attributesOf(target, { operation: 'UPDATE', object: next, oldObject: existing }));
      if (this.find(target) === existing) return this.#commit(target, next, { sent, existing });
    }
  }

  async #admitted(target: Target, object: KubernetesObject, oldObject: KubernetesObject): Promise<KubernetesObject> {
    return (await this.world.admission.mutate(attributesOf(target, { operation: 'UPDATE', object, oldObject }))) as KubernetesObject;
  }

  #preparedUpdate(target: Target, wanted: KubernetesObject, existing: KubernetesObject): KubernetesObject {
    const { kind, subresource } = target;
    const carried = carriedOver(wanted, existing);
    // The server's own write of what nobody else may write.
    if (subresource === 'binding') return intern(carried);
    const next = intern(subresource === 'status' ? statusOnly(kind, carried, existing) : this.#counted(kind, withoutStatusChange(target, carried, existing), existing));
    const ofKind = subresource === 'status' ? kind.validateStatus?.(next, existing) : [...(kind.validate?.(next) ?? []), ...(kind.validateUpdate?.(next, existing) ?? [])];
    refuseInvalid(kind, existing.metadata.name, [...validateMetadata(next), ...validateMetadataUpdate(next, existing), ...(ofKind ?? [])]);
    return next;
  }

  #counted(kind: Kind, next: KubernetesObject, existing: KubernetesObject): KubernetesObject {
    if (!kind.generation || equal(content(next), content(existing))) return next;
    return withField(next, ['metadata', 'generation'], (existing.metadata.generation ?? 0) + 1);
  }

  #commit(target: Target, next: KubernetesObject, { sent, existing }: Compared & { existing: KubernetesObject }): Written {
    const { store } = this.world;
    const { resource } = target.kind;
    if (isFinished(isOfNamespaces(target), next, existing)) {
      if (target.dryRun) return { object: next, version: undefined };
      const removed = store.remove(resource, keyOf(resource, existing));
      return { object: next, version: Number(removed?.metadata.resourceVersion) };
    }
    // Who wrote when is left alone by a write that changes nothing.
    if (equal(next, existing)) return { object: existing, version: undefined };
    const managed = intern(this.#withManager(target, next, { sent, existing }));
    return target.dryRun ? { object: managed, version: undefined } : this.#put(target, managed);
  }

  #put({ kind }: Target, object: KubernetesObject): Written {
    const stored = this.world.store.put(kind.resource, object);
    return { object: stored, version: Number(stored.metadata.resourceVersion) };
  }

  #withManager(target: Target, object: KubernetesObject, compared: Compared): KubernetesObject {
    const managers = this.#managers({ target, now: wholeSeconds(this.world.clock.now()) }, object, compared);
    return withField(object, ['metadata', 'managedFields'], managedFields(managers, { kept: !this.world.fieldOwnership }));
  }

  /** What admission adds to a write, its writer does not own. */
  #managers(write: Write, object: KubernetesObject, { sent, existing }: Compared): Manager[] {
    const { applied } = write.target;
    if (applied !== undefined) return existing === undefined ? firstApplied(write, applied) : managersOf(object);
    return this.world.fieldOwnership ? afterUpdate(write, withField(sent, ['metadata', 'managedFields'], object.metadata.managedFields), existing) : writersOnly(write, object);
  }

  // ── Delete ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The last state, and whether it is gone. `admitted: false` as in `update`. */
  async delete(target: Target, deletion: Deletion, { admitted = true }: { admitted?: boolean } = {}): Promise<Written & { gone: boolean }> {
    const { admission } = this.world;
    for (;;) {
      const existing = this.get(target);
      refuseUnmet(target, existing, deletion.preconditions);
      if (admitted) {
        const attributes = attributesOf(target, { operation: 'DELETE', object: undefined, oldObject: existing, options: deleteOptions(deletion) });
        await admission.mutate(attributes);
        await admission.validate(attributes);
      }
      if (this.find(target) === existing) return this.#deleteNow(target, existing, deletion);
    }
  }

  #deleteNow(target: Target, existing: KubernetesObject, deletion: Deletion): Written & { gone: boolean } {
    if (isOfNamespaces(target)) return this.#deleteNamespace(target, existing);
    const graceful = this.#graceful(target.kind, existing, deletion);
    if (graceful === 'pending') return { object: existing, version: undefined, gone: false };
    const next = withGarbageFinalizers(graceful ?? existing, deletion.propagationPolicy);
    const held = (next.metadata.finalizers ?? []).length > 0;
    if (held) return this.#leaveDying(target, graceful === undefined ? this.#marked(next) : next, existing);
    const atOnce = graceful === undefined || next.metadata.deletionGracePeriodSeconds === 0;
    return atOnce ? this.#remove(target, next, existing) : this.#leaveDying(target, next, existing);
  }

  #leaveDying(target: Target, next: KubernetesObject, existing: KubernetesObject): Written & { gone: boolean } {
    if (equal(next, existing)) return { object: existing, version: undefined, gone: false };
    if (target.dryRun) return { object: intern(next), version: undefined, gone: false };
    return { ...this.#put(target, next), gone: false };
  }

  /** A graceful kind is written once more before it goes, so that its watchers see the deletion's time. */
  #remove(target: Target, next: KubernetesObject, existing: KubernetesObject): Written & { gone: boolean } {
    const { store } = this.world;
    const { resource } = target.kind;
    if (target.dryRun) return { object: intern(next), version: undefined, gone: true };
    if (!equal(next, existing)) store.put(resource, next);
    const removed = store.remove(resource, keyOf(resource, existing)) as KubernetesObject;
    return { object: removed, version: Number(removed.metadata.resourceVersion), gone: true };
  }

  /** With the time when it has to be gone; `pending` when nothing new was asked; undefined when it goes at once. */
  #graceful(kind: Kind, existing: KubernetesObject, { gracePeriodSeconds: asked }: Deletion): KubernetesObject | 'pending' | undefined {
    if (kind.gracePeriod === undefined) return undefined;
    const { metadata } = existing;
    const wanted = asked !== undefined && asked < 0 ? 1 : asked;
    if (metadata.deletionTimestamp === undefined) {
      const seconds = kind.gracePeriod(existing, wanted);
      return dying(existing, { atMs: this.world.clock.now() + seconds * 1000, seconds });
    }
    const left = metadata.deletionGracePeriodSeconds as number | undefined;
    if (left === undefined || left === 0) return undefined;
    if (wanted === undefined || wanted >= left) return 'pending';
    return dying(existing, { atMs: Date.parse(metadata.deletionTimestamp) + (wanted - left) * 1000, seconds: wanted });
  }

  /** Not graceful, but held by finalizers. */
  #marked(object: KubernetesObject): KubernetesObject {
    if (object.metadata.deletionTimestamp !== undefined) return withField(object, ['metadata', 'deletionGracePeriodSeconds'], 0);
    return dying(object, { atMs: this.world.clock.now(), seconds: 0 });
  }

  /** It ends when the namespace controller has emptied it and taken its own finalizer off. */
  #deleteNamespace(target: Target, existing: KubernetesObject): Written & { gone: boolean } {
    const first = existing.metadata.deletionTimestamp === undefined;
    const marked = first ? { ...existing, metadata: { ...existing.metadata, deletionTimestamp: wholeSeconds(this.world.clock.now()) }, status: { phase: 'Terminating' } } : existing;
    return isEmptied(marked) ? this.#remove(target, marked, existing) : this.#leaveDying(target, marked, existing);
  }
}

function isOfNamespaces({ kind: { resource } }: Target): boolean {
  return resource.plural === namespaces.plural && resource.group === '';
}

/** Nodes are the one kind whose creator may bring the status. */
function withoutSentStatus({ status, resource }: Kind, object: KubernetesObject): KubernetesObject {
  return status && resource.plural !== 'nodes' ? withField(object, ['status'], undefined) : object;
}

/** The first time counts as a change of the object. */
function dying(object: KubernetesObject, { atMs, seconds }: { atMs: number; seconds: number }): KubernetesObject {
  const { generation, deletionTimestamp } = object.metadata;
  const counted = deletionTimestamp === undefined && generation !== undefined ? { generation: generation + 1 } : {};
  return { ...object, metadata: { ...object.metadata, ...counted, deletionTimestamp: wholeSeconds(atMs), deletionGracePeriodSeconds: seconds } };
}

/** Every write but those of the server itself is judged by these. */
function attributesOf(target: Target, what: Pick<Attributes, 'operation' | 'object' | 'oldObject'> & { options?: Record<string, unknown> }): Attributes {
  const { kind, namespace, subresource, user, dryRun, fieldManager } = target;
  const { group, version, kind: name } = kind.resource;
  const ownName = target.name === '' ? (what.object?.metadata.name ?? '') : target.name;
  const options = what.options ?? { kind: what.operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager };
  return { ...what, kind, subresource, objectKind: { group, version, kind: name }, namespace: namespace ?? (isOfNamespaces(target) ? ownName : ''), name: ownName, user, dryRun, options };
}

function deleteOptions({ preconditions, gracePeriodSeconds, propagationPolicy }: Deletion): Record<string, unknown> {
  return {
    kind: 'DeleteOptions',
    apiVersion: 'meta.k8s.io/v1',
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
  };
}

/** In its namespace, whether it says so or not. @throws Refusal 400 when it says another. */
function placed(object: KubernetesObject, namespace: string | undefined): KubernetesObject {
  const own = object.metadata.namespace ?? '';
  if (own === (namespace ?? '')) return object;
  if (own !== '') throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return { ...object, metadata: { ...object.metadata, namespace: namespace as string } };
}

/** As the server reads it: with its type and its defaults. */
function decoded(kind: Kind, object: KubernetesObject): KubernetesObject {
  const { group, version, kind: name } = kind.resource;
  const whole = { ...object, metadata: withoutEmpty(object.metadata), apiVersion: group === '' ? version : `${group}/${version}`, kind: name };
  return kind.defaults?.(whole) ?? whole;
}

/** Empty maps and lists of metadata are the same as none. */
function withoutEmpty(metadata: ObjectMeta): ObjectMeta {
  const empty = (['labels', 'annotations', 'finalizers', 'ownerReferences'] as const).filter((field) => metadata[field] !== undefined && Object.keys(metadata[field] ?? {}).length === 0);
  return empty.length === 0 ? metadata : (Object.fromEntries(Object.entries(metadata).filter(([field]) => !empty.includes(field as 'labels'))) as ObjectMeta);
}

/** @throws Refusal 409 for another version than the present one, 422 when a version is missing that must be there. */
function versioned(target: Target, wanted: KubernetesObject, existing: KubernetesObject): KubernetesObject {
  const { resource, unconditionalUpdate } = target.kind;
  const given = wanted.metadata.resourceVersion ?? '';
  if (given === '' && !unconditionalUpdate) {
    throw invalid({ ...resource, kind: resource.plural }, target.name, [wrong('metadata.resourceVersion', 0, 'must be specified for an update')]);
  }
  if (given !== '' && given !== existing.metadata.resourceVersion) throw modified(resource, target.name);
  return withField(wanted, ['metadata', 'resourceVersion'], existing.metadata.resourceVersion);
}

function statusOnly(kind: Kind, next: KubernetesObject, existing: KubernetesObject): KubernetesObject {
  const status = { ...existing, metadata: next.metadata, status: next.status };
  return withField(kind.prepareStatus?.(status, existing) ?? status, ['metadata', 'managedFields'], next.metadata.managedFields ?? existing.metadata.managedFields);
}

function withoutStatusChange({ kind, subresource }: Target, next: KubernetesObject, existing: KubernetesObject): KubernetesObject {
  const kept = withField(kind.status ? withField(next, ['status'], existing.status) : next, ['metadata', 'managedFields'], next.metadata.managedFields ?? existing.metadata.managedFields);
  return subresource === '' ? (kind.prepareUpdate?.(kept, existing) ?? kept) : kept;
}

/** The update took the last thing off that held a deletion up. */
function isFinished(isNamespace: boolean, next: KubernetesObject, existing: KubernetesObject): boolean {
  if (existing.metadata.deletionTimestamp === undefined) return false;
  if (isNamespace) return isEmptied(next);
  const seconds = existing.metadata.deletionGracePeriodSeconds;
  return (next.metadata.finalizers ?? []).length === 0 && (seconds === undefined || seconds === 0);
}

function isEmptied(namespace: KubernetesObject): boolean {
  return listAt(namespace, 'spec', 'finalizers').length === 0 && (namespace.metadata.finalizers ?? []).length === 0;
}

/** What tells the garbage collector to orphan or to wait for dependents. */
function withGarbageFinalizers(object: KubernetesObject, policy: string | undefined): KubernetesObject {
  if (policy === undefined) return object;
  const before = object.metadata.finalizers ?? [];
  const others = before.filter((name) => name !== ORPHAN && name !== FOREGROUND);
  const own = policy === 'Orphan' ? [ORPHAN] : policy === 'Foreground' ? [FOREGROUND] : [];
  const after = [...others, ...own];
  return equal(before, after) ? object : withField(object, ['metadata', 'finalizers'], after);
}

function refuseInvalid({ resource }: Kind, name: string, errors: FieldError[]): void {
  if (errors.length > 0) throw invalid(resource, name, errors);
}

/** @throws Refusal 409 in the words of a delete. */
export function refuseUnmet({ kind, name }: Target, existing: KubernetesObject, preconditions: Preconditions | undefined): void {
  const { uid, resourceVersion } = existing.metadata;
  const named = { group: kind.resource.group, plural: kind.resource.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(named, name, `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid ?? ''}). The object might have been deleted and then recreated`);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const versions = `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion ?? ''})`;
    throw conflict(named, name, `${versions}. The object might have been modified`);
  }
}

function wrongUid({ kind, name, namespace }: Target, uid: string, existing: KubernetesObject): Refusal {
  const key = `/registry/${kind.resource.plural}/${namespace === undefined ? '' : `${namespace}/`}${name}`;
  const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${existing.metadata.uid ?? ''}`;
  return conflict(kind.resource, name, `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`);
}

