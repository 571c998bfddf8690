// Admission webhooks in the order and with the failure policies of the real API server: mutating ones one after the other by the name of
// their configuration, once more where a later one changed the object (IfNeeded), validating ones all at once.

import { mutatingWebhooks, namespaces, validatingWebhooks, type KubernetesObject, type LabelSelector } from '../../../kubernetes/objects.ts';
import { matchesSelector } from '../../../kubernetes/selector.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Random } from '../../../ports/random.ts';
import { CelError, evaluate } from '../cel/evaluator.ts';
import { CelSyntaxError, parseCel, type Expression } from '../cel/parser.ts';
import { Refusal, type CallWebhook, type JsonPatchOperation, type Status, type WebhookCall } from '../contract.ts';
import { at, equal, intern, isObject, listAt, objectAt, textAt, type JsonObject } from '../json.ts';
import { applyJsonPatch, PatchFailed } from '../patches.ts';
import { forbidden, internal } from '../refusals.ts';
import type { Attributes } from './attributes.ts';
import type { Informers } from './informers.ts';
import { labelsOf } from './plugins.ts';

interface Registered {
  configuration: string;
  hook: JsonObject;
  name: string;
}

/** The webhook could not be asked, or answered nonsense: its failure policy decides. */
class CallFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CallFailed';
  }
}

export interface WebhooksOptions {
  informers: Informers;
  clock: Clock;
  random: Random;
  call: CallWebhook | undefined;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #expressions = new Map<string, Expression | CelSyntaxError>();

  constructor(options: WebhooksOptions) {
    this.#options = options;
    for (const resource of [mutatingWebhooks, validatingWebhooks, namespaces]) options.informers.watch(resource);
  }

  /**
   * One round. `again`: only these webhooks, of an earlier round. Gives the object and which webhooks of this round want to see it again,
   * because a later one changed it.
   */
  async mutate(attributes: Attributes, again: Set<string> | undefined, afterPatch: (object: KubernetesObject) => KubernetesObject): Promise<{ object: KubernetesObject | undefined; again: Set<string> }> {
    let object = attributes.object;
    const asked = new Set<string>();
    const wanted = new Set<string>();
    for (const registered of this.#registered('mutating')) {
      const id = `${registered.configuration}/${registered.name}`;
      const now = { ...attributes, object };
      if ((again !== undefined && !again.has(id)) || !this.#concerns(registered, now)) continue;
      const changed = await this.#patchOf(registered, now);
      if (changed !== undefined && !equal(changed, object)) {
        object = intern(afterPatch(changed));
        for (const earlier of asked) wanted.add(earlier);
        asked.clear();
      }
      if (registered.hook.reinvocationPolicy === 'IfNeeded') asked.add(id);
    }
    return { object, again: wanted };
  }

  async validate(attributes: Attributes): Promise<void> {
    const concerned = this.#registered('validating').filter((registered) => this.#concerns(registered, attributes));
    if (concerned.length === 0) return;
    const refusals = await Promise.all(concerned.map((registered) => this.#refusalOf(registered, attributes)));
    const refusal = refusals.find((one) => one !== undefined);
    if (refusal !== undefined) throw refusal;
  }

  async #patchOf(registered: Registered, attributes: Attributes): Promise<KubernetesObject | undefined> {
    try {
      const response = await this.#ask('mutating', registered, attributes);
      return patched(attributes.object, response);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (registered.hook.failurePolicy === 'Ignore') return undefined;
      throw internal(error.message);
    }
  }

  async #refusalOf(registered: Registered, attributes: Attributes): Promise<Refusal | undefined> {
    try {
      await this.#ask('validating', registered, attributes);
      return undefined;
    } catch (error) {
      if (error instanceof Refusal) return error;
      if (!(error instanceof CallFailed)) throw error;
      return registered.hook.failurePolicy === 'Ignore' ? undefined : internal(error.message);
    }
  }

  /** The response of a webhook that allows. @throws Refusal when it denies, CallFailed when it does not answer. */
  async #ask(type: 'mutating' | 'validating', registered: Registered, attributes: Attributes): Promise<JsonObject> {
    const request = requestOf(attributes, this.#options.random.uuid());
    const answer = await this.#answerOf({
      type,
      configuration: registered.configuration,
      webhook: registered.name,
      clientConfig: objectAt(registered.hook, 'clientConfig'),
      review: intern({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }),
      timeoutMs: Number(registered.hook.timeoutSeconds) * 1000,
    });
    const response = objectAt(answer, 'response');
    const calling = `failed calling webhook "${registered.name}":`;
    if (answer.kind !== 'AdmissionReview' || answer.apiVersion !== 'admission.k8s.io/v1') throw new CallFailed(`${calling} expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview`);
    if (response.uid !== request.uid) throw new CallFailed(`${calling} received invalid webhook response: expected response.uid="${textAt(request, 'uid')}", got "${textAt(response, 'uid')}"`);
    if (response.allowed !== true) throw denial(registered.name, response.status);
    return response;
  }

  /** @throws CallFailed */
  async #answerOf(call: Omit<WebhookCall, 'signal'>): Promise<JsonObject> {
    const { clock, call: ask } = this.#options;
    const ended = new AbortController();
    const late = Symbol('late');
    const calling = `failed calling webhook "${call.webhook}": failed to call webhook`;
    if (ask === undefined) throw new CallFailed(`${calling}: connect: connection refused`);
    try {
      const answer = await Promise.race([ask({ ...call, signal: ended.signal }), clock.sleep(call.timeoutMs, ended.signal).then(() => late)]);
      if (answer === late) throw new CallFailed(`${calling}: context deadline exceeded`);
      return isObject(answer) ? answer : {};
    } catch (error) {
      if (error instanceof CallFailed) throw error;
      throw new CallFailed(`${calling}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      ended.abort('ended');
    }
  }

  #registered(type: 'mutating' | 'validating'): Registered[] {
    const configurations = this.#options.informers.list(type === 'mutating' ? mutatingWebhooks : validatingWebhooks);
    return configurations.flatMap((configuration) => listAt(configuration, 'webhooks').map((hook) => ({ configuration: configuration.metadata.name, hook: hook as JsonObject, name: textAt(hook, 'name') })));
  }

  #concerns(registered: Registered, attributes: Attributes): boolean {
    const { hook } = registered;
    return (
      // Webhook configurations never come to webhooks: a broken one could not be repaired.
      !['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].includes(attributes.kind.resource.plural) &&
      listAt(hook, 'rules').some((rule) => matchesRule(rule, attributes)) &&
      this.#matchesNamespace(hook, attributes) &&
      matchesObject(hook, attributes) &&
      this.#conditionsHold(registered, attributes)
    );
  }

  #matchesNamespace(hook: JsonObject, attributes: Attributes): boolean {
    const selector = objectAt(hook, 'namespaceSelector') as LabelSelector;
    const { kind, namespace, object, operation } = attributes;
    if (!kind.resource.namespaced) {
      if (kind.resource.plural !== namespaces.plural || kind.resource.group !== '') return true;
      // A namespace is judged by its own labels, as they are to be.
      const labels = operation === 'DELETE' || object === undefined ? this.#labelsOfNamespace(namespace) : labelsOf(object);
      return matchesSelector(selector, labels);
    }
    return matchesSelector(selector, this.#labelsOfNamespace(namespace));
  }

  #labelsOfNamespace(name: string): Record<string, string> | undefined {
    return this.#options.informers.get(namespaces, name)?.metadata.labels;
  }

  /** A condition that is false wins over one that fails. @throws Refusal when one fails under failurePolicy Fail. */
  #conditionsHold({ hook, name }: Registered, attributes: Attributes): boolean {
    const conditions = listAt(hook, 'matchConditions');
    if (conditions.length === 0) return true;
    const variables = { object: attributes.object ?? null, oldObject: attributes.oldObject ?? null, request: requestOf(attributes, '') };
    const results = conditions.map((condition) => this.#resultOf(textAt(condition, 'expression'), variables));
    if (results.includes(false)) return false;
    const failures = results.filter((result) => typeof result === 'string');
    if (failures.length === 0) return true;
    if (hook.failurePolicy === 'Ignore') return false;
    throw forbidden(attributes.kind.resource, attributes.name, `admission webhook "${name}": matchConditions: ${failures.join(', ')}`);
  }

  /** Whether it holds, or why nobody can tell. */
  #resultOf(text: string, variables: Record<string, unknown>): boolean | string {
    try {
      return evaluate(this.#compiled(text), variables) === true;
    } catch (error) {
      if (error instanceof CelError || error instanceof CelSyntaxError) return `expression '${text}' resulted in error: ${error.message}`;
      throw error;
    }
  }

  /** @throws CelSyntaxError */
  #compiled(text: string): Expression {
    let compiled = this.#expressions.get(text);
    if (compiled === undefined) {
      compiled = compiledOrError(text);
      this.#expressions.set(text, compiled);
    }
    if (compiled instanceof CelSyntaxError) throw compiled;
    return compiled;
  }
}

function compiledOrError(text: string): Expression | CelSyntaxError {
  try {
    return parseCel(text);
  } catch (error) {
    if (error instanceof CelSyntaxError) return error;
    throw error;
  }
}

function matchesRule(rule: unknown, { operation, kind, subresource }: Attributes): boolean {
  const { group, version, plural, namespaced } = kind.resource;
  const has = (list: string, value: string): boolean => listAt(rule, list).some((one) => one === '*' || one === value);
  const scope = textAt(rule, 'scope');
  return (
    has('operations', operation) &&
    has('apiGroups', group) &&
    has('apiVersions', version) &&
    (scope === '' || scope === '*' || scope === (namespaced ? 'Namespaced' : 'Cluster')) &&
    listAt(rule, 'resources').some((resource) => matchesResource(String(resource), plural, subresource))
  );
}

function matchesResource(pattern: string, plural: string, subresource: string): boolean {
  const [resource = '', wanted = ''] = pattern.split('/');
  if (resource !== '*' && resource !== plural) return false;
  return wanted === subresource || (wanted === '*' && pattern.includes('/'));
}

function matchesObject(hook: JsonObject, { object, oldObject }: Attributes): boolean {
  const selector = objectAt(hook, 'objectSelector') as LabelSelector;
  const isEmpty = Object.keys(selector).length === 0;
  return isEmpty || [object, oldObject].some((one) => one !== undefined && matchesSelector(selector, labelsOf(one)));
}

/** AdmissionRequest; what is empty is left out, as in the real one. */
function requestOf(attributes: Attributes, uid: string): JsonObject {
  const { kind, subresource, objectKind, namespace, name, operation, user, object, oldObject, dryRun, options } = attributes;
  const { group, version, plural } = kind.resource;
  const resource = { group, version, resource: plural };
  const sub = subresource === '' ? {} : { subResource: subresource, requestSubResource: subresource };
  return {
    uid,
    kind: objectKind,
    resource,
    requestKind: objectKind,
    requestResource: resource,
    ...sub,
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: { username: user.username, ...(user.uid === undefined ? {} : { uid: user.uid }), groups: [...user.groups] },
    object: object ?? null,
    oldObject: oldObject ?? null,
    dryRun,
    options,
  };
}

function patched(object: KubernetesObject | undefined, response: JsonObject): KubernetesObject | undefined {
  if (response.patch === undefined || object === undefined) return object;
  if (response.patchType !== 'JSONPatch') throw new CallFailed(`received invalid webhook response: patchType ${textAt(response, 'patchType')}`);
  const operations = JSON.parse(Buffer.from(textAt(response, 'patch'), 'base64').toString('utf8')) as JsonPatchOperation[];
  try {
    return applyJsonPatch(object, operations) as KubernetesObject;
  } catch (error) {
    if (error instanceof PatchFailed) throw new CallFailed(error.message);
    throw error;
  }
}

function denial(webhook: string, status: unknown): Refusal {
  const code = Math.max(Number(at(status, 'code') ?? 0), 400);
  const why = textAt(status, 'message') || textAt(status, 'reason');
  const denied = `admission webhook "${webhook}" denied the request`;
  const body: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: why === '' ? `${denied} without explanation` : `${denied}: ${why}`,
    reason: textAt(status, 'reason'),
    code,
  };
  const details = at(status, 'details');
  return new Refusal(isObject(details) ? { ...body, details } : body);
}
