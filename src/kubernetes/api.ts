// The calls on Kubernetes objects that the product makes, on raw JSON. A contract: client.ts implements it over ports/http.ts, and
// refusals.ts says which refusal means what.

import type { KubernetesObject, Resource } from './objects.ts';

/** Which object: `namespace` only for namespaced kinds. */
export interface ObjectRef {
  namespace?: string;
  name: string;
}

export interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

export interface WriteOptions {
  /** Server-side dry run: admission and validation happen, nothing is stored. */
  dryRun?: boolean;
  /** See HttpRequest.freshConnection. */
  freshConnection?: boolean;
  fieldManager?: string;
}

export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'test';
  path: string;
  value?: unknown;
}

export interface ListOptions {
  /** Without it: the whole cluster. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** Live calls: each is one request (a list: one per page of 500) and sees the API server's present state, never a cache. */
export interface Api {
  /** Undefined when there is no such object (404). */
  get<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef): Promise<T | undefined>;
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListOptions): Promise<T[]>;
  /** Sets apiVersion and kind itself. @throws ApiError 409 AlreadyExists, 403, 422 … */
  create<T extends KubernetesObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** JSON merge patch; put metadata.resourceVersion (and uid) into the patch for a precondition. `subresource`: `status`. */
  mergePatch<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, patch: object, options?: WriteOptions & { subresource?: string }): Promise<T>;
  jsonPatch<T extends KubernetesObject>(resource: Resource<T>, ref: ObjectRef, patch: JsonPatchOperation[], options?: WriteOptions & { subresource?: string }): Promise<T>;
  /** 404 is success: `gone` says that the server had no such object. With preconditions, another UID or version is ApiError 409. */
  delete(resource: Resource, ref: ObjectRef, preconditions?: Preconditions, options?: { gracePeriodSeconds?: number; propagationPolicy?: string }): Promise<'gone' | 'deleting'>;
  /** POST to `pods/eviction` with the UID as precondition. @throws ApiError 429 when a disruption budget forbids it (code 500 with several budgets: `isBudgetExhausted`). */
  evict(pod: { namespace: string; name: string; uid: string }): Promise<void>;
  /** The plurals that a group version serves (`apps.kruise.io/v1beta1` → `statefulsets` …, subresources left out); undefined when the server does not know it. */
  discover(groupVersion: string): Promise<string[] | undefined>;
  /** Who we are to the API server (SelfSubjectReview), e.g. `system:serviceaccount:zonespread-system:zonespread-controller`. */
  selfUser(): Promise<string>;
}

/**
 * A refusal of the API server (status ≥ 400), read from its Status body.
 */
export class ApiError extends Error {
  readonly status: number;
  /** Status.reason: NotFound, AlreadyExists, Conflict, Forbidden, Invalid, TooManyRequests … */
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  /** The Status object as it came. */
  readonly body: Record<string, unknown>;

  constructor(message: string, options: { status: number; reason: string; retryAfterMs?: number; body?: Record<string, unknown> }) {
    super(message);
    this.name = 'ApiError';
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
    this.body = options.body ?? {};
  }

  /** Waiting can help: conflict (re-read first), too many requests, server errors. */
  get retriable(): boolean {
    return this.status === 409 || this.status === 429 || this.status >= 500;
  }
}

/** No answer came (refused, reset, timed out): for a write, nobody knows whether it took effect. Re-read before doing anything else. */
export class ApiUnreachable extends Error {
  readonly retriable = true;
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'ApiUnreachable';
  }
}
