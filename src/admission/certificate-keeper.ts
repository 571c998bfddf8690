// Keeps what is served, what is stored and what is trusted together, round after round:
//
//   read what is stored (renewed where it must be) → served at once when no new CA is needed for it
//                                                  → else served when the configurations have held its CA for long enough (trust.ts)
//
// So at every instant every replica serves what every configuration trusts, whichever replica was killed at whatever moment: nothing is
// kept here but what is being served.

import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { CertificateSource } from './certificate-source.ts';
import { covers, expiryOf, isPartOf, type Certificates } from './certificates.ts';
import type { TrustWatch } from './trust.ts';

export interface CertificateKeeperOptions {
  source: CertificateSource;
  trust: TrustWatch;
  clock: Clock;
  log: Log;
  /** What is served to begin with. */
  served: Certificates;
  /** From now on for new connections. */
  serve: (certificates: Certificates) => void;
  /** Writes the configurations; undefined where somebody else does. `bundle`: what is to stand in one that has `registered`. */
  register: ((bundle: (registered: string) => Promise<string>) => Promise<void>) | undefined;
  /** False where somebody else fills in certificates and bundles alike: nobody here can tell when. */
  waits: boolean;
}

export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  #served: Certificates;
  #offered: Certificates;
  /** What this process last wrote or found to stand in a configuration. */
  #registered: string | undefined;
  #isWaiting = false;

  constructor(options: CertificateKeeperOptions) {
    this.#options = options;
    this.#served = options.served;
    this.#offered = options.served;
  }

  /** Reads what is stored and serves it, if it may be. @throws when it cannot be read */
  async renew(): Promise<void> {
    const { source, trust } = this.#options;
    this.#offered = await source.read({ served: this.#served, trusts: (bundle) => trust.isSettled(bundle) });
    this.#serveWhatMay();
  }

  /** @throws when the API server refuses */
  async register(): Promise<void> {
    const { source, trust, register } = this.#options;
    const { bundle } = this.#offered;
    await register?.(async (registered) => {
      // What is there already cannot be put back over something newer: it is written under the version that was read.
      this.#registered = registered === bundle ? bundle : ((await source.bundle?.(registered)) ?? bundle);
      return this.#registered;
    });
    if (bundle === '') return;
    await trust.observe(bundle);
    this.#serveWhatMay();
  }

  #serveWhatMay(): void {
    const { serve, log } = this.#options;
    const [next, now] = [this.#offered, this.#served];
    if (next.certificate === now.certificate) {
      this.#served = next;
      return;
    }
    if (!this.#mayServe(next, now)) {
      this.#sayWaiting();
      return;
    }
    serve(next);
    this.#served = next;
    this.#isWaiting = false;
    log.info('serving another certificate', { expires: new Date(expiryOf(next)).toISOString() });
  }

  #mayServe(next: Certificates, now: Certificates): boolean {
    const { trust, clock, waits } = this.#options;
    const needsNoNewCA = next.bundle === '' || isPartOf(next.bundle, now.bundle);
    if (!waits || needsNoNewCA || trust.isSettled(next.bundle)) return true;
    // What is served now is of no more use: nothing can be lost by trying the other.
    return expiryOf(now) <= clock.now() || (this.#registered !== undefined && !covers(this.#registered, now));
  }

  #sayWaiting(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.log.info('a new CA is not known to every API server yet; the certificate that it signed is served once it is');
  }
}
