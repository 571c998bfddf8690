// The simulated API server as others see it: the product over HTTP, the simulation's own controllers without the detour over JSON text,
// and whoever checks invariants by looking straight at what is stored. A contract: server.ts implements it.
//
//   product ──► http(user): Http ──┐
//                                  ├──► one request after the other: admission, validation, compare-and-swap ──► store ──► watches
//   controllers ► client(user) ────┘
//
// Every object that comes out of here is FROZEN, deeply, and shared: the store keeps it, the next reader gets the same one. To change
// one, copy it (`structuredClone`, or spread what changes); an attempt to write into it throws a TypeError.

import type { KubernetesObject, Resource } from '../../kubernetes/objects.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Http } from '../../ports/http.ts';
import type { Random } from '../../ports/random.ts';

/** Who asks. Admission sees it as `request.userInfo`. There is no authorization: everybody may do everything. */
export interface UserInfo {
  username: string;
  groups: readonly string[];
  uid?: string;
}

/** A person with a kubeconfig of the administrator. */
export const ADMIN: UserInfo = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };

/** `namespace` only for namespaced kinds. */
export interface ObjectRef {
  namespace?: string;
  name: string;
}

export interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'test' | 'move' | 'copy';
  path: string;
  from?: string;
  value?: unknown;
}

export interface Selection {
  /** Without it: the whole cluster. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

export interface WriteOptions {
  /** Admission and validation happen, nothing is stored. */
  dryRun?: boolean;
  fieldManager?: string;
}

export interface DeleteOptions {
  preconditions?: Preconditions;
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  dryRun?: boolean;
}

/** A refusal as the real server words it; `body` is the Status. */
export class Refusal extends Error {
  readonly code: number;
  /** NotFound, AlreadyExists, Conflict, Forbidden, Invalid, TooManyRequests, BadRequest, Expired, InternalError … */
  readonly reason: string;
  readonly body: Status;
  /** Of the answer, beside the usual ones, e.g. `retry-after`. */
  readonly headers: Record<string, string>;

  constructor(body: Status, headers: Record<string, string> = {}) {
    super(body.message);
    this.name = 'Refusal';
    this.code = body.code;
    this.reason = body.reason;
    this.body = body;
    this.headers = headers;
  }
}

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, never>;
  status: 'Failure';
  message: string;
  reason: string;
  details?: StatusDetails;
  code: number;
}

/**
 * Requests as one user, for the controllers of the simulation. Each is a request like any other: admission and validation apply, it takes
 * at least one turn, and others act meanwhile. @throws Refusal.
 */
export interface Client {
  /** Undefined when there is no such object. */
  get<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined>;
  list<T extends KubernetesObject>(resource: Resource<T>, selection?: Selection): Promise<T[]>;
  /** Sets apiVersion and kind itself; the namespace is `metadata.namespace`. Gives back what is stored. */
  create<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** PUT of the whole object (what its metadata names). With `metadata.resourceVersion` a compare-and-swap (409). Status is left as it is where the kind has a status subresource. */
  update<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** PUT to `/status`: everything but the status (and metadata's preconditions) is left as it is. */
  updateStatus<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** JSON merge patch; `metadata.resourceVersion` and `metadata.uid` in the patch are preconditions. */
  mergePatch<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, patch: object, options?: WriteOptions & { subresource?: string }): Promise<T>;
  jsonPatch<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, patch: JsonPatchOperation[], options?: WriteOptions & { subresource?: string }): Promise<T>;
  /** No such object: `gone`. `deleting`: finalizers or a grace period hold it. */
  delete(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Promise<'gone' | 'deleting'>;
  /** POST to `pods/eviction`. 429 (with cause DisruptionBudget) when a budget forbids it, 500 for a pod under several. */
  evict(pod: { namespace: string; name: string }, options?: DeleteOptions): Promise<void>;
  /** POST to `pods/binding`: what the scheduler does. 409 when it is bound already, gated or terminating; with `uid` only that very pod. */
  bind(pod: { namespace: string; name: string; uid?: string }, nodeName: string): Promise<void>;
  /** PUT to `namespaces/finalize` with an empty `spec.finalizers`: what the namespace controller does when nothing is left inside. */
  finalizeNamespace(name: string): Promise<void>;
}

/** A change as it was committed. Of a deletion, `object` is the last state with the version of the deletion. */
export interface StoreEvent<T extends KubernetesObject = KubernetesObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: Resource;
  object: T;
  /** The state before; undefined when it was added. */
  previous: T | undefined;
  /** Of this change: grows by one with each, over all kinds. */
  version: number;
}

/** One request that has been answered (or lost), in the order of the answers: for traces and for finding crash sites. */
export interface RequestRecord {
  user: string;
  /** get, list, watch, create, update, patch, delete, deletecollection. */
  verb: string;
  /** `pods`, `statefulsets.apps`, with the subresource after a slash: `pods/eviction`. */
  resource: string;
  namespace: string;
  /** Of a new object the one in its body; empty where the server picks it, and for whole collections. */
  name: string;
  dryRun: boolean;
  /** What a delete, an update or a merge patch insists on. */
  conditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
  code: number;
  /** Of a refusal. */
  reason: string;
  /** Version that the write got; undefined for reads, dry runs, refusals and writes that changed nothing. */
  version: number | undefined;
}

/** One review for one webhook. */
export interface WebhookCall {
  type: 'mutating' | 'validating';
  /** Name of the configuration object and of the webhook in it. */
  configuration: string;
  webhook: string;
  /** As registered: `url`, or `service` with `path`. */
  clientConfig: { url?: string; service?: { name: string; namespace: string; path?: string; port?: number }; caBundle?: string };
  /** AdmissionReview of admission.k8s.io/v1 with `request`. */
  review: Record<string, unknown>;
  /** After this the server gives up by itself. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** Gives the AdmissionReview with `response`. @throws when the webhook cannot be reached or answers nonsense: the webhook's failurePolicy decides. */
export type CallWebhook = (call: WebhookCall) => Promise<Record<string, unknown>>;

export interface ApiServerOptions {
  clock: Clock;
  random: Random;
  /** Without it every webhook counts as unreachable. */
  callWebhook?: CallWebhook;
  /** Told of every request when its answer is ready. */
  onRequest?: (record: RequestRecord) => void;
  /**
   * How far the server's own informers lag behind the store, in ms, asked at each admission: which labels of a namespace and which webhook
   * configurations it goes by. Without it 0.
   */
  informerLagMs?: () => number;
  /** How often a watch that asked for bookmarks gets one, in ms. Without it 60 s, as in Kubernetes. */
  bookmarkMs?: number;
  /**
   * Whether `managedFields` says which fields each manager owns: what server-side apply finds its conflicts by. Each write then costs a
   * comparison and more text. Without it managers are listed by name, and only what was applied has owners.
   */
  fieldOwnership?: boolean;
}

export interface ApiServer {
  /** What the product's transport would reach: paths, bodies, watches. */
  http(user: UserInfo): Http;
  client(user: UserInfo): Client;

  // ── Straight at the store, no request: for models that need the truth now, for invariants and tests ─────────────────────────────

  read<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): T | undefined;
  /** In the order of namespace and name. */
  readAll<T extends KubernetesObject>(resource: Resource<T>, selection?: Pick<Selection, 'namespace'>): T[];
  /**
   * Told of every committed change of a kind, in order, in the very turn of the commit: the listener may note and wake, it must not ask
   * the server in that turn (controllers queue, and see the world late by sleeping). Without a resource: of every kind. Gives back what
   * ends it.
   */
  follow<T extends KubernetesObject>(resource: Resource<T> | undefined, listener: (event: StoreEvent<T>) => void): () => void;
  /** Of the last change. */
  readonly version: number;
  /** Every kind that can be asked for now, CRDs included: for the garbage collector and the namespace controller. */
  resources(): Resource[];

  // ── What the outside does to the server ──────────────────────────────────────────────────────────────────────────────────────────

  /** Forgets the history up to this version (default: all of it): watches and list pages from before get 410. Watches that run go on. */
  compact(upTo?: number): void;
  /** Ends every open watch, as a restart of the server does: cleanly, or by breaking the connection. */
  cutWatches(how: 'end' | 'break'): void;
}
