// The namespace controller: empties a namespace that is being deleted, kind by kind, and lets it go when nothing is left inside.

import { namespaces, type KubernetesObject, type Resource } from '../../kubernetes/objects.ts';
import { isTerminating, uidOf } from '../../kubernetes/reading.ts';
import { keyOf, refOf } from './informer.ts';
import { ifThere, unless } from './refusals.ts';
import { Controller, kubeSystemAccount, type Setting } from './setting.ts';

/** While something is left: half of the seconds that its grace period is guessed at, and one. */
const AGAIN_MS = 1_000;

export class NamespaceController extends Controller {
  readonly #namespaces = this.informer(namespaces);
  readonly #queue = this.worker({ reconcile: (key) => this.#sync(key) });

  constructor(setting: Setting) {
    super(setting, kubeSystemAccount('namespace-controller'));
    this.#namespaces.onChange(({ object }) => {
      if (isTerminating(object)) this.#queue.add(keyOf(object));
    });
  }

  async #sync(name: string): Promise<number | void> {
    const namespace = this.#namespaces.get(refOf(name));
    if (namespace === undefined || !isTerminating(namespace)) return;
    let left = 0;
    for (const resource of this.setting.server.resources().filter(({ namespaced }) => namespaced)) left += await this.#empty(name, resource);
    if (left > 0) return AGAIN_MS;
    await unless('NotFound', this.client.finalizeNamespace(name));
  }

  /** @returns how many are still there. */
  async #empty(namespace: string, resource: Resource): Promise<number> {
    const present: KubernetesObject[] = (await ifThere(this.client.list(resource, { namespace }))) ?? [];
    let left = 0;
    for (const object of present) {
      const ref = { namespace, name: object.metadata.name };
      const outcome = isTerminating(object) ? 'deleting' : await this.client.delete(resource, ref, { preconditions: { uid: uidOf(object) }, propagationPolicy: 'Background' });
      if (outcome === 'deleting') left += 1;
    }
    return left;
  }
}
