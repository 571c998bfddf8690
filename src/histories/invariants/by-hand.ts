// Which objects people have changed, and when: what must be "as before" cannot be asked of them.

import { DAEMON_USER, WEBHOOK_USER } from '../../embedded/cluster.ts';
import type { RequestRecord } from '../../simulation/apiserver/contract.ts';

/** Neither the product nor a part of Kubernetes. */
export function isPerson(user: string): boolean {
  return user !== DAEMON_USER.username && user !== WEBHOOK_USER.username && !user.startsWith('system:');
}

export class ByHand {
  readonly #versions = new Map<string, number>();

  note({ user, verb, resource, namespace, name, version }: RequestRecord): void {
    if (version === undefined || !isPerson(user)) return;
    this.#versions.set(verb === 'deletecollection' ? `${resource} ${namespace}` : `${resource} ${namespace}/${name}`, version);
  }

  /** Whether a person has changed it after that version of the store. */
  changedSince(version: number, object: { resource: string; namespace?: string; name: string }): boolean {
    const { resource, namespace = '', name } = object;
    return [`${resource} ${namespace}/${name}`, `${resource} ${namespace}`].some((key) => (this.#versions.get(key) ?? 0) > version);
  }
}
