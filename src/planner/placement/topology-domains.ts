// Places as topology keys divide the cluster: a domain is all nodes with one value of one label.

import type { NodeSite } from './landscape.ts';

/** How many pods count in each domain, by `key` and value. */
export class DomainCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  /** Undefined when the node is in no domain of the key. */
  static domainOf(site: NodeSite, key: string): string | undefined {
    return site.labels[key];
  }

  /** A node outside every domain of the key counts nowhere. */
  add(site: NodeSite, key: string, count: number): void {
    const domain = DomainCounts.domainOf(site, key);
    if (domain === undefined) return;
    const domains = this.#counts.get(key) ?? new Map<string, number>();
    this.#counts.set(key, domains);
    const now = (domains.get(domain) ?? 0) + count;
    if (now === 0) domains.delete(domain);
    else domains.set(domain, now);
  }

  at(site: NodeSite, key: string): number {
    return this.#counts.get(key)?.get(DomainCounts.domainOf(site, key) ?? '') ?? 0;
  }

  /** Whether the node is in a domain where something counts, of whatever key. */
  anyAt(site: NodeSite): boolean {
    return [...this.#counts.keys()].some((key) => DomainCounts.domainOf(site, key) !== undefined && this.at(site, key) > 0);
  }

  get empty(): boolean {
    return [...this.#counts.values()].every((domains) => domains.size === 0);
  }
}
