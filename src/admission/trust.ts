// Whom the API servers trust when they call us, as far as it can be seen from here: the bundles in the two webhook configurations, and since
// when they have been there. An API server learns of a change by its watch, in milliseconds as a rule; after `settleMs` on our own
// monotonic clock, without a change that we could see, it is taken to know. No clock of another machine is asked.

import type { Api } from '../kubernetes/api.ts';
import { mutatingWebhooks, validatingWebhooks, type KubernetesObject } from '../kubernetes/objects.ts';
import type { Clock } from '../ports/clock.ts';
import { isPartOf } from './certificates.ts';
import { bundlesOf, CONFIGURATION_NAME } from './registration.ts';

/** An API server whose watch is further behind than this is not ready itself. */
export const SETTLE_MS = 5 * 60_000;

export class TrustWatch {
  readonly #api: Api;
  readonly #clock: Clock;
  readonly #settleMs: number;
  #seen: { bundle: string; versions: string; since: number } | undefined;

  constructor({ api, clock, settleMs = SETTLE_MS }: { api: Api; clock: Clock; settleMs?: number | undefined }) {
    this.#api = api;
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** Looks once. False while a configuration does not hold all of the bundle. */
  async observe(bundle: string): Promise<boolean> {
    const configurations = await configurationsIn(this.#api);
    const trusting = configurations.every((configuration) => bundlesOf(configuration).every((registered) => isPartOf(bundle, registered)));
    const versions = configurations.map(({ metadata }) => `${metadata.uid ?? ''}/${metadata.generation ?? 0}`).join(' ');
    if (!trusting) this.#seen = undefined;
    else if (this.#seen?.bundle !== bundle || this.#seen.versions !== versions) this.#seen = { bundle, versions, since: this.#clock.monotonic() };
    return trusting;
  }

  /** It has been there long enough, each time that it was looked at. */
  isSettled(bundle: string): boolean {
    return this.#seen !== undefined && this.#seen.bundle === bundle && this.#clock.monotonic() - this.#seen.since >= this.#settleMs;
  }
}

/** All bundles that stand in the configurations, in PEM, one after the other. */
export async function registeredBundles(api: Api): Promise<string> {
  return (await configurationsIn(api)).flatMap(bundlesOf).join('\n');
}

/** Those that exist: who has none asks us nothing. */
async function configurationsIn(api: Api): Promise<KubernetesObject[]> {
  const found = [];
  for (const resource of [mutatingWebhooks, validatingWebhooks]) found.push(await api.get(resource, { name: CONFIGURATION_NAME }));
  return found.filter((configuration) => configuration !== undefined);
}
