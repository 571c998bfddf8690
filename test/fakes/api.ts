// An API server in memory behind the Api interface, for unit tests: versions, UIDs, preconditions, finalizers, patches, the status
// subresource and the immutable fields that a migration meets, as the real one has them. There are no controllers: a test plays them
// with `put`, `change`, `remove` and `onChange`. Admission is an interceptor (`on('create', pods, …)`).

import { isDeepStrictEqual } from 'node:util';
import { ApiError, type Api, type JsonPatchOperation, type ListOptions, type ObjectRef, type Preconditions, type WriteOptions } from '../../src/kubernetes/api.ts';
import { apiVersionOf, namespaces, pods, type KubernetesObject, type ObjectMeta, type PodSpec, type Resource } from '../../src/kubernetes/objects.ts';
import { matchesRequirements, parseSelector } from '../../src/kubernetes/selector.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { randomLetters, type Random } from '../../src/ports/random.ts';
import { FakeClock } from './clock.ts';
import { immutableFieldsChanged } from './immutable-fields.ts';
import { copyOf } from './json-copy.ts';
import { applyJsonPatch, applyMergePatch } from './json-patch.ts';
import { SeededRandom } from './random.ts';

export type Verb = 'get' | 'list' | 'create' | 'mergePatch' | 'jsonPatch' | 'delete' | 'evict';

export interface ApiCall {
  verb: Verb;
  resource: Resource;
  ref: ObjectRef;
  /** The object to create, the patch. Interceptors may change it: that is how a test plays a mutating webhook. */
  body?: unknown;
  preconditions?: Preconditions;
  options: WriteOptions & { subresource?: string; gracePeriodSeconds?: number; propagationPolicy?: string } & ListOptions;
}

/** Stands in front of the server: may throw before the effect, after it, change the body or the answer, or wait. */
export type Interceptor = (call: ApiCall, proceed: () => Promise<unknown>) => Promise<unknown>;

export interface StoreEvent<T extends KubernetesObject = KubernetesObject> {
  type: 'added' | 'modified' | 'deleted';
  object: T;
  previous: T | undefined;
}

interface Effect {
  result: unknown;
}

export class FakeApi implements Api {
  /** Every request that came in, refused ones included. */
  readonly calls: ApiCall[] = [];
  /** The write requests that the server accepted and stored (no dry runs, no refusals). */
  readonly writes: ApiCall[] = [];
  /** What `selfUser` answers. */
  user = 'system:serviceaccount:zonespread-system:zonespread-controller';
  /** What `discover` answers, beside the group versions of the objects that are there. */
  readonly groupVersions = new Map<string, string[]>();

  readonly #clock: Clock;
  readonly #random: Random;
  readonly #store = new Map<string, Map<string, KubernetesObject>>();
  readonly #interceptors: { verb: Verb; resource: string; hook: Interceptor }[] = [];
  readonly #listeners: { resource: string; listener: (event: StoreEvent) => void }[] = [];
  readonly #undelivered: { resource: string; event: StoreEvent }[] = [];
  #delivering = false;
  #version = 100;

  constructor({ clock = new FakeClock(), random = new SeededRandom(7) }: { clock?: Clock; random?: Random } = {}) {
    this.#clock = clock;
    this.#random = random;
  }

  // ── The Api ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined> {
    return this.#handle({ verb: 'get', resource, ref, options: {} }, () => ({ result: this.read(resource, ref) }));
  }

  list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions = {}): Promise<T[]> {
    const call: ApiCall = { verb: 'list', resource, ref: { name: '' }, options };
    return this.#handle(call, () => ({ result: this.readAll(resource, options) }));
  }

  create<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const call: ApiCall = { verb: 'create', resource, ref: refOf(resource, object), body: copyOf(object), options };
    return this.#handle(call, () => this.#create(call));
  }

  mergePatch<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, patch: object, options: WriteOptions & { subresource?: string } = {}): Promise<T> {
    const call: ApiCall = { verb: 'mergePatch', resource, ref, body: copyOf(patch), options };
    return this.#handle(call, () => this.#patch(call, (current) => applyMergePatch(current, call.body)));
  }

  jsonPatch<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, patch: JsonPatchOperation[], options: WriteOptions & { subresource?: string } = {}): Promise<T> {
    const call: ApiCall = { verb: 'jsonPatch', resource, ref, body: copyOf(patch), options };
    return this.#handle(call, () => this.#patch(call, (current) => applyOrRefuse(call, current)));
  }

  delete(resource: Resource, ref: ObjectRef, preconditions: Preconditions = {}, options: { gracePeriodSeconds?: number; propagationPolicy?: string } = {}): Promise<'gone' | 'deleting'> {
    const call: ApiCall = { verb: 'delete', resource, ref, preconditions, options };
    return this.#handle(call, () => this.#delete(call));
  }

  evict(pod: { namespace: string; name: string; uid: string }): Promise<void> {
    const call: ApiCall = { verb: 'evict', resource: pods, ref: { namespace: pod.namespace, name: pod.name }, preconditions: { uid: pod.uid }, options: {} };
    return this.#handle(call, () => {
      if (this.#find(call) === undefined) throw notFound(call);
      this.#delete(call);
      return { result: undefined };
    });
  }

  discover(groupVersion: string): Promise<string[] | undefined> {
    const served = new Set(this.groupVersions.get(groupVersion));
    for (const [key, objects] of this.#store) {
      if (objects.size > 0 && key.startsWith(`${groupVersion}/`)) served.add(key.slice(groupVersion.length + 1));
    }
    return Promise.resolve(served.size === 0 ? undefined : [...served].sort());
  }

  selfUser(): Promise<string> {
    return Promise.resolve(this.user);
  }

  // ── What a test does ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Puts an interceptor in front of the server; the newest comes first. Gives back what takes it away. */
  on(verb: Verb, resource: Resource, hook: Interceptor): () => void {
    const entry = { verb, resource: keyOf(resource), hook };
    this.#interceptors.unshift(entry);
    return () => {
      const at = this.#interceptors.indexOf(entry);
      if (at !== -1) this.#interceptors.splice(at, 1);
    };
  }

  /** The same for the next such call only. */
  once(verb: Verb, resource: Resource, hook: Interceptor): void {
    const remove = this.on(verb, resource, (call, proceed) => {
      remove();
      return hook(call, proceed);
    });
  }

  /** Told of every change of a kind after it is stored, in order: a test plays a controller here. */
  onChange<T extends KubernetesObject>(resource: Resource<T>, listener: (event: StoreEvent<T>) => void): () => void {
    const entry = { resource: keyOf(resource), listener: listener as (event: StoreEvent) => void };
    this.#listeners.push(entry);
    return () => {
      const at = this.#listeners.indexOf(entry);
      if (at !== -1) this.#listeners.splice(at, 1);
    };
  }

  /** Stores an object as it is, status included (created or replaced), without interceptors and log: how a test sets its scene. */
  put<T extends KubernetesObject>(resource: Resource<T>, object: T): T {
    const stored = copyOf(object);
    stored.apiVersion = apiVersionOf(resource);
    stored.kind = resource.kind;
    stored.metadata.uid ??= this.#random.uuid();
    stored.metadata.creationTimestamp ??= this.#stamp();
    return this.#save(resource, stored) as T;
  }

  /** Changes an object in place as a controller would, status included, without interceptors and log. @throws when it is not there. */
  change<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, edit: (object: T) => void): T {
    const object = this.read(resource, ref);
    if (object === undefined) throw new Error(`FakeApi: there is no ${resource.kind} ${nameOf(ref)} to change`);
    edit(object);
    return this.#save(resource, object) as T;
  }

  /** Takes an object away at once, whatever its finalizers: a kubelet or a protection controller has finished with it. */
  remove(resource: Resource, ref: ObjectRef): void {
    const objects = this.#objects(resource);
    const previous = objects.get(storeKey(resource, ref));
    if (previous === undefined) return;
    objects.delete(storeKey(resource, ref));
    this.#tell(resource, { type: 'deleted', object: { ...previous, metadata: { ...previous.metadata, resourceVersion: this.#nextVersion() } }, previous });
  }

  /** The object as it is now, without a request. */
  read<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): T | undefined {
    return copyOf(this.#objects(resource).get(storeKey(resource, ref))) as T | undefined;
  }

  /** The same for all objects of a kind, in the order of namespace and name. */
  readAll<T extends KubernetesObject>(resource: Resource<T>, { namespace, labelSelector, fieldSelector }: ListOptions = {}): T[] {
    const requirements = parseSelector(labelSelector ?? '');
    const fields = (fieldSelector ?? '').split(',').filter((field) => field !== '');
    return [...this.#objects(resource).entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
      .filter((object) => namespace === undefined || object.metadata.namespace === namespace)
      .filter((object) => matchesRequirements(requirements, object.metadata.labels))
      .filter((object) => fields.every((field) => matchesField(object, field)))
      .map((object) => copyOf(object) as T);
  }

  /** Empties both logs. */
  forgetCalls(): void {
    this.calls.length = 0;
    this.writes.length = 0;
  }

  // ── The server ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #handle<R>(call: ApiCall, effect: () => Effect): Promise<R> {
    this.calls.push(call);
    const hooks = this.#interceptors.filter((entry) => entry.verb === call.verb && entry.resource === keyOf(call.resource)).map((entry) => entry.hook);
    // Nothing happens in the caller's own turn: a real request takes its time, and others act meanwhile.
    await Promise.resolve();
    const server = (): Promise<unknown> => {
      const { result } = effect();
      if (call.verb !== 'get' && call.verb !== 'list' && call.options.dryRun !== true) this.writes.push(copyOf(call));
      return Promise.resolve(copyOf(result));
    };
    const chain = hooks.reduceRight<() => Promise<unknown>>((proceed, hook) => () => hook(call, proceed), async () => server());
    return (await chain()) as R;
  }

  #create(call: ApiCall): Effect {
    const { resource, options } = call;
    const object = call.body as KubernetesObject;
    if (object.metadata.resourceVersion !== undefined) throw refusal(call, { status: 400, reason: 'BadRequest', message: 'resourceVersion should not be set on objects to be created' });
    if (resource.namespaced && object.metadata.namespace === undefined) throw refusal(call, { status: 400, reason: 'BadRequest', message: 'the namespace is missing' });
    if ((object.metadata.name ?? '') === '' && object.metadata.generateName !== undefined) object.metadata.name = `${object.metadata.generateName}${randomLetters(this.#random, 5)}`;
    call.ref = refOf(resource, object);
    this.#requireLivingNamespace(call);
    if (this.#find(call) !== undefined) throw refusal(call, { status: 409, reason: 'AlreadyExists', message: `${resource.plural} "${object.metadata.name}" already exists` });
    object.apiVersion = apiVersionOf(resource);
    object.kind = resource.kind;
    object.metadata.uid = this.#random.uuid();
    object.metadata.creationTimestamp = this.#stamp();
    if (hasGeneration(resource)) object.metadata.generation = 1;
    delete object.metadata.deletionTimestamp;
    const initial = hasStatus(resource) ? INITIAL_STATUS[resource.kind] : (object.status ?? undefined);
    delete object.status;
    if (initial !== undefined) object.status = copyOf(initial);
    return { result: options.dryRun === true ? object : this.#save(resource, object) };
  }

  #patch(call: ApiCall, apply: (current: KubernetesObject) => unknown): Effect {
    const { resource, options } = call;
    const current = this.#find(call);
    if (current === undefined) throw notFound(call);
    const patched = apply(copyOf(current)) as KubernetesObject;
    requireSameVersion(call, { current, patched });
    const next = keepWhatIsNotWritten(call, { current, patched });
    const changed = immutableFieldsChanged(resource, current, next);
    if (changed.length > 0) throw refusal(call, { status: 422, reason: 'Invalid', message: `${resource.kind} "${call.ref.name}" is invalid: ${changed.join(', ')}: field is immutable`, fields: changed });
    if (isDeepStrictEqual(next, current)) return { result: current };
    if (hasGeneration(resource) && !isDeepStrictEqual(specOf(next), specOf(current))) next.metadata.generation = (current.metadata.generation ?? 1) + 1;
    if (options.dryRun === true) return { result: next };
    const finished = next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0 && !awaitsKubelet(resource, next);
    if (!finished) return { result: this.#save(resource, next) };
    this.remove(resource, call.ref);
    return { result: next };
  }

  #delete(call: ApiCall): Effect {
    const { resource, preconditions, options } = call;
    const current = this.#find(call);
    if (current === undefined) return { result: 'gone' };
    for (const field of ['uid', 'resourceVersion'] as const) {
      const wanted = preconditions?.[field];
      if (wanted !== undefined && wanted !== current.metadata[field]) {
        throw refusal(call, { status: 409, reason: 'Conflict', message: `Precondition failed: ${field} in precondition: ${wanted}, ${field} in object meta: ${current.metadata[field]}` });
      }
    }
    const waits = (current.metadata.finalizers ?? []).length > 0 || (awaitsKubelet(resource, current) && options.gracePeriodSeconds !== 0);
    if (!waits) {
      this.remove(resource, call.ref);
      return { result: 'gone' };
    }
    if (current.metadata.deletionTimestamp === undefined) this.#save(resource, { ...current, metadata: { ...current.metadata, deletionTimestamp: this.#stamp() } });
    return { result: 'deleting' };
  }

  #requireLivingNamespace(call: ApiCall): void {
    const namespace = this.#objects(namespaces).get(`/${call.ref.namespace ?? ''}`);
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    const message = `${call.resource.plural} "${call.ref.name}" is forbidden: unable to create new content in namespace ${call.ref.namespace} because it is being terminated`;
    throw refusal(call, { status: 403, reason: 'Forbidden', message, causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] });
  }

  #find(call: ApiCall): KubernetesObject | undefined {
    return this.#objects(call.resource).get(storeKey(call.resource, call.ref));
  }

  #save(resource: Resource, object: KubernetesObject): KubernetesObject {
    const key = storeKey(resource, refOf(resource, object));
    const previous = this.#objects(resource).get(key);
    const stored = copyOf(object);
    stored.metadata.resourceVersion = this.#nextVersion();
    this.#objects(resource).set(key, stored);
    this.#tell(resource, { type: previous === undefined ? 'added' : 'modified', object: stored, previous });
    return copyOf(stored);
  }

  #tell(resource: Resource, event: StoreEvent): void {
    this.#undelivered.push({ resource: keyOf(resource), event: copyOf(event) });
    if (this.#delivering) return; // A listener that writes: its event waits until this one has reached everybody.
    this.#delivering = true;
    try {
      for (let next = this.#undelivered.shift(); next !== undefined; next = this.#undelivered.shift()) {
        for (const { listener } of this.#listeners.filter((entry) => entry.resource === next.resource)) listener(copyOf(next.event));
      }
    } finally {
      this.#delivering = false;
    }
  }

  #objects(resource: Resource): Map<string, KubernetesObject> {
    const key = keyOf(resource);
    let objects = this.#store.get(key);
    if (objects === undefined) this.#store.set(key, (objects = new Map()));
    return objects;
  }

  #nextVersion(): string {
    this.#version += 1;
    return String(this.#version);
  }

  /** Kubernetes' own stamps have whole seconds. */
  #stamp(): string {
    return new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

/** A refusal as the server words it, for interceptors that inject one. */
export function refusal(
  call: Pick<ApiCall, 'verb' | 'resource' | 'ref'>,
  { status, reason, message, fields, causes, retryAfterMs }: { status: number; reason: string; message: string; fields?: string[]; causes?: { reason?: string; field?: string }[]; retryAfterMs?: number },
): ApiError {
  const details = { name: call.ref.name, kind: call.resource.plural, causes: causes ?? fields?.map((field) => ({ reason: 'FieldValueInvalid', field })) };
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason, message, details };
  return new ApiError(`${call.verb} ${call.resource.kind} ${nameOf(call.ref)}: ${message} (${status} ${reason})`, { status, reason, body, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

const INITIAL_STATUS: Record<string, object> = {
  Pod: { phase: 'Pending' },
  PersistentVolume: { phase: 'Pending' },
  PersistentVolumeClaim: { phase: 'Pending' },
  Namespace: { phase: 'Active' },
};

const WITHOUT_STATUS = new Set(['StorageClass', 'CSINode', 'Lease', 'Event', 'Secret', 'ConfigMap', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']);

function hasStatus(resource: Resource): boolean {
  return !WITHOUT_STATUS.has(resource.kind);
}

function hasGeneration(resource: Resource): boolean {
  return !['', 'storage.k8s.io', 'coordination.k8s.io'].includes(resource.group);
}

/** A pod on a node stays until its kubelet has stopped it, unless it wants no time for that. */
function awaitsKubelet(resource: Resource, object: KubernetesObject): boolean {
  const { nodeName = '', terminationGracePeriodSeconds } = (object.spec as PodSpec | undefined) ?? {};
  return resource.kind === 'Pod' && nodeName !== '' && terminationGracePeriodSeconds !== 0;
}

function specOf(object: KubernetesObject): object {
  return { ...object, metadata: undefined, status: undefined };
}

function requireSameVersion(call: ApiCall, { current, patched }: { current: KubernetesObject; patched: KubernetesObject }): void {
  if (patched.metadata.resourceVersion !== undefined && patched.metadata.resourceVersion !== current.metadata.resourceVersion) {
    const message = `Operation cannot be fulfilled on ${call.resource.plural} "${call.ref.name}": the object has been modified; please apply your changes to the latest version and try again`;
    throw refusal(call, { status: 409, reason: 'Conflict', message });
  }
  if (patched.metadata.uid !== undefined && patched.metadata.uid !== current.metadata.uid) {
    throw refusal(call, { status: 422, reason: 'Invalid', message: `${call.resource.kind} "${call.ref.name}" is invalid: metadata.uid: field is immutable`, fields: ['metadata.uid'] });
  }
}

/** The status subresource changes nothing but the status, the object itself everything but the status; what the server owns stays. */
function keepWhatIsNotWritten(call: ApiCall, { current, patched }: { current: KubernetesObject; patched: KubernetesObject }): KubernetesObject {
  const { uid, resourceVersion, creationTimestamp, deletionTimestamp, generation, name, namespace } = current.metadata;
  const owned = Object.fromEntries(Object.entries({ uid, resourceVersion, creationTimestamp, deletionTimestamp, generation, name, namespace }).filter(([, value]) => value !== undefined));
  if (call.options.subresource === 'status') {
    const { status: _old, ...rest } = copyOf(current);
    return patched.status === undefined ? rest : { ...rest, status: patched.status };
  }
  const metadata: ObjectMeta = { ...patched.metadata, ...owned };
  if (deletionTimestamp === undefined) delete metadata.deletionTimestamp;
  if (!hasStatus(call.resource)) return { ...patched, metadata };
  const { status: _written, ...rest } = patched;
  return current.status === undefined ? { ...rest, metadata } : { ...rest, metadata, status: copyOf(current.status) };
}

function applyOrRefuse(call: ApiCall, current: KubernetesObject): unknown {
  try {
    return applyJsonPatch(current, call.body as JsonPatchOperation[]);
  } catch (error) {
    throw refusal(call, { status: 422, reason: 'Invalid', message: `the server rejected our request due to an error in our request: ${(error as Error).message}` });
  }
}

function notFound(call: ApiCall): ApiError {
  return refusal(call, { status: 404, reason: 'NotFound', message: `${call.resource.plural} "${call.ref.name}" not found` });
}

function matchesField(object: KubernetesObject, field: string): boolean {
  const [, path, operator, wanted] = /^([^=!]+)(==|!=|=)(.*)$/.exec(field) ?? [];
  const value = path?.split('.').reduce<unknown>((json, key) => (json as Record<string, unknown> | undefined)?.[key], object) ?? '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return (text === wanted) === (operator !== '!=');
}

function refOf(resource: Resource, object: KubernetesObject): ObjectRef {
  const { name, namespace } = object.metadata;
  return resource.namespaced && namespace !== undefined ? { namespace, name: name ?? '' } : { name: name ?? '' };
}

function nameOf(ref: ObjectRef): string {
  return ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
}

function keyOf(resource: Resource): string {
  return `${apiVersionOf(resource)}/${resource.plural}`;
}

function storeKey(resource: Resource, ref: ObjectRef): string {
  return `${resource.namespaced ? (ref.namespace ?? '') : ''}/${ref.name}`;
}
