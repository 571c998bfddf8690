// All of admission, in the order of a default API server: built-in mutation, mutating webhooks (and once more both where that changed
// something), then, after validation, built-in checks, validating webhooks, and quotas last, which charge.

import type { KubernetesObject } from '../../../kubernetes/objects.ts';
import { equal, intern } from '../json.ts';
import type { Store } from '../store.ts';
import type { Attributes } from './attributes.ts';
import { CHECKS, MUTATING_PLUGINS } from './plugins.ts';
import { chargeQuotas } from './quota.ts';
import type { Webhooks } from './webhooks.ts';

export class Admission {
  readonly #store: Store;
  readonly #webhooks: Webhooks;

  constructor(store: Store, webhooks: Webhooks) {
    this.#store = store;
    this.#webhooks = webhooks;
  }

  /** The object as admission leaves it; undefined for a DELETE. @throws Refusal */
  async mutate(attributes: Attributes): Promise<KubernetesObject | undefined> {
    const defaulted = (object: KubernetesObject): KubernetesObject => (attributes.subresource === '' ? (attributes.kind.defaults?.(object) ?? object) : object);
    const first = this.#builtIn(attributes);
    const afterFirst = await this.#webhooks.mutate({ ...attributes, object: first }, undefined, defaulted);
    if (equal(afterFirst.object, first)) return first;
    const second = this.#builtIn({ ...attributes, object: afterFirst.object });
    const { object } = await this.#webhooks.mutate({ ...attributes, object: second }, afterFirst.again, defaulted);
    return object;
  }

  /** @throws Refusal */
  async validate(attributes: Attributes): Promise<void> {
    for (const check of CHECKS) check(attributes, this.#store);
    await this.#webhooks.validate(attributes);
    chargeQuotas(attributes, this.#store);
  }

  #builtIn(attributes: Attributes): KubernetesObject | undefined {
    return intern(MUTATING_PLUGINS.reduce((object, plugin) => plugin({ ...attributes, object }, this.#store), attributes.object));
  }
}
