// Everything that can be asked of the server, after it was read from a path or a call and before it is written as an answer. Each
// request takes at least one turn, and each is told to whoever keeps the trace.

import type { KubernetesObject, Resource } from '../../kubernetes/objects.ts';
import { namespaces } from '../../kubernetes/objects.ts';
import { Refusal, type JsonPatchOperation, type RequestRecord, type UserInfo } from './contract.ts';
import { isObject, objectAt, type JsonObject } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import type { ServedKinds } from './kinds/served.ts';
import { listPage, type ListRequest, type Page } from './listing.ts';
import { applyTo } from './merging/apply.ts';
import { applyStrategicPatch, BadPatch } from './merging/strategic.ts';
import { schemaOf } from './openapi/schemas.ts';
import { applyJsonPatch, applyMergePatch, PatchFailed } from './patches.ts';
import { badRequest, methodNotAllowed, noSuchResource, unexplained, unprocessablePatch } from './refusals.ts';
import type { Deletion, Registry, Written } from './registry.ts';
import { bind, evict, finalize, rescale, scaleOf, success } from './subresources.ts';
import type { Target } from './target.ts';
import { openWatch, type Watch, type Watchers, type WatchRequest } from './watching.ts';

export interface Asked {
  user: UserInfo;
  resource: Resource;
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
  dryRun?: boolean | undefined;
  fieldManager?: string | undefined;
}

/** The same, with what the request insists on: for whoever keeps the trace. */
interface Insisting extends Asked {
  conditions?: RequestRecord['conditions'];
}

export type Patch = { type: 'merge' | 'strategic'; patch: unknown } | { type: 'json'; patch: JsonPatchOperation[] } | { type: 'apply'; patch: KubernetesObject; force: boolean };

export interface Answer {
  code: number;
  body: object;
}

export interface RequestsOptions {
  kinds: ServedKinds;
  registry: Registry;
  watchers: Watchers;
  onRequest: ((record: RequestRecord) => void) | undefined;
}

interface Outcome {
  code: number;
  version?: number | undefined;
  reason?: string | undefined;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #watches = new Set<Watch>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  get kinds(): ServedKinds {
    return this.#options.kinds;
  }

  get(asked: Asked): Promise<Answer> {
    return this.#answer('get', asked, (target) => {
      const object = this.#options.registry.get(target);
      if (target.subresource === 'scale' && target.kind.scale !== undefined) return { code: 200, body: scaleOf(target, object) };
      if (target.subresource !== '' && !(target.subresource === 'status' && target.kind.status)) throw noSuchResource();
      return { code: 200, body: object };
    });
  }

  async list(asked: Asked, request: ListRequest): Promise<Page> {
    let page: Page | undefined;
    await this.#answer('list', asked, (target) => {
      page = listPage(this.#options.registry.world.store, target.kind, { ...request, namespace: target.namespace });
      return { code: 200, body: {} };
    });
    return page as Page;
  }

  async watch(asked: Asked, request: WatchRequest): Promise<Watch> {
    let watch: Watch | undefined;
    await this.#answer('watch', asked, (target) => {
      watch = openWatch(this.#options.watchers, target.kind, { ...request, namespace: target.namespace });
      return { code: 200, body: {} };
    });
    const opened = watch as Watch;
    this.#watches.add(opened);
    opened.onEnd(() => this.#watches.delete(opened));
    return opened;
  }

  endWatches(how: 'end' | 'break'): void {
    // Each takes itself out of the set, which iteration allows.
    for (const watch of this.#watches) watch.end(how);
  }

  create(asked: Asked, body: unknown): Promise<Answer> {
    return this.#answer('create', asked, (target) => this.#create(target, body), nameIn(body));
  }

  async #create(target: Target, body: unknown): Promise<Answer & Outcome> {
    const object = objectOf(body, target.kind);
    return target.subresource === '' ? ofWrite(await this.#options.registry.create(target, object), 201) : this.#createAt(target, object);
  }

  async #createAt(target: Target, object: KubernetesObject): Promise<Answer & Outcome> {
    const { registry } = this.#options;
    const of = `${target.kind.resource.plural}/${target.subresource}`;
    if (target.kind.resource.group !== '') throw methodNotAllowed();
    if (of === 'pods/eviction') {
      await evict(registry, target, object);
      return { code: 201, body: success(201), version: target.dryRun ? undefined : registry.world.store.version };
    }
    if (of !== 'pods/binding') throw methodNotAllowed();
    const { version } = await bind(registry, target, object);
    return { code: 201, body: success(201), version };
  }

  update(asked: Asked, body: unknown): Promise<Answer> {
    return this.#answer('update', { ...asked, conditions: conditionsIn(body) }, async (target) => {
      const { registry } = this.#options;
      const object = objectOf(body, target.kind);
      if ((object.metadata.name ?? '') !== '' && object.metadata.name !== target.name) {
        throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${target.name})`);
      }
      if (target.subresource === 'scale') return ofWrite(await rescale(registry, requireScale(target), () => object));
      if (target.subresource === 'finalize' && isNamespaces(target.kind)) return ofWrite(await finalize(registry, target, object));
      refuseOther(target);
      if (target.kind.createOnUpdate === true && registry.find(target) === undefined) return ofWrite(await registry.create(target, object), 201);
      return ofWrite(await registry.update(target, () => object, { uid: object.metadata.uid }));
    });
  }

  patch(asked: Asked, patch: Patch): Promise<Answer> {
    return this.#answer('patch', { ...asked, conditions: conditionsIn(patch.patch) }, async (target) => {
      const { registry } = this.#options;
      if (patch.type === 'apply') return this.#apply(target, patch);
      const change = (existing: KubernetesObject): KubernetesObject => patched(target.kind, existing, patch);
      if (target.subresource === 'scale') return ofWrite(await rescale(registry, requireScale(target), change));
      refuseOther(target);
      return ofWrite(await registry.update(target, change));
    });
  }

  async #apply(asked: Target, { patch: applied, force }: Patch & { type: 'apply' }): Promise<Answer & Outcome> {
    refuseOther(asked);
    const { object, version, created = false } = await applyTo(this.#options.registry, { ...asked, applied }, { applied, force });
    return { code: created ? 201 : 200, body: object, version };
  }

  delete(asked: Asked, deletion: Deletion): Promise<Answer & { gone: boolean }> {
    return this.#answer('delete', { ...asked, conditions: deletion.preconditions }, async (target) => {
      if (target.subresource !== '') throw methodNotAllowed();
      const written = await this.#options.registry.delete(target, deletion);
      return { ...ofDelete(target, written), gone: written.gone };
    });
  }

  /** Every object of the selection, one after the other; the list of them as they were. */
  async deleteCollection(asked: Asked, request: ListRequest, deletion: Deletion): Promise<Page> {
    let page: Page | undefined;
    await this.#answer('deletecollection', asked, async (target) => {
      if (isNamespaces(target.kind)) throw methodNotAllowed();
      page = listPage(this.#options.registry.world.store, target.kind, { ...request, namespace: target.namespace });
      for (const { metadata } of page.items) {
        const one = { ...target, namespace: metadata.namespace, name: metadata.name };
        if (this.#options.registry.find(one) !== undefined) await this.#options.registry.delete(one, deletion);
      }
      return { code: 200, body: {} };
    });
    return page as Page;
  }

  /** `told`: what the request is said to be about where its path does not name it. */
  async #answer<A extends Answer & Outcome>(verb: string, asked: Insisting, act: (target: Target) => A | Promise<A>, told = ''): Promise<A> {
    // Nothing happens in the caller's own turn: a real request takes its time, and others act meanwhile.
    await Promise.resolve();
    try {
      const answer = await act(this.#target(asked));
      this.#tell(verb, { ...asked, name: asked.name || told }, answer);
      return answer;
    } catch (error) {
      if (error instanceof Refusal) this.#tell(verb, { ...asked, name: asked.name || told }, { code: error.code, reason: error.reason });
      throw error;
    }
  }

  #target({ user, resource, namespace, name = '', subresource = '', dryRun = false, fieldManager = 'unknown' }: Asked): Target {
    const kind = this.#options.kinds.of(resource);
    return { kind, namespace: kind.resource.namespaced ? namespace : undefined, name, subresource, user, dryRun, fieldManager };
  }

  #tell(verb: string, { user, resource, namespace = '', name = '', subresource = '', dryRun = false, conditions }: Insisting, { code, reason = '', version }: Outcome): void {
    const { onRequest } = this.#options;
    if (onRequest === undefined) return;
    const plural = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
    onRequest({ user: user.username, verb, resource: subresource === '' ? plural : `${plural}/${subresource}`, namespace, name, dryRun, conditions, code, reason, version });
  }
}

function ofWrite({ object, version }: Written, code = 200): Answer & Outcome {
  return { code, body: object, version };
}

function ofDelete({ kind, name }: Target, { object, version, gone }: Written & { gone: boolean }): Answer & Outcome {
  if (kind.returnsDeleted || !gone) return { code: 200, body: object, version };
  const { group, plural } = kind.resource;
  const details: JsonObject = { name, ...(group === '' ? {} : { group }), kind: plural, uid: object.metadata.uid };
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }, version };
}

function conditionsIn(body: unknown): RequestRecord['conditions'] {
  const { uid, resourceVersion } = objectAt(body, 'metadata') as { uid?: string; resourceVersion?: string };
  return uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
}

/** Empty where the server picks it. */
function nameIn(body: unknown): string {
  return isObject(body) && isObject(body.metadata) && typeof body.metadata.name === 'string' ? body.metadata.name : '';
}

/** @throws Refusal 400 for a body that is no object of the API */
function objectOf(body: unknown, { resource }: Kind): KubernetesObject {
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind}): couldn't get version/kind; json parse error`);
  const metadata = isObject(body.metadata) ? body.metadata : {};
  return { ...body, metadata } as KubernetesObject;
}

/** @throws Refusal 422 when a test does not hold or a path is not there, 400 for a patch that says what no patch may */
function patched(kind: Kind, existing: KubernetesObject, patch: Exclude<Patch, { type: 'apply' }>): KubernetesObject {
  try {
    if (patch.type === 'json') return applyJsonPatch(existing, patch.patch) as KubernetesObject;
    if (patch.type === 'merge') return applyMergePatch(existing, patch.patch) as KubernetesObject;
    return applyStrategicPatch(existing, objectAt({ patch: patch.patch }, 'patch'), schemaOf(kind)) as KubernetesObject;
  } catch (error) {
    if (error instanceof PatchFailed) throw unprocessablePatch();
    if (error instanceof BadPatch) throw error.unexplained ? unexplained(error.message) : badRequest(error.message);
    throw error;
  }
}

function requireScale(target: Target): Target {
  if (target.kind.scale === undefined) throw noSuchResource();
  return target;
}

/** Of the subresources that are a part of the object, only the status. */
function refuseOther({ kind, subresource }: Target): void {
  if (subresource !== '' && !(subresource === 'status' && kind.status)) throw noSuchResource();
}

function isNamespaces({ resource }: Kind): boolean {
  return resource.group === '' && resource.plural === namespaces.plural;
}
