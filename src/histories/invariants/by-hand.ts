// Which objects people have changed, and when: what must be "as before" cannot be asked of them.

import { DAEMON_USER, WEBHOOK_USER } from '../../embedded/cluster.ts';
import type { RequestRecord } from '../../simulation/apiserver/contract.ts';

export class ByHand {
  readonly #versions = new Map<string, number>();

  note({ user, verb, resource, namespace, name, version }: RequestRecord): void {
    if (version === undefined || user === DAEMON_USER.username || user === WEBHOOK_USER.username || user.startsWith('system:')) return;
    this.#versions.set(verb === 'deletecollection' ? `${resource} ${namespace}` : `${resource} ${namespace}/${name}`, version);
  }

  /** Whether a person has changed it after that version of the store. */
  changedSince(version: number, object: { resource: string; namespace?: string; name: string }): boolean {
    const { resource, namespace = '', name } = object;
    return [`${resource} ${namespace}/${name}`, `${resource} ${namespace}`].some((key) => (this.#versions.get(key) ?? 0) > version);
  }
}
